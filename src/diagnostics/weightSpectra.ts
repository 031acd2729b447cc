// The two bilinear forms of a head's weights, W_QK = W_q^T W_k and W_OV = W_o W_v, by their singular values: how large,
// and along how many directions. Beside them, what Gaussian matrices of the same shapes and size have.

import type { HeadKernels } from '../engine/headKernels';
import type { QueryInput } from './headInput';
import type { WeightForm, WeightNumbers } from './headResult';
import { summariseNull } from './nulls';
import { createRandom } from './random';
import { dot, mean, transpose } from './vector';

/** Draws of the Gaussian null; it is one for all heads of the same shape. */
const gaussianDraws = 20;

/** Singular values come from eigenvalues of a product, so below this part of the largest they are round-off. */
const smallestRelative = 1e-7;

/** Singular values that go into the result. */
const reportedValues = 64;

interface GaussianForms {
  /** sigma_1 / (||A|| ||B||) and stable rank of each draw, and the mean of its singular values over ||A|| ||B||. */
  readonly spectralShare: readonly number[];
  readonly stableRank: readonly number[];
  readonly values: readonly number[];
}

interface Form {
  /** Singular values of A^T B, descending, [d]. */
  readonly values: Float64Array;
  readonly frobenius: number;
  /** ||A|| ||B|| */
  readonly size: number;
}

/** Gaussian nulls by shape and seed: thousands of heads share one. */
const gaussianForms = new Map<string, GaussianForms>();

/** Both forms of one head; nulls are drawn once for all heads of its shape. */
export function weightNumbers(
  { query, key, value, output, headDim: d, embedDim, foreign }: QueryInput,
  seed: number,
  kernels: HeadKernels,
): WeightNumbers {
  if (foreign !== undefined || output === undefined || key.weight.length !== d * embedDim) {
    return { qk: null, ov: null, reason: 'The weights of this head are not at hand (an ONNX graph runs as it is).' };
  }
  const nullOf = (same: boolean) => (): GaussianForms => gaussian(d, embedDim, same, seed, kernels);
  const out = transpose(output, embedDim, d);
  return {
    qk: weightForm(form((query ?? key).weight, key.weight, d, embedDim, kernels), nullOf(query === null)),
    ov: weightForm(form(out, value.weight, d, embedDim, kernels), nullOf(false)),
  };
}

/** Singular values of A^T B from A and B [d, C]: those of (A A^T)^(1/2) (B B^T) (A A^T)^(1/2), square roots. */
function form(a: Float64Array, b: Float64Array, d: number, width: number, kernels: HeadKernels): Form {
  const gramA = symmetric(kernels.matmulTransposed(a, a, d, width, d), d);
  const gramB = symmetric(kernels.matmulTransposed(b, b, d, width, d), d);
  const { values, vectors } = kernels.symmetricEigen(gramA, d, d);
  const scaled = vectors.map((entry, at) => entry * Math.sqrt(Math.max(0, values[Math.floor(at / d)]!)));
  // Rows of `scaled` are sqrt(w) u: their products with B B^T have the eigenvalues that are asked for.
  const inner = kernels.matmulTransposed(kernels.matmul(scaled, gramB, d, d, d), scaled, d, d, d);
  const squares = kernels.symmetricEigen(symmetric(inner, d), d, 1).values;
  const trace = (gram: Float64Array): number =>
    gram.reduce((sum, value, at) => sum + (at % (d + 1) === 0 ? value : 0), 0);
  return {
    values: squares.map((square) => Math.sqrt(Math.max(0, square))),
    frobenius: Math.sqrt(Math.max(0, dot(gramA, gramB))),
    size: Math.sqrt(trace(gramA) * trace(gramB)),
  };
}

function symmetric(a: Float64Array, n: number): Float64Array {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const value = (a[i * n + j]! + a[j * n + i]!) / 2;
      a[i * n + j] = value;
      a[j * n + i] = value;
    }
  }
  return a;
}

function weightForm({ values, frobenius, size }: Form, nullOf: () => GaussianForms): WeightForm {
  const spectralNorm = values[0] ?? 0;
  if (spectralNorm === 0) {
    const reason = 'The weights are zero.';
    return { spectralNorm: 0, stableRank: null, singularValues: [], gaussian: null, reason };
  }
  const drawn = nullOf();
  const stableRank = (frobenius / spectralNorm) ** 2;
  const norms = drawn.spectralShare.map((share) => share * size);
  return {
    spectralNorm,
    stableRank,
    singularValues: [...values.subarray(0, reportedValues)].filter((value) => value > smallestRelative * spectralNorm),
    gaussian: {
      draws: norms.length,
      spectralNorm: summariseNull(spectralNorm, norms)!,
      stableRank: summariseNull(stableRank, drawn.stableRank)!,
      singularValues: drawn.values.slice(0, reportedValues).map((value) => value * size),
    },
  };
}

/**
 * A and B [d, C] with entries N(0, 1), A first (`same`: B is A, as in symmetric heads); relative to ||A|| ||B||, so that
 * their scale does not matter.
 */
function gaussian(d: number, width: number, same: boolean, seed: number, kernels: HeadKernels): GaussianForms {
  const name = `${seed}/null/weights/${same ? 'symmetric/' : ''}${d}/${width}`;
  const known = gaussianForms.get(name);
  if (known !== undefined) return known;
  const random = createRandom(name);
  const drawn = Array.from({ length: gaussianDraws }, () => {
    const a = random.normals(d * width);
    const { values, frobenius, size } = form(a, same ? a : random.normals(d * width), d, width, kernels);
    return { values: values.map((value) => value / size), stableRank: (frobenius / values[0]!) ** 2 };
  });
  const found = {
    spectralShare: drawn.map(({ values }) => values[0]!),
    stableRank: drawn.map(({ stableRank }) => stableRank),
    values: Array.from({ length: d }, (_, i) => mean(drawn.map(({ values }) => values[i]!))),
  };
  gaussianForms.set(name, found);
  return found;
}
