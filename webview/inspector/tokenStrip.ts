// The tokens of a text one after the other, as the network reads them, with their number.

import * as l10n from '@vscode/l10n';
import type { Provenance } from '../../src/inspection/inspectionResult';
import { h } from '../ui/dom';

type Input = Provenance['inputs'][number];

/** Tokens that are shown; the patterns of a head name all of them. */
const shownTokens = 400;

/** A sentence with the counts, and a list of the tokens; a special token that was added looks different. */
export function tokenStrip(input: Input): readonly HTMLElement[] {
  const ids = input.tokenIds ?? [];
  const added = new Set(input.addedTokens ?? []);
  const { tokenLabels } = input;
  const count = ids.length === 1 ? l10n.t('1 token') : l10n.t('{0} tokens', ids.length);
  const counted = added.size === 0 ? `${count}.` : l10n.t('{0}, {1} of them special.', count, added.size);
  const hidden = ids.length > shownTokens ? ` ${l10n.t('The first {0} are shown.', shownTokens)}` : '';
  const names =
    tokenLabels === null || tokenLabels === undefined
      ? ` ${l10n.t('Shown as ids: {0}', input.tokenLabelsReason ?? l10n.t('no tokenizer is known.'))}`
      : '';
  const items = ids.slice(0, shownTokens).map((id, place) => {
    const label = tokenLabels?.[place];
    const title =
      label === undefined ? l10n.t('{0}: id {1}', place, id) : l10n.t('{0} "{1}", id {2}', place, label, id);
    const kind = added.has(place) ? { class: 'special' } : {};
    return h('li', { ...kind, attributes: { title } }, label ?? String(id));
  });
  return [
    h('p', { class: 'quiet' }, `${counted}${hidden}${names}`),
    h('ol', { class: 'tokens', attributes: { 'aria-label': l10n.t('Tokens of the input'), tabindex: '0' } }, ...items),
  ];
}
