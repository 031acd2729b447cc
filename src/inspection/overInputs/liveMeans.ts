// A run over several inputs while it goes on: heads of the input that runs first as they come, then means over the inputs
// that are finished. What is shown so is none of the result, which is made of all inputs in their order when they are done.

import type { HeadResult } from '../../diagnostics/headResult';
import type { InspectionResult, LayerResult } from '../inspectionResult';
import { MeanResult } from './meanResult';

/** How many inputs the numbers that are shown are means over, and of how many. */
export interface InputsDone {
  readonly finished: number;
  readonly total: number;
}

/** Who shows it. */
export interface LiveHost {
  /** A head of the first input to run; none follow when means do. */
  head(layer: number, head: HeadResult): void;
  means(inputs: InputsDone, layers: readonly LayerResult[]): void;
}

/** Means are made and sent in at most this share of the time: a page draws all its maps for each. */
const timeShare = 0.25;

export class LiveMeans {
  private readonly sums = new MeanResult();
  private finished = 0;
  /** When it may tell again, milliseconds. */
  private next = -Infinity;

  constructor(
    private readonly host: LiveHost,
    private readonly total: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  head(layer: number, head: HeadResult): void {
    if (this.finished === 0) this.host.head(layer, head);
  }

  /** An input that is finished; `tell` shows it. */
  add(result: InspectionResult): void {
    this.sums.add(result);
    this.finished += 1;
  }

  /** Shows what is finished, unless the last time was a moment ago. */
  tell(): void {
    const before = this.now();
    if (this.finished === 0 || before < this.next) return;
    this.host.means({ finished: this.finished, total: this.total }, this.sums.result().layers);
    const after = this.now();
    this.next = after + (after - before) / timeShare;
  }
}
