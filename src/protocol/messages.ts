// Everything that crosses a boundary: extension host <-> pages, page <-> worker, host <-> runner thread. One
// interface a direction; `rpc.ts` turns it into typed calls whose replies always come.

import type { HeadDetail } from '../inspection/headDetail';
import type { KeptHead } from '../inspection/traceStore';
import type { InspectionPlan, WireRequest } from '../inspection/inspectionRequest';
import type { LayerResult, ModelSummary, Provenance, InspectionResult } from '../inspection/inspectionResult';
import type { InputsDone } from '../inspection/overInputs/liveMeans';
import type { HeadResult } from '../diagnostics/headResult';
import type { ProgressLabel } from '../inspection/progressLabel';
import type { WireLayer } from './wireLayers';
import type { ResultEvent } from './wireResult';

/** Where the active inspection stands; the pages draw this and nothing else. */
export type SessionPhase = 'empty' | 'planning' | 'running' | 'done' | 'cancelled' | 'failed';

export interface InputPicture {
  readonly width: number;
  readonly height: number;
  /** RGBA, 4 bytes a pixel. */
  readonly rgba: Uint8Array;
}

/** Whole state, sent when a page becomes ready and whenever a run starts or ends. */
export interface SessionSnapshot {
  readonly phase: SessionPhase;
  /** Names the finished inspection, so that a page can ask for it again after a restart; null while none is finished. */
  readonly inspection: string | null;
  /** File name of the checkpoint, '' when empty. */
  readonly title: string;
  /** One sentence for the person: what is going on, or what went wrong and what to do next. */
  readonly message: string;
  readonly model: ModelSummary | null;
  readonly plan: InspectionPlan | null;
  readonly provenance: Provenance | null;
  /** On pages their heads have no lists (src/report/figures/headNumbers.ts); a whole head comes with `getHead`. */
  readonly layers: readonly LayerResult[];
  /**
   * Of a run over several inputs that is not done: `layers` are means over those that are finished, while none is the heads
   * of the one that runs. null: one input, or all are finished.
   */
  readonly inputs: InputsDone | null;
  readonly output: InspectionResult['output'] | null;
  /** What belongs to no head; empty while nothing is finished. */
  readonly network: Pick<InspectionResult, 'rollout' | 'networkNoise'>;
  readonly picture: InputPicture | null;
  readonly progress: Progress | null;
  readonly selected: HeadAddress | null;
  /** Metric id of the side panel, see src/report/figures/metrics.ts. */
  readonly metric: string;
}

/** The same as it crosses to a page. */
export type WireSnapshot = Omit<SessionSnapshot, 'layers'> & { readonly layers: readonly WireLayer[] };

export interface HeadAddress {
  readonly layer: number;
  readonly head: number;
}

export interface Progress {
  /** In the reader's language, e.g. 'Layer 3 of 6: spectra, nulls and noise'. */
  readonly label: string;
  /** 0..1 */
  readonly fraction: number;
}

/** Calls of a page's figures to the extension host. */
export interface FigureCalls {
  /** To the clipboard: SVG or CSV. */
  copyText(text: string): Promise<void>;
  /** Asks where a figure is to be saved; null: the person left. The file is there once it is closed. */
  openFigureFile(suggestedName: string): Promise<number | null>;
  /** Appends a piece. */
  writeFigureFile(file: number, bytes: Uint8Array): Promise<void>;
  /** `whole`: all of it was written; else nothing is left of it. */
  closeFigureFile(file: number, whole: boolean): Promise<void>;
}

/** Calls a page makes to the extension host. */
export interface HostCalls extends FigureCalls {
  ready(page: 'inspector' | 'heatmap'): Promise<WireSnapshot>;
  /** Everything that is known of a head now; null: it was not inspected. */
  getHead(address: HeadAddress): Promise<HeadResult | null>;
  /** Tensors of a head of the finished inspection, from which the page draws its patterns and tries RPC. */
  getKeptHead(address: HeadAddress): Promise<KeptHead>;
  selectHead(address: HeadAddress | null, reveal: boolean): Promise<void>;
  setMetric(metric: string): Promise<void>;
  /** Shows a figure of this head, or of the whole network (null), in the report of the finished inspection. */
  openInReport(head: HeadAddress | null, figure: string): Promise<void>;
  runCommand(
    command: 'inspect' | 'inspectSample' | 'export' | 'openReport' | 'cancel' | 'selectBackend',
  ): Promise<void>;
  /** A range of the checkpoint for the page's worker, 8 MB at most a call; `shard` is null where it is one file. */
  readBytes(runId: number, shard: string | null, offset: number, length: number): Promise<Uint8Array>;
  /** From the page's worker while it runs an inspection for the host. */
  workerEvent(runId: number, event: RunnerEvent): Promise<void>;
  log(level: 'info' | 'warn' | 'error', message: string): Promise<void>;
}

/** Calls the extension host makes to a page. */
export interface PageCalls {
  snapshot(state: WireSnapshot): Promise<void>;
  progress(progress: Progress): Promise<void>;
  /** A head is done: its cell fills. Without its lists, as in a snapshot. */
  headDone(layer: number, head: HeadResult): Promise<void>;
  /** An input more of several is finished. */
  means(inputs: InputsDone, layers: readonly WireLayer[]): Promise<void>;
  select(address: HeadAddress | null): Promise<void>;
  setMetric(metric: string): Promise<void>;
  /** inspector only: run on this page's WebGPU device. */
  startWorker(runId: number, request: WireRequest): Promise<void>;
  cancelWorker(runId: number): Promise<void>;
  workerHeadDetail(runId: number, address: HeadAddress): Promise<HeadDetail>;
  workerKeptHead(runId: number, address: HeadAddress): Promise<KeptHead>;
  probeWebGpu(): Promise<WebGpuProbe>;
}

export interface WebGpuProbe {
  readonly status: 'hardware' | 'software' | 'noApi' | 'noAdapter' | 'failed';
  readonly adapter: string | null;
  readonly message: string;
}

/** What a runner (Node thread or page worker) tells while it works. */
export type RunnerEvent =
  | { readonly kind: 'progress'; readonly label: ProgressLabel; readonly fraction: number }
  | { readonly kind: 'head'; readonly layer: number; readonly head: HeadResult }
  /** The forward pass of a layer was computed. */
  | { readonly kind: 'layer' }
  | ResultEvent
  | { readonly kind: 'failed'; readonly message: string; readonly errorName: string; readonly reason: string };
