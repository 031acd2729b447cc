// What the tab of a report shows: of the inspection that is open, or of one that is kept, drawn from disk.

import * as vscode from 'vscode';
import type { InspectionResult } from '../inspection/inspectionResult';
import type { HeadAddress, InputPicture } from '../protocol/messages';
import { collectDetails, maxReportHeads } from '../report/collectDetails';
import { reportHtml } from '../report/reportHtml';
import { drawingRunner } from './drawingRunner';
import type { ShownReport } from './reportPanels';
import type { Services } from './services';

interface ReportedInspection {
  /** Name of the inspection. */
  readonly id: string;
  readonly result: InspectionResult;
  readonly picture: InputPicture | null;
}

/** `details` fetches the patterns of the heads that have pictures of their own. */
export function shownReport(
  { id, result, picture }: ReportedInspection,
  details: (also: HeadAddress | null) => ReturnType<typeof collectDetails>,
): ShownReport {
  return {
    source: { inspection: id },
    title: vscode.l10n.t('Report: {0}', result.provenance.checkpoint.name),
    html: async (place) => {
      const also = place?.head ?? null;
      return reportHtml(result, await details(also), { maxHeads: maxReportHeads, picture, inspection: id, also });
    },
  };
}

/** Of a kept inspection, whatever the inspector shows; nothing is computed. Throws a sentence where it is gone. */
export async function keptReport({ saved, runnerScript }: Services, id: string): Promise<ShownReport> {
  const { result, picture, folder } = await saved.open(id);
  return shownReport({ id, result, picture }, async (also) => {
    const runner = drawingRunner(runnerScript, folder);
    try {
      return await collectDetails(result, (layer, head) => runner.headDetail(layer, head), also);
    } finally {
      await runner.stop();
    }
  });
}
