// *Inspect Checkpoint…* and *Inspect Sample Checkpoint*: the whole way from a file to a finished inspection.

import { basename, extname } from 'node:path';
import * as vscode from 'vscode';
import type { GramChoice } from '../diagnostics/headInput';
import type { InspectionResult } from '../inspection/inspectionResult';
import type { InspectionRequest } from '../inspection/inspectionRequest';
import { CancelledError } from '../inspection/cancelledError';
import { isDeviceLoss, onCpu } from '../inspection/gpuFallback';
import type { Fallback } from '../inspection/gpuFallback';
import type { CheckpointFile } from '../inspection/node/checkpointFile';
import { inputKey } from '../inspection/node/finishedInputs';
import { hashBeside } from '../inspection/node/hashBeside';
import { listInputs, type InputList } from '../inspection/node/inputList';
import { TokenizerSource, tokenizerSetting } from '../inspection/node/tokenizerSource';
import { canBeMapped } from '../model/mapping/describeGuess';
import { ModelSpecError } from '../model/modelSpec';
import type { ModelInput, ModelSpec, SpecOverrides } from '../model/modelSpec';
import type { RunnerHostCalls } from '../inspection/node/localRunner';
import { backendSetting, gramSetting } from './settings';
import { backendOfSeveral, chooseBackend } from './backendChoice';
import { log, showError } from './log';
import { checkpointExtensions, Dismissed, loadInput, openFile, pickInput, planRequest, resolveSpec } from './openFlow';
import type { OpenedFile, PickedInput, PlannedRequest } from './openFlow';
import { confirmPlan, planOfSettings } from './planQuestion';
import { inputLabel } from './openSaved';
import { sampleInput, samples } from './samples';
import type { Services } from './services';
import { threadRunner } from './runners';
import type { Runner } from './runners';
import { sentence } from './log';
import { SeveralPlanner, type PlannedMany, type SeveralRun } from './severalInputs';
import type { SeveralPicked } from './severalQuestion';
import type { KeptBeside } from './savedInspections';

/** What a caller may already know; whatever is missing is asked. */
export interface InspectArguments {
  readonly uri: vscode.Uri;
  /** As the CLI's --input, several together; asked when absent. */
  readonly input?: string | readonly string[];
  readonly overrides?: SpecOverrides;
  /** Run without showing the plan as a question. */
  readonly unasked?: boolean;
}

/** What a comparison knows besides. */
export interface RunArguments extends Omit<InspectArguments, 'input'> {
  readonly input?: PickedInput;
  /** Take a kept inspection with the same checkpoint, input, settings and version where there is one. */
  readonly reuse?: boolean;
  /** Settings that an earlier run of the comparison had, where settings leave them to the checkpoint or to a question. */
  readonly like?: Pick<InspectionRequest, 'rpc' | 'gram'>;
  /** Throws where such a run over one input would be of no use. */
  readonly admit?: (request: InspectionRequest) => void;
}

export interface Inspected {
  readonly result: InspectionResult;
  readonly request: InspectionRequest;
  readonly picked: PickedInput;
}

/** The file that the command means: its argument, else the active tab's file. */
function impliedFile(argument: unknown): vscode.Uri | null {
  if (argument instanceof vscode.Uri) return argument;
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  const uri =
    input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom
      ? input.uri
      : vscode.window.activeTextEditor?.document.uri;
  if (uri === undefined) return null;
  const isShardIndex = uri.path.endsWith('.index.json');
  return isShardIndex || checkpointExtensions.includes(extname(uri.path).slice(1).toLowerCase()) ? uri : null;
}

async function pickFile(openLabel: string): Promise<vscode.Uri> {
  const files = await vscode.window.showOpenDialog({
    canSelectMany: false,
    // json: the index of a sharded checkpoint.
    filters: { [vscode.l10n.t('Checkpoints')]: [...checkpointExtensions, 'json'], [vscode.l10n.t('All files')]: ['*'] },
    title: vscode.l10n.t('Choose a checkpoint'),
    openLabel,
  });
  const file = files?.[0];
  if (file === undefined) throw new Dismissed();
  return file;
}

/** Resolves with the result, or null when the person left or cancelled; errors are shown, not thrown. */
export async function inspectCheckpoint(services: Services, argument: unknown): Promise<InspectionResult | null> {
  let uri: vscode.Uri | null = null;
  try {
    uri = impliedFile(argument) ?? (await pickFile(vscode.l10n.t('Inspect')));
    return await inspect(services, { uri });
  } catch (error) {
    if (wasLeft(error)) return null;
    // A network that no family knows can be mapped by hand: its page says what was guessed.
    if (uri !== null && error instanceof ModelSpecError && error.reason === 'unknownFamily') {
      services.mappings.show(uri);
    } else if (uri !== null && error instanceof ModelSpecError && canBeMapped(error.reason)) {
      void offerMapping(services, uri, error);
    } else void showError(error);
    return null;
  }
}

/** An error about a network that is known and not run, or of another layout: a person may know better. */
async function offerMapping(services: Services, uri: vscode.Uri, error: ModelSpecError): Promise<void> {
  const map = vscode.l10n.t('Map Tensors…');
  log().error(error.message);
  if ((await vscode.window.showErrorMessage(error.message, map)) === map) services.mappings.show(uri);
}

/** *Map Checkpoint Tensors…*: the page of the file that the command means. */
export async function mapCheckpoint(services: Services, argument: unknown): Promise<void> {
  try {
    services.mappings.show(impliedFile(argument) ?? (await pickFile(vscode.l10n.t('Map'))));
  } catch (error) {
    if (!wasLeft(error)) void showError(error);
  }
}

export async function inspectSample(services: Services, file?: unknown): Promise<InspectionResult | null> {
  return shown(async () => {
    let name = samples.find((sample) => sample.file === file)?.file;
    if (name === undefined) {
      const items = samples.map((sample) => ({ label: sample.label, detail: sample.detail, file: sample.file }));
      name = (await vscode.window.showQuickPick(items, { title: vscode.l10n.t('Sample checkpoint') }))?.file;
    }
    if (name === undefined) throw new Dismissed();
    const folder = vscode.Uri.joinPath(services.extensionUri, 'media', 'samples');
    const input = `npy:${vscode.Uri.joinPath(folder, sampleInput).fsPath}`;
    return inspect(services, { uri: vscode.Uri.joinPath(folder, name), input, unasked: true });
  });
}

/** The person left a question or cancelled: nothing to show. */
export function wasLeft(error: unknown): boolean {
  return error instanceof Dismissed || error instanceof CancelledError;
}

async function shown(work: () => Promise<InspectionResult>): Promise<InspectionResult | null> {
  try {
    return await work();
  } catch (error) {
    if (!wasLeft(error)) void showError(error);
    return null;
  }
}

/** The whole way; throws Dismissed, CancelledError or the failure. */
export async function inspect(services: Services, known: InspectArguments): Promise<InspectionResult> {
  const { input, ...rest } = known;
  const picked = input === undefined ? {} : { input: typeof input === 'string' ? input : { several: input } };
  return (await runInspection(services, { ...rest, ...picked })).result;
}

/** The same with what was asked for. */
export async function runInspection(services: Services, known: RunArguments): Promise<Inspected> {
  const { session } = services;
  const opening = await session.planning(basename(known.uri.path));
  try {
    return await planAndRun(services, known, opening);
  } catch (error) {
    if (wasLeft(error)) session.planningEnded(opening, 'cancelled', vscode.l10n.t('Nothing was run.'));
    else session.planningEnded(opening, 'failed', sentence(error));
    throw error;
  }
}

async function planAndRun(
  services: Services,
  known: RunArguments,
  opening: vscode.CancellationToken,
): Promise<Inspected> {
  const { session, inspector } = services;
  const opened = await openFile(known.uri);
  const spec = await resolveSpec(opened, known.overrides ?? {}, opening);
  const setting = tokenizerSetting(known.overrides ?? {}, opened.mapping, opened.path);
  const tokenizer = new TokenizerSource(services.tokenizerScript, opened, spec, setting);
  const chosen = await inputOf(known, spec, tokenizer, opening).finally(() => tokenizer.close());
  if (opening.isCancellationRequested) throw new CancelledError();
  if (chosen.kind === 'several') {
    const { picked, list } = chosen;
    const run = { ...list, opened, spec, picked, tokenizer, backend: backendOfSeveral(), rpc: known.like?.rpc };
    return runSeveral(services, known, opening, run);
  }
  const { picked, input } = chosen;
  const page = await inspector.reveal();
  const backend = await chooseBackend(page);
  const make = (gram: GramChoice): Promise<PlannedRequest> =>
    planRequest(services, opened, spec, input, backend, gram, known.like?.rpc);
  const first = await planOfSettings(make, known.like?.gram ?? gramSetting(spec));
  known.admit?.(first.request);
  const kept = known.reuse === true ? await keptRun(services, opened.file, first.request) : null;
  if (kept !== null) return reused(services, opening, known, { result: kept, request: first.request, picked });
  const { request, plan, threads } = known.unasked === true ? first : await confirmPlan(first, make, opening);

  const startRunner = async (attempt: InspectionRequest, host: RunnerHostCalls): Promise<Runner> =>
    attempt.backend === 'webgpu'
      ? services.startPageRunner(await inspector.reveal(true), host, opened.file)
      : threadRunner(services.runnerScript, host, opened.file, threads, { twinFolder: services.twinFolder });
  const makeRunner = async (attempt: InspectionRequest, host: RunnerHostCalls): Promise<Runner> => {
    const runner = await startRunner(attempt, host);
    return { ...runner, run: async (wanted) => tokenizer.named(await runner.run(wanted)) };
  };
  const fallback: Fallback | null =
    backend.kind === 'webgpu' && backendSetting() === 'auto'
      ? (known, error) =>
          onCpu(
            request,
            isDeviceLoss(error)
              ? vscode.l10n.t('the WebGPU device was lost half-way; finished on cpu')
              : vscode.l10n.t('WebGPU failed half-way ({0}); finished on cpu', error.message),
            known,
          )
      : null;
  const result = await withCancellableProgress(services, opened, () =>
    session.run(opening, request, plan, makeRunner, fallback),
  );
  // A run that fell back to cpu is none of the backend that was asked for.
  const { provenance } = result;
  const key = keyOf({ ...request, backend: provenance.backend }, provenance.checkpoint.sha256);
  session.keepUntil(keep(services, { key }, result));
  return { result, request, picked };
}

/** The same over several inputs, one after the other. */
async function runSeveral(
  services: Services,
  known: RunArguments,
  opening: vscode.CancellationToken,
  run: SeveralRun,
): Promise<Inspected> {
  const { session, inspector, saved } = services;
  const { opened, spec, picked } = run;
  await inspector.reveal();
  const planner = new SeveralPlanner(services, run, opening);
  const make = (gram: GramChoice): Promise<PlannedMany> => planner.plan(gram);
  const first = await planOfSettings(make, known.like?.gram ?? gramSetting(spec));
  const kept = known.reuse === true ? await saved.withKey(first.key) : null;
  if (kept !== null) return reused(services, opening, known, { result: kept.result, request: first.request, picked });
  const { request, plan, key, runner } = known.unasked === true ? first : await confirmPlan(first, make, opening);
  const result = await withCancellableProgress(services, opened, () =>
    session.run(opening, request, plan, (_, host) => runner(host), null),
  );
  session.keepUntil(keep(services, { key, inputs: planner.folder }, result).finally(() => planner.finish()));
  return { result, request, picked };
}

/** Nothing is run: what is kept is used. */
function reused(
  { session }: Services,
  opening: vscode.CancellationToken,
  { uri }: RunArguments,
  found: Inspected,
): Inspected {
  const words = vscode.l10n.t('The inspection of {0} that is kept is used.', basename(uri.path));
  session.planningEnded(opening, 'cancelled', words);
  return found;
}

/** What decides the numbers of a run, under which it is kept. */
function keyOf(request: InspectionRequest, checkpointSha256: string | null): string {
  return inputKey(request, checkpointSha256, {});
}

/** The result that such a run would have, from disk. */
async function keptRun(
  { saved, runnerScript }: Services,
  file: CheckpointFile,
  request: InspectionRequest,
): Promise<InspectionResult | null> {
  const { fileName } = request.index;
  // Hashing a large checkpoint takes a while: not where none of its name is kept.
  if (!('path' in file) || !(await saved.list()).some(({ title }) => title === fileName)) return null;
  const sha256 = await hashBeside(runnerScript, file, request.index.byteLength, new AbortController().signal);
  return (await saved.withKey(keyOf(request, sha256)))?.result ?? null;
}

/** Beside whatever the person does next; where the patterns cannot be kept, the numbers are. */
async function keep(
  { session, saved }: Services,
  beside: Omit<KeptBeside, 'fetchHead'>,
  result: InspectionResult,
): Promise<void> {
  const { inspection, title, plan, picture } = session.snapshot;
  if (inspection === null || session.result !== result) return;
  const one = { id: inspection, title, result, plan, picture };
  const label = inputLabel(result);
  try {
    await saved
      .save(one, label, { ...beside, fetchHead: (layer, head) => session.keptHead({ layer, head }) })
      .catch(() => saved.save(one, label, { ...beside, fetchHead: null }));
  } catch (error) {
    log().warn(`the inspection is not kept for later: ${sentence(error)}`);
  }
}

/** One input, or several that are read one at a time. */
type Chosen =
  | { readonly kind: 'one'; readonly picked: PickedInput; readonly input: ModelInput }
  | { readonly kind: 'several'; readonly picked: SeveralPicked; readonly list: InputList };

async function inputOf(
  known: RunArguments,
  spec: ModelSpec,
  tokenizer: TokenizerSource,
  opening: vscode.CancellationToken,
): Promise<Chosen> {
  const picked = known.input ?? (await pickInput(spec, tokenizer, opening));
  if (typeof picked === 'string' || !('several' in picked))
    return { kind: 'one', picked, input: await loadInput(picked, spec, tokenizer) };
  const list = await listInputs(picked.several, spec, tokenizer);
  const [only, ...more] = list.inputs;
  // A folder with one picture in it is one input.
  return only !== undefined && more.length === 0
    ? { kind: 'one', picked, input: await only.load() }
    : { kind: 'several', picked, list };
}

async function withCancellableProgress(
  services: Services,
  opened: OpenedFile,
  run: () => Promise<InspectionResult>,
): Promise<InspectionResult> {
  const { session } = services;
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: vscode.l10n.t('Inspecting {0}', opened.index.fileName),
    cancellable: true,
  };
  return vscode.window.withProgress(options, async (progress, token) => {
    let reported = 0;
    const subscriptions = [
      token.onCancellationRequested(() => void session.cancel()),
      session.onDidChange(({ progress: now }) => {
        if (now === null) return;
        progress.report({ message: now.label, increment: Math.max(0, 100 * now.fraction - reported) });
        reported = Math.max(reported, 100 * now.fraction);
      }),
    ];
    try {
      return await run();
    } finally {
      for (const subscription of subscriptions) subscription.dispose();
    }
  });
}
