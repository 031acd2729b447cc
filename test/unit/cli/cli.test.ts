// dist/cli.js as a terminal runs it: exit codes, files, sentences, and nothing left behind.

import { before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InspectionResult } from '../../../src/inspection/inspectionResult';
import { samplePath } from '../inspection/sampleRun';

const softmax = samplePath('digits-softmax.safetensors');
const input = ['--input', `npy:${samplePath('digit-3.npy')}`];
const small = ['--nulls', '4', '--twins', '0', '--backend', 'cpu'];

function folder(): string {
  return join(mkdtempSync(join(tmpdir(), 'gramlens-cli-')), 'out');
}

function gramlens(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli.js', ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

function readResult(path: string): InspectionResult {
  return JSON.parse(readFileSync(path, 'utf8')) as InspectionResult;
}

it('says what it is for, and its version', () => {
  const help = gramlens('--help').stdout.replace(/\s+/g, ' ');
  assert.match(
    help,
    /^Usage: gramlens \[options\] \[command\] Inspect every attention head of a transformer checkpoint: /,
  );
  assert.match(gramlens('--version').stdout, /^\d+\.\d+\.\d+\n$/);
});

describe('gramlens inspect', () => {
  const out = folder();
  let run: ReturnType<typeof gramlens>;

  before(() => {
    run = gramlens(
      'inspect',
      softmax,
      ...input,
      ...small,
      '--repeats',
      '2',
      '--layers',
      '0,2',
      '--heads',
      '1-3',
      '--out',
      out,
      '--format',
      'html,json,csv,npz',
      '--reproducible',
      '--rpc-sweep',
      'lambda=4,0;iterations=4,1;noise=token_drop',
    );
  });

  it('prints the table of heads and where the files are', () => {
    assert.equal(run.status, 0, run.stderr);
    const rows = run.stdout.split('\n').filter((line) => /^ +\d+ +\d+ /.test(line));
    assert.equal(rows.length, 6);
    for (const heading of ['layer', 'head', 'overlap', 'chance', 'p', 'AUC softmax', 'AUC RPC', 'verdict']) {
      assert.ok(run.stdout.includes(heading), heading);
    }
    assert.match(run.stdout, /Written: .*report\.html, .*result\.json, .*heads\.csv, .*tensors\.npz/);
    assert.match(run.stdout, /Gramlens: Inspect Checkpoint…/);
  });

  it('writes exactly the files that were asked for', () => {
    assert.deepEqual(readdirSync(out).sort(), ['heads.csv', 'report.html', 'result.json', 'tensors.npz']);
    const result = readResult(join(out, 'result.json'));
    assert.deepEqual(
      result.layers.map((layer) => layer.index),
      [0, 2],
    );
    assert.deepEqual(
      result.layers[0]!.heads.map((head) => head.index),
      [1, 2, 3],
    );
    assert.equal(result.provenance.elapsedMs, undefined);
    assert.equal(result.output.logitsTop[0]!.index, 3);
  });

  it('writes the sweep of RPC: what the run itself has for its settings, collapse at lambda 0, two figures a head', () => {
    const { layers } = readResult(join(out, 'result.json'));
    const report = readFileSync(join(out, 'report.html'), 'utf8');
    for (const { heads } of layers) {
      for (const { rpc, rpcSweep } of heads) {
        assert.deepEqual(
          [rpcSweep!.lambdas, rpcSweep!.iterations],
          [
            [0, 4],
            [1, 4],
          ],
        );
        assert.deepEqual([rpcSweep!.noise!.kind, rpcSweep!.noise!.repeats], ['token_drop', 2]);
        const [degenerate, , , published] = rpcSweep!.cells;
        assert.ok(degenerate!.collapsed);
        assert.deepEqual(
          [published!.tau, published!.cleanGap, published!.dispersion],
          [rpc!.tau, rpc!.cleanGap, rpc!.dispersion.rpc],
        );
        assert.ok(rpcSweep!.cells.every((cell) => cell.gain !== null && cell.gainCi !== null));
      }
    }
    assert.equal(report.split('Noise gain of RPC over λ and n').length > 6, true);
    assert.match(readFileSync(join(out, 'heads.csv'), 'utf8').split('\n')[0]!, /,rpcSweep\.collapsedCells,/);
  });

  it('gives the same bytes again', () => {
    const again = folder();
    const second = gramlens(
      'inspect',
      softmax,
      ...input,
      ...small,
      '--repeats',
      '2',
      '--layers',
      '0,2',
      '--heads',
      '1-3',
      '--out',
      again,
      '--format',
      'html,json,csv,npz',
      '--reproducible',
      '--rpc-sweep',
      'lambda=4,0;iterations=4,1;noise=token_drop',
      '--quiet',
    );
    assert.deepEqual([second.status, second.stdout, second.stderr], [0, '', '']);
    for (const name of readdirSync(out)) {
      assert.ok(readFileSync(join(out, name)).equals(readFileSync(join(again, name))), `${name} differs`);
    }
  });

  it('reports --fail-on with 1, and an unknown metric with 2', () => {
    const args = [
      'inspect',
      softmax,
      ...input,
      ...small,
      '--noise',
      'none',
      '--layers',
      '0',
      '--heads',
      '0',
      '--quiet',
      '--format',
      'json',
    ];
    const holds = gramlens(...args, '--out', folder(), '--fail-on', 'alignment.theory.overlap > 0');
    assert.equal(holds.status, 1);
    assert.match(holds.stderr, /--fail-on "alignment\.theory\.overlap > 0" holds: layer 0, head 0 has 0\.\d+/);
    assert.equal(gramlens(...args, '--out', folder(), '--fail-on', 'alignment.theory.overlap < 0').status, 0);
    const unknown = gramlens(...args, '--out', folder(), '--fail-on', 'overlop < 0');
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /there is no metric overlop; names are the columns of heads\.csv/);
    const left = gramlens(...args, '--out', folder(), '--fail-on', 'noise.key_gauss.auc.softmax > 0');
    assert.equal(left.status, 0);
    assert.match(
      left.stderr,
      /noise\.key_gauss\.auc\.softmax was not measured in 1 of 1 heads \(it depends on --noise/,
    );
  });

  it('takes the sample of the family where nobody names an input, and says so', () => {
    const target = folder();
    const one = ['--layers', '0', '--heads', '0', '--noise', 'none', '--rpc', 'layers=none'];
    const json = gramlens('inspect', softmax, ...small, ...one, '--out', target);
    assert.equal(json.status, 0, json.stderr);
    assert.match(json.stderr, /^input +default input: sample picture, seed 0, N 50$/m);
    const [given] = readResult(join(target, 'result.json')).provenance.inputs;
    assert.deepEqual([given!.kind, given!.label], ['sample', 'default input: sample picture, seed 0']);
    assert.match(readFileSync(join(target, 'report.html'), 'utf8'), /default input: sample picture, seed 0/);
  });

  it('tells its progress as JSON lines', () => {
    const json = gramlens(
      'inspect',
      softmax,
      ...input,
      ...small,
      '--layers',
      '0',
      '--heads',
      '0',
      '--noise',
      'none',
      '--out',
      folder(),
      '--format',
      'json',
      '--json-progress',
    );
    const events = json.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; fraction?: number; input?: string });
    assert.equal(events[0]!.event, 'plan');
    assert.equal(events[0]!.input, 'digit-3.npy, N 50');
    const fractions = events.slice(1).map((event) => event.fraction!);
    assert.deepEqual(
      fractions,
      [...fractions].sort((a, b) => a - b),
    );
  });

  it('writes its files although nobody reads what it says', async () => {
    const target = folder();
    const child = spawn(
      process.execPath,
      ['dist/cli.js', 'inspect', softmax, ...input, ...small, '--noise', 'none', '--layers', '0', '--out', target],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    child.stdout.destroy();
    child.stderr.destroy();
    assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 0);
    assert.deepEqual(readdirSync(target).sort(), ['report.html', 'result.json']);
  });

  it('ends with 130 when interrupted, and writes nothing', async () => {
    const target = folder();
    const child = spawn(
      process.execPath,
      ['dist/cli.js', 'inspect', softmax, ...input, '--nulls', '5000', '--backend', 'cpu', '--out', target],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    let interrupted = false;
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      // Once: a second Ctrl-C ends the process at once, without an exit code.
      if (!interrupted && said.includes('Layer 1 of 6')) interrupted = child.kill('SIGINT');
    });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    assert.equal(code, 130, said);
    assert.match(said, /Cancelled; nothing was written\./);
    assert.equal(existsSync(target), false);
  });
});

describe('gramlens refuses', () => {
  const cases: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    [
      'too large a sweep',
      [
        'inspect',
        softmax,
        ...input,
        '--rpc-sweep',
        `lambda=${Array.from({ length: 65 }, (_, i) => i).join(',')};iterations=1`,
      ],
      2,
      /--rpc-sweep: 65 lambdas times 1 numbers of iterations are 65 settings, more than 64\. Choose fewer\./,
    ],
    [
      'a sweep of no layer',
      ['inspect', softmax, ...input, '--rpc-sweep', 'default', '--rpc', 'layers=none'],
      2,
      /--rpc-sweep: RPC is computed in no layer, so there is nothing to sweep\./,
    ],
    ['one input twice', ['inspect', softmax, ...input, ...input], 2, /All 2 inputs are the same/],
    ['text input', ['inspect', softmax, '--input', 'text:hello'], 2, /takes pictures, not text/],
    ['an option it does not know', ['inspect', softmax, ...input, '--levls', '1'], 2, /unknown option '--levls'/],
    [
      'a backend it does not know',
      ['inspect', softmax, ...input, '--backend', 'tpu'],
      2,
      /Allowed choices are auto, webgpu, cpu, reference/,
    ],
    [
      'a layer that is not there',
      ['inspect', softmax, ...input, '--layers', '9'],
      2,
      /The model has 6 layers \(0 to 5\); there is no layer 9/,
    ],
    [
      'a layer for RPC that is not there',
      ['inspect', softmax, ...input, '--rpc', 'layers=0,99'],
      2,
      /^gramlens: --rpc layers=0,99: The model has 6 layers \(0 to 5\); there is no layer 99\.\n$/,
    ],
    [
      'RPC that flows on from no layer',
      ['inspect', softmax, ...input, '--rpc', 'layers=none', '--forward', 'rpc'],
      2,
      /^gramlens: --forward rpc: .*computed in no layer/,
    ],
    [
      'facts about RPC of a model without it',
      ['inspect', softmax, ...input, '--set', 'rpc.iterations=2'],
      2,
      /^gramlens: --set rpc\.iterations: .*attention is softmax/,
    ],
    [
      'mean of an array',
      ['inspect', softmax, ...input, '--set', 'mean=.5'],
      2,
      /^gramlens: --set mean: .*digit-3\.npy/,
    ],
    [
      'levels of no noise',
      ['inspect', softmax, ...input, '--noise', 'none', '--levels', '.1'],
      2,
      /^gramlens: --noise none leaves noise out, so --levels/,
    ],
    [
      'a share of tokens above 1',
      ['inspect', softmax, ...input, '--noise', 'token_gauss,token_drop', '--levels', '.5,2'],
      2,
      /^gramlens: --levels: The levels of token_drop are shares from 0 to 1; 2 is more/,
    ],
    [
      'quiet progress',
      ['inspect', softmax, ...input, '--quiet', '--json-progress'],
      2,
      /--quiet and --json-progress contradict each other/,
    ],
    ['a file that is not there', ['inspect', 'no/such.pt', ...input], 2, /no\/such\.pt/],
    [
      'an input that is not there',
      ['inspect', softmax, '--input', 'no.png'],
      2,
      /The input no\.png: there is no such file\./,
    ],
    ['a fact that does not fit', ['inspect', softmax, ...input, '--set', 'heads=5'], 2, /heads/],
    ['a run to compare that is not there', ['compare', softmax, 'no/such.pt'], 2, /no\/such\.pt/],
    [
      'a picture as config',
      ['inspect', softmax, ...input, '--config', 'media/samples/digit-3.npy'],
      2,
      /^gramlens: --config media\/samples\/digit-3\.npy: this is not JSON\. Give the model's config\.json\.\n$/,
    ],
    ['a metric that is a word', ['inspect', softmax, ...input, '--fail-on', 'alignment.verdict == 1'], 2, /no metric/],
    ['a report of something else', ['report', 'package.json'], 2, /package\.json is not a result of this version/],
  ];
  for (const [what, args, status, sentence] of cases) {
    it(what, () => {
      const target = folder();
      const run = gramlens(...args, ...(args[0] === 'inspect' ? ['--out', target] : []));
      assert.equal(run.status, status, run.stderr);
      assert.match(run.stderr, sentence);
      assert.equal(run.stdout, '');
      assert.equal(existsSync(target), false, 'something was written');
    });
  }

  it('a pipe as checkpoint, at once', () => {
    const pipe = join(mkdtempSync(join(tmpdir(), 'gramlens-cli-')), 'pipe.pt');
    spawnSync('mkfifo', [pipe]);
    const run = spawnSync(process.execPath, ['dist/cli.js', 'tensors', pipe], { encoding: 'utf8', timeout: 10_000 });
    assert.equal(run.status, 2, run.stderr);
    assert.match(run.stderr, /no regular file/);
  });

  it('the rest of a result', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'gramlens-cli-')), 'result.json');
    writeFileSync(path, '{"schema":"gramlens.inspection/1"}');
    const run = gramlens('report', path, '--out', folder());
    assert.equal(run.status, 2);
    assert.match(run.stderr, /^gramlens: .*result\.json is not a whole result: provenance is missing\./);
  });

  it('a folder that cannot be written', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'gramlens-cli-')), 'file');
    writeFileSync(file, '');
    const run = gramlens(
      'inspect',
      softmax,
      ...input,
      ...small,
      '--layers',
      '0',
      '--heads',
      '0',
      '--noise',
      'none',
      '--out',
      join(file, 'below'),
      '--quiet',
    );
    assert.equal(run.status, 2);
    assert.match(run.stderr, /The report could not be written to .* Choose another folder\./);
  });
});

describe('gramlens tensors and report', () => {
  it('lists tensors from the header', () => {
    const json = gramlens('tensors', samplePath('digits-rpc.pt'), '--json');
    assert.equal(json.status, 0, json.stderr);
    const listed = JSON.parse(json.stdout) as { tensors: { name: string; shape: number[] }[] };
    const qkv = listed.tensors.find((tensor) => tensor.name.endsWith('blocks.0.attn.qkv.weight'));
    assert.deepEqual(qkv?.shape, [128, 64]);
    assert.match(gramlens('tensors', softmax).stdout, /blocks\.0\.attn\.qkv\.weight +F32 +\[192, 64\]/);
  });

  it('writes the report of a result again', () => {
    const first = folder();
    const second = folder();
    gramlens(
      'inspect',
      softmax,
      ...input,
      ...small,
      '--layers',
      '0',
      '--heads',
      '0',
      '--noise',
      'none',
      '--out',
      first,
      '--format',
      'json',
      '--quiet',
    );
    const run = gramlens('report', join(first, 'result.json'), '--format', 'html,csv,json', '--out', second);
    assert.equal(run.status, 0, run.stderr);
    assert.ok(readFileSync(join(second, 'result.json')).equals(readFileSync(join(first, 'result.json'))));
    assert.match(readFileSync(join(second, 'report.html'), 'utf8'), /<!DOCTYPE html>/i);
  });
});
