// What a mapping says of the network beside its tensors: one table of facts, from which the file's reader, the
// guess, the mapping page and the messages all take names, values and defaults.

import * as l10n from '@vscode/l10n';
/** Order of the rows in a fused projection; 'by-head': each head's q, k and v rows stand together. */
export const fusedOrders = ['qkv', 'qvk', 'kqv', 'kvq', 'vqk', 'vkq', 'by-head'] as const;

export interface Architecture {
  /** Token ids looked up in a table, or pictures cut into patches. */
  readonly input: 'words' | 'patches';
  readonly placement: 'pre' | 'post' | 'parallel';
  readonly norm: 'layer' | 'rms';
  readonly mlp: 'plain' | 'gated';
  readonly causal: boolean;
  /** 'sinusoid': sines and cosines in turns (Attention Is All You Need); 'sinusoid-halves': sines, then cosines (fairseq). */
  readonly positions: 'learned' | 'rope' | 'sinusoid' | 'sinusoid-halves' | 'none';
  readonly pooling: 'class' | 'mean' | 'class-mean' | 'last';
  readonly fused: (typeof fusedOrders)[number];
  /** How the matrices of the blocks are stored: [out, in] (Linear) or [in, out] (Conv1D, JAX). */
  readonly stored: 'out-in' | 'in-out';
  /** Order of the numbers in a flat patch: channels first (a convolution's), or last (p p ch). */
  readonly patchOrder: 'channels-first' | 'channels-last';
  /** Number of blocks; null: as many as the names say. */
  readonly layers: number | null;
  /** Colours of a picture; null: as the patch weight says, 3 where it is flat. */
  readonly channels: number | null;
  /** Row of the position table that token 0 takes. */
  readonly firstPosition: number;
  /** Factor of q.k; null: 1/sqrt(d). */
  readonly scoreScale: number | null;
  readonly ropeTheta: number;
  /** Entries of a head that are rotated; null: all. */
  readonly ropeDims: number | null;
  readonly ropeStyle: 'half' | 'pairs';
  /** 'linear' divides every frequency by `ropeFactor`; 'llama3' by wavelength, with the three facts below. */
  readonly ropeScaling: 'none' | 'linear' | 'llama3';
  readonly ropeFactor: number;
  readonly ropeLowFrequency: number;
  readonly ropeHighFrequency: number;
  readonly ropeContext: number;
  /** Factor on the word embeddings: sqrt(C) in many networks with sinusoids. */
  readonly wordScale: number;
}

export type FactName = keyof Architecture;

/** What a fact may be. */
export type FactKind =
  | { readonly kind: 'choice'; readonly choices: readonly (readonly [value: string, label: string])[] }
  | { readonly kind: 'flag' }
  | {
      readonly kind: 'number';
      readonly whole: boolean;
      readonly least: number;
      readonly most: number;
      /** Null is a value, too: what it then means. */
      readonly none: string | null;
    };

export interface FactRow {
  readonly name: FactName;
  readonly label: string;
  readonly kind: FactKind;
  /** Of these inputs only; absent: of both. */
  readonly only?: (architecture: Architecture) => boolean;
}

const choice = (...choices: readonly (readonly [string, string])[]): FactKind => ({ kind: 'choice', choices });

const patches = (architecture: Architecture): boolean => architecture.input === 'patches';
const words = (architecture: Architecture): boolean => architecture.input === 'words';
const rotary = (architecture: Architecture): boolean => architecture.positions === 'rope';
const scaled = (architecture: Architecture): boolean => rotary(architecture) && architecture.ropeScaling !== 'none';
const llama3 = (architecture: Architecture): boolean => rotary(architecture) && architecture.ropeScaling === 'llama3';

/** Every fact, in the order the page shows them. */
export const factTable: readonly FactRow[] = [
  {
    name: 'input',
    label: l10n.t('Input'),
    kind: choice(['words', l10n.t('token ids')], ['patches', l10n.t('pictures in patches')]),
  },
  {
    name: 'placement',
    label: l10n.t('Norms'),
    kind: choice(
      ['pre', l10n.t('before attention and MLP (pre-LN)')],
      ['post', l10n.t('behind each sum (post-LN)')],
      ['parallel', l10n.t('pre-LN, attention and MLP side by side')],
    ),
  },
  {
    name: 'norm',
    label: l10n.t('Kind of norm'),
    kind: choice(['layer', l10n.t('LayerNorm')], ['rms', l10n.t('RMSNorm')]),
  },
  {
    name: 'mlp',
    label: l10n.t('MLP'),
    kind: choice(['plain', l10n.t('plain')], ['gated', l10n.t('gated (SwiGLU, GEGLU)')]),
  },
  { name: 'causal', label: l10n.t('Causal mask'), kind: { kind: 'flag' } },
  {
    name: 'positions',
    label: l10n.t('Positions'),
    kind: choice(
      ['learned', l10n.t('learned table')],
      ['rope', l10n.t('rotary (RoPE)')],
      ['sinusoid', l10n.t('sines and cosines in turns (no tensor)')],
      ['sinusoid-halves', l10n.t('sines, then cosines (no tensor)')],
      ['none', l10n.t('none')],
    ),
  },
  {
    name: 'pooling',
    label: l10n.t('Classifier reads'),
    kind: choice(
      ['class', l10n.t('the first token')],
      ['mean', l10n.t('the mean of the tokens')],
      ['class-mean', l10n.t('first token and mean, side by side')],
      ['last', l10n.t('the last token')],
    ),
  },
  {
    name: 'fused',
    label: l10n.t('Rows of q, k, v in one matrix'),
    kind: choice(
      ...fusedOrders.map((order): readonly [string, string] => [
        order,
        order === 'by-head' ? l10n.t('q, k, v of each head together') : order.split('').join(', '),
      ]),
    ),
  },
  {
    name: 'stored',
    label: l10n.t('Matrices are stored'),
    kind: choice(['out-in', l10n.t('[out, in] (Linear)')], ['in-out', l10n.t('[in, out] (Conv1D, JAX)')]),
  },
  {
    name: 'patchOrder',
    label: l10n.t('Numbers of a flat patch'),
    kind: choice(['channels-first', l10n.t('channels first')], ['channels-last', l10n.t('channels last')]),
    only: patches,
  },
  {
    name: 'channels',
    label: l10n.t('Channels'),
    kind: { kind: 'number', whole: true, least: 1, most: 1024, none: l10n.t('as the patch weight says') },
    only: patches,
  },
  {
    name: 'firstPosition',
    label: l10n.t('Position row of the first token'),
    kind: { kind: 'number', whole: true, least: 0, most: 1_000_000, none: null },
    only: words,
  },
  {
    name: 'ropeTheta',
    label: l10n.t('RoPE base (theta)'),
    kind: { kind: 'number', whole: false, least: 1, most: 1e12, none: null },
    only: rotary,
  },
  {
    name: 'ropeDims',
    label: l10n.t('RoPE entries a head'),
    kind: { kind: 'number', whole: true, least: 2, most: 65_536, none: l10n.t('all') },
    only: rotary,
  },
  {
    name: 'ropeStyle',
    label: l10n.t('RoPE turns'),
    kind: choice(['half', l10n.t('entry j with j + d/2')], ['pairs', l10n.t('neighbours')]),
    only: rotary,
  },
  {
    name: 'ropeScaling',
    label: l10n.t('RoPE scaling'),
    kind: choice(
      ['none', l10n.t('none')],
      ['linear', l10n.t('linear')],
      ['llama3', l10n.t('by wavelength (LLaMA 3.1)')],
    ),
    only: rotary,
  },
  {
    name: 'ropeFactor',
    label: l10n.t('RoPE scaling: factor'),
    kind: { kind: 'number', whole: false, least: 1e-3, most: 1e6, none: null },
    only: scaled,
  },
  {
    name: 'ropeLowFrequency',
    label: l10n.t('RoPE scaling: low frequency factor'),
    kind: { kind: 'number', whole: false, least: 1e-3, most: 1e6, none: null },
    only: llama3,
  },
  {
    name: 'ropeHighFrequency',
    label: l10n.t('RoPE scaling: high frequency factor'),
    kind: { kind: 'number', whole: false, least: 1e-3, most: 1e6, none: null },
    only: llama3,
  },
  {
    name: 'ropeContext',
    label: l10n.t('RoPE scaling: original context'),
    kind: { kind: 'number', whole: true, least: 1, most: 1e9, none: null },
    only: llama3,
  },
  {
    name: 'wordScale',
    label: l10n.t('Factor of the word embedding'),
    kind: { kind: 'number', whole: false, least: 0, most: 1e6, none: null },
    only: words,
  },
  {
    name: 'scoreScale',
    label: l10n.t('Factor of q.k'),
    kind: { kind: 'number', whole: false, least: 0, most: 1e6, none: l10n.t('1/sqrt(d)') },
  },
  {
    name: 'layers',
    label: l10n.t('Layers'),
    kind: { kind: 'number', whole: true, least: 1, most: 100_000, none: l10n.t('as the names say') },
  },
];

/** Where a file leaves a fact out. */
export const defaultArchitecture: Architecture = {
  input: 'words',
  placement: 'pre',
  norm: 'layer',
  mlp: 'plain',
  causal: false,
  positions: 'learned',
  pooling: 'class',
  fused: 'qkv',
  stored: 'out-in',
  patchOrder: 'channels-first',
  layers: null,
  channels: null,
  firstPosition: 0,
  scoreScale: null,
  ropeTheta: 10_000,
  ropeDims: null,
  ropeStyle: 'half',
  ropeScaling: 'none',
  ropeFactor: 1,
  ropeLowFrequency: 1,
  ropeHighFrequency: 4,
  ropeContext: 8192,
  wordScale: 1,
};

/** What a value of this kind must be, for messages. */
export function expectedFact({ kind }: FactRow): string {
  if (kind.kind === 'choice') return l10n.t('one of {0}', kind.choices.map(([value]) => value).join(', '));
  if (kind.kind === 'flag') return l10n.t('true or false');
  const { whole, least, most, none } = kind;
  const number = whole
    ? l10n.t('a whole number from {0} to {1}', least, most)
    : l10n.t('a number from {0} to {1}', least, most);
  return none === null ? number : l10n.t('{0}, or null ({1})', number, none);
}

/** Whether `value` is one that the fact can have. */
export function isFact({ kind }: FactRow, value: unknown): boolean {
  if (kind.kind === 'choice') return kind.choices.some(([choiceValue]) => choiceValue === value);
  if (kind.kind === 'flag') return typeof value === 'boolean';
  if (value === null) return kind.none !== null;
  return (
    typeof value === 'number' &&
    Number.isFinite(value) &&
    value >= kind.least &&
    value <= kind.most &&
    (!kind.whole || Number.isInteger(value))
  );
}
