// The last question before a run: the plan, and for models that leave a choice which Gram matrix their keys make. Enter
// runs it, Escape leaves.

import * as vscode from 'vscode';
import type { GramChoice } from '../diagnostics/headInput';
import type { InspectionRequest } from '../inspection/inspectionRequest';
import { ChoiceError } from '../inspection/choiceError';
import { blockShape } from '../model/blockShape';
import { Dismissed, planSentence } from './openFlow';
import type { PlannedRequest } from './openFlow';
import { memoryBudgetBytes } from './settings';

/** `make` with what the settings say; a prefix that this input does not have, and an ablation or network noise that cannot be had, are the setting's fault. */
export async function planOfSettings<P extends PlannedRequest>(
  make: (gram: GramChoice) => Promise<P>,
  gram: GramChoice,
): Promise<P> {
  try {
    return await make(gram);
  } catch (error) {
    if (!(error instanceof ChoiceError)) throw error;
    if (error.choice === 'ablation') {
      throw new ChoiceError('ablation', vscode.l10n.t('{0} Or turn the setting gramlens.ablation off.', error.message));
    }
    if (error.choice === 'networkNoise') {
      throw new ChoiceError(
        'networkNoise',
        vscode.l10n.t('{0} Or empty the setting gramlens.networkNoise.', error.message),
      );
    }
    if (error.choice !== 'gram') throw error;
    throw new ChoiceError(
      'gram',
      vscode.l10n.t('Setting gramlens.gram, prefix:{0}: {1}', gram.prefix ?? 0, error.message),
    );
  }
}

/** Shows the plan until it is taken, and makes it again with another Gram matrix when that is chosen. Rejects with Dismissed. */
export async function confirmPlan<P extends PlannedRequest>(
  first: P,
  make: (gram: GramChoice) => Promise<P>,
  token: vscode.CancellationToken,
): Promise<P> {
  let planned = first;
  for (;;) {
    const chosen = await askPlan(planned, token);
    if (chosen === 'run') return planned;
    const { gram } = planned.request;
    if (chosen === 'keys') planned = await make({ ...gram, keys: gram.keys === 'pre-rope' ? 'post-rope' : 'pre-rope' });
    else planned = await make({ ...gram, prefix: await askPrefix(planned.request, token) });
  }
}

async function askPlan(
  { plan, request }: PlannedRequest,
  token: vscode.CancellationToken,
): Promise<'run' | 'gram' | 'keys'> {
  const over = plan.peakByteLength > memoryBudgetBytes();
  const { prefix, keys } = request.gram;
  const run = {
    value: 'run',
    label: `$(play) ${over ? vscode.l10n.t('Inspect although it needs more than gramlens.memoryBudgetMB') : vscode.l10n.t('Inspect')}`,
    detail: planSentence(plan),
  } as const;
  const gram = {
    value: 'gram',
    label: `$(symbol-array) ${vscode.l10n.t('Gram matrix: {0}…', prefix === null ? 'full-Gram' : `prefix-${prefix}`)}`,
    detail:
      prefix === null
        ? vscode.l10n.t('All {0} keys, although each query of a causal model sees its own prefix only', plan.tokens)
        : vscode.l10n.t('The first {0} of {1} keys, which are what query {2} sees', prefix, plan.tokens, prefix - 1),
  } as const;
  const rotation = {
    value: 'keys',
    label: `$(sync) ${vscode.l10n.t('Keys of the Gram matrix: {0}', keys)}`,
    detail:
      keys === 'pre-rope'
        ? vscode.l10n.t('Before their rotary positions; choose to take them after')
        : vscode.l10n.t('With their rotary positions, as the scores have them; choose to take them before'),
  } as const;
  const items = [
    run,
    ...(request.spec.causal ? [gram] : []),
    ...(blockShape(request.spec).rope === null ? [] : [rotation]),
  ];
  const { layers, heads, tokens, headDim } = plan;
  const title = plan.ablation
    ? vscode.l10n.t(
        'Plan: {0} layers, {1} heads each, N {2}, d {3}, each head taken out',
        layers,
        heads,
        tokens,
        headDim,
      )
    : vscode.l10n.t('Plan: {0} layers, {1} heads each, N {2}, d {3}', layers, heads, tokens, headDim);
  const options = { title, placeHolder: plan.backendReason, ignoreFocusOut: true };
  const chosen = await vscode.window.showQuickPick<(typeof items)[number]>(items, options, token);
  if (chosen === undefined) throw new Dismissed();
  return chosen.value;
}

/** T, or null for all keys; Escape goes back to what it was. */
async function askPrefix({ spec, gram }: InspectionRequest, token: vscode.CancellationToken): Promise<number | null> {
  const text = await vscode.window.showInputBox(
    {
      title: vscode.l10n.t('Gram matrix of the first T keys'),
      prompt: vscode.l10n.t('T from 1 to {0}: what query T-1 sees. Leave it empty for all keys.', spec.tokens),
      value: gram.prefix === null ? '' : String(gram.prefix),
      ignoreFocusOut: true,
      validateInput: (value) =>
        value.trim() === '' || (/^\d{1,9}$/.test(value.trim()) && Number(value) >= 1 && Number(value) <= spec.tokens)
          ? null
          : vscode.l10n.t('A whole number from 1 to {0}, or nothing.', spec.tokens),
    },
    token,
  );
  if (text === undefined) return gram.prefix;
  return text.trim() === '' ? null : Number(text);
}
