// A head over several inputs: every number its mean with a 95 % interval, every word kept where all inputs say it.

import type { HeadResult, OverInputs } from '../../diagnostics/headResult';
import { addGroup, Field, groupOutcome, type Notes } from './field';

export class MeanHead {
  private readonly fields = new Map<string, Field>();
  private inputs = 0;

  add(head: HeadResult): void {
    this.inputs += 1;
    addGroup(this.fields, { ...head });
  }

  /** A head of the same shape, with `ci` and `over` beside its numbers. */
  result(): HeadResult {
    const notes: Notes = { measured: {}, words: {} };
    const { value, ci } = groupOutcome(this.fields, '', this.inputs, notes);
    const over: OverInputs = { inputs: this.inputs, ...notes };
    // The fields are those of the heads that were added, each of its own kind.
    return { ...(value as HeadResult), ci: ci ?? null, over };
  }
}
