// The tokens of a text one after the other, as the network reads them, with their number.

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
  const special = added.size === 0 ? '' : `, ${added.size} of them special`;
  const hidden = ids.length > shownTokens ? ` The first ${shownTokens} are shown.` : '';
  const names =
    tokenLabels === null || tokenLabels === undefined
      ? ` Shown as ids: ${input.tokenLabelsReason ?? 'no tokenizer is known.'}`
      : '';
  const items = ids.slice(0, shownTokens).map((id, place) => {
    const label = tokenLabels?.[place];
    const title = label === undefined ? `${place}: id ${id}` : `${place} "${label}", id ${id}`;
    const kind = added.has(place) ? { class: 'special' } : {};
    return h('li', { ...kind, attributes: { title } }, label ?? String(id));
  });
  return [
    h('p', { class: 'quiet' }, `${ids.length} tokens${special}.${hidden}${names}`),
    h('ol', { class: 'tokens', attributes: { 'aria-label': 'Tokens of the input', tabindex: '0' } }, ...items),
  ];
}
