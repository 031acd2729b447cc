// Norms and layer scales of a block: vectors as long as the width, told apart by their names and by the matrices
// they stand beside.

import * as l10n from '@vscode/l10n';
import type { Assigned, Candidate } from './guessTypes';
import {
  biasNames,
  bufferWords,
  endsAsBias,
  keyNormWords,
  layerScaleWords,
  norm1Words,
  norm2Words,
  queryNormWords,
} from './guessWords';

export function guessNorms(all: readonly Candidate[], width: number, inner: number, assigned: Assigned): void {
  const vectors = all.filter(
    (candidate) =>
      candidate.shape.length === 1 &&
      assigned.isFree(candidate) &&
      !endsAsBias(candidate.name) &&
      !bufferWords.test(candidate.words),
  );
  const biasOf = (weight: Candidate): Candidate | null => {
    const names = biasNames(weight.name);
    return all.find((candidate) => names.includes(candidate.name) && candidate.shape[0] === weight.shape[0]) ?? null;
  };
  for (const [module, words] of [
    ['queryNorm', queryNormWords],
    ['keyNorm', keyNormWords],
  ] as const) {
    const found = vectors.find(({ words: own, shape }) => words.test(own) && inner % (shape[0] ?? 0) === 0);
    if (found !== undefined) {
      assigned.module(
        module,
        found,
        biasOf(found),
        module === 'queryNorm'
          ? l10n.t('Its name says a norm of the queries, over a head of {0}.', found.shape[0] ?? 0)
          : l10n.t('Its name says a norm of the keys, over a head of {0}.', found.shape[0] ?? 0),
        'sure',
      );
    }
  }
  const wide = vectors.filter((candidate) => assigned.isFree(candidate) && candidate.shape[0] === width);
  const scales = wide.filter(({ words }) => layerScaleWords.test(words) && !/norm|(^|\.)ln/.test(words));
  const [first, second] = scales;
  if (first !== undefined && second !== undefined) {
    assigned.set('layerScale1', first, l10n.t('Its name says a layer scale, the first of two.'), 'sure');
    assigned.set('layerScale2', second, l10n.t('Its name says a layer scale, the second of two.'), 'sure');
  }
  const norms = wide.filter((candidate) => assigned.isFree(candidate));
  const attention = assigned.roles['proj.weight']?.tensor ?? '';
  const mlp = assigned.roles['fc2.weight']?.tensor ?? '';
  const named1 = norms.find(({ words }) => norm1Words.test(words));
  const named2 = norms.find((candidate) => candidate !== named1 && norm2Words.test(candidate.words));
  const beside = (near: string, far: string): Candidate | undefined =>
    norms.find(({ name }) => common(name, near) > common(name, far));
  const norm1 = named1 ?? beside(attention, mlp) ?? norms.find((candidate) => candidate !== named2);
  if (norm1 === undefined) return;
  const other = norms.find((candidate) => candidate !== norm1);
  const near2 = beside(mlp, attention);
  const norm2 = named2 ?? (near2 === norm1 ? undefined : near2) ?? other;
  const say = (named: boolean, next: boolean): string =>
    named
      ? l10n.t('Its name says so.')
      : next
        ? l10n.t('It stands in the same module.')
        : l10n.t('Only its place in the file speaks for it.');
  const next1 = norm1 === beside(attention, mlp);
  assigned.module(
    'norm1',
    norm1,
    biasOf(norm1),
    say(named1 !== undefined, next1),
    named1 !== undefined ? 'sure' : next1 ? 'likely' : 'weak',
  );
  if (norm2 === undefined) {
    assigned.module(
      'norm2',
      norm1,
      biasOf(norm1),
      l10n.t('The block has one norm only; attention and MLP share it.'),
      'likely',
    );
    return;
  }
  const next2 = norm2 === near2;
  assigned.module(
    'norm2',
    norm2,
    biasOf(norm2),
    say(named2 !== undefined, next2),
    named2 !== undefined ? 'sure' : next2 ? 'likely' : 'weak',
  );
}

/** Parts (between dots) that two names begin with in common. */
function common(a: string, b: string): number {
  const [left, right] = [a.split(/[._/]/), b.split(/[._/]/)];
  let count = 0;
  while (count < left.length && left[count] === right[count]) count += 1;
  return count;
}
