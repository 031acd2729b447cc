// Results to compare: one example and what a test changes in it.

import type { HeadResult } from '../../../src/diagnostics/headResult';
import type { InspectionResult, Provenance } from '../../../src/inspection/inspectionResult';
import type { ComparedSource } from '../../../src/comparison/pairRuns';

export function withProvenance(result: InspectionResult, part: Partial<Provenance>): InspectionResult {
  return { ...result, provenance: { ...result.provenance, ...part } };
}

/** Another checkpoint of this name, its heads changed. */
export function changed(
  result: InspectionResult,
  name: string,
  change: (head: HeadResult, layer: number) => HeadResult,
): InspectionResult {
  const { checkpoint } = result.provenance;
  return {
    ...withProvenance(result, { checkpoint: { ...checkpoint, name, sha256: name.padEnd(64, '0') } }),
    layers: result.layers.map(({ index, heads }) => ({ index, heads: heads.map((head) => change(head, index)) })),
  };
}

export function sourceOf(result: InspectionResult): ComparedSource {
  return { name: result.provenance.checkpoint.name, inspection: '0123456789abcdef', result };
}
