// A run over one input.

import { describeSpec } from '../model/describeSpec';
import { runOrFallBack } from '../inspection/gpuFallback';
import type { InspectionRequest } from '../inspection/inspectionRequest';
import type { CheckpointFile } from '../inspection/node/checkpointFile';
import { poolSize } from '../inspection/node/localRunner';
import { twinsAreKnown } from '../inspection/node/twinCache';
import type { TokenizerSource } from '../inspection/node/tokenizerSource';
import { heldByteLength, planInspection } from '../inspection/plan';
import { planLines } from '../report/planLines';
import { resultJsonPieces } from '../report/resultJson';
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

  async run(): Promise<Finished> {
    const { line, runners } = this;
    const { request, file, tokenizer, asked, reproducible, pictured, twinFolder } = this.settings;
    const { index, spec } = request;
    const known = await twinsAreKnown(request, file, twinFolder, runnerScript);
    line.plan(planLines(planInspection(request, heldByteLength(index, spec), this.threads, describeSpec(spec), known)));
    const host = {
      progress: (label: string, fraction: number) => {
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
    };
  }

  stop(): Promise<void> {
    return this.runners.stop();
  }

  kept(): string {
    return nothingKept;
  }
}
