// PyTorch files written by PyTorch itself (test/fixtures/checkpoint/make_fixtures.py) against the values PyTorch
// reads back from them (golden.json, with its versions).

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import type { ByteSource } from '../../../src/checkpoint/byteSource';
import type { CheckpointError } from '../../../src/checkpoint/checkpointError';
import { openFileSource } from '../../../src/checkpoint/node/fileSource';
import { readCheckpoint } from '../../../src/checkpoint/readCheckpoint';
import { readTensor } from '../../../src/checkpoint/readTensor';
import type { TensorIndex } from '../../../src/checkpoint/tensorIndex';

interface Golden {
  readonly entries: Readonly<
    Record<string, Readonly<Record<string, { shape: number[]; dtype: string; values: (number | string)[] }>>>
  >;
}
const folder = join(process.cwd(), 'test/fixtures/checkpoint');
const golden = JSON.parse(readFileSync(join(folder, 'golden.json'), 'utf8')) as Golden;

async function open<T>(file: string, use: (source: ByteSource, index: TensorIndex) => Promise<T>): Promise<T> {
  const source = await openFileSource(join(folder, file));
  try {
    return await use(source, await readCheckpoint(source));
  } finally {
    await source.close();
  }
}

/** Names, dtypes, shapes and every value, bit for bit. */
async function compare(
  file: string,
  key: string,
  format: TensorIndex['format'],
  ignore: readonly string[] = [],
): Promise<void> {
  await open(file, async (source, index) => {
    assert.equal(index.format, format);
    const expected = golden.entries[key]!;
    assert.deepEqual(
      [...index.entries.keys()].filter((name) => !ignore.includes(name)).sort(),
      Object.keys(expected).sort(),
    );
    for (const [name, { shape, dtype, values }] of Object.entries(expected)) {
      const entry = index.entries.get(name)!;
      assert.deepEqual(entry.shape, shape, name);
      assert.equal(entry.dtype, dtype, name);
      const read = [...(await readTensor(source, entry))];
      assert.deepEqual(
        read,
        values.map((v) => (typeof v === 'string' ? Number(v.replace('inf', 'Infinity')) : v)),
        name,
      );
    }
  });
}

describe('checkpoint: torch', () => {
  for (const [kind, format] of [
    ['zip', 'torch-zip'],
    ['legacy', 'torch-legacy'],
  ] as const) {
    it(`reads a state dict of every dtype and view (${kind})`, () => compare(`state.${kind}.pt`, 'state', format));
    it(`reads a training dict (${kind})`, () => compare(`training.${kind}.pt`, 'training', format));
    for (const protocol of [3, 4, 5]) {
      it(`reads pickle protocol ${protocol} (${kind})`, () =>
        compare(`protocol${protocol}.${kind}.pt`, 'training', format));
    }
    it(`reads shared storages once and gives strides only where needed (${kind})`, () =>
      open(`state.${kind}.pt`, async (_, { entries }) => {
        const at = (name: string) => entries.get(`view.${name}`)!;
        assert.equal(at('tied').byteOffset, at('whole').byteOffset);
        assert.equal(at('whole').strides, undefined);
        assert.deepEqual(at('transposed').strides, [1, 6]);
        assert.equal(at('rows').byteOffset - at('whole').byteOffset, 48);
        assert.equal(at('rows').strides, undefined);
        assert.deepEqual(at('columns').strides, [6, 1]);
        assert.equal(at('columns').byteLength, (3 * 6 + 2 + 1) * 4);
        assert.deepEqual(at('expanded').strides, [0, 0]);
        assert.equal(at('expanded').byteLength, 4);
        await Promise.resolve();
      }));
  }

  for (const file of ['training.zip.pt', 'training.legacy.pt', 'protocol4.zip.pt', 'protocol5.legacy.pt']) {
    it(`shows args and what stands beside the tensors as plain data (${file})`, () =>
      open(file, async (_, { tree, notes }) => {
        const args = tree!['args'] as Record<string, unknown>;
        const { colour, ...rest } = args;
        assert.deepEqual(rest, {
          model: 'deit_tiny_patch16_224',
          robust: true,
          num_iter: 4,
          lambd: 4,
          layer: 0,
          lr: 5e-4,
          output_dir: '/data/runs/a',
          betas: [0.9, 0.999],
          resume: '',
          device: 'cpu',
          dtype: 'torch.float32',
          names: ['b'],
          none: null,
          huge: 2n ** 80n,
        });
        assert.equal((colour as { kind: string }).kind, 'opaque');
        assert.equal(tree!['epoch'], 7);
        assert.equal(tree!['best'], 0.5);
        assert.equal(tree!['count'], -3);
        assert.deepEqual(tree!['history'], { loss: [0.25] });
        assert.deepEqual(tree!['curve'], [1, 2, 3, 4]);
        assert.deepEqual(tree!['shape'], [2, 3]);
        assert.deepEqual(tree!['unknown'], { kind: 'opaque', className: '__main__.Harmless' });
        assert.deepEqual(tree!['kind'], { kind: 'opaque', className: '__main__.Harmless.Nested' });
        assert.deepEqual((tree!['model'] as Record<string, unknown>)['proj.weight'], {
          kind: 'tensor',
          name: 'model.proj.weight',
        });
        assert.ok(
          notes.includes(
            '"unknown": "__main__.Harmless" is shown by name only; Gramlens builds no objects from a file.',
          ),
        );
        await Promise.resolve();
      }));
  }

  it('lists the parameters of a module that was pickled whole', async () => {
    await compare('module.zip.pt', 'module', 'torch-zip');
    await open('module.zip.pt', async (_, { notes }) => {
      assert.equal(
        notes[0],
        'the top level is a pickled module ("__main__.Net"): its parameters are listed, its code is not run.',
      );
      await Promise.resolve();
    });
  });
  it('lists the parameters of a TorchScript archive', () => compare('script.zip.pt', 'script', 'torch-zip'));
  it('reads small files of both formats', async () => {
    await compare('small.zip.pt', 'small', 'torch-zip');
    await compare('small.legacy.pt', 'small', 'torch-legacy');
  });
  it('reads tensors saved from CUDA', () => compare('cuda.zip.pt', 'small', 'torch-zip'));
  it('reads big-endian storages', () => compare('big-endian.zip.pt', 'small', 'torch-zip'));

  it('lists a repacked archive and says why its tensors cannot be read', () =>
    open('deflated.zip.pt', async (source, { entries }) => {
      assert.deepEqual([...entries.keys()], ['w', 'h', 'i']);
      const message =
        'deflated.zip.pt: tensor "w" cannot be read. The archive member "archive/data/0" is compressed, so it cannot be read by range. ' +
        "Save it again in Python: torch.save(model.state_dict(), 'weights.pt') or safetensors.torch.save_file.";
      await assert.rejects(readTensor(source, entries.get('w')!), { message });
    }));

  it('shows complex, quantised and sparse tensors without reading them', async () => {
    await compare('odd.zip.pt', 'odd', 'torch-zip', ['complex', 'quantised', 'sparse']);
    await open('odd.zip.pt', async (_, { entries }) => {
      const problems = ['complex', 'quantised', 'sparse'].map((name) => entries.get(name)?.problem);
      assert.deepEqual(problems, [
        'Gramlens cannot read dtype "torch.ComplexFloatStorage". Convert the tensor to float32 in Python.',
        'It is quantised; call .dequantize() in Python and save it again.',
        'It is sparse; call .to_dense() in Python and save it again.',
      ]);
      assert.deepEqual(entries.get('sparse')?.shape, [2, 2]);
      await Promise.resolve();
    });
  });

  const refused = [
    ['runs-code.zip.pt', 'data.pkl', 'posix.system'],
    ['runs-code.legacy.pt', 'the object pickle', 'posix.system'],
    ['runs-code.pkl', 'the pickle', 'posix.system'],
    ['runs-eval.zip.pt', 'data.pkl', '__builtin__.eval'],
  ] as const;
  for (const [file, place, name] of refused) {
    it(`refuses ${file} and executes nothing`, async () => {
      const canary = join(process.cwd(), 'gramlens-canary');
      assert.equal(existsSync(canary), false);
      await assert.rejects(
        open(file, () => Promise.resolve()),
        (error: CheckpointError) => {
          assert.equal(error.reason, 'unsafe');
          assert.equal(error.facts['name'], name);
          assert.equal(
            error.message,
            `${file}: ${place} names "${name}", which can run code when Python loads the file. Gramlens refuses it; nothing was executed. ` +
              'If you trust its author, load it in Python in a sandbox and save the weights as safetensors.',
          );
          return true;
        },
      );
      assert.equal(existsSync(canary), false);
    });
  }
});
