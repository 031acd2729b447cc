// Which keys the queries of a tapped block see, read off its pattern and proven by computing the pattern again: a mask in
// a graph is just numbers that something made.

import type { ScoreRule } from '../../model/blockShape';
import type { HeadKernels } from '../headKernels';
import { headOf } from '../headLayout';
import type { TappedHeads } from './tappedHeads';

/** Largest difference of a weight in [0, 1] that is rounding of the graph's own type. */
export const patternTolerance = { float32: 1e-4, float16: 1e-2 } as const;

export interface FoundRule {
  /** null: no mask by position gives this pattern (a bias, a padding mask). */
  readonly rule: ScoreRule | null;
  /** Pattern [H, N, N] and output [H, N, d] in float64 from q, k, v by the rule; empty without one. */
  readonly pattern: Float64Array;
  readonly out: Float64Array;
  /** Largest difference between the tapped pattern and that of the best rule. */
  readonly difference: number;
}

/** @param scale factor of q.k; null: 1/sqrt(d). @param fixed what the node itself says of its mask. */
export function findRule(
  heads: TappedHeads,
  scale: number | null,
  fixed: Pick<ScoreRule, 'causal' | 'window'> | null,
  tolerance: number,
  kernels: HeadKernels,
): FoundRule {
  let difference = Infinity;
  const rules = fixed === null ? candidates(heads, scale) : [{ ...fixed, scale }];
  for (const rule of rules) {
    const { pattern, out } = attend(heads, rule, kernels);
    // Where the pattern is hidden in a fused node, its product with the values speaks for it.
    const gap = heads.pattern === null ? relativeError(heads.out, out) : largestDifference(pattern, heads.pattern);
    difference = Math.min(difference, gap);
    if (gap <= tolerance) return { rule, pattern, out, difference: gap };
  }
  return { rule: null, pattern: new Float64Array(0), out: new Float64Array(0), difference };
}

/** Every head by `rule`. */
export function attend(
  { q, k, v, heads, tokens: n, headDim: d }: TappedHeads,
  rule: ScoreRule,
  kernels: HeadKernels,
): { readonly pattern: Float64Array; readonly out: Float64Array } {
  const pattern = new Float64Array(heads * n * n);
  const out = new Float64Array(heads * n * d);
  for (let h = 0; h < heads; h += 1) {
    const [query, key, value] = [q, k, v].map((x) => headOf(x, h, n, d).slice()) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    pattern.set(kernels.pattern(query, key, n, d, rule), h * n * n);
    out.set(kernels.attention(query, key, value, n, d, rule), h * n * d);
  }
  return { pattern, out };
}

/** No mask, then what the zeros of the pattern suggest. */
function candidates({ pattern, heads, tokens: n }: TappedHeads, scale: number | null): ScoreRule[] {
  const rules: ScoreRule[] = [{ causal: false, window: null, scale }];
  if (pattern === null || n < 2) return rules;
  let causal = true;
  let reach = 0;
  for (let h = 0; h < heads; h += 1) {
    for (let i = 0; i < n; i += 1) {
      for (let j = 0; j < n; j += 1) {
        if (pattern[(h * n + i) * n + j] === 0) continue;
        if (j > i) causal = false;
        reach = Math.max(reach, Math.abs(i - j));
      }
    }
  }
  if (causal) rules.push({ causal, window: null, scale });
  if (reach < n - 1) rules.push({ causal, window: reach + 1, scale });
  return rules;
}

/** Largest difference over the largest value. */
function relativeError(a: Float64Array, b: Float64Array): number {
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return largest === 0 ? largestDifference(a, b) : largestDifference(a, b) / largest;
}

function largestDifference(a: Float64Array, b: Float64Array): number {
  let worst = 0;
  for (let i = 0; i < a.length; i += 1) {
    const gap = Math.abs(a[i]! - b[i]!);
    // NaN must not hide behind a comparison.
    if (!(gap <= worst)) worst = gap;
  }
  return worst;
}
