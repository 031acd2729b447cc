// A NaN that travels through twelve layers tells nobody where it began: every tensor of a trace is checked where
// it is made, and the first one that is not finite ends the run with its name.

import type { FloatArray } from '../checkpoint/tensorIndex';
import { EngineError } from './backend';

/**
 * Returns `values` when all are finite.
 * @param what names layer and tensor, as the subject of a sentence: "keys of layer 3".
 * @throws EngineError nonFinite otherwise.
 */
export function requireFinite<T extends FloatArray>(values: T, what: string): T {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      const kind = Number.isNaN(values[i]) ? 'NaN (not a number)' : 'infinite';
      throw new EngineError(
        'nonFinite',
        `The ${what} are not finite: entry ${i} of ${values.length} is ${kind}. Look for NaN or huge values in the weights that feed them, or in the input.`,
      );
    }
  }
  return values;
}
