// What stands before and behind the blocks: words or patches, positions, prefix tokens, norms, the classifier.

import * as l10n from '@vscode/l10n';
import { plainShape, shapeText, type Assigned, type Candidate } from './guessTypes';
import type { Shapes } from './checkMapping';
import { biasNames, bufferWords, endsAsBias, inEmbedding, inHead, inPosition, wordsOf } from './guessWords';

const word = (alternatives: string): RegExp => new RegExp(`(^|\\.)(${alternatives})(\\.|$)`);
const wordTable = word(
  'wte|embed\\.tokens|word\\.embeddings?|tok\\.embeddings?|token\\.emb|token\\.embeddings?|tok\\.emb|embed\\.in|embedder|emb|embed|embeddings?|vocab',
);
const classWords = word('cls|class|cls\\.token|class\\.token');
const distWords = word('dist|distill|distillation');
const registerWords = word('reg|register|registers|reg\\.token|memory\\.tokens');
const typeWords = word('token\\.type|token\\.type\\.embeddings?|segment|segments|type');
const patchWords = word('patch|patches|patch\\.embed|patch\\.embedding|patch\\.embeddings|to\\.patch|conv1|stem');
const denseWords = word('dense|transform|pooler');
/** A table of so few rows is one of token types. */
const mostTypes = 16;

/** Tensors outside the blocks. `before`: what stands before the number of a block. */
export function endCandidates(shapes: Shapes, lists: readonly string[]): readonly Candidate[] {
  return [...shapes]
    .filter(([name]) => !lists.some((before) => name.startsWith(before) && /^\d/.test(name.slice(before.length))))
    .map(([name, shape]) => ({ name, words: wordsOf(name), shape: plainShape(shape) }))
    .filter(({ words }) => !bufferWords.test(words));
}

export function guessEnds(all: readonly Candidate[], width: number, assigned: Assigned): void {
  const free = (test: (candidate: Candidate) => boolean): readonly Candidate[] =>
    all.filter((candidate) => assigned.isFree(candidate) && test(candidate));
  const biasOf = (weight: Candidate, length: number): Candidate | null => {
    const names = biasNames(weight.name);
    return all.find(({ name, shape }) => names.includes(name) && shape.length === 1 && shape[0] === length) ?? null;
  };
  const table = ({ shape }: Candidate): boolean => shape.length === 2 && shape[1] === width;
  const vector = ({ shape }: Candidate): boolean => shape.length === 1 && shape[0] === width;

  const convolution = free(({ shape }) => shape.length === 4 && shape[0] === width && shape[2] === shape[3])[0];
  const linear = free(
    (candidate) => candidate.shape.length === 2 && candidate.shape[0] === width && patchWords.test(candidate.words),
  )[0];
  const patch = convolution ?? linear;
  if (patch !== undefined) {
    const reason =
      convolution !== undefined
        ? l10n.t('A convolution with a square kernel onto the width {0}.', width)
        : l10n.t('Its name says patches, and it writes the width {0} from {1} numbers.', width, patch.shape[1] ?? 0);
    assigned.module('patch', patch, biasOf(patch, width), reason, 'sure');
    const flat = patch.shape.slice(1).reduce((product, n) => product * n, 1);
    const stem = patch.name.replace(/[^./_]*[./_][^./_]*$/, '');
    const near = free(
      ({ name, shape }) => stem !== '' && name.startsWith(stem) && shape.length === 1 && !endsAsBias(name),
    );
    const pixels = near.find(({ shape }) => shape[0] === flat && flat !== width);
    const tokens = near.find((candidate) => candidate !== pixels && vector(candidate));
    if (pixels !== undefined) {
      assigned.module(
        'patchNorm',
        pixels,
        biasOf(pixels, flat),
        l10n.t('It stands beside the patch projection and has the {0} numbers of a patch.', flat),
        'likely',
      );
    }
    if (tokens !== undefined) {
      assigned.module(
        'tokenNorm',
        tokens,
        biasOf(tokens, width),
        l10n.t('It stands beside the patch projection and has the width.'),
        'likely',
      );
    }
  }

  const position = free((candidate) => table(candidate) && inPosition.test(candidate.words))[0];
  if (position !== undefined) {
    assigned.set(
      'position',
      position,
      l10n.t('Its name says positions; it has {0} rows of the width.', position.shape[0] ?? 0),
      'sure',
    );
  }
  // A table of one row has lost its first axis here.
  const types = free(
    (candidate) =>
      typeWords.test(candidate.words) &&
      (vector(candidate) || (table(candidate) && (candidate.shape[0] ?? 0) <= mostTypes)) &&
      !endsAsBias(candidate.name),
  )[0];
  if (types !== undefined) {
    const rows = types.shape.length === 1 ? 1 : (types.shape[0] ?? 0);
    const reason =
      rows === 1
        ? l10n.t('Its name says token types; it has 1 row.')
        : l10n.t('Its name says token types; it has {0} rows.', rows);
    assigned.set('types', types, reason, 'sure');
  }
  const classToken = free(
    (candidate) => vector(candidate) && classWords.test(candidate.words) && !endsAsBias(candidate.name),
  )[0];
  if (classToken !== undefined && patch !== undefined) {
    assigned.set(
      'classToken',
      classToken,
      l10n.t('Its name says a class token, and it is one row of the width.'),
      'sure',
    );
  }
  const distToken = free(
    (candidate) => vector(candidate) && distWords.test(candidate.words) && !endsAsBias(candidate.name),
  )[0];
  if (distToken !== undefined && classToken !== undefined && patch !== undefined) {
    assigned.set('distToken', distToken, l10n.t('Its name says distillation, and it is one row of the width.'), 'sure');
  }
  const registers = free((candidate) => table(candidate) && registerWords.test(candidate.words))[0];
  if (registers !== undefined && patch !== undefined) {
    assigned.set(
      'registers',
      registers,
      l10n.t('Its name says registers; it has {0} rows.', registers.shape[0] ?? 0),
      'sure',
    );
  }
  if (patch === undefined) {
    const tables = free((candidate) => table(candidate) && !isOutput(candidate));
    const named = tables.find(({ words }) => wordTable.test(words));
    const largest = [...tables].sort((a, b) => (b.shape[0] ?? 0) - (a.shape[0] ?? 0))[0];
    const words = named ?? largest;
    if (words !== undefined) {
      const rows = words.shape[0] ?? 0;
      assigned.set(
        'words',
        words,
        named === undefined
          ? l10n.t('The largest table: it has {0} rows of the width.', rows)
          : l10n.t('Its name says words or tokens; it has {0} rows of the width.', rows),
        named === undefined ? 'weak' : 'sure',
      );
    }
  }
  guessNorms(
    free((candidate) => vector(candidate) && !endsAsBias(candidate.name)),
    assigned,
    (weight) => biasOf(weight, width),
  );
  const outputs = free(
    (candidate) =>
      candidate.shape.length === 2 &&
      candidate.shape.includes(width) &&
      isOutput(candidate) &&
      !denseWords.test(candidate.words),
  );
  const distilled = outputs.find(({ words }) => distWords.test(words));
  const classifier = outputs.find((candidate) => candidate !== distilled);
  for (const [role, candidate] of [
    ['classifier', classifier],
    ['distClassifier', assigned.has('distToken') ? distilled : undefined],
  ] as const) {
    if (candidate === undefined) continue;
    const [rows = 0, columns = 0] = candidate.shape;
    const classes = columns === width ? rows : columns;
    const shape = shapeText(candidate.shape);
    assigned.module(
      role,
      candidate,
      biasOf(candidate, classes),
      role === 'classifier'
        ? l10n.t('Its name says an output, and its shape {0} reads the width.', shape)
        : l10n.t('Its name says an output and distillation, and its shape {0} reads the width.', shape),
      'sure',
    );
  }
}

const isOutput = ({ words }: Candidate): boolean =>
  /(^|\.)embed\.out(\.|$)/.test(words) ||
  (inHead.test(words) && !/(^|\.)(embed|emb|embedding|embeddings|wte)(\.|$)/.test(words));

function guessNorms(
  vectors: readonly Candidate[],
  assigned: Assigned,
  biasOf: (weight: Candidate) => Candidate | null,
): void {
  const named = vectors.filter(
    ({ words }) => /(^|\.)(ln|layer\.?norm|norm|rmsnorm|final|post)|norm/.test(words) || inHead.test(words),
  );
  for (const candidate of named) {
    const { words } = candidate;
    const head = inHead.test(words) && /(^|\.)(head|classifier|fc)(\.|$)/.test(words);
    const embedding = inEmbedding.test(words) && !/(^|\.)post(\.|$)|embeddings?\.after/.test(words);
    if (denseWords.test(words) || /(^|\.)(lm|predictions)(\.|$)/.test(words)) continue;
    if (head && !assigned.has('poolNorm.weight')) {
      assigned.module(
        'poolNorm',
        candidate,
        biasOf(candidate),
        l10n.t('A norm inside the head: of the pooled tokens.'),
        'likely',
      );
    } else if (embedding && !assigned.has('embedNorm.weight')) {
      assigned.module('embedNorm', candidate, biasOf(candidate), l10n.t('A norm named for the embedding.'), 'sure');
    } else if (!embedding && !head && !assigned.has('finalNorm.weight')) {
      assigned.module(
        'finalNorm',
        candidate,
        biasOf(candidate),
        l10n.t('The norm outside of blocks, embedding and head.'),
        'sure',
      );
    }
  }
}
