// Names that a person may have meant, for messages about a name that does not exist.

import * as l10n from '@vscode/l10n';
import { distance } from 'fastest-levenshtein';

/** Names that are compared: a message is no reason to look at 100,000 names for seconds. */
const maxCompared = 20_000;
/** Longer names are cut for comparing: the distance costs their product. */
const maxLength = 200;

/** The nearest of `known`, at most `count`, none much farther than the first or half of its letters away. */
export function nearestNames(name: string, known: Iterable<string>, count = 3): readonly string[] {
  const wanted = name.slice(0, maxLength).toLowerCase();
  const scored: { readonly candidate: string; readonly far: number }[] = [];
  let compared = 0;
  for (const candidate of known) {
    if ((compared += 1) > maxCompared) break;
    const far = distance(wanted, candidate.slice(0, maxLength).toLowerCase());
    if (far <= Math.max(wanted.length, candidate.length) / 2) scored.push({ candidate, far });
  }
  scored.sort((a, b) => a.far - b.far);
  const first = scored[0]?.far ?? 0;
  return scored
    .filter(({ far }) => far <= 1.5 * first)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** ' Did you mean "a" or "b"?', or nothing. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const near = nearestNames(name, known).map((candidate) => `"${candidate}"`);
  if (near.length === 0) return '';
  const last = near.at(-1)!;
  const question =
    near.length === 1
      ? l10n.t('Did you mean {0}?', last)
      : l10n.t('Did you mean {0} or {1}?', near.slice(0, -1).join(', '), last);
  return ` ${question}`;
}
