import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { rpcOutput, rpcOutputs } from '../../../src/diagnostics/headAttention';
import { defaultLevels } from '../../../src/diagnostics/noiseLevels';
import { queryNumbers } from '../../../src/diagnostics/queryNumbers';
import { rpcSweep, rpcSweepSteps, type RpcSweepSettings } from '../../../src/diagnostics/rpcSweep';
import { createCpuKernels } from '../../../src/engine/cpu/kernels';
import type { HeadKernels, RpcParameters } from '../../../src/engine/headKernels';
import { rpcSweepFigures } from '../../../src/report/figures/rpcSweepFigures';
import { demo, headInput, kernels as reference, options, projectedHead, randomHead } from './heads';

const grid: RpcSweepSettings = {
  variant: 'code',
  lambdas: [0, 0.5, 4],
  iterations: [1, 2, 4],
  noise: { kind: 'key_gauss', levels: defaultLevels('key_gauss'), repeats: 3 },
};

const shape = { name: 'sweep', tokens: 13, headDim: 5, embedDim: 10, keyScale: 1 };
/** Sums run in another order in WebAssembly; the passes amplify it. */
const roundOff = 1e-11;

describe('diagnostics: RPC over lambda and iterations', () => {
  let cpu: HeadKernels;
  before(async () => {
    cpu = await createCpuKernels();
  });

  for (const name of ['reference', 'cpu'] as const) {
    it(`pass t of n iterations is the last one of t, to the last bit, ${name}`, () => {
      const kernels = name === 'cpu' ? cpu : reference;
      const { k, v } = randomHead('steps', 13, 5);
      const { q } = projectedHead({ ...shape, symmetric: false });
      const settings = (iterations: number): RpcParameters => ({
        variant: 'code',
        lambda: 0.5,
        iterations,
        embedDim: 10,
      });
      for (const queries of [null, q!.subarray(0, 65).slice()]) {
        const steps: { low: Float64Array; sparse: Float64Array; cleanedKeys: Float64Array }[] = [];
        const whole = kernels.rpc(queries, k, v, 13, 5, settings(4), undefined, (step) => {
          assert.equal(step.iteration, steps.length + 1);
          steps.push({ low: step.low(), sparse: step.sparse(), cleanedKeys: step.cleanedKeys() });
        });
        assert.deepEqual(whole, kernels.rpc(queries, k, v, 13, 5, settings(4)));
        for (let t = 1; t <= 4; t++) {
          const alone = kernels.rpc(queries, k, v, 13, 5, settings(t));
          assert.deepEqual(steps[t - 1]!.low, alone.out);
          assert.deepEqual(steps[t - 1]!.cleanedKeys, alone.cleanedKeys);
          const nonZero = steps[t - 1]!.sparse.filter((value) => value !== 0).length;
          assert.equal(nonZero / 65, alone.numbers.density[t - 1]);
        }
      }
    });
  }

  it('several settings at once give what each gives alone', () => {
    const { k, v, tokens, headDim } = demo;
    const settings = (['code', 'paper', 'admm'] as const).flatMap((variant) =>
      [0.5, 4].flatMap((lambda) => [4, 1, 2].map((iterations) => ({ variant, lambda, iterations, embedDim: 6 }))),
    );
    const together = rpcOutputs({ q: null, k, v, tokens }, headDim, settings, reference);
    settings.forEach((one, i) => {
      assert.deepEqual(together[i], rpcOutput({ q: null, k, v, tokens }, headDim, one, reference));
    });
    const dead = rpcOutputs({ q: null, k: new Float64Array(18), v, tokens }, headDim, settings, reference);
    assert.ok(dead.every((output) => output === null));
  });

  for (const kind of ['key_gauss', 'token_drop', 'token_gauss'] as const) {
    it(`every cell is what a run with its setting says, under ${kind}`, () => {
      const input = projectedHead({ ...shape, symmetric: kind !== 'key_gauss' });
      const levels = defaultLevels(kind);
      const sweep = rpcSweep(input, { ...grid, noise: { kind, levels, repeats: 3 } }, 5, reference);
      assert.equal(sweep.cells.length, 9);
      sweep.cells.forEach((cell, i) => {
        assert.equal(cell.lambda, grid.lambdas[Math.floor(i / 3)]);
        assert.equal(cell.iterations, grid.iterations[i % 3]);
        const rpc = {
          variant: 'code',
          lambda: cell.lambda,
          iterations: cell.iterations,
          embedDim: input.embedDim,
        } as const;
        const noise = { kinds: [kind], levels: { [kind]: levels }, repeats: 3 };
        const alone = queryNumbers(input, options({ seed: 5, rpc, noise }), reference);
        const { auc, verdict } = alone.noise[0]!;
        assert.deepEqual(
          [cell.tau, cell.cleanGap, cell.dispersion, cell.sparseNeverActive, cell.gain, cell.gainCi, cell.verdict],
          [
            alone.rpc!.tau,
            alone.rpc!.cleanGap,
            alone.rpc!.dispersion.rpc,
            alone.rpc!.sparseNeverActive,
            auc.difference,
            auc.ci.difference,
            verdict,
          ],
        );
        assert.equal(sweep.softmaxDispersion, alone.rpc!.dispersion.softmax);
      });
    });
  }

  it('lambda 0 with one iteration is marked as collapse, whatever its gain (F2)', () => {
    const sweep = rpcSweep(projectedHead({ ...shape, symmetric: true }), grid, 0, reference);
    const cell = sweep.cells[0]!;
    assert.ok(cell.dispersion! < 1e-14, `dispersion ${cell.dispersion}`);
    assert.equal(cell.collapsed, true);
    assert.equal(cell.verdict, 'collapsed');
    assert.ok(cell.gain! > 0, 'constant rows do not move under key noise');
    const figures = rpcSweepFigures(sweep, { trainedWith: 'softmax' });
    assert.deepEqual(
      figures.map((figure) => figure.id),
      ['rpc-sweep-gap', 'rpc-sweep-gain'],
    );
    for (const { signs, cellNote } of figures) {
      const here = signs!.filter(({ row, column }) => row === 0 && column === 0).map(({ shape: sign }) => sign);
      assert.deepEqual(here, ['ring', 'cross']);
      assert.match(cellNote!(0), /collapse: .*\npublished: argparse defaults of the published code/);
      const published = signs!.filter(({ shape: sign }) => sign === 'ring').map(({ row, column }) => [row, column]);
      assert.deepEqual(published, [
        [0, 0],
        [2, 1],
        [2, 2],
      ]);
    }
  });

  it('a threshold that no key reaches is marked as never active (F5), and only there', () => {
    const head = randomHead('quiet', 12, 4, 0.01);
    const sweep = rpcSweep(headInput(12, 4, { ...head, embedDim: 8 }), { ...grid, noise: null }, 0, reference);
    assert.deepEqual(
      sweep.cells.map((cell) => cell.sparseNeverActive),
      grid.lambdas.flatMap((lambda) => [1, 2, 4].map(() => lambda > 0)),
    );
    assert.equal(sweep.neverActiveCells, 6);
    assert.deepEqual([sweep.cells[0]!.gain, sweep.cells[0]!.reason], [null, 'No noise was asked for.']);
    assert.equal(rpcSweepFigures(sweep, { trainedWith: 'softmax' }).length, 1);
  });

  it('gives clean numbers first, then one lambda after the other, and may be left at any time', () => {
    const input = projectedHead({ ...shape, symmetric: true });
    const known = [...rpcSweepSteps(input, grid, 0, reference)];
    assert.deepEqual(
      known.map(({ cells }) => cells.filter((cell) => cell.gain !== null).length),
      [0, 3, 6, 9],
    );
    assert.ok(known[0]!.cells.every((cell) => cell.cleanGap !== null && cell.reason === 'Not measured yet.'));
    assert.ok(known[3]!.cells.every((cell) => cell.reason === undefined));
  });

  it('says why a head without keys, without output or without projections has no numbers', () => {
    const dead = rpcSweep(headInput(6, 3, { k: new Float64Array(18), v: demo.v }), grid, 0, reference);
    assert.ok(dead.cells.every((cell) => cell.cleanGap === null && /^All keys are zero/.test(cell.reason!)));
    const silent = rpcSweep(headInput(6, 3, { k: demo.k, v: new Float64Array(18) }), grid, 0, reference);
    assert.ok(silent.cells.every((cell) => cell.gain === null && /output of the head is zero/.test(cell.reason!)));
    assert.match(silent.reason!, /no dispersion/);
    const noProjections = 'the projections of this graph are not at hand';
    const foreign = headInput(6, 3, { ...demo, foreign: { noTwins: '', noProjections, own: null } });
    const noise = { kind: 'token_gauss', levels: [0.1], repeats: 2 } as const;
    const sweep = rpcSweep(foreign, { ...grid, noise }, 0, reference);
    assert.ok(sweep.cells.every((cell) => cell.cleanGap !== null && cell.reason === noProjections));
  });

  it('the cpu kernels agree with the reference, and softmax is drawn once for all settings', () => {
    const input = projectedHead({ ...shape, symmetric: false });
    const mine = rpcSweep(input, grid, 1, cpu);
    const wanted = rpcSweep(input, grid, 1, reference);
    let worst = 0;
    mine.cells.forEach((cell, i) => {
      for (const key of ['tau', 'cleanGap', 'dispersion', 'gain', 'gainCi'] as const) {
        const theirs = wanted.cells[i]![key]!;
        worst = Math.max(worst, Math.abs(cell[key]! - theirs) / Math.max(1, Math.abs(theirs)));
      }
    });
    assert.ok(worst < roundOff, `largest difference ${worst}`);
    let attentions = 0;
    const counting: HeadKernels = {
      ...reference,
      attention: (...args) => {
        attentions += 1;
        return reference.attention(...args);
      },
    };
    rpcSweep(input, grid, 1, counting);
    assert.equal(attentions, 1 + 3 * defaultLevels('key_gauss').length);
  });

  it('has the threshold that spec section 9 prints for code, n 4, lambda 4', () => {
    const { k, v, tokens, headDim } = demo;
    const sweep = rpcSweep(headInput(tokens, headDim, { k, v, embedDim: 6 }), { ...grid, noise: null }, 0, reference);
    assert.equal(sweep.cells[8]!.tau!.toFixed(12), '1.902812876888');
  });
});
