// The name of a finished inspection, the same wherever its result is written, shown or linked to.

import type { InspectionResult } from '../inspection/inspectionResult';
import type { Sha256 } from '../model/image/imageInput';
import { resultJson } from './resultJson';

/**
 * 16 hexadecimal digits of the SHA-256 of its `result.json`, of several inputs without those of the single ones. Rollout
 * follows from checkpoint and input, which are named; network noise from a setting of its own, so that it counts.
 */
export function inspectionId(result: InspectionResult, sha256: Sha256): string {
  const { schema, provenance, model, layers, output, networkNoise } = result;
  const own = { schema, provenance, model, layers, output, ...(networkNoise === undefined ? {} : { networkNoise }) };
  return sha256(new TextEncoder().encode(resultJson(own))).slice(0, 16);
}

/** Whether `value` can be such a name. */
export const isInspectionId = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);

/** How links to heads begin. */
export const headLinkStart = 'vscode://gramlens.gramlens/head?';

/** A link that shows this head in the editor (src/vscode/openSaved.ts). */
export function headLink(inspection: string, layer: number, head: number): string {
  return `${headLinkStart}inspection=${inspection}&layer=${layer}&head=${head}`;
}
