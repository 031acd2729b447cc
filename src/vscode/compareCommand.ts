// *Compare Checkpoints…*: which runs, the input they share, what is not kept yet is inspected, then the comparison tab.

import * as vscode from 'vscode';
import type { ComparedSource } from '../comparison/pairRuns';
import { Admission, outlineAhead, outlineOf } from '../comparison/runOutline';
import { orderBySteps } from '../comparison/steps';
import type { InspectionResult } from '../inspection/inspectionResult';
import { distinctNames, runAt, runsIn } from '../inspection/node/runFolder';
import { sha256Hex } from '../inspection/node/readInput';
import { inspectionId } from '../report/inspectionId';
import { compareSources, withSingle } from './comparisonPanel';
import { runInspection, wasLeft, type Inspected } from './inspectCommand';
import { log, sentence, showError } from './log';
import { checkpointExtensions, Dismissed } from './openFlow';
import { inputLabel, readRun } from './openSaved';
import type { Services } from './services';
import { isLocal } from './virtualFiles';

/** What a caller may already know. */
export interface CompareArguments {
  /** Checkpoints, results, or one folder of them. */
  readonly uris: readonly vscode.Uri[];
  /** As the CLI's --input; asked when absent. */
  readonly input?: string;
}

interface Target {
  readonly uri: vscode.Uri;
  readonly kind: 'checkpoint' | 'result';
  readonly name: string;
}

/** One folder stands for the runs in it. */
async function targetsOf(uris: readonly vscode.Uri[]): Promise<readonly Target[]> {
  const [only] = uris;
  const { runs: folder, passedOver } =
    uris.length === 1 && only !== undefined && isLocal(only) ? await runsIn(only.fsPath) : { runs: [], passedOver: [] };
  if (passedOver.length > 0) void vscode.window.showInformationMessage(passedOver.join(' '));
  const found =
    folder.length > 0
      ? folder.map(({ kind, path }) => ({ kind, uri: only!.with({ path: vscode.Uri.file(path).path }) }))
      : await Promise.all(uris.map(targetOf));
  const names = distinctNames(found.map(({ uri }) => uri.path));
  const targets = found.map((target, i) => ({ ...target, name: names[i]! }));
  const { places, steps } = orderBySteps(names);
  // A selection in the explorer has no order that a person means; numbers in names have one.
  return folder.length > 0 || steps.every((step) => step !== null) ? places.map((place) => targets[place]!) : targets;
}

async function targetOf(uri: vscode.Uri): Promise<Omit<Target, 'name'>> {
  if (!isLocal(uri))
    return { uri, kind: uri.path.endsWith('.json') && !uri.path.endsWith('.index.json') ? 'result' : 'checkpoint' };
  const { kind, path } = await runAt(uri.fsPath);
  return { kind, uri: uri.with({ path: vscode.Uri.file(path).path }) };
}

/** `clicked`, `selected`: what an explorer's menu hands over. Errors are shown, not thrown. */
export async function compareCheckpoints(services: Services, clicked: unknown, selected: unknown): Promise<void> {
  try {
    const chosen = Array.isArray(selected) ? selected.filter((one) => one instanceof vscode.Uri) : [];
    const uris = chosen.length > 1 ? chosen : clicked instanceof vscode.Uri ? await withPartner(clicked) : null;
    if (uris !== null) await compare(services, { uris });
    else await ask(services);
  } catch (error) {
    if (!wasLeft(error)) void showError(error);
  }
}

/** A folder is enough; a single file needs another one. */
async function withPartner(uri: vscode.Uri): Promise<readonly vscode.Uri[]> {
  const { type } = await vscode.workspace.fs.stat(uri);
  if ((type & vscode.FileType.Directory) !== 0) return [uri];
  return [uri, ...(await pickFiles(vscode.l10n.t('Compare {0} with', uri.path.slice(uri.path.lastIndexOf('/') + 1))))];
}

async function pickFiles(title: string): Promise<readonly vscode.Uri[]> {
  const files = await vscode.window.showOpenDialog({
    canSelectMany: true,
    filters: {
      [vscode.l10n.t('Checkpoints and results')]: [...checkpointExtensions, 'json'],
      [vscode.l10n.t('All files')]: ['*'],
    },
    title,
    openLabel: vscode.l10n.t('Compare'),
  });
  if (files === undefined || files.length === 0) throw new Dismissed();
  return files;
}

/** Where no file was named: what is to be compared. */
async function ask(services: Services): Promise<void> {
  const { session, saved } = services;
  const recent = await saved.list();
  const open = session.result;
  const items = [
    {
      value: 'files',
      label: `$(files) ${vscode.l10n.t('Checkpoints or results…')}`,
      detail: vscode.l10n.t('Two, or several steps of one training; in the explorer: select them and open their menu'),
    },
    {
      value: 'folder',
      label: `$(folder) ${vscode.l10n.t('A folder of training steps…')}`,
      detail: vscode.l10n.t('Its checkpoints in the order of the numbers in their names'),
    },
    ...(recent.length < 2
      ? []
      : [
          {
            value: 'recent',
            label: `$(history) ${vscode.l10n.t('Recent inspections…')}`,
            detail: vscode.l10n.t('{0} are kept; nothing is computed again', recent.length),
          },
        ]),
    ...(open === null
      ? []
      : [
          {
            value: 'methods',
            label: `$(git-compare) ${vscode.l10n.t('Softmax and RPC')}`,
            detail: vscode.l10n.t('Of the open inspection, {0}', open.provenance.checkpoint.name),
          },
        ]),
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Compare what?'),
    ignoreFocusOut: true,
  });
  if (chosen === undefined) throw new Dismissed();
  if (chosen.value === 'files')
    await compare(services, { uris: await pickFiles(vscode.l10n.t('Choose two runs or more')) });
  else if (chosen.value === 'folder') await compare(services, { uris: await pickFolder() });
  else if (chosen.value === 'recent') await show(services, await pickRecent(services));
  else if (open !== null) await show(services, [sourceOf(open.provenance.checkpoint.name, open)]);
}

async function pickFolder(): Promise<readonly vscode.Uri[]> {
  const folders = await vscode.window.showOpenDialog({
    canSelectFolders: true,
    canSelectFiles: false,
    title: vscode.l10n.t('Choose a folder of training steps'),
    openLabel: vscode.l10n.t('Compare'),
  });
  if (folders === undefined) throw new Dismissed();
  return folders;
}

async function pickRecent({ saved }: Services): Promise<readonly ComparedSource[]> {
  const items = (await saved.list()).map(({ id, title, description, input, savedAt }) => {
    const when = new Date(savedAt).toLocaleString(vscode.env.language, { dateStyle: 'medium', timeStyle: 'short' });
    return { id, label: title, description: `${input} · ${when}`, detail: description };
  });
  const options = {
    canPickMany: true,
    title: vscode.l10n.t('Choose two inspections or more'),
    ignoreFocusOut: true,
  } as const;
  const chosen = await vscode.window.showQuickPick(items, options);
  if (chosen === undefined || chosen.length === 0) throw new Dismissed();
  // The older first: what changed since.
  const ids = [...chosen].reverse().map(({ id }) => id);
  return Promise.all(
    ids.map(async (id) => {
      const { title, result } = await saved.open(id);
      return { name: title, inspection: id, result };
    }),
  );
}

function sourceOf(name: string, result: InspectionResult): ComparedSource {
  return { name, inspection: inspectionId(result, sha256Hex), result };
}

/** Inspects what is not kept and shows the comparison. Throws Dismissed, CancelledError or a failure. */
export async function compare(services: Services, { uris, input }: CompareArguments): Promise<void> {
  const targets = await targetsOf(uris);
  const admission = new Admission();
  // Before anything is inspected that could not be compared with them.
  const results = new Map<Target, ComparedSource>();
  for (const target of targets) {
    if (target.kind !== 'result') continue;
    const { result, single } = await readRun(target.uri);
    admission.admit(outlineOf(target.name, result));
    results.set(target, { ...sourceOf(target.name, result), ...(single === null ? {} : { single }) });
  }
  const sources: ComparedSource[] = [];
  let before: Inspected | null = null;
  for (const target of targets) {
    const { uri, name } = target;
    const read = results.get(target);
    if (read !== undefined) {
      await keepResult(services, read.result);
      sources.push(read);
      continue;
    }
    const shared = before?.picked ?? input;
    before = await runInspection(services, {
      uri,
      ...(shared === undefined ? {} : { input: shared }),
      ...(before === null ? {} : { like: before.request }),
      // The plan is shown once: the others are of the same size.
      unasked: before !== null || input !== undefined,
      reuse: true,
      admit: (request) => {
        admission.admit(outlineAhead(name, request));
      },
    });
    sources.push(sourceOf(name, before.result));
  }
  await show(services, sources);
}

/** A result file joins the recent inspections, from which its tab comes back. */
async function keepResult({ saved }: Services, result: InspectionResult): Promise<void> {
  const id = inspectionId(result, sha256Hex);
  if (await saved.has(id)) return;
  const one = { id, title: result.provenance.checkpoint.name, result, plan: null, picture: null };
  await saved.save(one, inputLabel(result), { fetchHead: null }).catch((error: unknown) => {
    log().warn(`the result is compared, but not kept: ${sentence(error)}`);
  });
}

async function show({ comparisons, saved, session }: Services, given: readonly ComparedSource[]): Promise<void> {
  // Refused here, where a person hears it, and not in a tab.
  compareSources(given, 'index');
  // What was just inspected is on disk before a tab refers to it.
  await session.kept();
  const reading = { location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Reading what is compared') };
  const sources = await vscode.window.withProgress(reading, () =>
    Promise.all(given.map((source) => withSingle(saved, source))),
  );
  comparisons.show(sources);
}
