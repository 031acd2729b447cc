// Counts, range, mean and spread of numbers that come in pieces. Sums are float64: blocks in two passes, joined as
// Chan, Golub and LeVeque do, so that millions of values keep some 13 digits.

import type { FloatArray } from './tensorIndex';

export interface TensorStatistics {
  /** Elements of the shape, repeated ones (stride 0) included. */
  readonly count: number;
  readonly nan: number;
  readonly positiveInfinity: number;
  readonly negativeInfinity: number;
  readonly zeros: number;
  /** Of the finite values; null when there is none. */
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** Population standard deviation of the finite values (divided by their number). */
  readonly sd: number | null;
  /** Why a number above is null; null when none is. */
  readonly reason: string | null;
}

/** Values summed before they join the total: short sums lose little, and their second pass finds them in the cache. */
const blockLength = 4096;
/** Counts, range, mean and squared deviations of what was added so far. */
export class Moments {
  private nan = 0;
  private positive = 0;
  private negative = 0;
  private zeros = 0;
  private finite = 0;
  private min = Infinity;
  private max = -Infinity;
  /** The mean is anchor + offset: relative to a value of the tensor, so that values far from zero keep their spread. */
  private anchor = 0;
  private offset = 0;
  /** Sum of squared deviations from the mean. */
  private squares = 0;

  add(values: FloatArray): void {
    for (let at = 0; at < values.length; at += blockLength) this.addBlock(values, at, at + blockLength);
  }

  private addBlock(values: FloatArray, from: number, to: number): void {
    const end = Math.min(to, values.length);
    let finite = 0;
    let first = 0;
    let sum = 0;
    for (let i = from; i < end; i++) {
      const x = values[i]!;
      if (x - x === 0) {
        if (finite === 0) first = x;
        finite += 1;
        sum += x - first;
        if (x === 0) this.zeros += 1;
        if (x < this.min) this.min = x;
        if (x > this.max) this.max = x;
      } else if (x > 0) this.positive += 1;
      else if (x < 0) this.negative += 1;
      else this.nan += 1;
    }
    if (finite === 0) return;
    const offset = sum / finite;
    let squares = 0;
    let rest = 0;
    for (let i = from; i < end; i++) {
      const x = values[i]!;
      if (x - x !== 0) continue;
      const d = x - first - offset;
      squares += d * d;
      rest += d;
    }
    // `rest` would be 0 in exact arithmetic: it corrects what rounding of the mean added.
    this.join(finite, first, offset, squares - (rest * rest) / finite);
  }

  private join(finite: number, anchor: number, offset: number, squares: number): void {
    if (this.finite === 0) {
      this.finite = finite;
      this.anchor = anchor;
      this.offset = offset;
      this.squares = squares;
      return;
    }
    const all = this.finite + finite;
    const delta = anchor - this.anchor + (offset - this.offset);
    this.squares += squares + delta * delta * this.finite * (finite / all);
    this.offset += delta * (finite / all);
    this.finite = all;
  }

  /** `repeats`: how often every value counts. */
  summary(count: number, repeats: number): TensorStatistics {
    const some = this.finite > 0;
    const mean = this.anchor + this.offset;
    const sd = Math.sqrt(Math.max(0, this.squares) / this.finite);
    const number = (value: number): number | null => (some && Number.isFinite(value) ? value : null);
    const overflow = some && !(Number.isFinite(mean) && Number.isFinite(sd));
    return {
      count,
      nan: this.nan * repeats,
      positiveInfinity: this.positive * repeats,
      negativeInfinity: this.negative * repeats,
      zeros: this.zeros * repeats,
      min: number(this.min),
      max: number(this.max),
      mean: number(mean),
      sd: number(sd),
      reason: some
        ? overflow
          ? 'the values are too large for float64 sums'
          : null
        : count === 0
          ? 'the tensor has no elements'
          : 'the tensor has no finite value',
    };
  }
}
