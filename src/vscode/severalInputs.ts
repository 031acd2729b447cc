// A run over several inputs in the editor: inspection/node/manyInputs behind the interface of one run. Finished inputs lie
// in the extension's storage, in a folder a choice of checkpoint and inputs, until the whole is done.

import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import type { GramChoice } from '../diagnostics/headInput';
import { CancelledError } from '../inspection/cancelledError';
import type { AttemptHost } from '../inspection/gpuFallback';
import type { InspectionRequest } from '../inspection/inspectionRequest';
import type { ListedInput } from '../inspection/node/inputList';
import { poolSize } from '../inspection/node/localRunner';
import { ManyInputs } from '../inspection/node/manyInputs';
import type { InputRunner } from '../inspection/node/manyInputs';
import { progressText } from '../inspection/progressLabel';
import { sha256Hex } from '../inspection/node/readInput';
import type { TokenizerSource } from '../inspection/node/tokenizerSource';
import { WatchedCheckpoint } from '../inspection/node/watchedCheckpoint';
import { makeRequest } from '../inspection/request';
import type { ModelSpec, RpcSettings } from '../model/modelSpec';
import { resultJsonPieces } from '../report/resultJson';
import type { BackendChoice } from './backendChoice';
import { log } from './log';
import { choicesOf } from './openFlow';
import type { OpenedFile, PlannedRequest } from './openFlow';
import { threadRunner } from './runners';
import type { Runner } from './runners';
import type { Services } from './services';
import type { SessionHost } from './session';
import type { SeveralPicked } from './severalQuestion';

/** Choices that were not finished and can be gone on with; the older ones go. */
const keptChoices = 8;

interface ThreadInput extends InputRunner {
  /** The thread of the attempt that ran. */
  thread(): Runner;
}

export interface SeveralRun {
  readonly opened: OpenedFile;
  readonly spec: ModelSpec;
  readonly picked: SeveralPicked;
  readonly inputs: readonly ListedInput[];
  /** What the list passed over. */
  readonly notes: readonly string[];
  readonly tokenizer: TokenizerSource;
  readonly backend: BackendChoice;
  /** Instead of what the settings say. */
  readonly rpc: RpcSettings | undefined;
}

export interface PlannedMany extends PlannedRequest {
  /** Of everything the means depend on. */
  readonly key: string;
  /** As one run for the session; its request is that of the first input. */
  readonly runner: (host: SessionHost) => Runner;
}

/** Reads and plans all inputs, with the hash of the checkpoint, which is made once. */
export class SeveralPlanner {
  private checkpoint: WatchedCheckpoint | null = null;
  /** Of the finished inputs. */
  readonly folder: string;

  constructor(
    private readonly services: Services,
    private readonly run: SeveralRun,
    private readonly opening: vscode.CancellationToken,
  ) {
    const choice = JSON.stringify([run.opened.uri.toString(), run.picked.several]);
    this.folder = join(services.inputsFolder, sha256Hex(new TextEncoder().encode(choice)).slice(0, 16));
  }

  /** With a notification that counts and can be cancelled. Rejects with CancelledError or a sentence. */
  plan(gram: GramChoice): Promise<PlannedMany> {
    const { session } = this.services;
    const options = {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t('Reading the inputs'),
      cancellable: true,
    };
    return Promise.resolve(
      vscode.window.withProgress(options, async (progress, token) => {
        const cancelled = token.onCancellationRequested(() => void session.cancel());
        try {
          return await this.planned(gram, (message) => {
            progress.report({ message });
          });
        } finally {
          cancelled.dispose();
        }
      }),
    );
  }

  /** The whole is done: what was not kept with it goes. */
  async finish(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private async planned(gram: GramChoice, tell: (label: string) => void): Promise<PlannedMany> {
    const { services, run, opening } = this;
    const { opened, spec, backend, tokenizer, rpc } = run;
    const { runnerScript, twinFolder, version } = services;
    const choices = choicesOf(spec, gram, rpc);
    let host: SessionHost | null = null;
    /** What was left out, and what an earlier run had finished: said together when the run starts. */
    const said: string[] = [];
    const many = new ManyInputs<ThreadInput>(
      {
        inputs: run.inputs.map((input) => ({ ...input, name: basename(input.name) })),
        notes: run.notes,
        requestOf: (input) => makeRequest(opened.index, spec, input, backend, choices, version),
        file: opened.file,
        tokenizer,
        script: runnerScript,
        folder: this.folder,
        written: {},
        textOf: resultJsonPieces,
        pictured: true,
        twinFolder,
        runner: (request, options) => {
          let thread: Runner | null = null;
          return {
            start: (_: InspectionRequest, attemptHost: AttemptHost) => {
              const threads = poolSize(request.heads.length);
              thread = threadRunner(runnerScript, attemptHost, opened.file, threads, options);
              return Promise.resolve(thread);
            },
            stop: () => thread?.stop() ?? Promise.resolve(),
            thread: () => {
              if (thread === null) throw new CancelledError();
              return thread;
            },
          };
        },
        fallback: () => null,
        words: {
          place: vscode.l10n.t("the editor's storage"),
          again: vscode.l10n.t('Inspect the same inputs again'),
          goesOn: vscode.l10n.t('inspect the same inputs again to go on from there'),
        },
      },
      {
        progress: (label, fraction) => {
          if (opening.isCancellationRequested && host === null) throw new CancelledError();
          if (host === null) {
            tell(progressText(label, vscode.l10n));
            return;
          }
          if (said.length > 0) void vscode.window.showInformationMessage(said.splice(0).join(' '));
          void host.progress(label, fraction);
        },
        warn: (words) => {
          log().warn(words);
          said.push(words);
        },
        live: {
          head: (layer, head) => void host?.head(layer, head),
          means: (inputs, layers) => host?.means(inputs, layers),
        },
      },
    );
    tell(vscode.l10n.t('Hashing the checkpoint'));
    const { plan, first } = await many.plan((this.checkpoint ??= await this.hashed()));
    return {
      request: first,
      plan,
      threads: poolSize(first.heads.length),
      key: many.key,
      runner: (calls) => {
        host = calls;
        return {
          run: async () => {
            await this.makeRoom();
            return many.run();
          },
          headDetail: (layer, head) => many.runner.thread().headDetail(layer, head),
          keptHead: (layer, head) => many.runner.thread().keptHead(layer, head),
          stop: () => many.stop(),
          left: () => {
            const kept = many.kept();
            return kept === null ? null : `${kept}.`;
          },
        };
      },
    };
  }

  private async hashed(): Promise<WatchedCheckpoint> {
    const ending = new AbortController();
    const cancelled = this.opening.onCancellationRequested(() => {
      ending.abort(new CancelledError());
    });
    try {
      return await WatchedCheckpoint.open(this.services.runnerScript, this.run.opened.file, ending.signal);
    } finally {
      cancelled.dispose();
    }
  }

  /** Other choices that nobody came back to; and this one's, where nothing tells whether the checkpoint is the same. */
  private async makeRoom(): Promise<void> {
    const { inputsFolder } = this.services;
    if (!('path' in this.run.opened.file)) await rm(this.folder, { recursive: true, force: true });
    await mkdir(this.folder, { recursive: true });
    const others = (await readdir(inputsFolder)).map((name) => join(inputsFolder, name));
    const aged = await Promise.all(
      others
        .filter((path) => path !== this.folder)
        .map(async (path) => ({ path, at: (await stat(join(path, 'inputs')).catch(() => stat(path))).mtimeMs })),
    );
    aged.sort((a, b) => b.at - a.at);
    for (const { path } of aged.slice(keptChoices - 1)) await rm(path, { recursive: true, force: true });
  }
}
