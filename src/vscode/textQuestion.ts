// Asking for the text of a language model: an input box that counts tokens while a person types, or a text file.

import * as vscode from 'vscode';
import { describeSpec } from '../model/describeSpec';
import type { ModelSpec } from '../model/modelSpec';
import type { TokenizerSource } from '../inspection/node/tokenizerSource';
import { sentence } from './log';

/** Pause in typing after which tokens are counted. */
const countAfterMs = 60;

/** What the box says below the text. `over`: more than the model takes, or the tokenizer cannot be used. */
interface Count {
  readonly message: string;
  readonly over: boolean;
}

/** 'text:…', or null when the person left. Enter is not taken while the text is longer than the context. */
export async function askText(
  spec: ModelSpec,
  tokenizer: TokenizerSource,
  token: vscode.CancellationToken,
): Promise<string | null> {
  const box = vscode.window.createInputBox();
  box.title = vscode.l10n.t('Text for {0}', describeSpec(spec));
  box.placeholder = vscode.l10n.t('Text, as the model shall read it');
  box.prompt = vscode.l10n.t('Enter starts with this text');
  box.ignoreFocusOut = true;
  const count = async (text: string): Promise<Count> => {
    try {
      const runner = await tokenizer.open();
      const { ids, added } = await runner.encode(text);
      return counted(ids.length, added.filter((one) => one === 1).length, spec.text?.context ?? null);
    } catch (error) {
      return { message: sentence(error), over: true };
    }
  };
  let asked = 0;
  let timer: NodeJS.Timeout | undefined;
  const show = async (): Promise<Count | null> => {
    asked += 1;
    const mine = asked;
    box.busy = true;
    const found = await count(box.value);
    // A later key press has the word.
    if (mine !== asked) return null;
    box.busy = false;
    const severity = found.over ? vscode.InputBoxValidationSeverity.Error : vscode.InputBoxValidationSeverity.Info;
    box.validationMessage = { message: found.message, severity };
    return found;
  };
  const text = await new Promise<string | null>((resolve) => {
    box.onDidChangeValue(() => {
      clearTimeout(timer);
      timer = setTimeout(() => void show(), countAfterMs);
    });
    box.onDidAccept(() => {
      clearTimeout(timer);
      void show().then((found) => {
        if (found?.over === false) resolve(box.value);
      });
    });
    box.onDidHide(() => {
      resolve(null);
    });
    token.onCancellationRequested(() => {
      resolve(null);
    });
    box.show();
    void show();
  });
  clearTimeout(timer);
  box.dispose();
  return text === null ? null : `text:${text}`;
}

function counted(tokens: number, special: number, context: number | null): Count {
  const extra = special === 0 ? '' : ` ${vscode.l10n.t('({0} of them special)', special)}`;
  if (tokens === 0) return { message: vscode.l10n.t('No tokens yet'), over: true };
  if (context === null) return { message: vscode.l10n.t('{0} tokens', tokens) + extra, over: false };
  return tokens > context
    ? {
        message:
          vscode.l10n.t('{0} tokens, {1} more than the {2} the model takes', tokens, tokens - context, context) + extra,
        over: true,
      }
    : { message: vscode.l10n.t('{0} of {1} tokens', tokens, context) + extra, over: false };
}

/** A text file that the person picks; null when they left. */
export async function askTextFile(): Promise<vscode.Uri | null> {
  const files = await vscode.window.showOpenDialog({
    canSelectMany: false,
    filters: { [vscode.l10n.t('Text')]: ['txt', 'md'], [vscode.l10n.t('All files')]: ['*'] },
    title: vscode.l10n.t('Choose the text'),
  });
  return files?.[0] ?? null;
}
