// *Export Diagnostics Report…*: one self-contained HTML file or Markdown with its figures, and the result as JSON beside
// it; or the table of heads, or the result alone. All files of an export or none.

import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { HeadAddress } from '../protocol/messages';
import type { ReportPlace, ReportSource } from '../protocol/reportMessages';
import { resultSchemaName, type InspectionResult } from '../inspection/inspectionResult';
import { sha256Hex } from '../inspection/node/readInput';
import { collectDetails, maxReportHeads } from '../report/collectDetails';
import { headsCsv } from '../report/headsCsv';
import { inspectionId } from '../report/inspectionId';
import { reportHtml } from '../report/reportHtml';
import type { ReportOptions } from '../report/reportSections';
import { reportMarkdown, type ReportFile } from '../report/reportMarkdown';
import { inputCount } from '../report/overInputs';
import { resultJson, resultJsonOver } from '../report/resultJson';
import { showError } from './log';
import type { Services } from './services';
import { shownReport } from './shownReport';

/** What a person may choose by the suffix of the file. */
type Kind = 'html' | 'md' | 'csv' | 'json';

function kindOf({ path }: vscode.Uri): Kind {
  const suffix = /\.(md|csv|json)$/i.exec(path)?.[1]?.toLowerCase();
  return suffix === 'md' || suffix === 'csv' || suffix === 'json' ? suffix : 'html';
}

/** What can be written in each of the formats. */
export interface Exports {
  /** Default name of the file, without suffixes. */
  readonly name: string;
  /** Before the last suffix: `name.gramlens.html`. */
  readonly mark: 'gramlens' | 'comparison';
  /** Title of the dialog, and what the JSON file holds. */
  readonly title: string;
  readonly whole: string;
  readonly rows: string;
  /** Schema of the JSON file, by which one that was written before is known. */
  readonly schema: string;
  html(): Promise<string>;
  /** `name` of the report, then its figures in `name-figures`. */
  markdown(name: string): Promise<readonly ReportFile[]>;
  csv(): string;
  json(): string | Promise<string>;
}

/** The JSON beside a report: `name.gramlens.json`, which opens by double click. */
function jsonBeside(report: vscode.Uri, { mark }: Exports): vscode.Uri {
  const path = report.path.replace(/\.(html?|md)$/i, '');
  return report.with({ path: `${path.endsWith(`.${mark}`) ? path : `${path}.${mark}`}.json` });
}

async function askForFile({ name, mark, title, whole, rows }: Exports): Promise<vscode.Uri | undefined> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const file = `${name.replace(/[^\w.-]+/g, '-')}.${mark}.html`;
  return vscode.window.showSaveDialog({
    ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, file) }),
    filters: {
      [vscode.l10n.t('HTML, one file')]: ['html'],
      [vscode.l10n.t('Markdown with figure files')]: ['md'],
      [rows]: ['csv'],
      [whole]: ['json'],
    },
    title,
    saveLabel: vscode.l10n.t('Export'),
  });
}

/** The dialog asked about the chosen file only, and renaming over a folder would delete it. */
async function checkReplaceable(uri: vscode.Uri, isOurs: (start: string) => boolean): Promise<void> {
  const found = await Promise.resolve(vscode.workspace.fs.stat(uri)).catch(() => null);
  if (found === null) return;
  const isFile = (found.type & vscode.FileType.File) !== 0;
  if (isFile && isOurs(new TextDecoder().decode((await vscode.workspace.fs.readFile(uri)).subarray(0, 200)))) return;
  throw new Error(
    vscode.l10n.t(
      '{0} is already there and was not written by Gramlens. Choose another name for the report.',
      basename(uri.path),
    ),
  );
}

interface ExportedFile {
  readonly uri: vscode.Uri;
  readonly content: string | Uint8Array;
}

/** Files that are under way at a time: a report in Markdown has hundreds of figures, and each call crosses to the editor. */
const filesAtOnce = 16;

/** `act` on each file; resolves or rejects when nothing is under way any more. */
async function onEach<T>(items: readonly T[], act: (item: T) => PromiseLike<void>): Promise<void> {
  for (let start = 0; start < items.length; start += filesAtOnce) {
    const done = await Promise.allSettled(items.slice(start, start + filesAtOnce).map(act));
    const failed = done.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

/**
 * All files are written beside their places first and then renamed: a failure leaves nothing half-written. What belongs
 * in `newFolder`, which does not exist yet, comes with one renaming.
 */
async function writeAll(files: readonly ExportedFile[], newFolder: vscode.Uri | null): Promise<void> {
  const { fs } = vscode.workspace;
  const suffix = `.${randomBytes(4).toString('hex')}.partial`;
  const partial = (uri: vscode.Uri): vscode.Uri => uri.with({ path: uri.path + suffix });
  const inNewFolder = newFolder === null ? null : `${newFolder.path}/`;
  const isInNew = ({ uri }: ExportedFile): boolean => inNewFolder !== null && uri.path.startsWith(inNewFolder);
  const placed = files.filter((file) => !isInNew(file)).map(({ uri }) => uri);
  const writtenTo = (file: ExportedFile): vscode.Uri =>
    newFolder !== null && isInNew(file)
      ? vscode.Uri.joinPath(partial(newFolder), file.uri.path.slice(newFolder.path.length))
      : partial(file.uri);
  const renamed = newFolder === null ? placed : [newFolder, ...placed];
  try {
    if (newFolder !== null) await fs.createDirectory(partial(newFolder));
    await onEach(files, (file) => {
      const { content } = file;
      return fs.writeFile(writtenTo(file), typeof content === 'string' ? new TextEncoder().encode(content) : content);
    });
    await onEach(renamed, (uri) => fs.rename(partial(uri), uri, { overwrite: true }));
  } catch (error) {
    const remove = (uri: vscode.Uri): Promise<void> =>
      Promise.resolve(fs.delete(uri, { recursive: true })).catch(() => undefined);
    await onEach(renamed, (uri) => remove(partial(uri)));
    if (newFolder !== null) await remove(newFolder);
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(vscode.l10n.t('The report could not be written ({0}). Choose another folder.', why));
  }
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  return Promise.resolve(vscode.workspace.fs.stat(uri)).then(
    () => true,
    () => false,
  );
}

/** The files of an export; the first is the one that was chosen. */
async function filesOf(exports: Exports, chosen: vscode.Uri): Promise<ExportedFile[]> {
  const kind = kindOf(chosen);
  if (kind === 'csv') return [{ uri: chosen, content: exports.csv() }];
  if (kind === 'json') return [{ uri: chosen, content: await exports.json() }];
  const json = { uri: jsonBeside(chosen, exports), content: await exports.json() };
  if (kind === 'html') return [{ uri: chosen, content: await exports.html() }, json];
  const [report, ...figures] = await exports.markdown(nameOf(chosen));
  const folder = vscode.Uri.joinPath(chosen, '..');
  return [
    { uri: chosen, content: report!.content },
    json,
    ...figures.map(({ name, content }) => ({ uri: vscode.Uri.joinPath(folder, name), content })),
  ];
}

/** Of a Markdown report: its figures are in `name-figures`. */
function nameOf(markdown: vscode.Uri): string {
  return basename(markdown.path).replace(/\.md$/i, '');
}

const isOf = (source: ReportSource, inspection: string | null): boolean =>
  'inspection' in source && source.inspection === inspection;

/** Asks for the file unless it is given. Resolves with what was written; empty when the person left. */
export async function exportReport(services: Services, given?: vscode.Uri): Promise<readonly vscode.Uri[]> {
  const { session } = services;
  const { result } = session;
  const active = given === undefined ? services.reports.active : null;
  if (active?.export !== undefined) {
    await active.export();
    return [];
  }
  if (result === null) {
    nothingFinished();
    return [];
  }
  if (active !== null && !isOf(active.source, session.snapshot.inspection)) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('This report is of an earlier inspection. Open it again under Recent Inspections to export it.'),
    );
    return [];
  }
  return exportAs(reportExports(services, result), given);
}

/** Of several inputs with each input's own result, where they are kept. */
async function resultText({ session, saved }: Services, result: InspectionResult, id: string): Promise<string> {
  await session.kept();
  const inputs = inputCount(result) === 1 ? null : await saved.inputTexts(id);
  if (inputs === null) return resultJson(result);
  const pieces: string[] = [];
  for await (const piece of resultJsonOver(result, inputs)) pieces.push(piece);
  return pieces.join('');
}

/** What a report of the finished inspection is written with. */
function reportOptions({ session }: Services, result: InspectionResult): ReportOptions & { inspection: string } {
  const { picture } = session.snapshot;
  return { maxHeads: maxReportHeads, picture, inspection: inspectionId(result, sha256Hex) };
}

function detailsOf(
  { session }: Services,
  result: InspectionResult,
  also: HeadAddress | null = null,
): ReturnType<typeof collectDetails> {
  return collectDetails(result, (layer, head) => session.headDetail({ layer, head }), also);
}

function nothingFinished(): void {
  void vscode.window.showInformationMessage(
    vscode.l10n.t('There is no finished inspection. Run "Gramlens: Inspect Checkpoint…" first.'),
  );
}

/** *Open Report*: the report of the finished inspection in a tab, at `place` where one is given. Errors are shown, not thrown. */
export async function openReport(services: Services, place: ReportPlace | null = null): Promise<void> {
  const { result } = services.session;
  if (result === null) {
    nothingFinished();
    return;
  }
  const { picture } = services.session.snapshot;
  const id = inspectionId(result, sha256Hex);
  const report = shownReport({ id, result, picture }, (also) => detailsOf(services, result, also));
  const progress = { location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Writing the report…') };
  try {
    await vscode.window.withProgress(progress, () => services.reports.show(report, place));
  } catch (error) {
    void showError(error);
  }
}

function reportExports(services: Services, result: InspectionResult): Exports {
  const options = reportOptions(services, result);
  const details = (): ReturnType<typeof collectDetails> => detailsOf(services, result);
  return {
    name: result.provenance.checkpoint.name.replace(/\.[^.]+$/, ''),
    mark: 'gramlens',
    title: vscode.l10n.t('Export Diagnostics Report'),
    whole: vscode.l10n.t('JSON, the whole result'),
    rows: vscode.l10n.t('CSV, a row a head'),
    schema: resultSchemaName,
    html: async () => reportHtml(result, await details(), options),
    markdown: async (name) => reportMarkdown(name, result, await details(), options),
    csv: () => headsCsv(result),
    json: () => resultText(services, result, options.inspection),
  };
}

/** The same of anything that has these formats. */
export async function exportAs(exports: Exports, given?: vscode.Uri): Promise<readonly vscode.Uri[]> {
  const chosen = given ?? (await askForFile(exports));
  if (chosen === undefined) return [];
  let files: readonly ExportedFile[];
  try {
    const kind = kindOf(chosen);
    await checkReplaceable(chosen, () => true);
    if (kind === 'html' || kind === 'md')
      await checkReplaceable(jsonBeside(chosen, exports), (start) => start.includes(exports.schema));
    files = await filesOf(exports, chosen);
    const figures = kind === 'md' ? vscode.Uri.joinPath(chosen, '..', `${nameOf(chosen)}-figures`) : null;
    await writeAll(files, figures === null || (await exists(figures)) ? null : figures);
  } catch (error) {
    if (given !== undefined) throw error;
    void showError(error);
    return [];
  }
  if (given === undefined) void offerToOpen(chosen);
  return files.map(({ uri }) => uri);
}

async function offerToOpen(written: vscode.Uri): Promise<void> {
  const isPage = kindOf(written) === 'html';
  const open = isPage ? vscode.l10n.t('Open in Browser') : vscode.l10n.t('Open');
  const message = vscode.l10n.t('Report written to {0}', written.fsPath);
  if ((await vscode.window.showInformationMessage(message, open)) !== open) return;
  if (isPage) await vscode.env.openExternal(written);
  else await vscode.commands.executeCommand(kindOf(written) === 'md' ? 'markdown.showPreview' : 'vscode.open', written);
}
