// `gramlens compare` as a terminal runs it, mostly on results that need no run.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Comparison } from '../../../src/comparison/comparison';
import { findRun } from '../../../src/inspection/node/keptRun';
import { distinctNames, runsIn } from '../../../src/inspection/node/runFolder';
import { resultJson } from '../../../src/report/resultJson';
import { fullIt } from '../../setup/full';
import { changed } from '../comparison/sources';
import { samplePath } from '../inspection/sampleRun';
import { exampleResult } from '../report/exampleResult';

function gramlens(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli.js', 'compare', ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const readComparison = (folder: string): Comparison =>
  JSON.parse(readFileSync(join(folder, 'comparison.json'), 'utf8')) as Comparison;

/** Results of earlier runs, as `inspect` leaves them: a folder each. */
function earlierRuns(): string {
  const home = mkdtempSync(join(tmpdir(), 'gramlens-compare-'));
  const first = exampleResult({ layers: 1, heads: 2, name: 'model.safetensors' });
  for (const step of [9, 10, 200]) {
    const folder = join(home, `checkpoint-${step}`);
    mkdirSync(folder);
    const result = changed(first, `model-${step}.pt`, (head) => ({
      ...head,
      attention: { ...head.attention, entropy: step },
    }));
    writeFileSync(join(folder, 'result.json'), resultJson(result));
  }
  return home;
}

describe('gramlens compare', () => {
  const home = earlierRuns();
  const [nine, ten] = [join(home, 'checkpoint-9'), join(home, 'checkpoint-10')];

  it('writes what changed between two results, prints it, and exits with 1 where a rule holds', () => {
    const out = join(home, 'out');
    const rule = ['--fail-on', 'attention.entropy > 0.5', '--fail-on', 'rpc.cleanGap.inBands > 9'];
    const run = gramlens(nine, ten, '--match', 'permutation', '--format', 'html,md,json,csv', '--out', out, ...rule);
    assert.equal(run.status, 1, run.stderr);
    assert.match(run.stderr, /^--fail-on "attention\.entropy > 0\.5" holds: layer 0, head 0 changed by 1\n/);
    assert.match(run.stderr, /rpc\.cleanGap\.inBands is not known in 2 of 2 heads; reasons/);
    assert.match(run.stdout, /^checkpoint-9 → checkpoint-10\n/);
    assert.match(run.stdout, /\n +0 +0 +Attention entropy +9 +10 +\+1 /);
    assert.match(
      run.stdout,
      /Written: .*comparison\.html, .*comparison\.md \(with \d+ figures\), .*\.json, .*\.csv\n$/,
    );
    assert.equal(readComparison(out).matchedBy, 'permutation');
  });

  it('takes a folder of runs in the order of their steps, and writes a comparison again as a report', () => {
    const out = join(home, '.timeline');
    const run = gramlens(home, '--out', out, '--format', 'json', '--quiet');
    assert.deepEqual([run.status, run.stdout, run.stderr], [0, '', '']);
    assert.deepEqual(
      readComparison(out).runs.map(({ name, step }) => [name, step]),
      [
        ['checkpoint-9', 9],
        ['checkpoint-10', 10],
        ['checkpoint-200', 200],
      ],
    );
    const report = ['report', join(out, 'comparison.json'), '--out', out, '--format', 'html'];
    const { status } = spawnSync(process.execPath, ['dist/cli.js', ...report]);
    assert.equal(status, 0);
    assert.match(readFileSync(join(out, 'comparison.html'), 'utf8'), /<h2>Timelines<\/h2>/);
  });

  // What it compares is asserted on the core every time.
  fullIt('compares softmax with RPC where it is given one run', () => {
    const out = join(home, '.methods');
    assert.equal(gramlens(nine, '--out', out, '--format', 'json', '--quiet').status, 0);
    assert.equal(readComparison(out).kind, 'methods');
  });

  const files = [samplePath('digits-softmax.safetensors'), samplePath('digits-rpc.pt')];
  const options = '--nulls 4 --twins 0 --noise none --layers 0 --heads 0-1 --backend cpu --format json';
  const inputs = ['--input', `npy:${samplePath('digit-3.npy')}`, '--reproducible'];

  /** Both from the beginning, once. */
  let made: ReturnType<typeof gramlens> | null = null;
  const fresh = (): ReturnType<typeof gramlens> =>
    (made ??= gramlens(...files, ...inputs, ...options.split(' '), '--quiet', '--out', join(home, '.run')));

  it('inspects checkpoints with the same options and the same RPC, and keeps their results', () => {
    const out = join(home, '.run');
    const run = fresh();
    assert.equal(run.status, 0, run.stderr);
    assert.deepEqual(readdirSync(join(out, 'runs')).sort(), ['digits-rpc.pt', 'digits-softmax.safetensors']);
    const comparison = readComparison(out);
    assert.deepEqual(
      comparison.runs.map(({ attention }) => attention),
      ['softmax', 'rpc'],
    );
    assert.ok(
      comparison.metrics.some(({ id }) => id === 'rpc.cleanGap'),
      'both with RPC of the same settings',
    );
    assert.match(
      comparison.notes.join(' '),
      /digits-rpc\.pt was trained with RPC of .*lambda 1; .*lambda 4 is compared/,
    );
  });

  it('goes on after Ctrl-C with the runs that are finished, says which, and ends with the same bytes', async () => {
    const out = join(home, '.again');
    const args = [...files, ...inputs, ...options.split(' '), '--out', out];
    const child = spawn(process.execPath, ['dist/cli.js', 'compare', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    let interrupted = false;
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (!interrupted && /Run 2 of 2[^]*Layer/.test(said)) interrupted = child.kill('SIGINT');
    });
    assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 130, said);
    assert.match(said, /Cancelled; finished results are in .*runs; the same command goes on from there\./);
    const again = gramlens(...args);
    assert.equal(again.status, 0, again.stderr);
    assert.match(
      again.stderr,
      /digits-softmax\.safetensors: kept from an earlier run with the same .* not computed again\./,
    );
    assert.match(again.stderr, /Run 2 of 2: digits-rpc\.pt\n/);
    assert.doesNotMatch(again.stderr, /digits-rpc\.pt: kept/);
    assert.equal(fresh().status, 0);
    const bytes = (folder: string): string => readFileSync(join(home, folder, 'comparison.json'), 'utf8');
    assert.equal(bytes('.again'), bytes('.run'));
    // Another option makes another key, and a result that was cut off is none that was written.
    const folder = join(out, 'runs', 'digits-softmax.safetensors');
    const { key } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as { key: string };
    assert.equal(await findRun(folder, () => Promise.resolve('0123456789abcdef')), 'other');
    assert.equal(await findRun(folder, () => Promise.resolve(key)), 'same');
    truncateSync(join(folder, 'result.json'), 1000);
    assert.equal(await findRun(folder, () => Promise.resolve(key)), 'changed');
  });

  it('refuses what would have no effect, and what does not pair, by a sentence', () => {
    const out = ['--out', join(home, 'refused')];
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [
        [nine, ten, '--nulls', '3'],
        /^gramlens: These are results of earlier runs, so --nulls would have no effect\. Leave it out\.\n$/,
      ],
      [
        [nine, ten, '--fail-on', 'overlap > 1'],
        /there is no metric overlap; names are the metrics of comparison\.json/,
      ],
    ];
    for (const [args, sentence] of cases) {
      const run = gramlens(...args, ...out);
      assert.equal(run.status, 2, run.stderr);
      assert.match(run.stderr, sentence);
    }
    assert.ok(!existsSync(join(home, 'refused')));
  });

  it('refuses a result that a checkpoint would not pair with before it inspects the checkpoint', () => {
    const out = join(home, 'too-late');
    assert.equal(fresh().status, 0);
    const kept = join(home, '.run', 'runs', 'digits-rpc.pt');
    const cases: readonly (readonly [string, string, RegExp])[] = [
      [
        nine,
        `npy:${samplePath('digit-3.npy')}`,
        /gramlens: checkpoint-9 has 1 layers of 2 heads, digits-softmax\.safetensors has 6 layers of 4 heads: /,
      ],
      [
        kept,
        samplePath('digit-5.png'),
        /gramlens: digits-rpc\.pt was inspected on digit-3\.npy \(.*\), digits-softmax\.safetensors on digit-5\.png \(SHA-256 .*, 50 tokens\): /,
      ],
    ];
    for (const [result, input, sentence] of cases) {
      // The checkpoint comes first, and is still not begun.
      const run = gramlens(files[0]!, result, '--input', input, ...options.split(' '), '--out', out);
      assert.equal(run.status, 2, run.stderr);
      assert.match(run.stderr, sentence);
      assert.doesNotMatch(run.stderr, /Layer/);
    }
    assert.ok(!existsSync(out));
  });

  it('finds the runs of a folder, and names them by what differs', async () => {
    assert.deepEqual((await runsIn(home)).runs.map(({ kind, path }) => [kind, path]).slice(0, 2), [
      ['result', join(home, 'checkpoint-10', 'result.json')],
      ['result', join(home, 'checkpoint-200', 'result.json')],
    ]);
    assert.deepEqual((await runsIn(nine)).runs, []);
    const samples = await runsIn(samplePath('.'));
    assert.deepEqual(
      samples.runs.map(({ path }) => basename(path)),
      ['digits-rpc.pt', 'digits-softmax.safetensors'],
    );
    // Values that a test compares with: a .bin that no training wrote.
    assert.equal(samples.passedOver.length, 1);
    assert.match(
      samples.passedOver[0]!,
      /^Passed over, because it is no checkpoint: .*expected-tensors\.bin: this is /,
    );
    assert.deepEqual(distinctNames(['/r/a/result.json', '/r/b/result.json']), ['a', 'b']);
    assert.deepEqual(distinctNames(['/r/step-1/model.pt', '/r/step-2/model.pt']), [
      'step-1/model.pt',
      'step-2/model.pt',
    ]);
  });
});
