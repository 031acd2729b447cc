// The pictures of one head, as plain data.

import type { HeadResult } from '../../diagnostics/headResult';
import type { HeadDetail } from '../../inspection/headDetail';
import type { Figure } from './figure';

/** Facts about the run that captions and axes need. */
export interface HeadContext {
  readonly layer: number;
  /** N */
  readonly tokens: number;
  /** Class and distillation tokens at the front. */
  readonly prefixTokens: number;
  /** d */
  readonly headDim: number;
  /** What the checkpoint was trained with ('softmax', 'symmetric', 'scaled', 'rpc'): decides "what-if" in cautions. */
  readonly trainedWith: 'softmax' | 'symmetric' | 'scaled' | 'rpc';
}

/** Figures of one head in reading order; patterns only where `detail` is there. */
export function headFigures(head: HeadResult, context: HeadContext, detail: HeadDetail | null): Figure[] {
  void [head, context, detail];
  return [];
}
