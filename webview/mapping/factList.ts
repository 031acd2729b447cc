// The facts about the network beside its tensors: architecture, and what `--set` says of any checkpoint.

import * as l10n from '@vscode/l10n';
import { expectedFact, factTable, isFact } from '../../src/model/mapping/architecture';
import type { Architecture, FactRow } from '../../src/model/mapping/architecture';
import { parseOverrides } from '../../src/model/overrides';
import { fill, h, icon } from '../ui/dom';
import { dropdown, textField } from '../ui/toolkit';
import type { Draft } from './draft';

/** Overrides that a mapped network is asked for most; the file takes every name of `--set`. */
const options: readonly {
  readonly option: string;
  readonly label: string;
  readonly hint: string;
  readonly pictures?: boolean;
}[] = [
  { option: 'heads', label: l10n.t('Heads'), hint: l10n.t('asked when left out') },
  { option: 'eps', label: l10n.t('Epsilon of the norms'), hint: l10n.t('1e-5 of LayerNorm, 1e-6 of RMSNorm') },
  { option: 'activation', label: l10n.t('Activation'), hint: l10n.t('gelu, or silu where gated') },
  { option: 'image', label: l10n.t('Image size'), hint: l10n.t('height x width, such as 28x20'), pictures: true },
  { option: 'mean', label: l10n.t('Mean of the pixels'), hint: '0.5', pictures: true },
  { option: 'std', label: l10n.t('Deviation of the pixels'), hint: '0.5', pictures: true },
];

const sureness = { sure: l10n.t('Sure'), likely: l10n.t('Likely'), weak: l10n.t('Weak guess') } as const;

interface FactLine {
  readonly element: HTMLElement;
  readonly draw: (draft: Draft) => void;
}

export interface FactEvents {
  readonly onFact: (fact: FactRow['name'], value: Architecture[FactRow['name']]) => void;
  readonly onOption: (option: string, text: string) => void;
}

export class FactList {
  readonly element = h('div', { class: 'facts' });
  private readonly lines: readonly FactLine[];

  constructor(private readonly events: FactEvents) {
    this.lines = [...factTable.map((row) => this.fact(row)), ...options.map((option) => this.option(option))];
    fill(this.element, h('h2', {}, l10n.t('Architecture')), ...this.lines.map(({ element }) => element));
  }

  draw(draft: Draft): void {
    for (const { draw } of this.lines) draw(draft);
  }

  private fact(row: FactRow): FactLine {
    const { kind, label, name } = row;
    const why = h('div', { class: 'why' });
    const parse = (text: string): Architecture[FactRow['name']] | undefined => {
      const value =
        kind.kind === 'flag'
          ? text === 'true'
          : kind.kind === 'choice'
            ? text
            : text.trim() === ''
              ? null
              : Number(text);
      return isFact(row, value) ? (value as Architecture[FactRow['name']]) : undefined;
    };
    const change = (text: string): void => {
      const value = parse(text);
      if (value === undefined) fill(why, icon('error'), l10n.t('This must be {0}.', expectedFact(row)));
      else this.events.onFact(name, value);
    };
    const field = kind.kind === 'number' ? textField(label, change) : null;
    const choice = field === null ? dropdown(label, change) : null;
    const choices =
      kind.kind === 'choice'
        ? kind.choices.map(([value, text]) => ({ value, label: text }))
        : [
            { value: 'true', label: l10n.t('yes') },
            { value: 'false', label: l10n.t('no') },
          ];
    const element = h(
      'div',
      { class: 'fact', attributes: { 'data-fact': name } },
      h('div', { class: 'label' }, label),
      choice?.element ?? field!.element,
      why,
    );
    return {
      element,
      draw: (draft) => {
        const value = draft.mapping.architecture[name];
        element.hidden = row.only?.(draft.mapping.architecture) === false;
        choice?.set(choices, String(value));
        if (field !== null && !element.contains(document.activeElement)) field.set(value === null ? '' : String(value));
        const guess = draft.guess.facts[name];
        const empty = value === null && kind.kind === 'number' ? (kind.none ?? '') : '';
        why.textContent =
          guess !== undefined && guess.value === value
            ? `${sureness[guess.sureness]}: ${guess.reason}`
            : empty === ''
              ? ''
              : l10n.t('Empty: {0}.', empty);
      },
    };
  }

  private option({ option, label, hint, pictures }: (typeof options)[number]): FactLine {
    const why = h('div', { class: 'why' });
    const field = textField(label, (text) => {
      this.events.onOption(option, text);
      say(text);
    });
    const say = (text: string): void => {
      const fault = faultOf(option, text);
      if (fault === null) why.textContent = l10n.t('Empty: {0}.', hint);
      else fill(why, icon('error'), fault);
    };
    const element = h(
      'div',
      { class: 'fact', attributes: { 'data-option': option } },
      h('div', { class: 'label' }, label),
      field.element,
      why,
    );
    return {
      element,
      draw: (draft) => {
        element.hidden = pictures === true && draft.mapping.architecture.input !== 'patches';
        const text = draft.overrides[option] ?? '';
        if (!element.contains(document.activeElement)) field.set(text);
        say(text);
      },
    };
  }
}

/** What is wrong with an override's text; null: nothing. */
export function faultOf(option: string, text: string): string | null {
  if (text.trim() === '') return null;
  try {
    parseOverrides({ [option]: text.trim() });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^--set \S+: /, '') : String(error);
  }
}
