// Mean and 95 % interval of numbers that come one after the other (Welford's recurrence): nothing of an earlier number
// is kept, and equal numbers have exactly no spread.

import type { Measured } from '../../diagnostics/headResult';
import { halfWidth95 } from '../../diagnostics/studentT';

/** A mean with half the width of its interval; null: not measured by enough, or beyond double precision. */
export interface Interval {
  readonly count: number;
  readonly mean: Measured;
  readonly half: Measured;
}

const finite = (value: number): Measured => (Number.isFinite(value) ? value : null);

/** t_{0.975, n-1} sd / sqrt(n) of `count` numbers whose squared deviations sum to `squares`. */
function intervalOf(count: number, mean: number, squares: number): Interval {
  if (count === 0) return { count, mean: null, half: null };
  const half = count < 2 ? null : finite(halfWidth95(Math.sqrt(squares / (count - 1)), count));
  return { count, mean: finite(mean), half: Number.isFinite(mean) ? half : null };
}

export class Running {
  private count = 0;
  private mean = 0;
  private squares = 0;

  add(value: number): void {
    this.count += 1;
    const before = value - this.mean;
    this.mean += before / this.count;
    this.squares += before * (value - this.mean);
  }

  interval(): Interval {
    return intervalOf(this.count, this.mean, this.squares);
  }
}

/**
 * The same for arrays, place by place, as far as the shortest reaches: beyond it a mean would be over other inputs from
 * place to place. Empty arrays are of inputs that did not measure it, and do not count; a null leaves its place out.
 */
export class RunningArray {
  private counts = new Uint32Array(0);
  private means = new Float64Array(0);
  private squares = new Float64Array(0);
  /** Arrays that were not empty. */
  private arrays = 0;

  add(values: readonly Measured[]): void {
    if (values.length === 0) return;
    if (this.arrays === 0) {
      this.counts = new Uint32Array(values.length);
      this.means = new Float64Array(values.length);
      this.squares = new Float64Array(values.length);
    } else if (values.length < this.counts.length) {
      this.counts = this.counts.slice(0, values.length);
      this.means = this.means.slice(0, values.length);
      this.squares = this.squares.slice(0, values.length);
    }
    this.arrays += 1;
    for (let place = 0; place < this.counts.length; place++) {
      const value = values[place] ?? null;
      if (value === null) continue;
      const count = this.counts[place]! + 1;
      const before = value - this.means[place]!;
      const mean = this.means[place]! + before / count;
      this.counts[place] = count;
      this.means[place] = mean;
      this.squares[place]! += before * (value - mean);
    }
  }

  intervals(): Interval[] {
    return Array.from(this.counts, (count, place) => intervalOf(count, this.means[place]!, this.squares[place]!));
  }
}
