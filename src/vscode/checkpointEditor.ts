// The custom editor `gramlens.checkpoint`: what a checkpoint holds, from its header. Read-only; one page an editor,
// nothing is kept between them but the file.

import * as vscode from 'vscode';
import type { TensorEntry } from '../checkpoint/tensorIndex';
import { begunEarly } from '../inspection/begunEarly';
import { summariseCheckpoint } from '../inspection/checkpointSummary';
import { StatisticsRunner } from '../inspection/node/statisticsRunner';
import { packSummary } from '../protocol/checkpointMessages';
import type { CheckpointHostCalls, CheckpointPageCalls, WireSummary } from '../protocol/checkpointMessages';
import { log, sentence } from './log';
import { openFile } from './openFlow';
import type { OpenedFile } from './openFlow';
import { connectPage, pageHtml, pageRoots } from './webviewPage';

export const checkpointEditorId = 'gramlens.checkpoint';

export class CheckpointEditor implements vscode.CustomReadonlyEditorProvider {
  /** `statisticsScript` is dist/statistics.js. */
  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly statisticsScript: string,
  ) {}

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => undefined };
  }

  resolveCustomEditor({ uri }: vscode.CustomDocument, panel: vscode.WebviewPanel): void {
    const { webview } = panel;
    webview.options = { enableScripts: true, localResourceRoots: pageRoots(this.extensionUri) };
    const subscriptions: vscode.Disposable[] = [];
    const page = new CheckpointPage(uri, new StatisticsRunner(this.statisticsScript));
    const endpoint = connectPage<CheckpointHostCalls, CheckpointPageCalls>(
      webview,
      page.handlers((row, fraction) => void endpoint.remote.statisticsProgress(row, fraction).catch(() => undefined)),
      subscriptions,
    );
    panel.onDidDispose(() => {
      endpoint.close('the checkpoint page was closed');
      void page.dispose();
      for (const subscription of subscriptions) subscription.dispose();
    });
    webview.html = pageHtml(webview, this.extensionUri, 'checkpoint', vscode.l10n.t('Gramlens checkpoint'));
  }
}

/** One open page: its file, and the tensors that are being read for it. */
class CheckpointPage {
  private opened: OpenedFile | null = null;
  private entries: readonly TensorEntry[] = [];
  private readonly reading = new Map<number, AbortController>();
  private readonly read: () => Promise<{ readonly opened: OpenedFile; readonly summary: WireSummary }>;

  constructor(
    private readonly uri: vscode.Uri,
    private readonly runner: StatisticsRunner,
  ) {
    // The header is read while the page loads.
    this.read = begunEarly(async () => {
      const opened = await openFile(uri);
      const { index, config, preprocessor, mapping } = opened;
      return { opened, summary: packSummary(summariseCheckpoint(index, config, preprocessor, mapping)) };
    });
  }

  handlers(onProgress: (row: number, fraction: number) => void): CheckpointHostCalls {
    return {
      open: async () => {
        // What was being read belongs to the rows of the old header.
        this.cancelAll();
        try {
          const { opened, summary } = await this.read();
          this.opened = opened;
          this.entries = [...opened.index.entries.values()];
          return summary;
        } catch (error) {
          log().warn(sentence(error));
          throw error;
        }
      },
      statistics: async (row) => {
        const { opened } = this;
        const entry = this.entry(row);
        if (opened === null || this.reading.has(row)) throw new Error('this tensor is being read');
        const controller = new AbortController();
        this.reading.set(row, controller);
        try {
          return await this.runner.compute(opened.file, entry, controller.signal, (fraction) => {
            onProgress(row, fraction);
          });
        } finally {
          if (this.reading.get(row) === controller) this.reading.delete(row);
        }
      },
      cancelStatistics: (row) => {
        this.reading.get(row)?.abort(new Error(vscode.l10n.t('Cancelled.')));
        this.reading.delete(row);
        return Promise.resolve();
      },
      copyName: async (row) => {
        await vscode.env.clipboard.writeText(this.entry(row).name);
      },
      inspect: async () => {
        await vscode.commands.executeCommand('gramlens.inspectCheckpoint', this.uri);
      },
      map: async () => {
        await vscode.commands.executeCommand('gramlens.mapTensors', this.uri);
      },
      log: (level, message) => {
        if (level === 'error') log().error(message);
        else if (level === 'warn') log().warn(message);
        else log().info(message);
        return Promise.resolve();
      },
    };
  }

  async dispose(): Promise<void> {
    this.cancelAll();
    await this.runner.dispose();
  }

  private cancelAll(): void {
    for (const controller of this.reading.values()) controller.abort();
    this.reading.clear();
  }

  /** A webview is not trusted: the row is checked. */
  private entry(row: unknown): TensorEntry {
    const entry = Number.isInteger(row) ? this.entries[row as number] : undefined;
    if (entry === undefined) throw new Error(`there is no tensor ${String(row)} in this checkpoint`);
    return entry;
  }
}
