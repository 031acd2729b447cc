// What a result says of its untrained twins: how their weights are drawn, and whether that is how the family's own code
// begins. A null that rests on another initialisation must say so.

import { initialRule } from './initialRules';
import type { ModelFamily } from './modelSpec';

export interface TwinRule {
  /** How weights are drawn. */
  readonly drawn: string;
  /** Whether the family's own code draws them so. */
  readonly own: boolean;
  /** Where its own code does something else. */
  readonly departs?: string;
}

/** The rule of a family's untrained twins. */
export function twinRule(family: ModelFamily): TwinRule {
  const { drawn } = initialRule(family);
  if (family !== 'mapped') return { drawn, own: true };
  return { drawn, own: false, departs: 'nobody knows how a network of unknown names was initialised' };
}
