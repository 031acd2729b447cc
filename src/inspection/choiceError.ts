// A choice that a model cannot have, found before anything runs (request.ts, networkNoiseChoice.ts).

import { ModelSpecError } from '../model/modelSpec';

/** The sentence is the same everywhere; `choice` says which control it is about. */
export class ChoiceError extends ModelSpecError {
  constructor(
    readonly choice:
      | 'layers'
      | 'heads'
      | 'rpc'
      | 'rpcSweep'
      | 'forward'
      | 'noise'
      | 'gram'
      | 'keys'
      | 'standardise'
      | 'ablation'
      | 'networkNoise',
    message: string,
  ) {
    super('badInput', message);
  }
}

/** @throws ChoiceError where an index is none of `count` layers or heads. */
export function checkIndexes(
  chosen: readonly number[],
  count: number,
  what: 'layer' | 'head',
  choice: ChoiceError['choice'],
): void {
  const wrong = chosen.find((index) => !Number.isInteger(index) || index < 0 || index >= count);
  if (wrong === undefined) return;
  throw new ChoiceError(
    choice,
    `The model has ${count} ${what}s (0 to ${count - 1})${what === 'head' ? ' in each layer' : ''}; there is no ${what} ${wrong}.`,
  );
}
