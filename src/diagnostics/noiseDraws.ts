// The five perturbations of spec section 6, with the keys and the draw order of section 8. One draw serves all
// levels of a repeat (nested), and softmax and RPC alike (paired).

import type { HeadKernels } from '../engine/headKernels';
import type { HeadTensors } from './headAttention';
import type { HeadInput, QueryInput } from './headInput';
import type { NoiseKind } from './headResult';
import { finishProjection, project } from './projectedHead';
import { createRandom } from './random';
import { rms } from './vector';

/** `key_sparse` adds this many rms of the keys to each entry it hits. */
const sparseSize = 10;

export interface NoisyHead extends HeadTensors {
  /** Token indexes that are left, ascending; null: all of them. */
  readonly kept: Int32Array | null;
  readonly scaled: HeadInput['scaled'];
}

/** The head at one noise level; null where the level leaves nothing to compare. */
type Perturbation = (level: number) => NoisyHead | null;

/** Noise of one kind for any repeat; what repeats share is computed once. */
export function createNoise(
  kind: NoiseKind,
  input: QueryInput,
  seed: number,
  kernels: HeadKernels,
): (repeat: number) => Perturbation {
  const owner = kind.startsWith('token_') ? '-' : String(input.head);
  const key = (repeat: number): string => `${seed}/${kind}/${input.layer}/${owner}/${repeat}`;
  switch (kind) {
    case 'token_gauss': {
      const clean = {
        query: input.query === null ? null : project(input.x, input.query, input, kernels),
        key: project(input.x, input.key, input, kernels),
        value: project(input.x, input.value, input, kernels),
      };
      return (repeat) => tokenGauss(key(repeat), input, clean, kernels);
    }
    case 'key_gauss':
      return (repeat) => keyGauss(key(repeat), input);
    case 'key_sparse':
      return (repeat) => keySparse(key(repeat), input);
    case 'token_replace':
      return (repeat) => tokenReplace(key(repeat), input);
    case 'token_drop':
      return (repeat) => tokenDrop(key(repeat), input);
  }
}

/** x + level rms(x) Z. The projection is linear, so Z is projected once for all levels. */
function tokenGauss(
  key: string,
  input: QueryInput,
  clean: { query: Float64Array | null; key: Float64Array; value: Float64Array },
  kernels: HeadKernels,
): Perturbation {
  const noise = createRandom(key).normals(input.tokens * input.embedDim);
  const size = rms(input.x);
  const noiseQuery = input.query === null ? null : project(noise, input.query, input, kernels);
  const noiseKey = project(noise, input.key, input, kernels);
  const noiseValue = project(noise, input.value, input, kernels);
  return (level) => {
    const step = level * size;
    const moved = (rows: Float64Array, by: Float64Array): Float64Array => rows.map((value, i) => value + step * by[i]!);
    return {
      q:
        input.query === null || clean.query === null || noiseQuery === null
          ? input.q
          : finishProjection(moved(clean.query, noiseQuery), input.query, input, true),
      k: finishProjection(moved(clean.key, noiseKey), input.key, input, true),
      v: finishProjection(moved(clean.value, noiseValue), input.value, input, false),
      tokens: input.tokens,
      kept: null,
      scaled: input.scaled,
      ...ruleOf(input),
    };
  };
}

/** k + level rms(k) Z; values stay clean, and queries where the head has its own. */
function keyGauss(key: string, input: QueryInput): Perturbation {
  const noise = createRandom(key).normals(input.k.length);
  const size = rms(input.k);
  return (level) =>
    withKeys(
      input,
      input.k.map((value, i) => value + level * size * noise[i]!),
    );
}

/** floor(level N d + .5) entries, the first of a permutation, each + sign * 10 rms(k); the sign goes by position. */
function keySparse(key: string, input: QueryInput): Perturbation {
  const random = createRandom(key);
  const entries = random.permutation(input.k.length);
  const signs = Float64Array.from(input.k, () => (random.uniform() < 0.5 ? -1 : 1));
  const size = sparseSize * rms(input.k);
  return (level) => {
    const k = input.k.slice();
    for (const entry of entries.subarray(0, howMany(level, input.k.length))) k[entry]! += signs[entry]! * size;
    return withKeys(input, k);
  };
}

/**
 * Which clean token stands at each place of N, by level (spec section 8); tokens before `first` (class token) are never
 * touched. null: there is no other token to copy from.
 */
export function replacedTokens(key: string, tokens: number, first: number): (level: number) => Int32Array | null {
  const free = tokens - first;
  const random = createRandom(key);
  const order = random.permutation(free);
  const source = Int32Array.from({ length: tokens }, (_, i) => {
    const other = first + Math.floor(random.uniform() * (free - 1));
    return other >= i ? other + 1 : other;
  });
  return (level) => {
    if (free < 2) return null;
    const from = Int32Array.from({ length: tokens }, (_, i) => i);
    for (const at of order.subarray(0, howMany(level, free))) from[at + first] = source[at + first]!;
    return from;
  };
}

/** Indexes of the tokens that are left of N, ascending, by level; tokens before `first` always are. null: none is left. */
export function keptTokens(key: string, tokens: number, first: number): (level: number) => Int32Array | null {
  const order = createRandom(key).permutation(tokens - first);
  return (level) => {
    const dropped = new Set(Array.from(order.subarray(0, howMany(level, tokens - first)), (at) => at + first));
    const kept = Int32Array.from({ length: tokens }, (_, i) => i).filter((i) => !dropped.has(i));
    return kept.length === 0 ? null : kept;
  };
}

/** Tokens become copies of another clean token. */
function tokenReplace(key: string, input: QueryInput): Perturbation {
  const { tokens, prefixTokens } = input;
  const replaced = replacedTokens(key, tokens, prefixTokens);
  return (level) => {
    const from = replaced(level);
    if (from === null) return null;
    const rows = (x: Float64Array): Float64Array => takeRows(x, from, input.headDim);
    return {
      q: input.q === null ? null : rows(input.q),
      k: rows(input.k),
      v: rows(input.v),
      tokens,
      kept: null,
      scaled: input.scaled,
      ...ruleOf(input),
    };
  };
}

/** Tokens are removed from q, k, v, and from rows and columns of Scaled Attention's S. */
function tokenDrop(key: string, input: QueryInput): Perturbation {
  const { tokens, prefixTokens } = input;
  const left = keptTokens(key, tokens, prefixTokens);
  return (level) => {
    const kept = left(level);
    if (kept === null) return null;
    const rows = (x: Float64Array): Float64Array => takeRows(x, kept, input.headDim);
    return {
      q: input.q === null ? null : rows(input.q),
      k: rows(input.k),
      v: rows(input.v),
      tokens: kept.length,
      kept,
      scaled: dropFromScale(input.scaled, kept, tokens),
      ...ruleOf(input),
    };
  };
}

function dropFromScale(scaled: HeadInput['scaled'], kept: Int32Array, tokens: number): HeadInput['scaled'] {
  if (scaled === null || !('matrix' in scaled)) return scaled;
  const matrix = new Float64Array(kept.length * kept.length);
  kept.forEach((i, row) => {
    kept.forEach((j, column) => (matrix[row * kept.length + column] = scaled.matrix[i * tokens + j]!));
  });
  return { matrix };
}

function withKeys(input: QueryInput, k: Float64Array): NoisyHead {
  return { q: input.q, k, v: input.v, tokens: input.tokens, kept: null, scaled: input.scaled, ...ruleOf(input) };
}

/** The mask goes by order: tokens that are left after a drop keep their order, and a window counts what is left. */
function ruleOf({ rule }: Pick<HeadInput, 'rule'>): Pick<NoisyHead, 'rule'> {
  return rule === undefined ? {} : { rule };
}

function howMany(level: number, of: number): number {
  return Math.min(of, Math.max(0, Math.floor(level * of + 0.5)));
}

/** Rows `from` of x [N, width]. */
export function takeRows(x: Float64Array, from: Int32Array, width: number): Float64Array {
  const out = new Float64Array(from.length * width);
  from.forEach((row, i) => {
    out.set(x.subarray(row * width, (row + 1) * width), i * width);
  });
  return out;
}
