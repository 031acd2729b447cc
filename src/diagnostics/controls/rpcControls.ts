// Controls of RPC-Attention: the facts F1 to F4 of spec section 2, which any right implementation obeys.

import type { HeadKernels, RpcParameters } from '../../engine/headKernels';
import { normals } from '../random';
import { columnMeans, distance, norm } from '../vector';
import { atMost, type Control } from './control';

const tokens = 50;
const headDim = 16;
/** Width of a model of two such heads; mu of `code` has it. */
const embedDim = 32;

/** Relative to the norm of the expected output; four iterations amplify round-off about a hundredfold. */
const roundOff = 1e-12;

const group = 'Facts of RPC-Attention';

/** tau far above every |R|, so that S = 0 throughout. */
const neverSparse = 1e6;

export function rpcControls(kernels: HeadKernels): Control[] {
  const k = normals('selftest/rpc/k', tokens * headDim);
  const v = normals('selftest/rpc/v', tokens * headDim).map((value) => 0.2 * value);
  const run = (changes: Partial<RpcParameters>) =>
    kernels.rpc(null, k, v, tokens, headDim, { variant: 'code', iterations: 1, lambda: 0.5, embedDim, ...changes });
  return [clippedKeys(kernels, k, v, run), meanOfValues(v, run), ...withoutSparse(kernels, k, v, run), inSpan(v, run)];
}

type Run = (changes: Partial<RpcParameters>) => ReturnType<HeadKernels['rpc']>;

function relative(found: Float64Array, expected: Float64Array): number {
  return distance(found, expected) / norm(expected);
}

function clippedKeys(kernels: HeadKernels, k: Float64Array, v: Float64Array, run: Run): Control {
  const { out, numbers } = run({});
  const clipped = k.map((value) => Math.max(-numbers.tau, Math.min(numbers.tau, value)));
  return atMost(
    { name: 'F1', what: 'n = 1 is softmax attention of keys clipped to [-tau, tau]', group },
    relative(out, kernels.attention(null, clipped, v, tokens, headDim)),
    roundOff,
  );
}

function meanOfValues(v: Float64Array, run: Run): Control {
  const means = columnMeans(v, tokens, headDim);
  return atMost(
    { name: 'F2', what: 'lambda = 0, n = 1: every row of h is the mean of v', group },
    relative(
      run({ lambda: 0 }).out,
      v.map((_, i) => means[i % headDim]!),
    ),
    roundOff,
  );
}

/** F3 for n = 1 to 4: the cleaned keys are sums of earlier outputs and of K, so each output is plain attention of them. */
function withoutSparse(kernels: HeadKernels, k: Float64Array, v: Float64Array, run: Run): Control[] {
  const attend = (keys: Float64Array) => kernels.attention(null, keys, v, tokens, headDim);
  const worst = (variant: 'code' | 'admm', keysOf: (t: number, before: Float64Array) => Float64Array): number => {
    // Sum of L_1 .. L_{t-1}.
    let before: Float64Array = new Float64Array(k.length);
    let error = 0;
    for (let t = 1; t <= 4; t++) {
      const expected = attend(keysOf(t, before));
      error = Math.max(error, relative(run({ variant, iterations: t, lambda: neverSparse }).out, expected));
      before = before.map((value, i) => value + expected[i]!);
    }
    return error;
  };
  return [
    atMost(
      { name: 'F3 (code)', what: 'S = 0: keys K, L1, L1 + L2 - K, L1 + L2 + L3 - 2K for n = 1 to 4', group },
      worst('code', (t, before) => k.map((key, i) => before[i]! - (t - 2) * key)),
      roundOff,
    ),
    atMost(
      { name: 'F3 (admm)', what: 'S = 0: keys tK - (L1 + .. + L_{t-1}) for n = 1 to 4', group },
      worst('admm', (t, before) => k.map((key, i) => t * key - before[i]!)),
      roundOff,
    ),
  ];
}

/** An attention output is a weighted mean of the rows of v: no entry leaves the range of its column. */
function inSpan(v: Float64Array, run: Run): Control {
  const { out, numbers } = run({ iterations: 4 });
  let outside = 0;
  for (let c = 0; c < headDim; c++) {
    const column = (x: Float64Array) => x.filter((_, i) => i % headDim === c);
    const low = Math.min(...column(v));
    const high = Math.max(...column(v));
    outside += column(out).filter((value) => value < low || value > high).length;
  }
  const residuals = numbers.residual.map((value) => value.toFixed(2)).join(', ');
  return atMost(
    {
      name: 'F4',
      what: `entries of h outside the range of v; the residual ||K - L - S|| / ||K|| need not shrink: ${residuals}`,
      group,
    },
    outside,
    0,
  );
}
