// `gramlens report`: a result.json in other formats. Patterns of heads are not in it, so their figures are left out.

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
import { parseFormats, UsageError } from './options';
import { readJsonFile } from './readJsonFile';
import { writtenText } from './writtenText';

async function readResult(path: string): Promise<InspectionResult> {
  const parsed = await readJsonFile(path, '', 'the result.json of an inspection');
  try {
    return asResult(parsed, path);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

export async function runReport(path: string, flags: { readonly format: string; readonly out: string }): Promise<void> {
  const formats = parseFormats(flags.format);
  if (formats.includes('npz'))
    throw new UsageError(
      '--format npz: tensors are not in a result.json; write them with gramlens inspect --format npz.',
    );
  const result = await readResult(path);
  const options = { inspection: inspectionId(result, sha256Hex) };
  const files = formats.flatMap((format): readonly OutputFile[] => {
    if (format === 'html') return [{ name: 'report.html', content: reportHtml(result, () => null, options) }];
    if (format === 'md') return reportMarkdown('report', result, () => null, options);
    if (format === 'csv') return [{ name: 'heads.csv', content: headsCsv(result) }];
    return [{ name: 'result.json', content: resultJson(result) }];
  });
  const written = await writeFiles(flags.out, files);
  process.stdout.write(`Written: ${writtenText(written)}\n`);
}
