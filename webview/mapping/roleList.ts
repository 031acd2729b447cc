// Right: every role with the tensor that plays it, why it was guessed, and whether it fits.

import * as l10n from '@vscode/l10n';
import type { RoleReport } from '../../src/model/mapping/checkMapping';
import { roleRow } from '../../src/model/mapping/roleTable';
import type { Place } from '../../src/model/mapping/roleTable';
import { fill, h, icon } from '../ui/dom';
import { dropdown } from '../ui/toolkit';
import type { Dropdown } from '../ui/toolkit';
import type { Draft } from './draft';
import { shownName } from './tensorList';

const places: readonly (readonly [Place, string])[] = [
  ['embedding', l10n.t('Embedding')],
  ['block', l10n.t('Every block')],
  ['head', l10n.t('Behind the blocks')],
];

const sureness = { sure: l10n.t('Sure'), likely: l10n.t('Likely'), weak: l10n.t('Weak guess') } as const;
/** Value of a dropdown for no tensor; no tensor name is only a space. */
const none = ' ';

interface RoleLine {
  readonly element: HTMLElement;
  readonly choice: Dropdown;
  readonly state: HTMLElement;
  readonly why: HTMLElement;
}

export class RoleList {
  readonly element = h('div', { class: 'roles' });
  private readonly lines = new Map<string, RoleLine>();
  private readonly sections: readonly {
    readonly place: Place;
    readonly main: HTMLElement;
    readonly more: HTMLElement;
    readonly summary: HTMLElement;
  }[];
  /** Roles that stand in the main part of their section; one that was there stays while a person works. */
  private readonly prominent = new Set<string>();

  constructor(private readonly onChange: (role: string, tensor: string | null) => void) {
    this.sections = places.map(([place, title]) => {
      const main = h('div', { class: 'lines' });
      const summary = h('summary');
      const more = h('div', { class: 'lines' });
      const details = h('details', {}, summary, more);
      this.element.append(h('section', { attributes: { 'aria-label': title } }, h('h2', {}, title), main, details));
      return { place, main, more, summary };
    });
  }

  draw(draft: Draft): void {
    for (const { place, main, more, summary } of this.sections) {
      const reports = draft.report.roles.filter(({ role }) => roleRow(role)?.place === place);
      for (const report of reports) if (report.needed || report.state !== 'empty') this.prominent.add(report.role);
      const isMain = ({ role }: RoleReport): boolean => this.prominent.has(role);
      arrange(
        main,
        reports.filter(isMain).map((report) => this.line(draft, report)),
      );
      const rest = reports.filter((report) => !isMain(report));
      arrange(
        more,
        rest.map((report) => this.line(draft, report)),
      );
      summary.textContent = l10n.t('Roles without a tensor ({0})', rest.length);
    }
  }

  private line(draft: Draft, report: RoleReport): HTMLElement {
    const { role } = report;
    const label = roleRow(role)?.label ?? role;
    let line = this.lines.get(role);
    if (line === undefined) {
      const choice = dropdown(label, (value) => {
        this.onChange(role, value === none ? null : value);
      });
      const state = h('div', { class: 'state' });
      const why = h('div', { class: 'why' });
      const element = h(
        'div',
        { class: 'role', attributes: { 'data-role': role } },
        h(
          'div',
          { class: 'label' },
          label,
          report.needed ? h('span', { class: 'needed' }, ` ${l10n.t('needed')}`) : null,
        ),
        choice.element,
        state,
        why,
      );
      line = { element, choice, state, why };
      this.lines.set(role, line);
    }
    const tensor = draft.mapping.roles[role];
    line.choice.set(
      [
        { value: none, label: l10n.t('no tensor') },
        ...draft.choices(report).map((name) => ({ value: name, label: shownName(name) })),
      ],
      tensor ?? none,
    );
    line.element.dataset['state'] = report.state;
    fill(line.state, ...stateOf(report, draft));
    line.why.textContent = whyOf(draft, role, tensor);
    return line.element;
  }
}

/** Replaces children only where they differ: the control under the keyboard stays. */
function arrange(parent: HTMLElement, wanted: readonly HTMLElement[]): void {
  if (wanted.length === parent.children.length && wanted.every((child, i) => parent.children[i] === child)) return;
  parent.replaceChildren(...wanted);
}

function stateOf({ state, layers, sentence, expected }: RoleReport, draft: Draft): readonly (HTMLElement | string)[] {
  switch (state) {
    case 'fine':
      return [
        icon('check'),
        layers === null
          ? l10n.t('Fits {0}.', expected)
          : l10n.t('Fits {0}, in {1} of {2} layers.', expected, layers, draft.report.layers),
      ];
    case 'empty':
      return [l10n.t('Would be {0}.', expected)];
    case 'missing':
      return [icon('error'), l10n.t('Missing: {0}', sentence ?? '')];
    case 'wrong':
      return [icon('error'), l10n.t('Wrong shape: {0}', sentence ?? '')];
  }
}

function whyOf(draft: Draft, role: string, tensor: string | undefined): string {
  const guess = draft.guess.roles[role];
  if (guess !== undefined && tensor === guess.tensor) return `${sureness[guess.sureness]}: ${guess.reason}`;
  if (tensor === undefined) return guess === undefined ? '' : l10n.t('Guessed was {0}.', shownName(guess.tensor));
  return guess === undefined
    ? l10n.t('Chosen by hand.')
    : l10n.t('Chosen by hand; guessed was {0}.', shownName(guess.tensor));
}
