// The only file that knows the component toolkit. `@vscode/webview-ui-toolkit` is deprecated upstream; replacing
// it means replacing this file.

import * as l10n from '@vscode/l10n';
import {
  provideVSCodeDesignSystem,
  vsCodeButton,
  vsCodeDropdown,
  vsCodeOption,
  vsCodeProgressRing,
  vsCodeTag,
  vsCodeTextField,
} from '@vscode/webview-ui-toolkit';
import { h, icon } from './dom';
import { afterDrawing } from './drawQueue';

export function registerComponents(): void {
  provideVSCodeDesignSystem().register(
    vsCodeButton(),
    vsCodeDropdown(),
    vsCodeOption(),
    vsCodeProgressRing(),
    vsCodeTag(),
    vsCodeTextField(),
  );
}

export function button(
  label: string,
  onClick: () => void,
  options: { readonly icon?: string; readonly primary?: boolean } = {},
): HTMLElement {
  const content = options.icon === undefined ? [] : [h('span', { attributes: { slot: 'start' } }, icon(options.icon))];
  return h(
    'vscode-button',
    {
      attributes: { appearance: options.primary === true ? 'primary' : 'secondary' },
      on: { click: onClick },
    },
    ...content,
    label,
  );
}

/** A button with an icon only; `label` is its name. */
export function iconButton(name: string, label: string, onClick: () => void): HTMLElement {
  return h(
    'vscode-button',
    { attributes: { appearance: 'icon', 'aria-label': label, title: label }, on: { click: onClick } },
    icon(name),
  );
}

export interface DropdownOption {
  readonly value: string;
  readonly label: string;
}

interface DropdownElement extends HTMLElement {
  value: string;
}

export interface Dropdown {
  readonly element: HTMLElement;
  set(options: readonly DropdownOption[], value: string): void;
}

export function dropdown(label: string, onChange: (value: string) => void): Dropdown {
  const element = h('vscode-dropdown', { attributes: { 'aria-label': label } }) as DropdownElement;
  element.addEventListener('change', () => {
    onChange(element.value);
  });
  let offered: readonly DropdownOption[] = [];
  let filled = '[]';
  let chosen = '';
  const choose = (): void => {
    // The component reads its options in a later task.
    setTimeout(() => {
      element.value = chosen;
    });
  };
  const put = (options: readonly DropdownOption[]): void => {
    element.replaceChildren(
      ...options.map((option) =>
        h('vscode-option', { attributes: { value: option.value, title: option.label } }, option.label),
      ),
    );
    choose();
  };
  // A list of fifty is a component each, and closed at first.
  const fillList = (): void => {
    const key = JSON.stringify(offered);
    if (key === filled) return;
    filled = key;
    put(offered);
  };
  for (const kind of ['pointerenter', 'focusin']) element.addEventListener(kind, fillList);
  element.addEventListener('change', () => {
    chosen = element.value;
  });
  return {
    element,
    set: (options, value) => {
      offered = options;
      chosen = value;
      if (element.childElementCount === 0) put(options.filter((option) => option.value === value));
      else choose();
      afterDrawing(fillList);
    },
  };
}

interface TextFieldElement extends HTMLElement {
  value: string;
}

export interface TextField {
  readonly element: HTMLElement;
  set(value: string): void;
}

/** One line of text; `onInput` hears every change. `label` is its name and what it shows while empty. */
export function textField(label: string, onInput: (value: string) => void, iconName?: string): TextField {
  const start = iconName === undefined ? [] : [h('span', { attributes: { slot: 'start' } }, icon(iconName))];
  const element = h(
    'vscode-text-field',
    { attributes: { 'aria-label': label, placeholder: label } },
    ...start,
  ) as TextFieldElement;
  keepName(element, label);
  element.addEventListener('input', () => {
    onInput(element.value);
  });
  return {
    element,
    set: (value) => {
      element.value = value;
    },
  };
}

/** The toolkit renames some elements when they come onto a page, to "Text field" or "Loading": puts the name back. */
function keepName(element: HTMLElement, label: string): void {
  new MutationObserver(() => {
    if (element.getAttribute('aria-label') !== label) element.setAttribute('aria-label', label);
  }).observe(element, { attributeFilter: ['aria-label'] });
}

export interface Slider {
  readonly element: HTMLElement;
  /** `text` is what a screen reader says instead of the number. */
  set(value: number, most: number, text: string): void;
}

/** Whole numbers from `least`; the toolkit has no slider, so this is the browser's own. `onInput` hears every step. */
export function slider(label: string, least: number, onInput: (value: number) => void): Slider {
  const element = h('input', {
    class: 'slider',
    attributes: { type: 'range', min: String(least), step: '1', 'aria-label': label },
  }) as HTMLInputElement;
  element.addEventListener('input', () => {
    onInput(element.valueAsNumber);
  });
  return {
    element,
    set: (value, most, text) => {
      element.max = String(most);
      element.value = String(value);
      element.setAttribute('aria-valuetext', text);
    },
  };
}

export function tag(text: string): HTMLElement {
  return h('vscode-tag', {}, text);
}

export function progressRing(): HTMLElement {
  const element = h('vscode-progress-ring', { class: 'ring' });
  keepName(element, l10n.t('Running'));
  return element;
}
