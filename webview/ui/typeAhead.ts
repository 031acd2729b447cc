// Typing in a list of ours goes to what is typed, as in the lists of the editor: letters that follow each other are one
// text, and the same letter again goes on to the next.

import * as l10n from '@vscode/l10n';
import { h } from './dom';

/** Between letters of one text, milliseconds. */
const pauseMs = 1000;

export class TypeAhead {
  private text = '';
  private last = -Infinity;

  /** The text so far, in lower case; null: the key is no letter of one. */
  typed({ key, timeStamp, ctrlKey, metaKey, altKey }: KeyboardEvent): string | null {
    if (key.length !== 1 || ctrlKey || metaKey || altKey) return null;
    const goesOn = timeStamp - this.last <= pauseMs;
    // A space alone presses what has the focus.
    if (key === ' ' && !(goesOn && this.text !== '')) return null;
    this.text = (goesOn ? this.text : '') + key.toLowerCase();
    this.last = timeStamp;
    return this.text;
  }
}

/**
 * The first place that `matches` from `at` on, around the end; -1: none. A text that grows stays where it is as long as it
 * fits; a first letter, or the same again, goes on.
 */
export function nextMatch(
  count: number,
  at: number,
  text: string,
  matches: (place: number, text: string) => boolean,
): number {
  const isRepeated = text.length > 1 && text === text[0]!.repeat(text.length);
  const look = (wanted: string, from: number): number => {
    for (let step = 0; step < count; step += 1) {
      const place = (from + step) % count;
      if (matches(place, wanted)) return place;
    }
    return -1;
  };
  const found = look(text, text.length === 1 ? at + 1 : Math.max(0, at));
  return found < 0 && isRepeated ? look(text[0]!, at + 1) : found;
}

/**
 * Typing on a head of `list` goes to another: `2.3` or `2 3` to layer 2, head 3, letters to the beginning of its words.
 * Heads are buttons at or inside `[data-head="LAYER HEAD"]`. @returns what is said where there is none such
 */
export function typeAheadHeads(list: HTMLElement): HTMLElement {
  const said = h('p', { class: 'quiet', attributes: { role: 'status', hidden: '' } });
  const typing = new TypeAhead();
  list.addEventListener('keydown', (event) => {
    const buttons = [...list.querySelectorAll<HTMLElement>('[data-head] button, button[data-head]')];
    const at = buttons.indexOf(event.target as HTMLElement);
    const text = at < 0 ? null : typing.typed(event);
    if (text === null) return;
    event.preventDefault();
    const address = text.replaceAll(/[\s.,:·]+/g, ' ');
    const place = nextMatch(buttons.length, at, address, (one, wanted) => {
      const button = buttons[one]!;
      const name = button.closest<HTMLElement>('[data-head]')!.dataset['head']!;
      return /^\d/.test(wanted) ? name.startsWith(wanted) : button.textContent.toLowerCase().startsWith(wanted);
    });
    said.textContent = place < 0 ? l10n.t('No head "{0}" in this list.', text) : '';
    said.hidden = place < 0;
    buttons[place]?.focus();
  });
  return said;
}
