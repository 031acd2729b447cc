// Heads of a finished inspection, drawn from what is kept of it.

import * as vscode from 'vscode';
import { loadHead } from '../inspection/node/savedHeads';
import { startThreadRunner } from '../inspection/node/threadRunner';
import { computedText, log } from './log';
import type { Runner } from './runners';

/** Draws patterns from the tensors in `folder`; null: a result that came without them. */
export function drawingRunner(script: string, folder: string | null): Runner {
  const nothing = (): Promise<never> =>
    Promise.reject(
      new Error(vscode.l10n.t('A result file has no patterns. Inspect the checkpoint again to see them.')),
    );
  if (folder === null) {
    return { run: nothing, headDetail: nothing, keptHead: nothing, stop: () => Promise.resolve() };
  }
  const nobody = (): Promise<void> => Promise.resolve();
  const quiet = { progress: nobody, head: nobody, warn: nobody };
  // Pages draw patterns themselves; the thread starts with the first one that a report needs.
  let thread: ReturnType<typeof startThreadRunner> | null = null;
  return {
    run: nothing,
    headDetail: async (layer, head) => {
      thread ??= startThreadRunner(script, quiet);
      const detail = await thread.savedDetail(folder, layer, head);
      log().debug(`layer ${layer}, head ${head} drawn for a report from what is kept`);
      return detail;
    },
    keptHead: async (layer, head) => {
      const kept = await loadHead(folder, layer, head);
      log().info(`layer ${layer}, head ${head} read from what is kept. ${computedText()}`);
      return kept;
    },
    stop: async () => thread?.stop(),
  };
}
