// Grouped queries in words: which numbers of a head are those of its kv head, and who else has them.

import * as l10n from '@vscode/l10n';
import type { ModelSummary } from '../inspection/inspectionResult';

/** One sentence for a query head; null where every head has keys and values of its own. */
export function sharedKeysText(model: Pick<ModelSummary, 'heads' | 'kvHeads'>, kvHead: number): string | null {
  if (model.kvHeads >= model.heads) return null;
  const group = model.heads / model.kvHeads;
  const first = kvHead * group;
  return l10n.t(
    "Keys and values are those of key/value head {0}, shared by query heads {1}-{2}: spectrum, alignment, gamma and reproduction metrics are measured once and are the same for all of them; attention, RPC, projection loss and noise are this head's own.",
    kvHead,
    first,
    first + group - 1,
  );
}

/** One sentence for a table of heads; null as above. */
export function groupedHeadsText(model: Pick<ModelSummary, 'heads' | 'kvHeads'>): string | null {
  if (model.kvHeads >= model.heads) return null;
  return l10n.t(
    '{0} query heads share each of the {1} key/value heads, and with it spectrum, alignment, gamma and reproduction metrics.',
    model.heads / model.kvHeads,
    model.kvHeads,
  );
}
