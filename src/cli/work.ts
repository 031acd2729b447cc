// What `gramlens inspect` waits for, over one input or several, and what it gets.

import type { HeadDetail } from '../inspection/headDetail';
import type { InspectionRequest } from '../inspection/inspectionRequest';
import type { InspectionResult } from '../inspection/inspectionResult';
import type { NamedArray } from '../inspection/layerSource';
import type { ModelInput } from '../model/modelSpec';

export interface Finished {
  readonly result: InspectionResult;
  /** Patterns of a head; null: not at hand. */
  readonly headDetail: ((layer: number, head: number) => Promise<HeadDetail>) | null;
  tensors(): Promise<readonly NamedArray[]>;
  readonly picture: ModelInput['picture'];
  /** Text of `result.json`. */
  json(): Iterable<string> | AsyncIterable<string>;
  /** Of everything that this text depends on: checkpoint, input, options, version. */
  readonly key: string;
}

export interface Work {
  /** What `run` will do; null: it is over several inputs. */
  readonly request: InspectionRequest | null;
  /** Of what `run` will give; hashes the checkpoint. */
  key(): Promise<string>;
  run(): Promise<Finished>;
  /** Ends whatever runs; safe to call twice. */
  stop(): Promise<void>;
  /** What is left behind (`nothingKept`) when it does not come to its end. */
  kept(): string;
}

export const nothingKept = 'nothing was written';

/** A result that is the same from run to run. */
export function withoutTimes(result: InspectionResult): InspectionResult {
  const provenance = Object.fromEntries(Object.entries(result.provenance).filter(([name]) => name !== 'elapsedMs'));
  return { ...result, provenance: provenance as unknown as InspectionResult['provenance'] };
}
