// Sharded checkpoints and folders: the same tensors whether opened by index, by a shard or by folder, and which file
// of a folder is meant. Broken ones are in test/hostile/shards.test.ts.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { CheckpointError } from '../../../src/checkpoint/checkpointError';
import { checkpointCandidates } from '../../../src/checkpoint/shards/chooseFile';
import { readCheckpointIn } from '../../../src/checkpoint/shards/openFolder';
import { readTensor } from '../../../src/checkpoint/readTensor';
import { hashCheckpoint, openBytes } from '../../../src/inspection/node/checkpointFile';
import { openCheckpoint } from '../../../src/inspection/node/openCheckpoint';
import { indexText, memoryFolder, numbers } from './memoryFolder';

const fixtures = 'test/fixtures/shards';
const golden = JSON.parse(readFileSync(join(fixtures, 'golden.json'), 'utf8')) as {
  tensors: Record<string, { shape: number[]; values: number[] }>;
};
const temporary = mkdtempSync(join(tmpdir(), 'gramlens-shards-'));

/** Opens `path` and holds every tensor against PyTorch's numbers. */
async function checkAll(path: string, shards: number): Promise<readonly string[]> {
  const { index, file } = await openCheckpoint(path);
  assert.deepEqual([...index.entries.keys()].sort(), Object.keys(golden.tensors).sort());
  assert.equal(index.shards?.length, shards);
  const bytes = openBytes(file);
  for (const [name, { shape, values }] of Object.entries(golden.tensors)) {
    const entry = index.entries.get(name)!;
    assert.deepEqual(entry.shape, shape, name);
    assert.deepEqual([...(await readTensor(await bytes.source(entry.shard), entry))], values, name);
  }
  await bytes.close();
  return index.notes;
}

describe('checkpoint: shards', () => {
  after(() => rmSync(temporary, { recursive: true }));

  for (const [kind, indexName, shard, count] of [
    ['safetensors', 'model.safetensors.index.json', 'model-00002-of-00003.safetensors', 3],
    ['torch', 'pytorch_model.bin.index.json', 'pytorch_model-00002-of-00002.bin', 2],
  ] as const) {
    it(`reads ${kind} shards by index, by folder and by any shard`, async () => {
      const folder = join(fixtures, kind);
      assert.deepEqual(await checkAll(join(folder, indexName), count), []);
      assert.deepEqual(await checkAll(folder, count), []);
      const notes = await checkAll(join(folder, shard), count);
      assert.deepEqual(notes, [
        `${shard} is one of ${count} shards; the whole checkpoint was opened through ${indexName}.`,
      ]);
    });
  }

  it('says format, sizes and metadata of all shards together', async () => {
    const { index, path, file } = await openCheckpoint(join(fixtures, 'safetensors'));
    assert.equal(index.format, 'safetensors');
    assert.equal(index.fileName, 'model.safetensors.index.json');
    assert.equal(path, join(fixtures, 'safetensors', 'model.safetensors.index.json'));
    assert.deepEqual(index.metadata, { format: 'pt' });
    assert.equal(
      index.byteLength,
      index.shards!.reduce((sum, shard) => sum + readFileSync(join(fixtures, 'safetensors', shard.name)).length, 0),
    );
    const names = index.shards!.map(({ name }) => name);
    assert.deepEqual(file, { path, shards: names });
    const hex = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
    const digests = names.map((name) => hex(readFileSync(join(fixtures, 'safetensors', name))));
    assert.equal(await hashCheckpoint(file), hex(digests.join('')));
  });

  it('opens a shard alone where no index lists it, and says so', async () => {
    const shard = 'model-00002-of-00003.safetensors';
    const files = { [shard]: numbers({ a: 1 }), 'model.safetensors.index.json': indexText({ b: 'other.safetensors' }) };
    for (const given of [{ [shard]: files[shard] }, files]) {
      const { index, fileName } = await readCheckpointIn(memoryFolder(given), shard);
      assert.equal(fileName, shard);
      assert.equal(index.shards, undefined);
      assert.deepEqual(index.notes, [
        'This is shard 2 of 3, and no index lists it (model.safetensors.index.json): only its own tensors are shown.',
      ]);
    }
  });

  it('opens a plain file beside an index that does not name it', async () => {
    const folder = memoryFolder({
      'model.safetensors': numbers({ a: 1 }),
      'big.safetensors.index.json': indexText({ b: 'gone.safetensors' }),
    });
    const { index } = await readCheckpointIn(folder, 'model.safetensors');
    assert.deepEqual([[...index.entries.keys()], index.notes], [['a'], []]);
  });

  it('shows tensors that the index forgot', async () => {
    const folder = memoryFolder({
      'm.safetensors.index.json': indexText({ a: 'sub/x.safetensors' }),
      'sub/x.safetensors': numbers({ a: 1, b: 2 }),
    });
    const { index } = await readCheckpointIn(folder, null);
    assert.deepEqual([...index.entries.keys()], ['a', 'b']);
    assert.equal(index.entries.get('b')!.shard, 'sub/x.safetensors');
    assert.deepEqual(index.notes, ['1 tensors of the shards do not stand in the index; they are shown too.']);
  });

  it('keeps few files open while listing, and none afterwards', async () => {
    const names = Array.from({ length: 60 }, (_, i) => `x${i}.safetensors`);
    const folder = memoryFolder({
      ...Object.fromEntries(names.map((name, i) => [name, numbers({ [`t${i}`]: i })])),
      'x.safetensors.index.json': indexText(Object.fromEntries(names.map((name, i) => [`t${i}`, name]))),
    });
    assert.equal((await readCheckpointIn(folder, null)).index.entries.size, 60);
    assert.equal(folder.openNow(), 0);
    assert.ok(folder.mostOpen() <= 5, `${folder.mostOpen()} files were open`);
  });

  it('finds what lies beside the weights, through links as the hub keeps them', async () => {
    const blobs = join(temporary, 'blobs');
    const snapshot = join(temporary, 'snapshot');
    cpSync(join(fixtures, 'safetensors'), blobs, { recursive: true });
    cpSync(join(fixtures, 'torch'), snapshot, { recursive: true });
    const { index: single } = await openCheckpoint(blobs);
    for (const { name } of single.shards!) symlinkSync(join(blobs, name), join(snapshot, name));
    symlinkSync(join(blobs, 'model.safetensors.index.json'), join(snapshot, 'model.safetensors.index.json'));
    writeFileSync(join(snapshot, 'config.json'), '{"model_type": "llama"}');
    writeFileSync(join(snapshot, 'preprocessor_config.json'), '{"do_resize": true}');
    writeFileSync(join(snapshot, 'tokenizer.json'), '{}');
    const opened = await openCheckpoint(snapshot);
    assert.equal(opened.index.fileName, 'model.safetensors.index.json');
    assert.deepEqual(opened.config, { model_type: 'llama' });
    assert.deepEqual(opened.preprocessor, { do_resize: true });
    assert.deepEqual(await opened.beside('tokenizer.json', 100), new TextEncoder().encode('{}'));
    assert.equal(await opened.beside('tokenizer.json', 1), 'tooLarge');
    const bare = await openCheckpoint(blobs);
    const tokenizer = await bare.beside('tokenizer.json', 100);
    assert.deepEqual([bare.config, bare.preprocessor, tokenizer], [null, null, null]);
  });

  it('opens nothing that is no shard of the checkpoint', async () => {
    const { file } = await openCheckpoint(join(fixtures, 'safetensors'));
    const bytes = openBytes(file);
    for (const name of [undefined, '../golden.json', 'model.safetensors.index.json', '/etc/hostname', '__proto__'])
      await assert.rejects(bytes.source(name), RangeError);
    const shard = 'model-00001-of-00003.safetensors';
    assert.equal((await bytes.source(shard)).name, shard);
    await bytes.close();
    await assert.rejects(bytes.source(shard), /the checkpoint was closed/);
    const single = openBytes({ path: join(fixtures, 'safetensors', shard) });
    await assert.rejects(single.source(shard), RangeError);
    await single.close();
    const memory = openBytes({ name: 'i', bytes: new Uint8Array(0), shards: new Map([['a', Uint8Array.of(7)]]) });
    assert.deepEqual([...(await (await memory.source('a')).read(0, 1))], [7]);
    await assert.rejects(memory.source('b'), RangeError);
    await assert.rejects(memory.source(), RangeError);
  });
});

describe('checkpoint: which file of a folder', () => {
  const cases: readonly (readonly [what: string, names: readonly string[], candidates: readonly string[]])[] = [
    [
      'the hub name before its .bin twin',
      ['pytorch_model.bin', 'model.safetensors', 'config.json'],
      ['model.safetensors'],
    ],
    [
      'an index before its shards',
      ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json'],
      ['model.safetensors.index.json'],
    ],
    [
      'an index of another name',
      ['diffusion_model-00001-of-00001.safetensors', 'diffusion_model.safetensors.index.json'],
      ['diffusion_model.safetensors.index.json'],
    ],
    [
      'torch shards',
      ['pytorch_model.bin.index.json', 'pytorch_model-00001-of-00001.bin'],
      ['pytorch_model.bin.index.json'],
    ],
    ['the only file of its kind', ['vit.npz', 'readme.md', 'labels.txt', 'input.npy'], ['vit.npz']],
    ['no leftovers of a trainer', ['best.pt', 'optimizer.pt', 'training_args.bin', 'rng_state_0.pth'], ['best.pt']],
    ['several quantisations', ['m.Q8_0.gguf', 'm.Q4_0.gguf'], ['m.Q4_0.gguf', 'm.Q8_0.gguf']],
    ['nothing', ['config.json', 'notes.txt', 'index.json'], []],
  ];
  for (const [what, names, candidates] of cases)
    it(what, () => {
      assert.deepEqual(checkpointCandidates(names), candidates);
    });

  it('asks when there are several, names them when nobody can be asked', async () => {
    const names = ['g', 'f', 'e', 'd', 'c', 'b', 'a'].map((name) => `${name}.safetensors`);
    const folder = memoryFolder(Object.fromEntries(names.map((name) => [name, numbers({ [name]: 1 })])));
    const asked: string[] = [];
    const { index } = await readCheckpointIn(folder, null, (candidates) => {
      asked.push(...candidates);
      return Promise.resolve('c.safetensors');
    });
    assert.deepEqual(asked, [...names].sort());
    assert.deepEqual([...index.entries.keys()], ['c.safetensors']);
    await assert.rejects(readCheckpointIn(folder, null), (error: unknown) => {
      assert.ok(error instanceof CheckpointError);
      assert.equal(error.reason, 'ambiguous');
      assert.equal(
        error.message,
        'folder: this folder has 7 checkpoints: "a.safetensors", "b.safetensors", "c.safetensors", "d.safetensors", "e.safetensors", "f.safetensors" and 1 more. Open one of them by its name.',
      );
      return true;
    });
  });

  it('says when there is none', async () => {
    await assert.rejects(readCheckpointIn(memoryFolder({ 'config.json': '{}' }), null), {
      name: 'CheckpointError',
      message:
        'folder: there is no checkpoint in this folder. Open the folder that holds the weights. Gramlens opens safetensors, ONNX, GGUF and NumPy .npz files, checkpoints written by torch.save, and folders with one of them.',
    });
  });
});
