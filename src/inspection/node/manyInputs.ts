// A run over several inputs: all of them are read once before anything runs, then inspected one after the other, each
// result written to `folder`/inputs as it is finished. The whole is made of those files, so that it can be cancelled and
// gone on with. Nothing here knows a command line or an editor: they say how a run starts, and read what it tells.

import { describeSpec } from '../../model/describeSpec';
import type { ModelInput } from '../../model/modelSpec';
import { ModelSpecError } from '../../model/modelSpec';
import { CancelledError } from '../cancelledError';
import type { Attempt, AttemptHost, Fallback } from '../gpuFallback';
import { runOrFallBack } from '../gpuFallback';
import type { InspectionPlan, InspectionRequest } from '../inspectionRequest';
import type { InspectionResult } from '../inspectionResult';
import { LiveMeans, type LiveHost } from '../overInputs/liveMeans';
import { MeanResult } from '../overInputs/meanResult';
import { addPlan } from '../overInputs/planInputs';
import { heldByteLength, planInspection } from '../plan';
import type { CheckpointFile } from './checkpointFile';
import { FinishedInputs, inputKey } from './finishedInputs';
import type { ListedInput } from './inputList';
import { poolSize, type RunOptions } from './localRunner';
import { sha256Hex } from './readInput';
import type { TokenizerSource } from './tokenizerSource';
import { twinsAreKnown } from './twinCache';
import type { WatchedCheckpoint } from './watchedCheckpoint';
import type { ProgressLabel } from '../progressLabel';

/** Broken inputs that are named; the others are counted. */
const namedFaults = 5;

/** What runs one input, and what takes over when a GPU fails. */
export interface InputRunner {
  start(request: InspectionRequest, host: AttemptHost): Promise<Attempt>;
  stop(): Promise<void>;
}

/** The ends of sentences, which differ from where the run was started. */
export interface ManyWords {
  /** Where finished results lie: 'report/inputs'. */
  readonly place: string;
  /** 'Run the same command again' */
  readonly again: string;
  /** 'the same command goes on from there' */
  readonly goesOn: string;
}

export interface ManySettings<R extends InputRunner> {
  readonly inputs: readonly ListedInput[];
  /** What the list passed over. */
  readonly notes: readonly string[];
  readonly requestOf: (input: ModelInput) => InspectionRequest;
  /** Whether what `requestOf` threw is a fault of the input, beside every ModelSpecError. */
  readonly isFault?: (error: unknown) => boolean;
  readonly file: CheckpointFile;
  readonly tokenizer: TokenizerSource;
  /** dist/runner.js */
  readonly script: string;
  /** Folder of the finished inputs. */
  readonly folder: string;
  /** What decides the bytes of a finished input beside its request (`inputKey`). */
  readonly written: object;
  /** A finished input as it is written, and read again. */
  readonly textOf: (result: InspectionResult) => Iterable<string>;
  /** Patterns of the first input are drawn. */
  readonly pictured: boolean;
  /** Numbers of untrained twins from run to run; null: not kept. */
  readonly twinFolder: string | null;
  readonly runner: (request: InspectionRequest, options: RunOptions) => R;
  /** How a run goes on whose GPU fails; null: it fails. */
  readonly fallback: (request: InspectionRequest) => Fallback | null;
  readonly words: ManyWords;
}

/** What is told while it works. An error that `progress` throws while the inputs are read ends that. */
export interface ManyHost {
  progress(label: ProgressLabel, fraction: number): void;
  /** What a person must know although the run goes on. */
  warn(sentence: string): void;
  /** Where numbers are shown while inputs run; absent: nowhere. */
  readonly live?: LiveHost;
}

/** An input that can be inspected; its numbers are read again when its turn comes. */
interface Entry extends ListedInput {
  readonly sha256: string;
  readonly key: string;
  /** In the list, from 0. */
  readonly place: number;
}

/** The plan of all, and the request of the first input. */
export interface ManyPlan {
  readonly plan: InspectionPlan;
  readonly first: InspectionRequest;
}

/** What a run leaves that finished no input. */
export const nothing = 'nothing was written';

const bad = (message: string): ModelSpecError => new ModelSpecError('badInput', message);

export class ManyInputs<R extends InputRunner> {
  private current: R | null = null;
  private checkpoint: WatchedCheckpoint | null = null;
  private finished: FinishedInputs | null = null;
  private entries: readonly Entry[] = [];
  private writing: Promise<void> = Promise.resolve();
  private stopped = false;
  private notes: readonly string[] = [];
  private live: LiveMeans | null = null;
  /** After a GPU failed, the rest runs on cpu. */
  private onCpu: ((request: InspectionRequest) => InspectionRequest) | null = null;

  constructor(
    private readonly settings: ManySettings<R>,
    private readonly host: ManyHost,
  ) {}

  /**
   * Reads every input once: what is broken is known before anything runs.
   * @throws ModelSpecError 'badInput' that names what is broken, or the one fault of all.
   */
  async plan(checkpoint: WatchedCheckpoint): Promise<ManyPlan> {
    this.checkpoint = checkpoint;
    const { inputs, tokenizer, requestOf, written } = this.settings;
    const entries: Entry[] = [];
    const faults: string[] = [];
    const notes = [...this.settings.notes];
    const seen = new Map<string, string>();
    const sentences = new Map<string, Error>();
    let broken = 0;
    let plan: InspectionPlan | null = null;
    let first: InspectionRequest | null = null;
    try {
      for (const [at, listed] of inputs.entries()) {
        this.host.progress({ at: 'reading', input: at + 1, inputs: inputs.length }, 0);
        try {
          const input = await listed.load();
          const same = seen.get(`${input.kind} ${input.sha256}`);
          seen.set(`${input.kind} ${input.sha256}`, same ?? listed.name);
          if (same !== undefined) {
            notes.push(`${listed.name} is the same input as ${same} and is counted once.`);
            continue;
          }
          const request = requestOf(input);
          first ??= request;
          plan = addPlan(plan, await this.planOf(request));
          const key = inputKey(request, checkpoint.sha256, written);
          entries.push({ ...listed, sha256: input.sha256, key, place: entries.length });
        } catch (error) {
          if (!(error instanceof Error) || !this.isFault(error)) throw error;
          broken += 1;
          if (sentences.size < 2) sentences.set(error.message, error);
          if (faults.length < namedFaults) faults.push(`${listed.name}: ${error.message}`);
        }
      }
    } finally {
      await tokenizer.close();
    }
    // A choice that fits no input is no fault of theirs.
    const [only] = sentences.values();
    if (broken === inputs.length && sentences.size === 1 && only !== undefined) throw only;
    if (broken > 0) {
      const more = broken > faults.length ? ` And ${broken - faults.length} more.` : '';
      throw bad(
        `${broken} of ${inputs.length} inputs cannot be inspected, so nothing was run. ${faults.join(' ')}${more} Mend them or leave them out.`,
      );
    }
    if (entries.length < 2 || plan === null || first === null)
      throw bad(
        `All ${inputs.length} inputs are the same, and an interval over inputs needs two that differ. Give one of them.`,
      );
    this.entries = entries;
    this.notes = notes;
    return { plan, first };
  }

  /** 16 hexadecimal digits of everything that the numbers of the whole depend on; after `plan`. */
  get key(): string {
    return sha256Hex(new TextEncoder().encode(this.entries.map(({ key }) => key).join(' '))).slice(0, 16);
  }

  /** Inspects what `plan` found. Rejects with CancelledError after `stop`. */
  async run(): Promise<InspectionResult> {
    const { settings, host, checkpoint } = this;
    if (checkpoint === null) throw new Error('the inputs were not read');
    for (const note of this.notes.slice(0, namedFaults)) host.warn(note);
    if (this.notes.length > namedFaults)
      host.warn(`And ${this.notes.length - namedFaults} more entries are left out likewise.`);
    const finished = await FinishedInputs.open(settings.folder);
    this.finished = finished;
    const keys = new Set(this.entries.map((entry) => entry.key));
    this.live = host.live === undefined ? null : new LiveMeans(host.live, this.entries.length);
    await this.tellWhatIsThere(finished, keys);
    this.live?.tell();
    // The first is the one whose patterns are drawn: it runs last, so that its tensors are at hand then.
    const [first, ...rest] = this.entries as [Entry, ...Entry[]];
    const order = [...rest, first];
    const open = order.filter((entry) => !finished.has(entry.key) || (entry === first && settings.pictured));
    for (const entry of open) {
      await this.current?.stop();
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
      // The first may run again for its patterns alone.
      if (!finished.has(entry.key)) this.live?.add(result);
      this.live?.tell();
      this.writing = finished.write(entry.key, entry.place, settings.textOf(result));
      await this.writing;
    }
    host.progress({ at: 'mean' }, 1);
    const mean = new MeanResult();
    for (const entry of this.entries) {
      this.throwIfStopped();
      mean.add(await this.read(entry));
    }
    await finished.keep(keys);
    return mean.result();
  }

  /** Ends whatever runs; what is finished stays. Safe to call twice. */
  async stop(): Promise<void> {
    this.stopped = true;
    // What cannot be written, `run` says.
    await this.writing.catch(() => undefined);
    await this.current?.stop();
  }

  /** How many inputs are finished and kept; after `stop`. */
  get keptCount(): number {
    return this.entries.filter((entry) => this.finished?.has(entry.key) === true).length;
  }

  /** What a cancelled run, or one that failed, leaves behind; null: nothing. */
  kept(): string | null {
    const count = this.keptCount;
    const { place, goesOn } = this.settings.words;
    return count === 0
      ? null
      : `${count} of ${this.entries.length} inputs are finished and kept in ${place}; ${goesOn}`;
  }

  /** That of the last run, whose patterns can be drawn. */
  get runner(): R {
    if (this.current === null) throw new Error('no inspection was started');
    return this.current;
  }

  /** Each input's own result as it was written, in the order of the list. */
  async *texts(): AsyncGenerator<string> {
    for (const entry of this.entries) yield await this.finished!.text(entry.key);
  }

  private isFault(error: Error): boolean {
    return error instanceof ModelSpecError || this.settings.isFault?.(error) === true;
  }

  private throwIfStopped(): void {
    if (this.stopped) throw new CancelledError();
  }

  private async planOf(request: InspectionRequest): Promise<InspectionPlan> {
    const { index, spec, heads } = request;
    const { file, twinFolder, script } = this.settings;
    const known = await twinsAreKnown(request, file, twinFolder, script);
    return planInspection(request, heldByteLength(index, spec), poolSize(heads.length), describeSpec(spec), known);
  }

  /** What an earlier run left, and whether it can be used. */
  private async tellWhatIsThere(finished: FinishedInputs, keys: ReadonlySet<string>): Promise<void> {
    const others = finished.others(keys);
    for (const entry of this.entries.filter(({ key }) => finished.has(key))) {
      const found = await finished.read(entry.key);
      if (typeof found !== 'string') {
        this.live?.add(found);
        continue;
      }
      this.host.warn(`The finished result of ${entry.name} cannot be used and is computed again: ${found}`);
      await finished.drop(entry.key);
    }
    const there = this.entries.filter(({ key }) => finished.has(key)).length;
    const { place } = this.settings.words;
    if (there > 0)
      this.host.warn(
        `${there} of ${this.entries.length} inputs were finished before; their results in ${place} are used.`,
      );
    if (others > 0)
      this.host.warn(
        `${others} results in ${place} are of other inputs, options, checkpoints or versions: they are not used, and removed when this run is done.`,
      );
    if (this.settings.pictured && finished.has(this.entries[0]!.key))
      this.host.warn(`${this.entries[0]!.name} runs again all the same, because its patterns are drawn.`);
  }

  /** `sha256`: of the checkpoint, where this run need not hash it. */
  private async inspect(entry: Entry, done: number, sha256: string | null): Promise<InspectionResult> {
    const { settings, host, entries } = this;
    const { tokenizer } = settings;
    const input = await entry.load().finally(() => tokenizer.close());
    if (input.sha256 !== entry.sha256)
      throw bad(`The input ${entry.name} changed while this ran. ${settings.words.again}; ${this.kept() ?? nothing}.`);
    const plain = settings.requestOf(input);
    const request = this.onCpu === null ? plain : this.onCpu(plain);
    const runner = settings.runner(request, {
      pictured: settings.pictured && entry === entries[0],
      twinFolder: settings.twinFolder,
      ...(sha256 === null ? {} : { sha256 }),
    });
    this.throwIfStopped();
    this.current = runner;
    const attemptHost: AttemptHost = {
      progress: (label, fraction) => {
        host.progress(
          { at: 'input', input: done + 1, inputs: entries.length, name: entry.name, now: label },
          (done + fraction) / entries.length,
        );
        return Promise.resolve();
      },
      head: (layer, head) => {
        this.live?.head(layer, head);
        return Promise.resolve();
      },
      warn: (sentence) => {
        host.warn(sentence);
        return Promise.resolve();
      },
    };
    const found = settings.fallback(request);
    const fallback: Fallback | null =
      found === null
        ? null
        : (known, error) => {
            const next = found(known, error);
            this.onCpu = (later) => ({ ...later, backend: next.backend, backendReason: next.backendReason });
            return next;
          };
    const run = await runOrFallBack(request, attemptHost, (attempt, calls) => runner.start(attempt, calls), fallback);
    return tokenizer.named(run);
  }

  /** Nobody knows since when: what this run wrote is dropped. */
  private async refuseChanged(finished: FinishedInputs, open: readonly Entry[]): Promise<never> {
    for (const { key } of open) await finished.drop(key);
    throw bad(
      `The checkpoint changed while this ran, so that its inputs would be of two networks; what this run had finished of them is dropped. ${this.settings.words.again}.`,
    );
  }

  private async read(entry: Entry): Promise<InspectionResult> {
    const found = await this.finished!.read(entry.key);
    if (typeof found === 'string')
      throw bad(`The finished result of ${entry.name} was changed meanwhile: ${found} ${this.settings.words.again}.`);
    return found;
  }
}
