// Broken and crafted sharded checkpoints: one clear sentence each, exact text, nothing outside the folder opened, in
// bounded time and memory. And a 30 GB one, listed from its headers.

import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { CheckpointError } from '../../src/checkpoint/checkpointError';
import { readCheckpointIn } from '../../src/checkpoint/shards/openFolder';
import { concat, safetensors, u64 } from '../unit/checkpoint/crafted';
import { indexText, memoryFolder } from '../unit/checkpoint/memoryFolder';
import { describeTable, listCheckpoint, maxListMB, maxListMs } from './bars';
import { indexName } from './shardFiles';

const jsonText =
  'this is a JSON text. Open the weights beside it, or their folder. Gramlens opens safetensors, ONNX, GGUF and NumPy .npz files, checkpoints written by torch.save, and folders with one of them.';

describe('hostile: shards', () => {
  const temporary = mkdtempSync(join(tmpdir(), 'gramlens-shards-'));
  after(() => rmSync(temporary, { recursive: true }));
  describeTable('shards');

  it('an index that names itself is no shard', async () => {
    const files = { [indexName]: indexText({ w: indexName }) };
    const folder = memoryFolder(files);
    await assert.rejects(readCheckpointIn(folder, null), (error: unknown) => {
      assert.ok(error instanceof CheckpointError);
      assert.equal(error.message, `${indexName}: ${jsonText}`);
      return true;
    });
  });

  it('an index named as a shard of itself ends', async () => {
    const name = 'x-00001-of-00002.bin';
    const folder = memoryFolder({ [name]: indexText({ w: name }), 'x.bin.index.json': indexText({ w: name }) });
    await assert.rejects(readCheckpointIn(folder, name), (error: unknown) => {
      assert.ok(error instanceof CheckpointError);
      assert.equal(error.message, `${name}: ${jsonText}`);
      return true;
    });
  });

  it('names that are odd but harmless stay names', async () => {
    const folder = memoryFolder({
      [indexName]: '{"weight_map": {"__proto__": "x", "constructor": "x", "../w": "x"}}',
      x: safetensors(
        '{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"constructor":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"../w":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}',
        [1, 2, 3],
      ),
    });
    const { index } = await readCheckpointIn(folder, null);
    assert.deepEqual([...index.entries.keys()].sort(), ['../w', '__proto__', 'constructor']);
  });

  it('lists a sparse LLaMA-shaped checkpoint of 30 GB in shards from its headers', () => {
    const folder = join(temporary, 'llama');
    mkdirSync(folder);
    const { tensors, shards, byteLength } = writeSparseLlama(folder);
    const listed = listCheckpoint(folder);
    assert.deepEqual([listed.entries, listed.shards, listed.byteLength], [tensors, shards, byteLength]);
    assert.ok(byteLength > 30e9, `${byteLength} bytes`);
    assert.ok(listed.cpuMs < maxListMs, `${listed.cpuMs.toFixed(0)} ms, allowed ${maxListMs}`);
    assert.ok(listed.peakMB < maxListMB, `${listed.peakMB.toFixed(0)} MB, allowed ${maxListMB}`);
    console.log(
      `      ${(byteLength / 1e9).toFixed(1)} GB in ${shards} shards: ${listed.cpuMs.toFixed(0)} ms, ${listed.peakMB.toFixed(0)} MB`,
    );
  });
});

/** Layers of a 13B LLaMA (C 5120, 48 layers, BF16) split at 5 GB a shard, as holes behind real headers. */
function writeSparseLlama(folder: string): { tensors: number; shards: number; byteLength: number } {
  const [width, inner, vocabulary, layers, maxBytes] = [5120, 13_824, 32_000, 48, 5e9];
  const sizes: [string, readonly number[]][] = [['model.embed_tokens.weight', [vocabulary, width]]];
  for (let i = 0; i < layers; i++) {
    const at = `model.layers.${i}`;
    for (const name of ['q', 'k', 'v', 'o']) sizes.push([`${at}.self_attn.${name}_proj.weight`, [width, width]]);
    for (const name of ['gate', 'up']) sizes.push([`${at}.mlp.${name}_proj.weight`, [inner, width]]);
    sizes.push([`${at}.mlp.down_proj.weight`, [width, inner]]);
    for (const name of ['input', 'post_attention']) sizes.push([`${at}.${name}_layernorm.weight`, [width]]);
  }
  sizes.push(['model.norm.weight', [width]], ['lm_head.weight', [vocabulary, width]]);
  const parts: [string, readonly number[]][][] = [[]];
  let filled = 0;
  for (const item of sizes) {
    const bytes = item[1].reduce((product, n) => product * n, 2);
    if (filled + bytes > maxBytes) {
      parts.push([]);
      filled = 0;
    }
    parts.at(-1)!.push(item);
    filled += bytes;
  }
  const weightMap: Record<string, string> = {};
  let byteLength = 0;
  for (const [i, part] of parts.entries()) {
    const five = (n: number): string => String(n).padStart(5, '0');
    const file = `model-${five(i + 1)}-of-${five(parts.length)}.safetensors`;
    const header: Record<string, unknown> = {};
    let end = 0;
    for (const [name, shape] of part) {
      const begin = end;
      end += shape.reduce((product, n) => product * n, 2);
      header[name] = { dtype: 'BF16', shape, data_offsets: [begin, end] };
      weightMap[name] = file;
    }
    const json = new TextEncoder().encode(JSON.stringify(header));
    const handle = openSync(join(folder, file), 'w');
    writeSync(handle, concat(u64(json.length), json));
    ftruncateSync(handle, 8 + json.length + end);
    closeSync(handle);
    byteLength += 8 + json.length + end;
  }
  writeFileSync(join(folder, indexName), indexText(weightMap));
  return { tensors: sizes.length, shards: parts.length, byteLength };
}
