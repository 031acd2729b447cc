// A run over one input.

import { describeSpec } from '../model/describeSpec';
import { CancelledError } from '../inspection/cancelledError';
import { runOrFallBack } from '../inspection/gpuFallback';
import type { InspectionRequest } from '../inspection/inspectionRequest';
import type { CheckpointFile } from '../inspection/node/checkpointFile';
import { inputKey } from '../inspection/node/finishedInputs';
import { hashBeside } from '../inspection/node/hashBeside';
import { poolSize } from '../inspection/node/localRunner';
import { twinsAreKnown } from '../inspection/node/twinCache';
import type { TokenizerSource } from '../inspection/node/tokenizerSource';
import { heldByteLength, planInspection } from '../inspection/plan';
import { planLines } from '../report/planLines';
import { resultJsonPieces } from '../report/resultJson';
import type { ProgressLabel } from '../inspection/progressLabel';
import type { ProgressLine } from './progressLine';
import { cpuFallback, Runners, runnerScript } from './runners';
import { nothingKept, withoutTimes, type Finished, type Work } from './work';

export interface OneSettings {
  readonly request: InspectionRequest;
  readonly file: CheckpointFile;
  readonly tokenizer: TokenizerSource;
  /** `--backend` as it was asked for. */
  readonly asked: string;
  readonly reproducible: boolean;
  /** Patterns are drawn. */
  readonly pictured: boolean;
  /** Numbers of untrained twins from run to run; null: not kept. */
  readonly twinFolder: string | null;
}

export class OneInput implements Work {
  private readonly threads: number;
  private readonly runners: Runners;
  private readonly ending = new AbortController();

  constructor(
    private readonly settings: OneSettings,
    private readonly line: ProgressLine,
  ) {
    this.threads = poolSize(settings.request.heads.length);
    this.runners = new Runners(settings.file, this.threads, {
      pictured: settings.pictured,
      twinFolder: settings.twinFolder,
    });
  }

  get request(): InspectionRequest {
    return this.settings.request;
  }

  async key(): Promise<string> {
    const { request, file } = this.settings;
    this.line.progress('Hashing the checkpoint', 0);
    return this.keyOf(request, await hashBeside(runnerScript, file, request.index.byteLength, this.ending.signal));
  }

  private keyOf(request: InspectionRequest, sha256: string | null): string {
    return inputKey(request, sha256, { reproducible: this.settings.reproducible });
  }

  async run(): Promise<Finished> {
    const { line, runners } = this;
    const { request, file, tokenizer, asked, reproducible, pictured, twinFolder } = this.settings;
    const { index, spec } = request;
    const known = await twinsAreKnown(request, file, twinFolder, runnerScript);
    line.plan(planLines(planInspection(request, heldByteLength(index, spec), this.threads, describeSpec(spec), known)));
    const host = {
      progress: (label: ProgressLabel, fraction: number) => {
        line.progress(label, fraction);
        return Promise.resolve();
      },
      head: () => Promise.resolve(),
      warn: (sentence: string) => {
        line.warn(sentence);
        return Promise.resolve();
      },
    };
    const fallback = cpuFallback(request, asked, line);
    const run = await runOrFallBack(request, host, (attempt, calls) => runners.start(attempt, calls), fallback);
    const named = await tokenizer.named(run);
    const result = reproducible ? withoutTimes(named) : named;
    return {
      result,
      headDetail: pictured ? (layer, head) => runners.finished.headDetail(layer, head) : null,
      tensors: () => runners.finished.tensors(),
      picture: request.input.picture,
      json: () => resultJsonPieces(result),
      // A run that fell back to cpu is none of the backend that was asked for.
      key: this.keyOf({ ...request, backend: result.provenance.backend }, result.provenance.checkpoint.sha256),
    };
  }

  stop(): Promise<void> {
    this.ending.abort(new CancelledError());
    return this.runners.stop();
  }

  kept(): string {
    return nothingKept;
  }
}
