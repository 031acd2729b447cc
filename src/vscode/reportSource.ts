// What a tab of a report was written from. Of an earlier session it is data of that session: only what can be names of
// inspections, addresses and figures is taken.

import type { RunName } from '../protocol/comparisonMessages';
import type { ReportPlace, ReportSource } from '../protocol/reportMessages';
import { isInspectionId } from '../report/inspectionId';
import { asAddress } from './headAddress';

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** Both methods of one inspection are one run. */
export function inspectionsOf(runs: readonly RunName[]): RunName[] {
  const [first, second] = runs;
  const methods = runs.length === 2 && first!.inspection === second!.inspection && first!.name === 'softmax';
  return (methods ? [first!] : runs).map(({ name, inspection }) => ({ name, inspection }));
}

/** The inspections that a comparison or its report was made of; none: []. */
export function rememberedRuns(state: unknown): RunName[] {
  const { runs } = fieldsOf(state);
  if (!Array.isArray(runs)) return [];
  const found = (runs as readonly unknown[]).flatMap((run) => {
    const { name, inspection } = fieldsOf(run);
    return typeof name === 'string' && isInspectionId(inspection) ? [{ name, inspection }] : [];
  });
  return inspectionsOf(found);
}

/** null: it names nothing. */
export function asReportSource(value: unknown): ReportSource | null {
  const { inspection, matchedBy } = fieldsOf(value);
  if (isInspectionId(inspection)) return { inspection };
  const runs = rememberedRuns(value);
  return runs.length === 0 ? null : { runs, matchedBy: matchedBy === 'permutation' ? 'permutation' : 'index' };
}

/** null: its beginning. */
export function asReportPlace(value: unknown): ReportPlace | null {
  const { head, figure } = fieldsOf(value);
  return typeof figure === 'string' ? { head: asAddress(head), figure } : null;
}
