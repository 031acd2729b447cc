// A checkpoint in shards, end to end: dist/cli.js gives the layers it gives for the same weights in one file.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import type { InspectionResult } from '../../../src/inspection/inspectionResult';
import { concat, u64 } from '../checkpoint/crafted';
import { samplePath } from '../inspection/sampleRun';

const count = 3;
const shardName = (i: number): string => `model-0000${i + 1}-of-0000${count}.safetensors`;

interface Header {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Deals the tensors of a safetensors file out to shards, like cards, so that every layer lies in all of them. */
function split(path: string, folder: string): void {
  const bytes = new Uint8Array(readFileSync(path));
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const all = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<string, Header>;
  const metadata = all['__metadata__'];
  const names = Object.keys(all).filter((name) => name !== '__metadata__');
  const weightMap: Record<string, string> = {};
  for (let i = 0; i < count; i++) {
    const header: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata };
    const parts: Uint8Array[] = [];
    let end = 0;
    for (const name of names.filter((_, j) => j % count === i)) {
      const { dtype, shape, data_offsets: offsets } = all[name]!;
      const part = bytes.subarray(8 + length + offsets[0], 8 + length + offsets[1]);
      header[name] = { dtype, shape, data_offsets: [end, end + part.length] };
      end += part.length;
      parts.push(part);
      weightMap[name] = shardName(i);
    }
    const json = new TextEncoder().encode(JSON.stringify(header));
    writeFileSync(join(folder, shardName(i)), concat(u64(json.length), json, ...parts));
  }
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
}

describe('gramlens on shards', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gramlens-cli-shards-'));
  const gramlens = (...args: readonly string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, ['dist/cli.js', ...args], { encoding: 'utf8' });
  const inspect = (checkpoint: string, out: string): InspectionResult => {
    const small = ['--nulls', '4', '--twins', '1', '--repeats', '2', '--backend', 'cpu', '--reproducible', '--quiet'];
    const input = ['--input', `npy:${samplePath('digit-3.npy')}`];
    const run = gramlens('inspect', checkpoint, ...input, ...small, '--out', join(folder, out), '--format', 'json');
    assert.equal(run.status, 0, run.stderr);
    return JSON.parse(readFileSync(join(folder, out, 'result.json'), 'utf8')) as InspectionResult;
  };
  before(() => {
    split(samplePath('digits-softmax.safetensors'), folder);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('inspects a folder of three shards as it inspects the one file', () => {
    const whole = inspect(samplePath('digits-softmax.safetensors'), 'whole');
    const shards = inspect(folder, 'shards');
    assert.ok(whole.layers.length > 1);
    assert.deepEqual(shards.layers, whole.layers);
    assert.deepEqual(shards.output, whole.output);
    assert.deepEqual(shards.model, whole.model);
    const digests = Array.from({ length: count }, (_, i) =>
      createHash('sha256')
        .update(readFileSync(join(folder, shardName(i))))
        .digest('hex'),
    );
    const { checkpoint } = shards.provenance;
    assert.equal(checkpoint.sha256, createHash('sha256').update(digests.join('')).digest('hex'));
    assert.equal(checkpoint.name, 'model.safetensors.index.json');
    assert.deepEqual(checkpoint.dtypes, whole.provenance.checkpoint.dtypes);
  });

  it('lists the shards with their tensors', () => {
    const { status, stdout, stderr } = gramlens('tensors', join(folder, shardName(1)));
    assert.equal(status, 0);
    assert.match(stderr, /model\.safetensors\.index\.json: safetensors, \d+ tensors in 3 shards/);
    assert.match(stderr, /note: model-00002-of-00003\.safetensors is one of 3 shards; the whole checkpoint was opened/);
    assert.match(stdout, /^blocks\.0\.attn\.qkv\.weight/m);
    const listing = JSON.parse(gramlens('tensors', folder, '--json').stdout) as {
      readonly shards: readonly { readonly name: string }[];
      readonly tensors: readonly { readonly shard: string }[];
    };
    assert.deepEqual(
      listing.shards.map(({ name }) => name),
      [0, 1, 2].map(shardName),
    );
    assert.deepEqual(new Set(listing.tensors.map(({ shard }) => shard)), new Set([0, 1, 2].map(shardName)));
  });

  it('names a shard that is gone, and ends with 2', () => {
    rmSync(join(folder, shardName(2)));
    const run = gramlens('inspect', folder, '--input', 'random', '--out', join(folder, 'gone'));
    assert.equal(run.status, 2);
    assert.equal(
      run.stderr,
      'gramlens: model.safetensors.index.json: the shard "model-00003-of-00003.safetensors" is missing. Download it into the same folder.\n',
    );
  });
});
