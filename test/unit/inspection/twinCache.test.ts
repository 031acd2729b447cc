// Numbers of untrained twins from run to run: the same bytes with and without, found by everything that they depend on and
// by nothing else, and computed again where an entry is damaged.

import { before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../../../src/cli/cacheFolder';
import { openBytes } from '../../../src/inspection/node/checkpointFile';
import type { InspectionRequest } from '../../../src/inspection/inspectionRequest';
import type { InspectionResult } from '../../../src/inspection/inspectionResult';
import { forgetOldest, TwinCache } from '../../../src/inspection/node/twinCache';
import { readInput } from '../../../src/inspection/node/readInput';
import { samplePath, sampleRequest } from './sampleRun';

const sample = 'digits-softmax.safetensors';
const folder = (): string => mkdtempSync(join(tmpdir(), 'gramlens-twins-'));

function inspect(checkpoint: string, cache: string, ...more: readonly string[]): { said: string; text: string } {
  const out = folder();
  const common = ['--layers', '1', '--heads', '0,2', '--twins', '3', '--nulls', '2', '--study-nulls', '0', '--noise'];
  const options = [...common, 'none', '--backend', 'cpu', '--reproducible', '--format', 'json'];
  const run = spawnSync(
    process.execPath,
    ['dist/cli.js', 'inspect', checkpoint, ...options, '--cache', cache, '--out', out, ...more],
    { encoding: 'utf8' },
  );
  assert.equal(run.status, 0, run.stderr);
  return { said: run.stderr, text: readFileSync(join(out, 'result.json'), 'utf8') };
}

const known = /^twins +known from an earlier run on this input: untrained twins depend on .* not on trained weights$/m;

describe('untrained twins from run to run', () => {
  const cache = join(folder(), 'twins');
  let without = '';
  let first: ReturnType<typeof inspect>;

  before(() => {
    without = inspect(samplePath(sample), 'none').text;
    first = inspect(samplePath(sample), cache);
  });

  it('gives the same bytes with an entry, while it is made, and without; the plan knows', () => {
    assert.equal(first.text, without);
    assert.doesNotMatch(first.said, known);
    assert.equal(readdirSync(cache).length, 1);
    const second = inspect(samplePath(sample), cache);
    assert.match(second.said, known);
    assert.equal(second.text, without);
  });

  it('is the same entry for a checkpoint of another epoch', () => {
    const bytes = readFileSync(samplePath(sample));
    // The lowest bits of the last weights: a network of the same shapes.
    for (let at = bytes.length - 4000; at < bytes.length; at += 4) bytes[at]! ^= 0x7f;
    const other = join(folder(), 'epoch-2.safetensors');
    writeFileSync(other, bytes);
    const run = inspect(other, cache);
    assert.match(run.said, known);
    assert.equal(run.text, inspect(other, 'none').text);
    assert.equal(readdirSync(cache).length, 1);
  });

  it('says that an entry is damaged, and computes it again', () => {
    const [name] = readdirSync(cache);
    const whole = readFileSync(join(cache, name!), 'utf8');
    writeFileSync(join(cache, name!), whole.replace('"overlap":0.6', '"overlap":0.7'));
    const run = inspect(samplePath(sample), cache);
    assert.match(
      run.said,
      /^What an earlier run kept of untrained twins cannot be used and is computed again: .*\.twins/m,
    );
    assert.doesNotMatch(run.said, known);
    assert.equal(run.text, without);
    assert.equal(readFileSync(join(cache, name!), 'utf8'), whole);
  });

  it('is found by all that twins depend on, and by nothing else', async () => {
    const own = folder();
    const request = await sampleRequest(sample, 'cpu', { keepTensors: false });
    const bytes = openBytes({ path: samplePath(sample) });
    const open = (one: InspectionRequest): Promise<TwinCache | null> =>
      TwinCache.open(one, bytes, {
        folder: own,
        script: 'dist/runner.js',
        warn: (sentence) => assert.ok(false, sentence),
      });
    const draw = { overlap: 0.1 + 0.2, energy: 1e-17, rayleigh: 1 };
    const numbers = { theory: [draw, null], plain: [draw, draw] };
    const fresh = (await open({ ...request, heads: [0, 1] }))!;
    assert.equal(fresh.known, null);
    for (const layer of request.layers) for (const head of [0, 1]) fresh.add(layer, head, numbers);
    await fresh.write();
    const finds = async (change: Partial<InspectionRequest>): Promise<boolean> =>
      (await open({ ...request, heads: [0, 1], ...change }))!.known !== null;
    assert.deepEqual((await open({ ...request, heads: [1] }))!.known!.get('0/1'), numbers);
    const { spec } = request;
    const same: Record<string, Partial<InspectionRequest>> = {
      layers: { layers: [0] },
      'nulls, noise': { nulls: 1, studyNulls: 0, noise: { kinds: [], levels: {}, repeats: 1 } },
      'RPC beside the model': { rpc: { ...request.rpc, lambda: 1 } },
      'words about the input': { input: { ...request.input, label: 'another name', sha256: '0' } },
      'words about the model': { spec: { ...spec, notes: ['another note'], facts: [] } },
      'another float64 backend': { backend: 'webgpu', backendReason: 'there is one' },
    };
    for (const [name, change] of Object.entries(same)) assert.equal(await finds(change), true, name);
    const others: Record<string, Partial<InspectionRequest>> = {
      'a head that was not run': { heads: [0, 1, 2] },
      seed: { seed: 1 },
      'number of twins': { twins: 3 },
      kernels: { backend: 'reference' },
      input: { input: await readInput('random:1', spec) },
      epsilon: { spec: { ...spec, layerNormEps: 1e-5 } },
      family: { spec: { ...spec, family: 'symvit' } },
      'which keys': { gram: { ...request.gram, keys: 'pre-rope' } },
      'what flows on': { forward: 'rpc' },
      'RPC that flows on': { forward: 'rpc', rpc: { ...request.rpc, lambda: 1 } },
    };
    for (const [name, change] of Object.entries(others)) assert.equal(await finds(change), false, name);
    await bytes.close();
  });

  it('stays below its size: the longest unused go first', async () => {
    const own = folder();
    const name = (digit: string): string => `${digit.repeat(64)}.twins`;
    for (const [age, digit] of ['a', 'b', 'c'].entries()) {
      writeFileSync(join(own, name(digit)), new Uint8Array(100));
      utimesSync(join(own, name(digit)), 1e9, 1e9 + age);
    }
    writeFileSync(join(own, 'not ours'), new Uint8Array(1000));
    writeFileSync(join(own, `${name('d')}.1234.partial`), '');
    utimesSync(join(own, `${name('d')}.1234.partial`), 1e9, 1e9);
    await forgetOldest(own, 250);
    assert.deepEqual(readdirSync(own).sort(), [name('b'), name('c'), 'not ours']);
  });

  it('lies where the system says, and nowhere on request', () => {
    assert.equal(cacheFolder('none', {}, 'linux'), null);
    assert.equal(cacheFolder(undefined, { XDG_CACHE_HOME: '/x' }, 'linux'), '/x/gramlens/twins');
    assert.match(cacheFolder(undefined, { XDG_CACHE_HOME: 'x' }, 'linux')!, /\/\.cache\/gramlens\/twins$/);
    assert.match(cacheFolder(undefined, {}, 'darwin')!, /\/Library\/Caches\/gramlens\/twins$/);
    const { provenance } = JSON.parse(without) as InspectionResult;
    assert.equal(provenance.twins, 3);
    assert.equal(existsSync('none'), false);
  });
});
