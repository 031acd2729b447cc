// What a result says of its input: kind, hash, and the tokens as a person reads them.

import type { ModelInput } from '../model/modelSpec';
import type { Provenance } from './inspectionResult';

/** `tokens`: N of the run. */
export function inputSummary(input: ModelInput, tokens: number): Provenance['inputs'][number] {
  const { kind, label, sha256 } = input;
  const shared = { kind, label, sha256, tokens };
  if (!('ids' in input)) {
    return {
      ...shared,
      tokenIds: null,
      tokenLabels: null,
      tokenLabelsReason: 'the input is no text',
      tokenizer: null,
    };
  }
  const { words } = input;
  const tokenIds = Array.from(input.ids);
  if (words === undefined) {
    return {
      ...shared,
      tokenIds,
      tokenLabels: null,
      tokenLabelsReason: input.wordsReason ?? 'no tokenizer was looked for',
      tokenizer: null,
    };
  }
  const addedTokens = words.added.flatMap((added, place) => (added === 1 ? [place] : []));
  return { ...shared, tokenIds, tokenLabels: words.labels, addedTokens, tokenizer: words.tokenizer };
}
