// Fetches the patterns of the heads that the report draws, before it is written: the writer itself waits for nothing.

import type { HeadDetail } from '../inspection/headDetail';
import type { InspectionResult } from '../inspection/inspectionResult';
import { selectHeads, type AskedHead } from './headSelection';

/** Heads with pictures of their own; beyond it the extremes are shown and the rest is in tables. */
export const maxReportHeads = 24;

/** A look-up for `reportHtml`; heads without pictures give null. */
export async function collectDetails(
  result: InspectionResult,
  fetchDetail: (layer: number, head: number) => Promise<HeadDetail>,
  also: AskedHead | null = null,
): Promise<(layer: number, head: number) => HeadDetail | null> {
  const details = new Map<string, HeadDetail>();
  for (const { layer, head } of selectHeads(result, maxReportHeads, also)) {
    try {
      details.set(`${layer}/${head.index}`, await fetchDetail(layer, head.index));
    } catch {
      // Who kept the tensors is gone (a closed tab): the numbers are all there, the patterns are left out.
      break;
    }
  }
  return (layer, head) => details.get(`${layer}/${head}`) ?? null;
}
