// A language that is no language: every text in ⟦brackets⟧, its values outside of them. What a page shows outside of
// brackets and is no data was never handed to a translator.

import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';

/** Of Visual Studio Code's own pseudo-language. */
export const pseudoLanguage = 'qps-ploc';

const bundle = (): Readonly<Record<string, string>> =>
  JSON.parse(readFileSync('media/l10n/bundle.l10n.json', 'utf8')) as Record<string, string>;

export function pseudoTexts(): Readonly<Record<string, string>> {
  const texts = bundle();
  const bracketed = (text: string): string =>
    text.replaceAll(/\{\d+\}|(?:(?!\{\d+\})[^])+/g, (part) => (/^\{\d+\}$/.test(part) ? part : `⟦${part}⟧`));
  return Object.fromEntries(Object.keys(texts).map((text) => [text, bracketed(text)]));
}

/** Attributes that are read aloud or shown. */
const spokenAttributes = [
  'aria-label',
  'aria-description',
  'aria-roledescription',
  'aria-valuetext',
  'title',
  'placeholder',
  'alt',
];

/** Texts a person could read or hear on the page now, folded parts and the shadow of our controls too. */
async function textsOn(page: Page): Promise<readonly string[]> {
  return page.evaluate((attributes) => {
    const found: string[] = [document.title];
    for (const element of document.body.querySelectorAll('*')) {
      if (element.closest('script, style') !== null) continue;
      for (const name of attributes) found.push(element.getAttribute(name) ?? '');
      for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE) found.push(node.nodeValue ?? '');
    }
    return found.filter((text) => text.trim() !== '');
  }, spokenAttributes);
}

export interface Known {
  /** Whole texts that are data: names of files and tensors, sentences of a result. */
  readonly data: readonly string[];
  /** Names and symbols of the field that no language translates. */
  readonly names: readonly string[];
}

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/**
 * English outside of brackets, `words in: whole text`; each once. A text that is cut short for want of room, or goes on in
 * another line, has lost a bracket.
 */
export async function untranslated(page: Page, { data, names }: Known): Promise<readonly string[]> {
  const texts = bundle();
  // A word of a result that a translator has, such as a verdict, is no data where it is shown.
  const longestFirst = [...new Set(data)]
    .filter((text) => /\p{L}{2}/u.test(text) && !Object.hasOwn(texts, text))
    .sort((a, b) => b.length - a.length);
  // Data stand between ends of words: the data "head" must not excuse "heads".
  const known = longestFirst.map((text) => new RegExp(`(?<![\\p{L}\\d])${escape(text)}(?![\\p{L}\\d])`, 'gu'));
  const found = new Set<string>();
  for (const text of await textsOn(page)) {
    let rest = text.replaceAll(/(?:⟦|^)[^⟦⟧]*⟧|⟦[^⟦⟧]*$/g, ' ');
    if (!/\p{L}{2}/u.test(rest)) continue;
    for (const pattern of known) rest = rest.replaceAll(pattern, ' ');
    const words = [...rest.matchAll(/\p{L}[\p{L}\p{N}_-]*\p{L}/gu)].map(([word]) => word);
    const strange = words.filter((word) => !names.includes(word));
    if (strange.length > 0) found.add(`${strange.join(' ')} in: ${text}`);
  }
  return [...found];
}

/** Every text inside a value that crosses to a page. */
export function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  return Object.values(value).flatMap(textsIn);
}
