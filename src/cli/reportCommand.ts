// `gramlens report`: a result.json or comparison.json in other formats. Patterns of heads are not in it, so their figures are left out.

import type { Comparison } from '../comparison/comparison';
import { comparisonCsv, comparisonJson } from '../comparison/comparisonFiles';
import { comparisonHtml, comparisonMarkdown } from '../comparison/comparisonSections';
import { asComparison, saysComparison } from '../comparison/comparisonSchema';
import { asResult } from '../inspection/resultSchema';
import { sha256Hex } from '../inspection/node/readInput';
import { writeFiles } from '../inspection/node/writeFiles';
import type { OutputFile } from '../inspection/node/writeFiles';
import type { InspectionResult } from '../inspection/inspectionResult';
import { headsCsv } from '../report/headsCsv';
import { inspectionId } from '../report/inspectionId';
import { reportHtml } from '../report/reportHtml';
import { reportMarkdown } from '../report/reportMarkdown';
import { resultJson } from '../report/resultJson';
import { parseFormats, UsageError, type Format } from './options';
import { readJsonFile } from './readJsonFile';
import { writtenText } from './writtenText';

const wanted = 'the result.json of an inspection, or the comparison.json of a comparison';

/** What a file's check throws is a wrong option. */
function checked<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Throws UsageError. */
export async function readResult(path: string): Promise<InspectionResult> {
  const parsed = await readJsonFile(path, '', 'the result.json of an inspection');
  return checked(() => asResult(parsed, path));
}

export async function runReport(path: string, flags: { readonly format: string; readonly out: string }): Promise<void> {
  const formats = parseFormats(flags.format);
  if (formats.includes('npz'))
    throw new UsageError(
      '--format npz: tensors are not in a result.json; write them with gramlens inspect --format npz.',
    );
  const parsed = await readJsonFile(path, '', wanted);
  const files = saysComparison(parsed)
    ? comparisonFiles(
        checked(() => asComparison(parsed, path)),
        formats,
      )
    : resultFiles(
        checked(() => asResult(parsed, path)),
        formats,
      );
  const written = await writeFiles(flags.out, files);
  process.stdout.write(`Written: ${writtenText(written)}\n`);
}

function resultFiles(result: InspectionResult, formats: readonly Format[]): OutputFile[] {
  const options = { inspection: inspectionId(result, sha256Hex) };
  return formats.flatMap((format): readonly OutputFile[] => {
    if (format === 'html') return [{ name: 'report.html', content: reportHtml(result, () => null, options) }];
    if (format === 'md') return reportMarkdown('report', result, () => null, options);
    if (format === 'csv') return [{ name: 'heads.csv', content: headsCsv(result) }];
    return [{ name: 'result.json', content: resultJson(result) }];
  });
}

/** Files of a comparison in the formats that it has. */
export function comparisonFiles(comparison: Comparison, formats: readonly Format[]): OutputFile[] {
  return formats.flatMap((format): readonly OutputFile[] => {
    if (format === 'html') return [{ name: 'comparison.html', content: comparisonHtml(comparison) }];
    if (format === 'md') return comparisonMarkdown('comparison', comparison);
    if (format === 'csv') return [{ name: 'comparison.csv', content: comparisonCsv(comparison) }];
    return [{ name: 'comparison.json', content: comparisonJson(comparison) }];
  });
}
