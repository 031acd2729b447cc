// The mapping page of one checkpoint: reads its header and the mapping that is there, writes the one a person made.

import * as vscode from 'vscode';
import { inferModelSpec } from '../model/inferModelSpec';
import { parseMappingText } from '../model/mapping/mappingFile';
import { ModelSpecError } from '../model/modelSpec';
import type { MappingHostCalls, MappingPageCalls } from '../protocol/mappingMessages';
import { log, sentence } from './log';
import { mappingPlaces } from './mappingFiles';
import { openFile } from './openFlow';
import type { OpenedFile } from './openFlow';
import { connectPage, pageHtml, pageRoots } from './webviewPage';

export const mappingPanelType = 'gramlens.mapping';

/** One tab a checkpoint. As serializer it brings the tabs of a window back that was closed or reloaded. */
export class MappingPanels implements vscode.Disposable, vscode.WebviewPanelSerializer {
  private readonly open = new Map<string, { readonly panel: vscode.WebviewPanel; readonly page: MappingPageCalls }>();

  constructor(private readonly extensionUri: vscode.Uri) {}

  show(checkpoint: vscode.Uri): void {
    const key = checkpoint.toString();
    const known = this.open.get(key);
    if (known !== undefined) {
      known.panel.reveal();
      // The file, or the mapping beside it, may be another one by now.
      void known.page.reload().catch(() => undefined);
      return;
    }
    const title = titleOf(checkpoint);
    this.fill(checkpoint, vscode.window.createWebviewPanel(mappingPanelType, title, vscode.ViewColumn.Active, {}));
  }

  /** `state`: what the page kept (webview/mapping/main.ts); without its checkpoint there is nothing to show. */
  deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const kept = typeof state === 'object' && state !== null && 'checkpoint' in state ? state.checkpoint : null;
    const checkpoint = typeof kept === 'string' ? vscode.Uri.parse(kept) : null;
    if (checkpoint === null || this.open.has(checkpoint.toString())) panel.dispose();
    else this.fill(checkpoint, panel);
    return Promise.resolve();
  }

  private fill(checkpoint: vscode.Uri, panel: vscode.WebviewPanel): void {
    const key = checkpoint.toString();
    const title = titleOf(checkpoint);
    panel.webview.options = { enableScripts: true, localResourceRoots: pageRoots(this.extensionUri) };
    const subscriptions: vscode.Disposable[] = [];
    const endpoint = connectPage<MappingHostCalls, MappingPageCalls>(
      panel.webview,
      handlers(checkpoint),
      subscriptions,
    );
    this.open.set(key, { panel, page: endpoint.remote });
    panel.onDidDispose(() => {
      this.open.delete(key);
      endpoint.close('the mapping page was closed');
      for (const subscription of subscriptions) subscription.dispose();
    });
    panel.webview.html = pageHtml(panel.webview, this.extensionUri, 'mapping', title);
  }

  dispose(): void {
    for (const { panel } of [...this.open.values()]) panel.dispose();
  }
}

function handlers(checkpoint: vscode.Uri): MappingHostCalls {
  let opened: OpenedFile | null = null;
  return {
    open: async () => {
      try {
        opened = await openFile(checkpoint);
      } catch (error) {
        log().warn(sentence(error));
        throw error;
      }
      const { index, mappingUri } = opened;
      const tensors = [...index.entries.values()].map(({ name, shape }) => [name, shape] as const);
      return {
        uri: checkpoint.toString(),
        fileName: index.fileName,
        refusal: refusalOf(opened),
        tensorsJson: JSON.stringify(tensors),
        existing: mappingUri === null ? null : { name: baseName(mappingUri), text: await textOf(mappingUri) },
      };
    },
    save: async (text, inspect) => {
      if (opened === null)
        throw new Error(vscode.l10n.t('The checkpoint is not open. Close the tab and open it again.'));
      // A webview is not trusted: what it sends is checked as any file is.
      parseMappingText(text, vscode.l10n.t('The mapping'));
      const saved = await write(opened, text);
      if (inspect) void vscode.commands.executeCommand('gramlens.inspectCheckpoint', checkpoint);
      return vscode.workspace.asRelativePath(saved);
    },
    log: (level, message) => {
      if (level === 'error') log().error(message);
      else if (level === 'warn') log().warn(message);
      else log().info(message);
      return Promise.resolve();
    },
  };
}

/** Why the file is not recognised without its mapping; null where it is. */
function refusalOf({ index, config, preprocessor }: OpenedFile): string | null {
  try {
    inferModelSpec(index, config, {}, preprocessor);
    return null;
  } catch (error) {
    if (!(error instanceof ModelSpecError)) throw error;
    return error.question === null ? error.message : null;
  }
}

/** Where the mapping is already, else beside the checkpoint, else in the workspace. */
async function write(opened: OpenedFile, text: string): Promise<vscode.Uri> {
  const places = opened.mappingUri === null ? mappingPlaces(opened.uri) : [opened.mappingUri];
  let last: unknown = null;
  for (const place of places) {
    try {
      await vscode.workspace.fs.writeFile(place, new TextEncoder().encode(text));
      return place;
    } catch (error) {
      last = error;
      log().info(`${place.toString()}: ${sentence(error)}`);
    }
  }
  throw new Error(
    vscode.l10n.t(
      'The mapping cannot be written beside the checkpoint ({0}), and no workspace folder is open to hold it. Open a folder and save again.',
      sentence(last),
    ),
  );
}

const titleOf = (checkpoint: vscode.Uri): string => vscode.l10n.t('Map {0}', baseName(checkpoint));

const baseName = (uri: vscode.Uri): string => uri.path.slice(uri.path.lastIndexOf('/') + 1);

async function textOf(uri: vscode.Uri): Promise<string> {
  return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
}
