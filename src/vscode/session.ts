// The one inspection that is open: its state, who runs it, and whom to tell. Pages draw the snapshot and hold
// nothing of their own.

import * as vscode from 'vscode';
import type { HeadResult } from '../diagnostics/headResult';
import { CancelledError } from '../inspection/cancelledError';
import { runOrFallBack } from '../inspection/gpuFallback';
import type { Fallback } from '../inspection/gpuFallback';
import type { HeadDetail } from '../inspection/headDetail';
import type { KeptHead } from '../inspection/traceStore';
import type { InspectionPlan, InspectionRequest } from '../inspection/inspectionRequest';
import type { InspectionResult, LayerResult } from '../inspection/inspectionResult';
import type { InputsDone } from '../inspection/overInputs/liveMeans';
import { withHead } from '../inspection/withHead';
import { modelSummary } from '../inspection/runInspection';
import { emptySnapshot } from './emptySnapshot';
import type { RunnerHostCalls } from '../inspection/node/localRunner';
import { sha256Hex } from '../inspection/node/readInput';
import { progressText } from '../inspection/progressLabel';
import type { HeadAddress, PageCalls, Progress, SessionSnapshot, WireSnapshot } from '../protocol/messages';
import { packLayers } from '../protocol/wireLayers';
import { headNumbers } from '../report/figures/headNumbers';
import { inspectionId } from '../report/inspectionId';
import { inputCount } from '../report/overInputs';
import { computedText, log, sentence } from './log';
import type { SavedInspection } from './savedInspections';
import type { Runner } from './runners';

/** What a runner tells; one over several inputs its running means, too. */
export interface SessionHost extends RunnerHostCalls {
  means(inputs: InputsDone, layers: readonly LayerResult[]): void;
}

/** Makes the runner of one attempt; `backend` may differ from the request's when a GPU was lost. */
export type RunnerFactory = (request: InspectionRequest, host: SessionHost) => Runner | Promise<Runner>;

function networkOf({ rollout, networkNoise }: InspectionResult): SessionSnapshot['network'] {
  return { ...(rollout === undefined ? {} : { rollout }), ...(networkNoise === undefined ? {} : { networkNoise }) };
}

function doneMessage(title: string, result: InspectionResult): string {
  const inputs = inputCount(result);
  return inputs === 1
    ? vscode.l10n.t('{0}: every head inspected.', title)
    : vscode.l10n.t('{0}: every head inspected, means over {1} inputs.', title, inputs);
}

export class InspectionSession implements vscode.Disposable {
  private state: SessionSnapshot = emptySnapshot;
  private runner: Runner | null = null;
  /** Raised by every start and cancel; what an older run still says is not listened to. */
  private generation = 0;
  /** The file that is being opened, until its run starts. Its token ends the questions that are asked meanwhile. */
  private opening: vscode.CancellationTokenSource | null = null;
  private readonly pages = new Set<PageCalls>();
  private readonly changed = new vscode.EventEmitter<SessionSnapshot>();
  /** Fires with every snapshot that is sent to the pages, and with progress. */
  readonly onDidChange = this.changed.event;
  private finished: InspectionResult | null = null;
  /** What a finished run keeps is being written: its runner stays until then. Never rejects. */
  private keeping: Promise<unknown> = Promise.resolve();
  /** What was finished when another file was opened, its runner still there: it comes back when nothing is started. */
  private before: { readonly state: SessionSnapshot; readonly finished: InspectionResult } | null = null;

  get snapshot(): SessionSnapshot {
    return this.state;
  }

  /** The same as pages have it. */
  get pageSnapshot(): WireSnapshot {
    return { ...this.state, layers: packLayers(this.state.layers) };
  }

  /** What is known of a head now; null: it was not inspected. */
  head({ layer, head }: HeadAddress): HeadResult | null {
    const { heads = [] } = this.state.layers.find(({ index }) => index === layer) ?? {};
    return heads.find(({ index }) => index === head) ?? null;
  }

  /** The finished result; null while nothing is finished. */
  get result(): InspectionResult | null {
    return this.finished;
  }

  get running(): boolean {
    return this.state.phase === 'running' || this.state.phase === 'planning';
  }

  addPage(page: PageCalls): vscode.Disposable {
    this.pages.add(page);
    return new vscode.Disposable(() => this.pages.delete(page));
  }

  /**
   * Opening a file: what the pages show until a plan exists. The token is cancelled when the person cancels or
   * another file takes the place of this one.
   */
  async planning(title: string): Promise<vscode.CancellationToken> {
    const opening = new vscode.CancellationTokenSource();
    if (this.state.phase === 'done' && this.finished !== null) {
      this.before = { state: this.state, finished: this.finished };
    }
    this.opening?.cancel();
    this.opening = null;
    const stopped = this.before === null ? this.stopRunner() : Promise.resolve();
    this.opening = opening;
    await stopped;
    if (opening.token.isCancellationRequested) throw new CancelledError();
    this.finished = null;
    this.update({
      ...emptySnapshot,
      metric: this.state.metric,
      phase: 'planning',
      title,
      message: vscode.l10n.t('Reading the header of {0}', title),
    });
    return opening.token;
  }

  /** Nothing was started after all: the person closed a question, or the file cannot be inspected. */
  planningEnded(opening: vscode.CancellationToken, phase: 'cancelled' | 'failed', message: string): void {
    // What became of an older file is not the state of the one that replaced it.
    if (this.opening?.token !== opening || this.state.phase !== 'planning') return;
    this.opening = null;
    if (phase === 'cancelled' && this.restore()) return;
    if (this.before !== null) void this.stopRunner();
    this.update({ ...this.state, phase, message, progress: null });
  }

  /** Back to what was finished before the file that is not inspected after all; false where there was nothing. */
  private restore(): boolean {
    const { before } = this;
    if (before === null) return false;
    this.before = null;
    this.finished = before.finished;
    this.update({ ...before.state, metric: this.state.metric });
    return true;
  }

  /**
   * Runs `request` to its end, unless `opening` (of `planning`) was cancelled. Resolves with the result; rejects
   * with CancelledError or the failure, after the runner is gone. `fallback` makes the request to go on with when the GPU is lost, or null to fail.
   */
  async run(
    opening: vscode.CancellationToken,
    request: InspectionRequest,
    plan: InspectionPlan,
    factory: RunnerFactory,
    fallback: Fallback | null,
  ): Promise<InspectionResult> {
    await this.keeping;
    if (opening.isCancellationRequested) throw new CancelledError();
    const stopped = this.stopRunner();
    const generation = this.generation;
    await stopped;
    if (generation !== this.generation) throw new CancelledError();
    const { picture } = request.input;
    this.finished = null;
    log().info(`${request.index.fileName}: ${plan.description}; on ${plan.backend}, ${plan.backendReason}`);
    this.update({
      ...this.state,
      phase: 'running',
      inspection: null,
      title: request.index.fileName,
      message: plan.description,
      model: modelSummary(request.spec),
      plan,
      provenance: null,
      layers: [],
      inputs: plan.inputs === undefined ? null : { finished: 0, total: plan.inputs.count },
      output: null,
      network: {},
      picture:
        picture === null ? null : { width: picture.width, height: picture.height, rgba: new Uint8Array(picture.rgba) },
      progress: { label: vscode.l10n.t('Starting'), fraction: 0 },
      selected: null,
    });
    try {
      const result = await this.attempt(request, generation, factory, fallback);
      this.finished = result;
      const { backend, elapsedMs } = result.provenance;
      log().info(`${request.index.fileName}: done on ${backend} in ${elapsedMs ?? 0} ms. ${computedText()}`);
      this.update({
        ...this.state,
        phase: 'done',
        inspection: inspectionId(result, sha256Hex),
        message: doneMessage(request.index.fileName, result),
        layers: result.layers,
        inputs: null,
        provenance: result.provenance,
        output: result.output,
        network: networkOf(result),
        progress: null,
      });
      return result;
    } catch (error) {
      // A run that was cancelled or replaced has been stopped by whoever did it.
      if (generation === this.generation) {
        const { runner } = this;
        await this.stopRunner();
        const cancelled = error instanceof CancelledError;
        const left = runner?.left?.() ?? null;
        if (this.state.phase === 'running') {
          this.update({
            ...this.state,
            phase: cancelled ? 'cancelled' : 'failed',
            message: left === null ? sentence(error) : `${sentence(error)} ${left}`,
            progress: null,
          });
        }
      }
      throw error;
    }
  }

  private async attempt(
    request: InspectionRequest,
    generation: number,
    factory: RunnerFactory,
    fallback: Fallback | null,
  ): Promise<InspectionResult> {
    const current = (): boolean => generation === this.generation;
    const host: RunnerHostCalls = {
      progress: (label, fraction) => {
        if (current()) this.progress({ label: progressText(label, vscode.l10n), fraction });
        return Promise.resolve();
      },
      head: (layer, head) => {
        if (current()) this.headDone(layer, head);
        return Promise.resolve();
      },
      warn: (sentence) => {
        log().warn(sentence);
        return Promise.resolve();
      },
    };
    const start = async (attempt: InspectionRequest, attemptHost: RunnerHostCalls): Promise<Runner> => {
      const runner = await factory(attempt, {
        ...attemptHost,
        means: (inputs, layers) => {
          if (current()) this.means(inputs, layers);
        },
      });
      if (!current()) {
        await runner.stop();
        throw new CancelledError();
      }
      this.runner = runner;
      return runner;
    };
    const goOn =
      fallback === null
        ? null
        : (...[known, error]: Parameters<Fallback>): InspectionRequest => {
            if (!current()) throw error;
            log().warn(`webgpu failed (${error.message}); going on with cpu, keeping the heads that are done`);
            return fallback(known, error);
          };
    const result = await runOrFallBack(request, host, start, goOn);
    if (!current()) throw new CancelledError();
    return result;
  }

  /** Shows an inspection that was finished earlier. `runner` draws its patterns. */
  async showFinished(
    { id, title, result, plan, picture }: Omit<SavedInspection, 'folder'>,
    runner: Runner,
    selected: HeadAddress | null,
  ): Promise<void> {
    await this.keeping;
    await this.stopRunner();
    this.runner = runner;
    this.finished = result;
    const { model, provenance, layers, output } = result;
    const inspected =
      selected !== null &&
      layers.some(({ index, heads }) => {
        return index === selected.layer && heads.some((head) => head.index === selected.head);
      });
    this.update({
      ...emptySnapshot,
      metric: this.state.metric,
      phase: 'done',
      inspection: id,
      title,
      message: doneMessage(title, result),
      model,
      plan,
      provenance,
      layers,
      output,
      network: networkOf(result),
      picture,
      selected: inspected ? selected : null,
    });
  }

  /** `work` reads from the finished run: the next run waits for it. */
  keepUntil(work: Promise<unknown>): void {
    this.keeping = work.catch(() => undefined);
  }

  /** Resolves when the finished run is kept, or could not be. */
  async kept(): Promise<void> {
    await this.keeping;
  }

  /** What the finished run keeps of a head, to be saved or tried with other settings of RPC. */
  async keptHead(address: HeadAddress): Promise<KeptHead> {
    // While the next file is being opened, the runner is still that of the finished one.
    if (this.runner === null || (this.state.phase !== 'done' && this.before === null)) throw new CancelledError();
    return this.runner.keptHead(address.layer, address.head);
  }

  /** Ends the run; its promise rejects with CancelledError. */
  async cancel(): Promise<void> {
    if (!this.running) return;
    const wasPlanning = this.state.phase === 'planning';
    if (wasPlanning) {
      this.opening?.cancel();
      this.opening = null;
      if (this.restore()) return;
    }
    const { runner } = this;
    await this.stopRunner();
    log().info(`${this.state.title}: cancelled`);
    const left = runner?.left?.() ?? null;
    this.update({
      ...this.state,
      phase: 'cancelled',
      message: wasPlanning
        ? vscode.l10n.t('Cancelled before anything ran.')
        : left === null
          ? vscode.l10n.t('The inspection was cancelled; nothing was written.')
          : vscode.l10n.t('The inspection was cancelled. {0}', left),
      progress: null,
    });
  }

  async headDetail(address: HeadAddress): Promise<HeadDetail> {
    if (this.runner === null || this.state.phase !== 'done') {
      throw new Error(vscode.l10n.t('The patterns of a head can be drawn when the inspection is finished.'));
    }
    return this.runner.headDetail(address.layer, address.head);
  }

  select(address: HeadAddress | null): void {
    this.state = { ...this.state, selected: address };
    for (const page of this.pages) void page.select(address).catch(() => undefined);
    // A step of the walkthrough is done with the first head: it stays done.
    if (address !== null) void vscode.commands.executeCommand('setContext', 'gramlens.headOpened', true);
    this.changed.fire(this.state);
  }

  setMetric(metric: string): void {
    this.state = { ...this.state, metric };
    for (const page of this.pages) void page.setMetric(metric).catch(() => undefined);
  }

  private progress(progress: Progress): void {
    this.state = { ...this.state, progress };
    for (const page of this.pages) void page.progress(progress).catch(() => undefined);
    this.changed.fire(this.state);
  }

  private headDone(layer: number, head: HeadResult): void {
    this.state = { ...this.state, layers: withHead(this.state.layers, layer, head) };
    const numbers = headNumbers(head);
    for (const page of this.pages) void page.headDone(layer, numbers).catch(() => undefined);
  }

  private means(inputs: InputsDone, layers: readonly LayerResult[]): void {
    this.state = { ...this.state, inputs, layers };
    const packed = packLayers(layers);
    for (const page of this.pages) void page.means(inputs, packed).catch(() => undefined);
    this.changed.fire(this.state);
  }

  private update(state: SessionSnapshot): void {
    this.state = state;
    const { pageSnapshot } = this;
    for (const page of this.pages) void page.snapshot(pageSnapshot).catch(() => undefined);
    void vscode.commands.executeCommand('setContext', 'gramlens.running', this.running);
    void vscode.commands.executeCommand('setContext', 'gramlens.hasResult', this.finished !== null);
    this.changed.fire(state);
  }

  private async stopRunner(): Promise<void> {
    this.generation += 1;
    this.opening?.cancel();
    this.opening = null;
    this.before = null;
    const runner = this.runner;
    this.runner = null;
    await runner?.stop();
  }

  dispose(): void {
    void this.stopRunner();
    this.changed.dispose();
  }
}
