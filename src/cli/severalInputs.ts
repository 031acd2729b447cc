// A run over several inputs for the command line: finished inputs lie in DIR/inputs beside the report.

import type { ModelInput } from '../model/modelSpec';
import type { InspectionRequest } from '../inspection/inspectionRequest';
import type { CheckpointFile } from '../inspection/node/checkpointFile';
import { inputsFolder } from '../inspection/node/finishedInputs';
import type { ListedInput } from '../inspection/node/inputList';
import { poolSize } from '../inspection/node/localRunner';
import { ManyInputs, type ManyPlan } from '../inspection/node/manyInputs';
import type { TokenizerSource } from '../inspection/node/tokenizerSource';
import { WatchedCheckpoint } from '../inspection/node/watchedCheckpoint';
import { planLines } from '../report/planLines';
import { resultJsonOver, resultJsonPieces } from '../report/resultJson';
import { UsageError } from './options';
import type { ProgressLine } from './progressLine';
import { cpuFallback, Runners, runnerScript } from './runners';
import { nothingKept, withoutTimes, type Finished, type Work } from './work';

export interface SeveralSettings {
  readonly inputs: readonly ListedInput[];
  /** What the list passed over. */
  readonly notes: readonly string[];
  readonly requestOf: (input: ModelInput) => InspectionRequest;
  readonly file: CheckpointFile;
  readonly tokenizer: TokenizerSource;
  /** Folder of the files. */
  readonly out: string;
  /** `--backend` as it was asked for. */
  readonly asked: string;
  readonly reproducible: boolean;
  /** Patterns of the first input are drawn. */
  readonly pictured: boolean;
  /** Numbers of untrained twins from run to run; null: not kept. */
  readonly twinFolder: string | null;
}

export class SeveralInputs implements Work {
  private readonly many: ManyInputs<Runners>;
  private planned: Promise<ManyPlan> | null = null;

  readonly request = null;

  constructor(
    private readonly settings: SeveralSettings,
    private readonly line: ProgressLine,
  ) {
    const { out, asked, reproducible, ...rest } = settings;
    this.many = new ManyInputs(
      {
        ...rest,
        isFault: (error) => error instanceof UsageError,
        script: runnerScript,
        folder: out,
        written: { reproducible },
        textOf: (result) => resultJsonPieces(reproducible ? withoutTimes(result) : result),
        runner: (request, options) => new Runners(settings.file, poolSize(request.heads.length), options),
        fallback: (request) => cpuFallback(request, asked, line),
        words: {
          place: `${out}/${inputsFolder}`,
          again: 'Run the same command again',
          goesOn: 'the same command goes on from there',
        },
      },
      line,
    );
  }

  async key(): Promise<string> {
    await this.plan();
    return this.many.key;
  }

  /** Hashes the checkpoint and reads all inputs, once. */
  private plan(): Promise<ManyPlan> {
    const read = async (): Promise<ManyPlan> => {
      this.line.progress('Hashing the checkpoint', 0);
      return this.many.plan(await WatchedCheckpoint.open(runnerScript, this.settings.file));
    };
    return (this.planned ??= read());
  }

  async run(): Promise<Finished> {
    const { many, line, settings } = this;
    const { plan, first } = await this.plan();
    line.plan(planLines(plan));
    const result = await many.run();
    return {
      result,
      headDetail: settings.pictured ? (layer, head) => many.runner.finished.headDetail(layer, head) : null,
      tensors: () => Promise.reject(new Error('tensors are of one input')),
      picture: settings.pictured ? first.input.picture : null,
      json: () => resultJsonOver(result, many.texts()),
      key: many.key,
    };
  }

  stop(): Promise<void> {
    return this.many.stop();
  }

  kept(): string {
    return this.many.kept() ?? nothingKept;
  }
}
