// A LLaMA-shaped checkpoint of 30 GB (sparse, so that it takes no disk) through dist/cli.js: its memory is that of one
// layer. Minutes long: with the slow checks only.

import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, rmSync, ftruncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultRpc, noiseSettings } from '../../../src/inspection/defaults';
import { openCheckpoint } from '../../../src/inspection/node/openCheckpoint';
import { readInput } from '../../../src/inspection/node/readInput';
import { heldByteLength, planInspection } from '../../../src/inspection/plan';
import { makeRequest } from '../../../src/inspection/request';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { u64 } from '../checkpoint/crafted';

const [width, mlp, heads, kvHeads, vocabulary] = [4096, 14336, 32, 8, 32000];
/** float32, as the file has it. */
const layerBytes = 4 * (2 * width * width + 2 * (width / heads) * kvHeads * width + 3 * width * mlp);
/** What a run may take beside its largest layer. */
const allowance = 500e6;

/** Every process and thread of the run says its peak when it ends; the process counts all its threads. */
const preload = `process.on('exit', () => {
  const peak = /VmHWM:\\s*(\\d+)/.exec(require('node:fs').readFileSync('/proc/self/status', 'utf8'));
  require('node:fs').writeSync(2, '\\npeakKB ' + peak[1] + '\\n');
});`;

function writeModel(folder: string, layers: number): void {
  const weightMap: Record<string, string> = {};
  const shard = (number: number, tensors: readonly (readonly [string, readonly number[]])[]): void => {
    const name = `model-${String(number + 1).padStart(5, '0')}-of-${String(layers + 1).padStart(5, '0')}.safetensors`;
    const header: Record<string, unknown> = {};
    let end = 0;
    for (const [tensor, shape] of tensors) {
      const start = end;
      end += 4 * shape.reduce((product, n) => product * n, 1);
      header[tensor] = { dtype: 'F32', shape, data_offsets: [start, end] };
      weightMap[tensor] = name;
    }
    const json = new TextEncoder().encode(JSON.stringify(header));
    const file = openSync(join(folder, name), 'w');
    writeSync(file, u64(json.length));
    writeSync(file, json);
    ftruncateSync(file, 8 + json.length + end);
    closeSync(file);
  };
  for (let i = 0; i < layers; i++) {
    const at = (name: string, ...shape: readonly number[]) => [`model.layers.${i}.${name}.weight`, shape] as const;
    const narrow = (width / heads) * kvHeads;
    shard(i, [
      at('self_attn.q_proj', width, width),
      at('self_attn.k_proj', narrow, width),
      at('self_attn.v_proj', narrow, width),
      at('self_attn.o_proj', width, width),
      at('mlp.gate_proj', mlp, width),
      at('mlp.up_proj', mlp, width),
      at('mlp.down_proj', width, mlp),
      at('input_layernorm', width),
      at('post_attention_layernorm', width),
    ]);
  }
  shard(layers, [
    ['model.embed_tokens.weight', [vocabulary, width]],
    ['model.norm.weight', [width]],
    ['lm_head.weight', [vocabulary, width]],
  ]);
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
  const config = {
    model_type: 'llama',
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    rms_norm_eps: 1e-5,
    max_position_embeddings: 2048,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'preload.cjs'), preload);
}

describe('the plan of a checkpoint of large layers', () => {
  it('promises the memory of one layer, twins or not', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gramlens-large-'));
    try {
      writeModel(folder, 2);
      const { index, config } = await openCheckpoint(folder);
      const spec = inferModelSpec(index, config, {});
      const choices = {
        layers: null,
        heads: null,
        rpc: defaultRpc(spec),
        forward: 'native' as const,
        noise: noiseSettings(['key_gauss'], null, 2),
        nulls: 20,
        seed: 0,
        keepTensors: false,
      };
      const input = await readInput('tokens:1,2,3,4,5,6,7,8', spec);
      const cpu = { kind: 'cpu', reason: 'test' } as const;
      for (const twins of [0, 20]) {
        const request = makeRequest(index, spec, input, cpu, { ...choices, twins }, '0.0.0-test');
        const { peakByteLength } = planInspection(request, heldByteLength(index, spec), 2, '');
        assert.ok(peakByteLength > layerBytes && peakByteLength <= layerBytes + allowance, `${peakByteLength} bytes`);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a 30 GB checkpoint', function () {
  this.timeout(1_800_000);
  let folder = '';
  before(function () {
    if (process.env['GRAMLENS_FULL'] !== '1' || process.platform !== 'linux') this.skip();
    folder = mkdtempSync(join(tmpdir(), 'gramlens-large-'));
    writeModel(folder, Math.ceil(30e9 / layerBytes));
  });
  after(() => {
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });
  const gramlens = (...args: readonly string[]): { status: number | null; stderr: string; peak: number } => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--require', join(folder, 'preload.cjs'), 'dist/cli.js', ...args],
      { encoding: 'utf8' },
    );
    const peaks = [...stderr.matchAll(/peakKB (\d+)/g)].map((match) => 1024 * Number(match[1]));
    return { status, stderr, peak: Math.max(...peaks) };
  };

  for (const [twins, what] of [
    [0, 'two of its layers are inspected in the memory of one'],
    [2, 'untrained twins take no memory beside it'],
  ] as const) {
    it(what, () => {
      const options = ['--layers', '0-1', '--twins', String(twins), '--nulls', '20', '--repeats', '2'];
      const { status, stderr, peak } = gramlens(
        ...['inspect', folder, '--input', 'tokens:1,2,3,4,5,6,7,8', ...options],
        ...['--backend', 'cpu', '--format', 'json', '--quiet', '--out', join(folder, 'out')],
      );
      assert.equal(status, 0, stderr);
      const limit = layerBytes + allowance;
      assert.ok(peak <= limit, `peak ${Math.round(peak / 1e6)} MB, allowed ${Math.round(limit / 1e6)} MB`);
      console.log(`      peak ${Math.round(peak / 1e6)} MB of ${Math.round(limit / 1e6)} MB`);
    });
  }
});
