// Which matrix of a block is which: by the words of its name and by its shape, [out, in] or [in, out].

import * as l10n from '@vscode/l10n';
import type { BlockTensor } from './guessBlocks';
import { Assigned, plainShape, shapeText, type Candidate, type Sureness } from './guessTypes';
import { biasNames, bufferWords, inAttention, inMlp, roleWords, wordsOf } from './guessWords';

export interface MatrixGuess {
  /** C */
  readonly width: number;
  /** H d */
  readonly inner: number;
  readonly stored: 'out-in' | 'in-out';
  readonly storedReason: string;
  readonly storedSureness: Sureness;
  readonly gated: boolean;
}

/** Candidates of a block; words are those behind the index, which the list's own name must not speak into. */
export function blockCandidates(tensors: readonly BlockTensor[]): readonly Candidate[] {
  return tensors.map(({ pattern, rest, shape }) => ({ name: pattern, words: wordsOf(rest), shape: plainShape(shape) }));
}

/** Gives the matrices their roles; null where the block has too few of them. */
export function guessMatrices(all: readonly Candidate[], assigned: Assigned): MatrixGuess | null {
  const matrices = all.filter(({ shape, words }) => shape.length === 2 && !bufferWords.test(words));
  const width = widthOf(matrices, all);
  if (width === null || matrices.length < 3) return null;
  const { stored, reason, sureness } = storedAs(matrices, width);
  const task = new Matrices(all, matrices, width, stored, assigned);
  task.projections();
  task.output();
  const gated = task.mlp();
  const proj = matrices.find(({ name }) => name === assigned.roles['proj.weight']?.tensor);
  const inner = proj === undefined ? width : (proj.shape[stored === 'out-in' ? 1 : 0] ?? width);
  return { width, inner, stored, storedReason: reason, storedSureness: sureness, gated };
}

/** The axis that most matrices share; in a tie the one that vectors have, too. */
function widthOf(matrices: readonly Candidate[], all: readonly Candidate[]): number | null {
  const counts = new Map<number, number>();
  for (const { shape } of matrices)
    for (const length of new Set(shape)) counts.set(length, (counts.get(length) ?? 0) + 1);
  const vectors = (length: number): number =>
    all.filter(({ shape }) => shape.length === 1 && shape[0] === length).length;
  const ranked = [...counts].sort(([a, m], [b, n]) => n - m || vectors(b) - vectors(a) || a - b);
  return ranked[0]?.[0] ?? null;
}

/** Matrices that read the width and are named so say where their rows are. */
function storedAs(
  matrices: readonly Candidate[],
  width: number,
): { readonly stored: 'out-in' | 'in-out'; readonly reason: string; readonly sureness: Sureness } {
  let votes = 0;
  let witness: Candidate | null = null;
  for (const candidate of matrices) {
    const { words, shape } = candidate;
    if (shape[0] === shape[1]) continue;
    const mlp = inMlp.test(words) && !inAttention.test(words);
    const reads =
      ['qkv', 'kv', 'q', 'k', 'v'].some((role) => !mlp && says(role, words)) ||
      ['fc1', 'gate', 'up'].some((role) => !inAttention.test(words) && says(role, words));
    const writes = !reads && (says('fc2', words) || says('proj', words));
    if (!reads && !writes) continue;
    const rowsOut = reads ? shape[1] === width : shape[0] === width;
    votes += rowsOut ? 1 : -1;
    witness ??= candidate;
  }
  if (votes === 0 || witness === null) {
    return { stored: 'out-in', reason: l10n.t('No name says it; Linear layers are stored so.'), sureness: 'weak' };
  }
  const stored = votes > 0 ? 'out-in' : 'in-out';
  return {
    stored,
    reason: l10n.t(
      '{0} of shape {1} is {2} by its name.',
      witness.name,
      shapeText(witness.shape),
      stored === 'out-in' ? '[out, in]' : '[in, out]',
    ),
    sureness: 'sure',
  };
}

const says = (role: string, words: string): boolean => roleWords[role]?.[0]?.test(words) === true;

class Matrices {
  constructor(
    private readonly all: readonly Candidate[],
    private readonly matrices: readonly Candidate[],
    private readonly width: number,
    private readonly stored: 'out-in' | 'in-out',
    private readonly assigned: Assigned,
  ) {}

  /** Query, key and value: in one matrix, in two, or apart. */
  projections(): void {
    const readers = this.free(true).filter(({ words }) => !isMlp(words));
    const fused = readers.find(({ words }) => says('qkv', words));
    if (fused !== undefined) {
      const out = this.out(fused);
      const pair = out === 2 * this.width;
      const reason = pair
        ? l10n.t('Its name says all projections in one, and it has twice the width in rows.')
        : out % this.width === 0
          ? l10n.t('Its name says all projections in one, and it has {0} times the width in rows.', out / this.width)
          : l10n.t('Its name says all projections in one, and it has more than the width in rows.');
      this.take(pair ? 'kv' : 'qkv', fused, reason, 'sure');
      return;
    }
    for (const role of ['kv', 'q', 'k', 'v']) {
      const found = readers.find((candidate) => this.assigned.isFree(candidate) && says(role, candidate.words));
      if (found !== undefined)
        this.take(role, found, l10n.t('Its name says so, and it reads the width {0}.', this.width), 'sure');
    }
    if (this.assigned.has('q.weight') || this.assigned.has('kv.weight')) return;
    const byShape = readers.find((candidate) => this.out(candidate) === 3 * this.width);
    if (byShape !== undefined) {
      this.take('qkv', byShape, l10n.t('It has three times the width in rows: query, key and value in one.'), 'likely');
      return;
    }
    // Nothing but order is left: the first three square matrices that no MLP word claims.
    const square = readers.filter((candidate) => this.out(candidate) === this.width);
    if (square.length < 4) return;
    ['q', 'k', 'v'].forEach((role, i) => {
      this.take(
        role,
        square[i]!,
        l10n.t('Only its place in the file speaks for it: square matrices in the order q, k, v.'),
        'weak',
      );
    });
  }

  output(): void {
    const writers = this.free(false).filter(({ words }) => !isMlp(words));
    const near = writers.filter(({ words }) => inAttention.test(words));
    const found = this.best('proj', near.length > 0 ? near : writers);
    if (found !== null) this.take('proj', found.candidate, found.reason, found.sureness);
  }

  /** The MLP; true where it is gated. */
  mlp(): boolean {
    const writers = this.free(false).filter(({ words }) => !inAttention.test(words));
    const out = this.best('fc2', writers);
    if (out === null) return false;
    this.take('fc2', out.candidate, out.reason, out.sureness);
    const hidden = out.candidate.shape[this.stored === 'out-in' ? 1 : 0] ?? 0;
    const readers = this.free(true).filter(({ words }) => !inAttention.test(words));
    const equal = readers.filter((candidate) => this.out(candidate) === hidden);
    const packed = readers.find((candidate) => this.out(candidate) === 2 * hidden && hidden !== this.width);
    if (equal.length >= 2) {
      const gate = equal.find(({ words }) => says('gate', words)) ?? equal[0]!;
      const up =
        equal.find((candidate) => candidate !== gate && says('up', candidate.words)) ??
        equal.find((candidate) => candidate !== gate)!;
      const named = says('gate', gate.words) && says('up', up.words);
      const reason = named
        ? l10n.t('Its name says so, and it has the hidden width {0} in rows.', hidden)
        : l10n.t('Two matrices feed the MLP, this one by its place; it has the hidden width {0} in rows.', hidden);
      this.take('gate', gate, reason, named ? 'sure' : 'weak');
      this.take('up', up, reason, named ? 'sure' : 'weak');
      return true;
    }
    if (equal.length === 0 && packed !== undefined) {
      this.take(
        'fc1',
        packed,
        l10n.t('It has twice the rows that the second matrix of the MLP has columns: gate and up in one.'),
        'likely',
      );
      return true;
    }
    const first = this.best('fc1', equal.length > 0 ? equal : readers);
    if (first !== null) this.take('fc1', first.candidate, first.reason, first.sureness);
    return false;
  }

  private out({ shape }: Candidate): number {
    return shape[this.stored === 'out-in' ? 0 : 1] ?? 0;
  }

  /** Free matrices that read (or write) the width. */
  private free(reads: boolean): readonly Candidate[] {
    const axis = (this.stored === 'out-in') === reads ? 1 : 0;
    return this.matrices.filter((candidate) => this.assigned.isFree(candidate) && candidate.shape[axis] === this.width);
  }

  private best(
    role: string,
    candidates: readonly Candidate[],
  ): { readonly candidate: Candidate; readonly reason: string; readonly sureness: Sureness } | null {
    const only = candidates.length === 1;
    for (const [rank, pattern] of (roleWords[role] ?? []).entries()) {
      const candidate = candidates.find(({ words }) => pattern.test(words));
      if (candidate === undefined) continue;
      return {
        candidate,
        reason: only
          ? l10n.t('Its name says so, and no other matrix has a shape that fits.')
          : l10n.t('Its name says so.'),
        sureness: rank === 0 || only ? 'sure' : 'likely',
      };
    }
    const [candidate] = candidates;
    if (candidate === undefined) return null;
    return only
      ? { candidate, reason: l10n.t('No other matrix has a shape that fits.'), sureness: 'likely' }
      : { candidate, reason: l10n.t('Only its place in the file speaks for it.'), sureness: 'weak' };
  }

  private take(role: string, weight: Candidate, reason: string, sureness: Sureness): void {
    const out = this.out(weight);
    const names = biasNames(weight.name);
    const bias = this.all.find(({ name, shape }) => names.includes(name) && shape.length === 1 && shape[0] === out);
    this.assigned.module(role, weight, bias ?? null, reason, sureness);
  }
}

const isMlp = (words: string): boolean => inMlp.test(words) && !inAttention.test(words);
