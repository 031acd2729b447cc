// Several inputs through dist/cli.js: each as if it were alone, cancelled and gone on with, broken ones named.

import { before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InspectionResult } from '../../../src/inspection/inspectionResult';
import { WatchedCheckpoint } from '../../../src/inspection/node/watchedCheckpoint';
import { asResult } from '../../../src/inspection/resultSchema';
import { resultJson } from '../../../src/report/resultJson';
import { samplePath } from '../inspection/sampleRun';

const softmax = samplePath('digits-softmax.safetensors');
const pictures = ['digit-3.png', 'digit-5.png', 'digit-8.png'];
const options = ['--nulls', '4', '--twins', '0', '--noise', 'key_gauss', '--repeats', '2', '--layers', '1'];
const common = [...options, '--heads', '0,2', '--backend', 'cpu', '--reproducible'];
const inspect = (names: readonly string[], out: string, ...more: readonly string[]): string[] => [
  ...['dist/cli.js', 'inspect', softmax, ...names.flatMap((name) => ['--input', samplePath(name)])],
  ...[...common, '--out', out, ...more],
];

const runner = join(process.cwd(), 'dist', 'runner.js');
const folder = (): string => mkdtempSync(join(tmpdir(), 'gramlens-many-'));

function gramlens(args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('many inputs on the command line', () => {
  const out = folder();
  let run: ReturnType<typeof gramlens>;
  let text = '';

  before(() => {
    const rules = ['alignment.theory.overlap < 2', 'alignment.theory.nulls.random.overlap.p < 2'];
    const failOn = rules.flatMap((rule) => ['--fail-on', rule]);
    run = gramlens(inspect(pictures, out, '--format', 'html,json,csv', ...failOn));
    text = existsSync(join(out, 'result.json')) ? readFileSync(join(out, 'result.json'), 'utf8') : '';
  });

  it('prints the plan of all, which input runs, and means with intervals; --fail-on acts on the means', () => {
    assert.equal(run.status, 1, run.stderr);
    assert.match(run.stderr, /inputs +3, one after the other, the first digit-3\.png; N 50/);
    assert.match(run.stderr, /on cpu for all 3 inputs/);
    assert.match(run.stderr, /Input 3 of 3 \(.*digit-3\.png\): Layer/);
    assert.match(run.stdout, /Mean over 3 inputs ± 95 % interval/);
    const { layers } = JSON.parse(text) as InspectionResult;
    const mean = layers[0]!.heads[1]!.alignment.theory.overlap!;
    assert.ok(run.stderr.includes(`layer 1, head 2 has ${mean}`), run.stderr);
    assert.match(
      run.stderr,
      /overlap\.p was not measured in 2 of 2 heads \(it depends on one input; over several there is .*overlap\.pBelow05\)/,
    );
  });

  it('holds each input to the last digit as a run on it alone, in result.json as in its own file', () => {
    const alone = folder();
    const one = gramlens(inspect(['digit-5.png'], alone, '--format', 'json'));
    assert.equal(one.status, 0, one.stderr);
    const single = readFileSync(join(alone, 'result.json'), 'utf8');
    const [, second] = readdirSync(join(out, 'inputs')).sort();
    assert.equal(readFileSync(join(out, 'inputs', second!), 'utf8'), single);
    const result = asResult(JSON.parse(text), 'result.json');
    assert.equal(result.inputs!.length, 3);
    assert.equal(resultJson(result.inputs![1]!), single);
    // What was written piece by piece is what would be written at once.
    assert.equal(resultJson(result), text);
  });

  it('goes on after Ctrl-C with what is whole, and ends with the same bytes', async () => {
    const target = folder();
    const args = inspect(pictures, target, '--format', 'json');
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    let interrupted = false;
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (!interrupted && said.includes('Input 3 of 3')) interrupted = child.kill('SIGINT');
    });
    assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 130, said);
    assert.match(
      said,
      /Cancelled; 2 of 3 inputs are finished and kept in .*inputs; the same command goes on from there\./,
    );
    assert.deepEqual(readdirSync(target), ['inputs']);
    const [cut] = readdirSync(join(target, 'inputs')).sort();
    truncateSync(join(target, 'inputs', cut!), 1000);
    writeFileSync(join(target, 'inputs', '0009-0123456789abcdef.json'), '{}');
    const again = gramlens(args);
    assert.equal(again.status, 0, again.stderr);
    assert.match(again.stderr, /The finished result of .*digit-5\.png cannot be used and is computed again/);
    assert.match(again.stderr, /1 of 3 inputs were finished before/);
    assert.match(again.stderr, /1 results in .* are of other inputs, options, checkpoints or versions/);
    assert.equal(readFileSync(join(target, 'result.json'), 'utf8'), text);
    assert.equal(readdirSync(join(target, 'inputs')).length, 3);
  });

  it('hashes a checkpoint once and refuses to go on with another one, even where its time was set back', async () => {
    const checkpoint = join(folder(), 'model.safetensors');
    copyFileSync(softmax, checkpoint);
    const { atime, mtime } = statSync(checkpoint);
    const target = folder();
    const args = inspect(pictures, target, '--format', 'json').map((arg) => (arg === softmax ? checkpoint : arg));
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    let changed = false;
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (changed || !said.includes('Input 2 of 3')) return;
      changed = true;
      const bytes = readFileSync(checkpoint);
      bytes[bytes.length - 4]! ^= 1;
      writeFileSync(checkpoint, bytes);
      utimesSync(checkpoint, atime, mtime);
    });
    assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 2, said);
    assert.match(said, /The checkpoint changed while this ran, .* is dropped\. Run the same command again\./);
    assert.doesNotMatch(said, /Input 3 of 3/);
    assert.deepEqual(readdirSync(join(target, 'inputs')), []);
  });

  it('goes on where a checkpoint was touched or copied onto itself', async () => {
    const path = join(folder(), 'model.safetensors');
    copyFileSync(softmax, path);
    const watched = await WatchedCheckpoint.open(runner, { path });
    utimesSync(path, 1e9, 1e9);
    assert.equal(await watched.isUnchanged(), true);
    copyFileSync(softmax, path);
    assert.equal(await watched.isUnchanged(), true);
    truncateSync(path, 1000);
    assert.equal(await watched.isUnchanged(), false);
    rmSync(path);
    assert.equal(await watched.isUnchanged(), false);
  });

  it('names every broken input of a folder before anything runs', () => {
    const inputs = folder();
    const target = join(folder(), 'out');
    copyFileSync(samplePath('digit-3.png'), join(inputs, 'b.png'));
    writeFileSync(join(inputs, 'a.png'), 'no picture');
    writeFileSync(join(inputs, 'c.npy'), 'no array');
    const refused = gramlens(['dist/cli.js', 'inspect', softmax, '--input', inputs, ...common, '--out', target]);
    assert.equal(refused.status, 2, refused.stderr);
    assert.match(
      refused.stderr,
      /2 of 3 inputs cannot be inspected, so nothing was run\. a\.png: .* c\.npy: c\.npy is not a NumPy/,
    );
    assert.equal(existsSync(target), false);
  });
});
