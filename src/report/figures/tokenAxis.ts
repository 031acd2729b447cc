// What the rows and columns of a pattern are called: tokens of a text by what they stand for, tokens of a picture by
// their place. One list for axes, tooltips, spoken cursor, tables and CSV.

import * as l10n from '@vscode/l10n';
import type { ModelSummary, Provenance } from '../../inspection/inspectionResult';

type Input = Provenance['inputs'][number];
/** Of the stack that the head is in; a Segmenter's decoder has class embeddings behind the patches. */
interface Places extends Pick<ModelSummary, 'tokens' | 'prefixTokens' | 'prefixNames' | 'grid'> {
  readonly suffixTokens: number;
}

/** Names of added tokens stand in results in English. */
function prefixName(name: string | undefined): string {
  const [kind, number] = name?.split(' ') ?? [];
  if (kind === 'distillation') return l10n.t('distillation');
  if (kind === 'register') return number === undefined ? l10n.t('register') : l10n.t('register {0}', number);
  return name ?? l10n.t('prefix');
}

/** One name a token, with its index before it: `3 "·cat"`, `7 patch (0, 6)`; null where only the index is known. */
export function tokenNames(places: Places, input: Input | null): readonly string[] | null {
  const { tokens, prefixTokens, suffixTokens, prefixNames, grid } = places;
  const { tokenLabels, tokenIds } = input ?? {};
  // A result from elsewhere may say less than it should.
  if (tokenLabels?.length === tokens) return tokenLabels.map((label, i) => `${i} "${label}"`);
  if (tokenIds?.length === tokens) return tokenIds.map((id, i) => l10n.t('{0} (id {1})', i, id));
  const [rows, columns] = grid;
  const patches = rows * columns;
  if (patches === 0 || prefixTokens + patches + suffixTokens !== tokens) return null;
  return Array.from({ length: tokens }, (_, i) => {
    const patch = i - prefixTokens;
    if (patch < 0) return `${i} ${prefixName(prefixNames?.[i])}`;
    if (patch >= patches) return l10n.t('{0} class {1}', i, patch - patches);
    return l10n.t('{0} patch ({1}, {2})', i, Math.floor(patch / columns), patch % columns);
  });
}
