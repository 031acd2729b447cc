// Grouped queries in words: which numbers of a head are those of its kv head, and who else has them.

import type { ModelSummary } from '../inspection/inspectionResult';

/** One sentence for a query head; null where every head has keys and values of its own. */
export function sharedKeysText(model: Pick<ModelSummary, 'heads' | 'kvHeads'>, kvHead: number): string | null {
  if (model.kvHeads >= model.heads) return null;
  const group = model.heads / model.kvHeads;
  const first = kvHead * group;
  return `Keys and values are those of key/value head ${kvHead}, shared by query heads ${first}-${first + group - 1}: spectrum, alignment, gamma and reproduction metrics are measured once and are the same for all of them; attention, RPC, projection loss and noise are this head's own.`;
}

/** One sentence for a table of heads; null as above. */
export function groupedHeadsText(model: Pick<ModelSummary, 'heads' | 'kvHeads'>): string | null {
  if (model.kvHeads >= model.heads) return null;
  return `${model.heads / model.kvHeads} query heads share each of the ${model.kvHeads} key/value heads, and with it spectrum, alignment, gamma and reproduction metrics.`;
}
