// What a mapping says of the network beside its tensors: one table of facts, from which the file's reader, the
// guess, the mapping page and the messages all take names, values and defaults.

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
  { name: 'input', label: 'Input', kind: choice(['words', 'token ids'], ['patches', 'pictures in patches']) },
  {
    name: 'placement',
    label: 'Norms',
    kind: choice(
      ['pre', 'before attention and MLP (pre-LN)'],
      ['post', 'behind each sum (post-LN)'],
      ['parallel', 'pre-LN, attention and MLP side by side'],
    ),
  },
  { name: 'norm', label: 'Kind of norm', kind: choice(['layer', 'LayerNorm'], ['rms', 'RMSNorm']) },
  { name: 'mlp', label: 'MLP', kind: choice(['plain', 'plain'], ['gated', 'gated (SwiGLU, GEGLU)']) },
  { name: 'causal', label: 'Causal mask', kind: { kind: 'flag' } },
  {
    name: 'positions',
    label: 'Positions',
    kind: choice(
      ['learned', 'learned table'],
      ['rope', 'rotary (RoPE)'],
      ['sinusoid', 'sines and cosines in turns (no tensor)'],
      ['sinusoid-halves', 'sines, then cosines (no tensor)'],
      ['none', 'none'],
    ),
  },
  {
    name: 'pooling',
    label: 'Classifier reads',
    kind: choice(
      ['class', 'the first token'],
      ['mean', 'the mean of the tokens'],
      ['class-mean', 'first token and mean, side by side'],
      ['last', 'the last token'],
    ),
  },
  {
    name: 'fused',
    label: 'Rows of q, k, v in one matrix',
    kind: choice(
      ...fusedOrders.map((order): readonly [string, string] => [
        order,
        order === 'by-head' ? 'q, k, v of each head together' : order.split('').join(', '),
      ]),
    ),
  },
  {
    name: 'stored',
    label: 'Matrices are stored',
    kind: choice(['out-in', '[out, in] (Linear)'], ['in-out', '[in, out] (Conv1D, JAX)']),
  },
  {
    name: 'patchOrder',
    label: 'Numbers of a flat patch',
    kind: choice(['channels-first', 'channels first'], ['channels-last', 'channels last']),
    only: patches,
  },
  {
    name: 'channels',
    label: 'Channels',
    kind: { kind: 'number', whole: true, least: 1, most: 1024, none: 'as the patch weight says' },
    only: patches,
  },
  {
    name: 'firstPosition',
    label: 'Position row of the first token',
    kind: { kind: 'number', whole: true, least: 0, most: 1_000_000, none: null },
    only: words,
  },
  {
    name: 'ropeTheta',
    label: 'RoPE base (theta)',
    kind: { kind: 'number', whole: false, least: 1, most: 1e12, none: null },
    only: rotary,
  },
  {
    name: 'ropeDims',
    label: 'RoPE entries a head',
    kind: { kind: 'number', whole: true, least: 2, most: 65_536, none: 'all' },
    only: rotary,
  },
  {
    name: 'ropeStyle',
    label: 'RoPE turns',
    kind: choice(['half', 'entry j with j + d/2'], ['pairs', 'neighbours']),
    only: rotary,
  },
  {
    name: 'ropeScaling',
    label: 'RoPE scaling',
    kind: choice(['none', 'none'], ['linear', 'linear'], ['llama3', 'by wavelength (LLaMA 3.1)']),
    only: rotary,
  },
  {
    name: 'ropeFactor',
    label: 'RoPE scaling: factor',
    kind: { kind: 'number', whole: false, least: 1e-3, most: 1e6, none: null },
    only: scaled,
  },
  {
    name: 'ropeLowFrequency',
    label: 'RoPE scaling: low frequency factor',
    kind: { kind: 'number', whole: false, least: 1e-3, most: 1e6, none: null },
    only: llama3,
  },
  {
    name: 'ropeHighFrequency',
    label: 'RoPE scaling: high frequency factor',
    kind: { kind: 'number', whole: false, least: 1e-3, most: 1e6, none: null },
    only: llama3,
  },
  {
    name: 'ropeContext',
    label: 'RoPE scaling: original context',
    kind: { kind: 'number', whole: true, least: 1, most: 1e9, none: null },
    only: llama3,
  },
  {
    name: 'wordScale',
    label: 'Factor of the word embedding',
    kind: { kind: 'number', whole: false, least: 0, most: 1e6, none: null },
    only: words,
  },
  {
    name: 'scoreScale',
    label: 'Factor of q.k',
    kind: { kind: 'number', whole: false, least: 0, most: 1e6, none: '1/sqrt(d)' },
  },
  {
    name: 'layers',
    label: 'Layers',
    kind: { kind: 'number', whole: true, least: 1, most: 100_000, none: 'as the names say' },
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
  if (kind.kind === 'choice') return `one of ${kind.choices.map(([value]) => value).join(', ')}`;
  if (kind.kind === 'flag') return 'true or false';
  const number = `${kind.whole ? 'a whole number' : 'a number'} from ${kind.least} to ${kind.most}`;
  return kind.none === null ? number : `${number}, or null (${kind.none})`;
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
