// What the tests of the suite share: the extension's own API, and driving the window as a person does.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { GramlensApi } from '../../../src/extension';
import type { SessionSnapshot } from '../../../src/protocol/messages';
import { inFrame, outer, repositoryRoot, until } from '../outer';

/** Selectors that only one of our pages holds. */
export const inspectorPage = 'main#app[data-worker]';
export const heatmapPage = 'main#app:not([data-worker])';

export const softmaxSample = 'digits-softmax.safetensors';
export const rpcSample = 'digits-rpc.pt';
/** Both samples are of this size. */
export const layers = 6;
export const heads = 4;

/** Every kind of number, few draws: a sample takes about 3 s. */
export const quick: Settings = {
  'gramlens.backend': 'cpu',
  'gramlens.nulls': 20,
  'gramlens.untrainedTwins': 2,
  'gramlens.noise.repeats': 2,
};
/** The same as `quick` for `gramlens inspect`. */
export const quickOptions = ['--nulls', '20', '--twins', '2', '--repeats', '2', '--backend', 'cpu', '--seed', '0'];
/** So many draws that a run does not end by itself while a test looks at it. */
export const slow: Settings = { ...quick, 'gramlens.nulls': 5000, 'gramlens.noise.repeats': 200 };
/** A file dialog that took a path has gone by then. */
const dialogMs = 3000;
const dialogAttempts = 8;
const paletteAttempts = 3;
/** A quick run on two cores that other tests keep busy as well. */
export const runTimeoutMs = 60_000;

export function sample(file: string): vscode.Uri {
  return vscode.Uri.file(join(repositoryRoot(), 'media', 'samples', file));
}

export async function gramlens(): Promise<GramlensApi> {
  return await vscode.extensions.getExtension<GramlensApi>('gramlens.gramlens')!.activate();
}

export type Settings = Readonly<Record<string, string | number | boolean | null>>;

/** Writes user settings; answers what takes them back. */
export async function withSettings(settings: Settings): Promise<() => Promise<void>> {
  const configuration = vscode.workspace.getConfiguration();
  const before = Object.keys(settings).map((name) => [name, configuration.inspect(name)?.globalValue] as const);
  const write = async (entries: readonly (readonly [string, unknown])[]): Promise<void> => {
    for (const [name, value] of entries) {
      await vscode.workspace.getConfiguration().update(name, value, vscode.ConfigurationTarget.Global);
    }
  };
  await write(Object.entries(settings));
  return () => write(before);
}

/** Waits for the session to reach a phase; an unexpected end fails at once, with the session's own sentence. */
export async function phase(wanted: SessionSnapshot['phase'], timeoutMs = runTimeoutMs): Promise<SessionSnapshot> {
  const api = await gramlens();
  // An earlier test may have left a failure behind; only a new one counts.
  const start = api.snapshot();
  return until(
    `phase "${wanted}"`,
    () => {
      const snapshot = api.snapshot();
      if (snapshot.phase === wanted) return snapshot;
      if (snapshot.phase === 'failed' && snapshot !== start)
        throw new Error(`the inspection failed: ${snapshot.message}`);
      return undefined;
    },
    timeoutMs,
  );
}

/** Runs a sample without a question and opens nothing else. */
export async function runSample(file: string): Promise<SessionSnapshot> {
  const api = await gramlens();
  const input = `npy:${sample('digit-3.npy').fsPath}`;
  await api.inspect({ uri: sample(file), input, unasked: true });
  return api.snapshot();
}

/** Starts a run that will not end by itself; resolves when its first head is on its way. */
export async function startSlowRun(file: string): Promise<{ ended: Promise<Error | null> }> {
  const api = await gramlens();
  const input = `npy:${sample('digit-3.npy').fsPath}`;
  const ended = api.inspect({ uri: sample(file), input, unasked: true }).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
  await until(`a running inspection of ${file}`, () => {
    const { phase: now, title, progress } = api.snapshot();
    return now === 'running' && title === file && /^Layer/.test(progress?.label ?? '') ? true : undefined;
  });
  return { ended };
}

/** Every head of every layer is there. */
export function assertComplete(snapshot: SessionSnapshot): void {
  assert.deepEqual(
    snapshot.layers.map((layer) => [layer.index, layer.heads.map((head) => head.index)]),
    Array.from({ length: layers }, (_, layer) => [layer, Array.from({ length: heads }, (_unused, head) => head)]),
  );
}

/** Types into the command palette and runs the command that it finds. */
export async function runFromPalette(command: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    await outer('press', { key: 'F1' });
    await outer('waitFor', { selector: '.quick-input-widget input' });
    await outer('type', command);
    try {
      await chosenRow(command);
      break;
    } catch (error) {
      // A page that comes to the front at that moment takes the focus, and the palette closes.
      if (attempt === paletteAttempts) throw error;
      await outer('press', { key: 'Escape' });
    }
  }
  await outer('press', { key: 'Enter' });
}

/**
 * Opens the side panel and waits for its page. In the browser workbench all webviews share one origin and so one
 * service worker, which each new webview replaces: one that is opened meanwhile may not find its files.
 */
export async function showSidePanel(): Promise<void> {
  await runFromPalette('Gramlens: Show Heads Heatmap');
  await outer('waitFor', { inside: heatmapPage, selector: `${heatmapPage} > *` });
}

/** Waits until the row with these words is the one that Enter takes. */
export async function chosenRow(words: string): Promise<void> {
  const row = `.quick-input-list .monaco-list-row.focused[aria-label*=${JSON.stringify(words)}]`;
  await outer('waitFor', { selector: row });
}

/** Waits for a question (its title holds these words), goes to the answer with the arrow keys and takes it. */
export async function answer(question: string, choice: string): Promise<void> {
  await questionShown(question);
  const focused = (): Promise<string> =>
    inFrame(null, () => {
      const row = document.querySelector('.quick-input-list .monaco-list-row.focused');
      return row?.getAttribute('aria-label') ?? '';
    });
  await until(`a row to be in focus`, async () => ((await focused()) === '' ? undefined : true));
  for (let step = 0; step < 20; step += 1) {
    if ((await focused()).includes(choice)) {
      await outer('press', { key: 'Enter' });
      return;
    }
    await outer('press', { key: 'ArrowDown' });
  }
  throw new Error(`"${question}" has no answer "${choice}"; the last row was "${await focused()}"`);
}

/** The open quick pick's title, '' when there is none. */
export function openQuestion(): Promise<string> {
  return inFrame(null, () => {
    const widget = document.querySelector<HTMLElement>('.quick-input-widget');
    if (widget === null || widget.offsetParent === null) return '';
    return widget.querySelector('.quick-input-title')?.textContent ?? '';
  });
}

export async function questionShown(words: string): Promise<void> {
  await until(`the question "${words}"`, async () => ((await openQuestion()).includes(words) ? true : undefined));
}

/**
 * Types a path (of a folder with / at its end) into the open file dialog and takes it. The dialog reads folders while it is
 * typed and may answer Enter by opening one of them: then once more from the beginning.
 */
export async function takePath(title: string, path: string): Promise<void> {
  await questionShown(title);
  const gone = async (): Promise<true | undefined> => ((await openQuestion()).includes(title) ? undefined : true);
  for (let attempt = 0; attempt < dialogAttempts; attempt += 1) {
    await outer('press', { key: 'Control+A' });
    await outer('type', path);
    const held = await inFrame(
      null,
      () => document.querySelector<HTMLInputElement>('.quick-input-widget input[type="text"]')?.value,
    );
    if (held !== path) continue;
    await outer('press', { key: 'Enter' });
    if (await until('the dialog to go', gone, dialogMs).catch(() => false)) return;
  }
  throw new Error(`the dialog "${title}" did not take ${path}`);
}

/** Texts of the notifications on the screen. */
export function notifications(): Promise<string[]> {
  return inFrame(null, () =>
    [...document.querySelectorAll<HTMLElement>('.notification-list-item-message')].map((item) => item.innerText),
  );
}

export async function notificationShown(pattern: RegExp): Promise<string> {
  return until(`a notification like ${String(pattern)}`, async () =>
    (await notifications()).find((text) => pattern.test(text)),
  );
}

export async function clearNotifications(): Promise<void> {
  await vscode.commands.executeCommand('notifications.clearAll');
}

/** From now on remembers every text that an element of the workbench shows. */
export async function watchTexts(name: string, selector: string): Promise<void> {
  await inFrame(
    null,
    ([key, wanted]: [string, string]) => {
      const seen = new Set<string>();
      const collect = (): void => {
        for (const element of document.querySelectorAll<HTMLElement>(wanted)) seen.add(element.innerText.trim());
      };
      new MutationObserver(collect).observe(document.body, { subtree: true, childList: true, characterData: true });
      Object.assign(window, { [key]: seen });
    },
    [`gramlens-${name}`, selector],
  );
}

export function seenTexts(name: string): Promise<string[]> {
  return inFrame(
    null,
    (key: string) => [...(window as unknown as Record<string, Set<string>>)[key]!],
    `gramlens-${name}`,
  );
}

/** Threads of this extension host: Linux counts them all, elsewhere only workers with an open port are known. */
export function threadCount(): number {
  return platform() === 'linux'
    ? readdirSync('/proc/self/task').length
    : process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length;
}

/** Fails when worker threads of a run outlive it. */
export async function threadsBackTo(idle: number): Promise<void> {
  await until(`the worker threads to end (now ${threadCount()}, before the run ${idle})`, () =>
    threadCount() <= idle ? true : undefined,
  );
}

/** Closes every editor tab, side panel included, so that a test begins with nothing of ours on the screen. */
export async function closeEditors(): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
}
