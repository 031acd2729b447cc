// Every role a tensor can have in a mapping, with what it is and the shape it needs in terms of the network's sizes.
// The file's reader, the check, the guess and the mapping page share this table.

import * as l10n from '@vscode/l10n';
import type { Architecture } from './architecture';

export type Place = 'embedding' | 'block' | 'head';

/** Sizes that shapes are said in; null: not known yet. */
export interface Sizes {
  /** C */
  readonly width: number | null;
  /** H d: columns of the output projection. */
  readonly inner: number | null;
  /** kv heads x d */
  readonly narrow: number | null;
  /** M */
  readonly mlp: number | null;
}

/** One axis of an expected shape; `length` null: any. */
export interface Dim {
  readonly symbol: string;
  readonly length: number | null;
}

export interface RoleRow {
  readonly role: string;
  readonly label: string;
  readonly place: Place;
  /** Shapes that fit, the usual one first; leading axes of length 1 do not count. */
  readonly shapes: (sizes: Sizes, architecture: Architecture) => readonly (readonly Dim[])[];
}

const dim = (symbol: string, length: number | null): Dim => ({ symbol, length });
const times = (factor: number, length: number | null): number | null => (length === null ? null : factor * length);
const any = (symbol: string): Dim => dim(symbol, null);

const c = ({ width }: Sizes): Dim => dim('C', width);
const hd = ({ inner, width }: Sizes): Dim => dim(inner !== null && inner === width ? 'C' : 'H d', inner);
const kvd = ({ narrow, inner, width }: Sizes): Dim =>
  dim(
    narrow === null || narrow === inner ? hd({ narrow, inner, width, mlp: null }).symbol : l10n.t('kv heads x d'),
    narrow,
  );
const m = ({ mlp }: Sizes): Dim => dim('M', mlp);

/** Rows of q, k and v together. */
function qkvRows(sizes: Sizes): Dim {
  const { inner, narrow, width } = sizes;
  if (inner === null || narrow === null) return any('3 H d');
  if (inner === narrow) return dim(inner === width ? '3C' : '3 H d', 3 * inner);
  return dim(l10n.t('(H + 2 kv heads) d'), inner + 2 * narrow);
}

type Shape = (sizes: Sizes) => Dim;

/** A matrix of the blocks, with its bias. */
function matrix(role: string, label: string, out: Shape, input: Shape): RoleRow[] {
  return [
    {
      role: `${role}.weight`,
      label,
      place: 'block',
      shapes: (sizes, { stored }) => [stored === 'out-in' ? [out(sizes), input(sizes)] : [input(sizes), out(sizes)]],
    },
    { role: `${role}.bias`, label: l10n.t('{0}: bias', label), place: 'block', shapes: (sizes) => [[out(sizes)]] },
  ];
}

function vectors(role: string, label: string, place: Place, length: Shape): RoleRow[] {
  return [
    { role: `${role}.weight`, label, place, shapes: (sizes) => [[length(sizes)]] },
    { role: `${role}.bias`, label: l10n.t('{0}: bias', label), place, shapes: (sizes) => [[length(sizes)]] },
  ];
}

const one = (role: string, label: string, place: Place, ...shapes: ((sizes: Sizes) => readonly Dim[])[]): RoleRow => ({
  role,
  label,
  place,
  shapes: (sizes) => shapes.map((shape) => shape(sizes)),
});

export const roleTable: readonly RoleRow[] = [
  one('words', l10n.t('Word embedding'), 'embedding', (s) => [any(l10n.t('vocabulary')), c(s)]),
  one(
    'patch.weight',
    l10n.t('Patch projection'),
    'embedding',
    (s) => [c(s), any(l10n.t('channels')), any('p'), any('p')],
    (s) => [c(s), any(l10n.t('channels p p'))],
  ),
  one('patch.bias', l10n.t('Patch projection: bias'), 'embedding', (s) => [c(s)]),
  ...vectors('patchNorm', l10n.t('Norm of the pixels of a patch'), 'embedding', () => any(l10n.t('channels p p'))),
  ...vectors('tokenNorm', l10n.t('Norm of the projected patches'), 'embedding', c),
  one('position', l10n.t('Learned positions'), 'embedding', (s) => [any(l10n.t('positions')), c(s)]),
  one('classToken', l10n.t('Class token'), 'embedding', (s) => [c(s)]),
  one('distToken', l10n.t('Distillation token, behind the class token'), 'embedding', (s) => [c(s)]),
  one('registers', l10n.t('Register tokens'), 'embedding', (s) => [any(l10n.t('registers')), c(s)]),
  one('types', l10n.t('Token types'), 'embedding', (s) => [any(l10n.t('types')), c(s)]),
  ...vectors('embedNorm', l10n.t('Norm of the embedding'), 'embedding', c),
  ...vectors('norm1', l10n.t('Norm of the attention'), 'block', c),
  ...matrix('qkv', l10n.t('Query, key and value in one matrix'), qkvRows, c),
  ...matrix('q', l10n.t('Query'), hd, c),
  ...matrix('k', l10n.t('Key'), kvd, c),
  ...matrix('v', l10n.t('Value'), kvd, c),
  ...matrix('kv', l10n.t('Key and value in one matrix'), (s) => dim(`2 ${kvd(s).symbol}`, times(2, s.narrow)), c),
  ...vectors('queryNorm', l10n.t('Norm of the queries'), 'block', () => any('d')),
  ...vectors('keyNorm', l10n.t('Norm of the keys'), 'block', () => any('d')),
  ...matrix('proj', l10n.t('Output projection'), c, hd),
  one('layerScale1', l10n.t('Layer scale of the attention'), 'block', (s) => [c(s)]),
  ...vectors('norm2', l10n.t('Norm of the MLP'), 'block', c),
  ...matrixPair(),
  ...matrix('gate', l10n.t('MLP gate'), m, c),
  ...matrix('up', l10n.t('MLP up, behind the gate'), m, c),
  ...matrix('fc2', l10n.t('MLP out'), c, m),
  one('layerScale2', l10n.t('Layer scale of the MLP'), 'block', (s) => [c(s)]),
  ...vectors('finalNorm', l10n.t('Final norm'), 'head', c),
  ...vectors('poolNorm', l10n.t('Norm of the pooled tokens'), 'head', c),
  {
    role: 'classifier.weight',
    label: l10n.t('Classifier, or output words'),
    place: 'head',
    shapes: (sizes, { pooling }) => {
      const input = pooling === 'class-mean' ? dim('2C', times(2, sizes.width)) : c(sizes);
      return [
        [any(l10n.t('classes')), input],
        [input, any(l10n.t('classes'))],
      ];
    },
  },
  {
    role: 'classifier.bias',
    label: l10n.t('Classifier: bias'),
    place: 'head',
    shapes: () => [[any(l10n.t('classes'))]],
  },
  one('distClassifier.weight', l10n.t('Classifier of the distillation token'), 'head', (s) => [
    any(l10n.t('classes')),
    c(s),
  ]),
  one('distClassifier.bias', l10n.t('Classifier of the distillation token: bias'), 'head', () => [
    any(l10n.t('classes')),
  ]),
];

/** The first matrix of the MLP: gate and up rows packed where it is gated. */
function matrixPair(): RoleRow[] {
  const [weight, bias] = matrix('fc1', l10n.t('MLP in'), m, c) as [RoleRow, RoleRow];
  const packed = ({ mlp }: Sizes): Sizes => ({ width: null, inner: null, narrow: null, mlp: times(2, mlp) });
  const both = (sizes: Sizes): Dim => dim('2M', packed(sizes).mlp);
  return [
    {
      ...weight,
      shapes: (sizes, architecture) =>
        architecture.mlp === 'plain'
          ? weight.shapes(sizes, architecture)
          : [architecture.stored === 'out-in' ? [both(sizes), c(sizes)] : [c(sizes), both(sizes)]],
    },
    { ...bias, shapes: (sizes, { mlp }) => [[mlp === 'plain' ? m(sizes) : both(sizes)]] },
  ];
}

const rows: ReadonlyMap<string, RoleRow> = new Map(roleTable.map((row) => [row.role, row]));

/** Names of all roles, in the order messages and the page list them. */
export const roleNames: readonly string[] = roleTable.map(({ role }) => role);

export function roleRow(role: string): RoleRow | null {
  return rows.get(role) ?? null;
}

/** Whether a tensor of `shape` fits one of the `expected` shapes; leading axes of length 1 do not count. */
export function fits(shape: readonly number[], expected: readonly (readonly Dim[])[]): boolean {
  return expected.some((dims) => {
    const lead = shape.length - dims.length;
    return (
      lead >= 0 &&
      shape.slice(0, lead).every((length) => length === 1) &&
      dims.every(({ length }, axis) => length === null || length === shape[lead + axis])
    );
  });
}

/** '[3C, C] = [36, 12]', or '[C, channels, p, p] or [C, channels p p]'. */
export function describeShapes(expected: readonly (readonly Dim[])[]): string {
  return expected
    .map((dims) => {
      const symbols = `[${dims.map(({ symbol }) => symbol).join(', ')}]`;
      const known = dims.some(({ length }) => length !== null);
      return known ? `${symbols} = [${dims.map(({ length, symbol }) => length ?? symbol).join(', ')}]` : symbols;
    })
    .reduce((before, next) => l10n.t('{0} or {1}', before, next));
}
