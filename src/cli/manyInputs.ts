// A run over several inputs: all of them are read once before anything runs, then inspected one after the other, each
// result written to DIR/inputs as it is finished. The whole is made of those files, so that it can be cancelled and gone on with.

import { describeSpec } from '../model/describeSpec';
import type { ModelInput } from '../model/modelSpec';
import { ModelSpecError } from '../model/modelSpec';
import { CancelledError } from '../inspection/cancelledError';
import { runOrFallBack } from '../inspection/gpuFallback';
import type { InspectionPlan, InspectionRequest } from '../inspection/inspectionRequest';
import type { InspectionResult } from '../inspection/inspectionResult';
import { FinishedInputs, inputKey, inputsFolder } from '../inspection/node/finishedInputs';
import type { ListedInput } from '../inspection/node/inputList';
import { poolSize } from '../inspection/node/localRunner';
import { twinsAreKnown } from '../inspection/node/twinCache';
import { WatchedCheckpoint } from '../inspection/node/watchedCheckpoint';
import type { TokenizerSource } from '../inspection/node/tokenizerSource';
import { MeanResult } from '../inspection/overInputs/meanResult';
import { addPlan } from '../inspection/overInputs/planInputs';
import { heldByteLength, planInspection } from '../inspection/plan';
import { planLines } from '../report/planLines';
import { resultJsonOver, resultJsonPieces } from '../report/resultJson';
import type { CheckpointFile } from '../inspection/node/checkpointFile';
import { UsageError } from './options';
import type { ProgressLine } from './progressLine';
import { cpuFallback, Runners, runnerScript } from './runners';
import { nothingKept, withoutTimes, type Finished, type Work } from './work';

/** Broken inputs that are named; the others are counted. */
const namedFaults = 5;

export interface ManySettings {
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

/** An input that can be inspected; its numbers are read again when its turn comes. */
interface Entry extends ListedInput {
  readonly sha256: string;
  readonly key: string;
  /** In the list, from 0. */
  readonly place: number;
}

export class ManyInputs implements Work {
  private runners: Runners | null = null;
  private finished: FinishedInputs | null = null;
  private entries: readonly Entry[] = [];
  private writing: Promise<void> = Promise.resolve();
  private picture: ModelInput['picture'] = null;
  /** After a GPU failed, the rest runs on cpu. */
  private onCpu: ((request: InspectionRequest) => InspectionRequest) | null = null;

  constructor(
    private readonly settings: ManySettings,
    private readonly line: ProgressLine,
  ) {}

  async run(): Promise<Finished> {
    const { settings, line } = this;
    line.progress('Hashing the checkpoint', 0);
    const checkpoint = await WatchedCheckpoint.open(runnerScript, settings.file);
    this.entries = await this.readAll(checkpoint.sha256);
    const finished = await FinishedInputs.open(settings.out);
    this.finished = finished;
    const keys = new Set(this.entries.map((entry) => entry.key));
    await this.tellWhatIsThere(finished, keys);
    // The first is the one whose patterns are drawn: it runs last, so that its tensors are at hand then.
    const [first, ...rest] = this.entries as [Entry, ...Entry[]];
    const order = [...rest, first];
    const open = order.filter((entry) => !finished.has(entry.key) || (entry === first && settings.pictured));
    for (const entry of open) {
      await this.runners?.stop();
      // The last run hashes the file beside it: a change that a file system kept to itself is seen then.
      const known = entry === open.at(-1) ? null : checkpoint.sha256;
      const refuse = (): Promise<never> => this.refuseChanged(finished, open);
      const result = await this.inspect(entry, order.indexOf(entry), known).catch(async (error: unknown) => {
        // A file that is written while it is read fails in many ways.
        if (error instanceof CancelledError || (await checkpoint.isUnchanged())) throw error;
        return refuse();
      });
      const same = result.provenance.checkpoint.sha256 === checkpoint.sha256;
      if (!same || !(await checkpoint.isUnchanged())) await refuse();
      this.writing = finished.write(entry.key, entry.place, this.textOf(result));
      await this.writing;
    }
    line.progress('Averaging', 1);
    const mean = new MeanResult();
    for (const entry of this.entries) mean.add(await this.read(entry));
    await finished.keep(keys);
    const result = mean.result();
    return {
      result,
      headDetail: settings.pictured ? (layer, head) => this.runner.finished.headDetail(layer, head) : null,
      tensors: () => Promise.reject(new Error('tensors are of one input')),
      picture: this.picture,
      json: () => resultJsonOver(result, this.texts()),
    };
  }

  async stop(): Promise<void> {
    await this.writing;
    await this.runners?.stop();
  }

  /** What a cancelled run, or one that failed, leaves behind. */
  kept(): string {
    const count = this.entries.filter((entry) => this.finished?.has(entry.key) === true).length;
    if (count === 0) return nothingKept;
    return `${count} of ${this.entries.length} inputs are finished and kept in ${this.settings.out}/${inputsFolder}; the same command goes on from there`;
  }

  private get runner(): Runners {
    if (this.runners === null) throw new Error('no inspection was started');
    return this.runners;
  }

  /** Reads every input once: what is broken is known before anything runs. Throws UsageError that names what is. */
  private async readAll(checkpointSha256: string | null): Promise<readonly Entry[]> {
    const { inputs, tokenizer, requestOf, reproducible } = this.settings;
    const entries: Entry[] = [];
    const faults: string[] = [];
    const notes = [...this.settings.notes];
    const seen = new Map<string, string>();
    const sentences = new Set<string>();
    let broken = 0;
    let plan: InspectionPlan | null = null;
    try {
      for (const [at, listed] of inputs.entries()) {
        this.line.progress(`Reading input ${at + 1} of ${inputs.length}`, 0);
        try {
          const input = await listed.load();
          const same = seen.get(`${input.kind} ${input.sha256}`);
          seen.set(`${input.kind} ${input.sha256}`, same ?? listed.name);
          if (same !== undefined) {
            notes.push(`${listed.name} is the same input as ${same} and is counted once.`);
            continue;
          }
          const request = requestOf(input);
          plan = addPlan(plan, await this.planOf(request));
          const key = inputKey(request, checkpointSha256, { reproducible });
          entries.push({ ...listed, sha256: input.sha256, key, place: entries.length });
        } catch (error) {
          if (!(error instanceof ModelSpecError || error instanceof UsageError)) throw error;
          broken += 1;
          if (sentences.size < 2) sentences.add(error.message);
          if (faults.length < namedFaults) faults.push(`${listed.name}: ${error.message}`);
        }
      }
    } finally {
      await tokenizer.close();
    }
    // An option that fits no input is no fault of theirs.
    if (broken === inputs.length && sentences.size === 1) throw new UsageError([...sentences].join(''));
    if (broken > 0) {
      const more = broken > faults.length ? ` And ${broken - faults.length} more.` : '';
      throw new UsageError(
        `${broken} of ${inputs.length} inputs cannot be inspected, so nothing was run. ${faults.join(' ')}${more} Mend them or leave them out.`,
      );
    }
    if (entries.length < 2 || plan === null)
      throw new UsageError(
        `All ${inputs.length} inputs are the same, and an interval over inputs needs two that differ. Give one of them.`,
      );
    this.line.plan(planLines(plan));
    for (const note of notes.slice(0, namedFaults)) this.line.warn(note);
    if (notes.length > namedFaults)
      this.line.warn(`And ${notes.length - namedFaults} more entries are left out likewise.`);
    return entries;
  }

  private async planOf(request: InspectionRequest): Promise<InspectionPlan> {
    const { index, spec, heads } = request;
    const { file, twinFolder } = this.settings;
    const known = await twinsAreKnown(request, file, twinFolder, runnerScript);
    return planInspection(request, heldByteLength(index, spec), poolSize(heads.length), describeSpec(spec), known);
  }

  /** What an earlier run left, and whether it can be used. */
  private async tellWhatIsThere(finished: FinishedInputs, keys: ReadonlySet<string>): Promise<void> {
    const others = finished.others(keys);
    for (const entry of this.entries.filter(({ key }) => finished.has(key))) {
      const found = await finished.read(entry.key);
      if (typeof found !== 'string') continue;
      this.line.warn(`The finished result of ${entry.name} cannot be used and is computed again: ${found}`);
      await finished.drop(entry.key);
    }
    const there = this.entries.filter(({ key }) => finished.has(key)).length;
    const folder = `${this.settings.out}/${inputsFolder}`;
    if (there > 0)
      this.line.warn(
        `${there} of ${this.entries.length} inputs were finished before; their results in ${folder} are used.`,
      );
    if (others > 0)
      this.line.warn(
        `${others} results in ${folder} are of other inputs, options, checkpoints or versions: they are not used, and removed when this run is done.`,
      );
    if (this.settings.pictured && finished.has(this.entries[0]!.key))
      this.line.warn(`${this.entries[0]!.name} runs again all the same, because its patterns are drawn.`);
  }

  /** `sha256`: of the checkpoint, where this run need not hash it. */
  private async inspect(entry: Entry, done: number, sha256: string | null): Promise<InspectionResult> {
    const { settings, line, entries } = this;
    const { tokenizer } = settings;
    const input = await entry.load().finally(() => tokenizer.close());
    if (input.sha256 !== entry.sha256)
      throw new UsageError(
        `The input ${entry.name} changed while this ran. Run the same command again; ${this.kept()}.`,
      );
    const plain = settings.requestOf(input);
    const request = this.onCpu === null ? plain : this.onCpu(plain);
    const pictured = settings.pictured && entry === entries[0];
    const runners = new Runners(settings.file, poolSize(request.heads.length), {
      pictured,
      twinFolder: settings.twinFolder,
      ...(sha256 === null ? {} : { sha256 }),
    });
    this.runners = runners;
    const host = {
      progress: (label: string, fraction: number) => {
        line.progress(
          `Input ${done + 1} of ${entries.length} (${entry.name}): ${label}`,
          (done + fraction) / entries.length,
        );
        return Promise.resolve();
      },
      head: () => Promise.resolve(),
      warn: (sentence: string) => {
        line.warn(sentence);
        return Promise.resolve();
      },
    };
    const found = cpuFallback(request, settings.asked, line);
    const fallback =
      found === null
        ? null
        : (...[known, error]: Parameters<typeof found>) => {
            const next = found(known, error);
            this.onCpu = (later) => ({ ...later, backend: next.backend, backendReason: next.backendReason });
            return next;
          };
    const run = await runOrFallBack(request, host, (attempt, calls) => runners.start(attempt, calls), fallback);
    this.picture = request.input.picture;
    return tokenizer.named(run);
  }

  private textOf(result: InspectionResult): Iterable<string> {
    return resultJsonPieces(this.settings.reproducible ? withoutTimes(result) : result);
  }

  /** Nobody knows since when: what this run wrote is dropped. */
  private async refuseChanged(finished: FinishedInputs, open: readonly Entry[]): Promise<never> {
    for (const { key } of open) await finished.drop(key);
    throw new UsageError(
      'The checkpoint changed while this ran, so that its inputs would be of two networks; what this run had finished of them is dropped. Run the same command again.',
    );
  }

  private async read(entry: Entry): Promise<InspectionResult> {
    const found = await this.finished!.read(entry.key);
    if (typeof found === 'string')
      throw new UsageError(
        `The finished result of ${entry.name} was changed meanwhile: ${found} Run the same command again.`,
      );
    return found;
  }

  private async *texts(): AsyncGenerator<string> {
    for (const entry of this.entries) yield await this.finished!.text(entry.key);
  }
}
