// Every role a tensor can have in a mapping, with what it is and the shape it needs in terms of the network's sizes.
// The file's reader, the check, the guess and the mapping page share this table.

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
  dim(narrow === null || narrow === inner ? hd({ narrow, inner, width, mlp: null }).symbol : 'kv heads x d', narrow);
const m = ({ mlp }: Sizes): Dim => dim('M', mlp);

/** Rows of q, k and v together. */
function qkvRows(sizes: Sizes): Dim {
  const { inner, narrow, width } = sizes;
  if (inner === null || narrow === null) return any('3 H d');
  if (inner === narrow) return dim(inner === width ? '3C' : '3 H d', 3 * inner);
  return dim('(H + 2 kv heads) d', inner + 2 * narrow);
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
    { role: `${role}.bias`, label: `${label}: bias`, place: 'block', shapes: (sizes) => [[out(sizes)]] },
  ];
}

function vectors(role: string, label: string, place: Place, length: Shape): RoleRow[] {
  return [
    { role: `${role}.weight`, label, place, shapes: (sizes) => [[length(sizes)]] },
    { role: `${role}.bias`, label: `${label}: bias`, place, shapes: (sizes) => [[length(sizes)]] },
  ];
}

const one = (role: string, label: string, place: Place, ...shapes: ((sizes: Sizes) => readonly Dim[])[]): RoleRow => ({
  role,
  label,
  place,
  shapes: (sizes) => shapes.map((shape) => shape(sizes)),
});

export const roleTable: readonly RoleRow[] = [
  one('words', 'Word embedding', 'embedding', (s) => [any('vocabulary'), c(s)]),
  one(
    'patch.weight',
    'Patch projection',
    'embedding',
    (s) => [c(s), any('channels'), any('p'), any('p')],
    (s) => [c(s), any('channels p p')],
  ),
  one('patch.bias', 'Patch projection: bias', 'embedding', (s) => [c(s)]),
  ...vectors('patchNorm', 'Norm of the pixels of a patch', 'embedding', () => any('channels p p')),
  ...vectors('tokenNorm', 'Norm of the projected patches', 'embedding', c),
  one('position', 'Learned positions', 'embedding', (s) => [any('positions'), c(s)]),
  one('classToken', 'Class token', 'embedding', (s) => [c(s)]),
  one('distToken', 'Distillation token, behind the class token', 'embedding', (s) => [c(s)]),
  one('registers', 'Register tokens', 'embedding', (s) => [any('registers'), c(s)]),
  one('types', 'Token types', 'embedding', (s) => [any('types'), c(s)]),
  ...vectors('embedNorm', 'Norm of the embedding', 'embedding', c),
  ...vectors('norm1', 'Norm of the attention', 'block', c),
  ...matrix('qkv', 'Query, key and value in one matrix', qkvRows, c),
  ...matrix('q', 'Query', hd, c),
  ...matrix('k', 'Key', kvd, c),
  ...matrix('v', 'Value', kvd, c),
  ...matrix('kv', 'Key and value in one matrix', (s) => dim(`2 ${kvd(s).symbol}`, times(2, s.narrow)), c),
  ...vectors('queryNorm', 'Norm of the queries', 'block', () => any('d')),
  ...vectors('keyNorm', 'Norm of the keys', 'block', () => any('d')),
  ...matrix('proj', 'Output projection', c, hd),
  one('layerScale1', 'Layer scale of the attention', 'block', (s) => [c(s)]),
  ...vectors('norm2', 'Norm of the MLP', 'block', c),
  ...matrixPair(),
  ...matrix('gate', 'MLP gate', m, c),
  ...matrix('up', 'MLP up, behind the gate', m, c),
  ...matrix('fc2', 'MLP out', c, m),
  one('layerScale2', 'Layer scale of the MLP', 'block', (s) => [c(s)]),
  ...vectors('finalNorm', 'Final norm', 'head', c),
  ...vectors('poolNorm', 'Norm of the pooled tokens', 'head', c),
  {
    role: 'classifier.weight',
    label: 'Classifier, or output words',
    place: 'head',
    shapes: (sizes, { pooling }) => {
      const input = pooling === 'class-mean' ? dim('2C', times(2, sizes.width)) : c(sizes);
      return [
        [any('classes'), input],
        [input, any('classes')],
      ];
    },
  },
  { role: 'classifier.bias', label: 'Classifier: bias', place: 'head', shapes: () => [[any('classes')]] },
  one('distClassifier.weight', 'Classifier of the distillation token', 'head', (s) => [any('classes'), c(s)]),
  one('distClassifier.bias', 'Classifier of the distillation token: bias', 'head', () => [any('classes')]),
];

/** The first matrix of the MLP: gate and up rows packed where it is gated. */
function matrixPair(): RoleRow[] {
  const [weight, bias] = matrix('fc1', 'MLP in', m, c) as [RoleRow, RoleRow];
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
    .join(' or ');
}
