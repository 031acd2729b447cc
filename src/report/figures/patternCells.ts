// Everything about the pictures of a head that grows with N x N: masked cells, the difference of two patterns, where colours
// end. A page has it done by a worker, a report does it in place; the figures are made of it in no time.

import * as l10n from '@vscode/l10n';
import type { ValueDirections } from '../../diagnostics/valueDirections';
import type { HeadDetail, HeadImages } from '../../inspection/headDetail';
import { visibleKeys, type ScoreRule } from '../../model/blockShape';
import { formatNumber } from '../format';
import type { CoarserCells } from './figure';

/** Magnitudes of a picture. */
export interface ColourScale {
  /** Where its colours end. */
  readonly end: number;
  readonly most: number;
}

export interface Cells {
  /** NaN: masked. */
  readonly values: Float32Array;
  readonly scale: ColourScale;
  /** As of `HeatmapFigure`. */
  readonly coarser?: readonly CoarserCells[];
}

/** Patterns [N, N]; softmax and RPC share one scale. */
export interface PatternCells {
  readonly tokens: number;
  /** As of `HeadDetail`. */
  readonly rule?: ScoreRule;
  readonly softmax: Cells;
  readonly rpc: Cells | null;
  /** RPC - softmax */
  readonly difference: Cells | null;
}

/** What the figures of a head are made of besides its numbers. */
export interface HeadPictures extends PatternCells {
  readonly scores: Cells | null;
  readonly tensors?: Omit<HeadImages, 'scores'>;
  readonly directions: ValueDirections | null;
}

/** Share of cells that the colour scale covers; a single huge cell would leave the others in the dark. */
const covered = 0.995;

/** One scale for all of them: it ends at the largest magnitude, or at the quantile where the largest stands far above it. */
export function colourScale(...pictures: readonly Float32Array[]): ColourScale {
  const found = pictures.map((values) => magnitudes(values, covered));
  const most = Math.max(...found.map((one) => one.most)) || 1;
  const quantile = Math.max(...found.map((one) => one.quantile));
  return { end: quantile <= 0 || most <= 1.5 * quantile ? most : quantile, most };
}

/** What the scale leaves out; '' where that is nothing. */
export function scaleNote({ end, most }: ColourScale): string {
  return end === most
    ? ''
    : ` ${l10n.t('Colours end at the {0} % quantile, {1}; the largest is {2}.', 100 * covered, formatNumber(end), formatNumber(most))}`;
}

/** Bits of a float32 without its sign order as its magnitude does; above these stand infinity's NaNs. */
const magnitudeBits = 0x7fffffff;
const infinityBits = 0x7f800000;
/** Low bits that the second count looks at. */
const lowBits = 15;

/**
 * The largest magnitude and the one below which `part` of the numbers lie (NaN left out; 0 where there is none): the very
 * value that sorting them gives, in two counts instead, because a pattern of 4,096 tokens has 17 million.
 */
function magnitudes(values: Float32Array, part: number): { readonly most: number; readonly quantile: number } {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const high = new Uint32Array((magnitudeBits >>> lowBits) + 1);
  let numbers = 0;
  let top = 0;
  for (let i = 0; i < bits.length; i++) {
    const magnitude = bits[i]! & magnitudeBits;
    if (magnitude > infinityBits) continue;
    if (magnitude > top) top = magnitude;
    high[magnitude >>> lowBits]! += 1;
    numbers += 1;
  }
  if (numbers === 0) return { most: 0, quantile: 0 };
  const { bin, rank } = binOf(high, Math.floor(part * (numbers - 1)));
  const low = new Uint32Array(1 << lowBits);
  for (let i = 0; i < bits.length; i++) {
    const magnitude = bits[i]! & magnitudeBits;
    if (magnitude >>> lowBits === bin) low[magnitude & ((1 << lowBits) - 1)]! += 1;
  }
  const [most = 0, quantile = 0] = new Float32Array(
    Uint32Array.of(top, (bin << lowBits) | binOf(low, rank).bin).buffer,
  );
  return { most, quantile };
}

/** The bin that holds the number of this rank from 0, and its rank in there. */
function binOf(counts: Uint32Array, rank: number): { readonly bin: number; readonly rank: number } {
  let left = rank;
  let bin = 0;
  while (left >= counts[bin]!) left -= counts[bin++]!;
  return { bin, rank: left };
}

/** A pattern [N, N] with NaN where the mask leaves no weight: those cells are not 0, they are not there. */
function visiblePart(pattern: Float32Array, { tokens, rule }: Pick<HeadDetail, 'tokens' | 'rule'>): Float32Array {
  if (rule === undefined) return pattern;
  const visible = new Float32Array(pattern.length).fill(Number.NaN);
  for (let query = 0; query < tokens; query++) {
    const { from, to } = visibleKeys(rule, query, tokens);
    const row = query * tokens;
    visible.set(pattern.subarray(row + from, row + to), row + from);
  }
  return visible;
}

export function patternCells(
  detail: Pick<HeadDetail, 'tokens' | 'rule' | 'softmaxPattern' | 'rpcPattern'>,
): PatternCells {
  const { tokens, rule } = detail;
  const softmax = visiblePart(detail.softmaxPattern, detail);
  const rpc = detail.rpcPattern?.length === softmax.length ? visiblePart(detail.rpcPattern, detail) : null;
  const scale = colourScale(softmax, ...(rpc === null ? [] : [rpc]));
  const sizes = { tokens, ...(rule === undefined ? {} : { rule }), softmax: { values: softmax, scale } };
  if (rpc === null) return { ...sizes, rpc: null, difference: null };
  const difference = new Float32Array(softmax.length);
  for (let cell = 0; cell < difference.length; cell++) difference[cell] = rpc[cell]! - softmax[cell]!;
  return {
    ...sizes,
    rpc: { values: rpc, scale },
    difference: { values: difference, scale: colourScale(difference) },
  };
}

export function headPictures(detail: HeadDetail): HeadPictures {
  const { scores = null, ...tensors } = detail.tensors ?? {};
  const values = scores === null ? null : visiblePart(scores, detail);
  return {
    ...patternCells(detail),
    directions: detail.directions ?? null,
    scores: values === null ? null : { values, scale: colourScale(values) },
    ...('headDim' in tensors ? { tensors } : {}),
  };
}
