// How many heads a block has. Fused projections do not say it (model-families.md section 1.5), so it is looked for
// beside the weights, in parameters that have a head axis, in a table of known widths, and asked last.

import { ModelSpecError } from './modelSpec';
import { givenBy } from './overrides';
import { asInteger, asText } from './parseValues';
import type { SpecContext } from './specContext';

/** Width C to heads H, as timm ships them; 348 is the width of the KPCA code's "small". */
const headsByWidth: ReadonlyMap<number, number> = new Map([
  [192, 3],
  [348, 6],
  [384, 6],
  [512, 8],
  [768, 12],
  [896, 14],
  [1024, 16],
  [1280, 16],
  [1408, 16],
  [1536, 24],
  [1664, 16],
]);

/** Model names of timm, DeiT and the KPCA code: size word to the widths it stands for and its heads. */
const headsBySize: readonly { readonly word: RegExp; readonly widths: readonly number[]; readonly heads: number }[] = [
  { word: /(^|_)tiny(_|$)/, widths: [192], heads: 3 },
  { word: /(^|_)small(_|$)/, widths: [384, 348], heads: 6 },
  { word: /(^|_)base(_|$)/, widths: [768], heads: 12 },
  { word: /(^|_)large(_|$)/, widths: [1024], heads: 16 },
  { word: /(^|_)huge(_|$)/, widths: [1280], heads: 16 },
];

const headKeys = [
  'num_heads',
  'n_head',
  'n_heads',
  'num_attention_heads',
  'heads',
  'nhead',
  'encoder_attention_heads',
  'n_audio_head',
];
const modelKeys = ['architecture', 'model', 'arch', 'model_name'];
/** Head sizes in use, offered first. */
const usualHeadDims = [64, 32, 48, 58, 80, 96, 128, 16];

/** What a family's own files say about the heads. */
export interface HeadClue {
  /** Reconstruction/models.py of the KPCA code gives deit_tiny 6 heads instead of 3. */
  readonly reconstruction?: boolean;
  /** Tensor [d] of the first block's query norm; its name without prefix. */
  readonly queryNorm?: string | null;
  /** Head count that a kernel's shape says (Flax keeps heads as an axis). */
  readonly inShape?: { readonly heads: number; readonly source: string } | null;
  /** Every released size of the family has heads of this width: before the table of widths, which is of others. */
  readonly everyHeadDim?: number;
  /** Width of a head in the family's code where no table knows the width (CLIP: 64). */
  readonly usualHeadDim?: number;
}

export interface HeadCountClues extends HeadClue {
  readonly embedDim: number;
}

/** Name of the architecture as config, metadata or args spell it; null when nothing says it. */
export function modelName(context: SpecContext): { value: string; source: string } | null {
  return context.settings.find(modelKeys, asText, 'a model name');
}

/** H with a fact about its source; throws 'question' (option `heads`) when nothing says it. */
export function inferHeads(context: SpecContext, clues: HeadCountClues): number {
  const { embedDim } = clues;
  const fixed = clues.inShape ?? headsInShapes(context, embedDim, clues.queryNorm ?? 'blocks.0.attn.q_norm.weight');
  const wanted = context.overrides.heads;
  const given = givenBy(context.overrides, 'heads');
  if (wanted !== undefined) {
    if (embedDim % wanted !== 0) {
      throw new ModelSpecError(
        'badOverride',
        `${given}=${wanted}: the width of ${context.fileName} is ${embedDim}, which ${wanted} does not divide. Use one of ${divisors(embedDim).join(', ')}.`,
      );
    }
    if (fixed !== null && fixed.heads !== wanted) {
      throw new ModelSpecError(
        'badOverride',
        `${given}=${wanted}: ${fixed.source} of ${context.fileName} says ${fixed.heads} heads.`,
      );
    }
    return say(context, wanted, given);
  }
  const found = context.settings.find(headKeys, positive, 'a whole number of heads');
  if (found !== null) {
    if (embedDim % found.value !== 0 || (fixed !== null && fixed.heads !== found.value)) {
      const against =
        fixed === null ? `the width ${embedDim} is not divisible by it` : `${fixed.source} says ${fixed.heads}`;
      throw new ModelSpecError(
        'shapeMismatch',
        `${context.fileName}: ${found.source} says ${found.value} heads, but ${against}. Give the right number with --set heads=N.`,
      );
    }
    return say(context, found.value, found.source);
  }
  const named = headsOfName(context, clues);
  if (named !== null && (fixed === null || fixed.heads === named.heads)) return say(context, named.heads, named.source);
  if (fixed !== null) return say(context, fixed.heads, fixed.source);
  const every = clues.everyHeadDim ?? 0;
  if (every > 0 && embedDim % every === 0) {
    return say(
      context,
      embedDim / every,
      `width ${embedDim} / ${every}, the head size of every released model of the family`,
    );
  }
  const fromTable = headsByWidth.get(embedDim);
  const ambiguous = clues.reconstruction === true && embedDim === 192;
  if (fromTable !== undefined && !ambiguous) {
    return say(context, fromTable, `width ${embedDim} in the table of known widths`);
  }
  const usual = clues.usualHeadDim ?? 0;
  if (usual > 0 && embedDim % usual === 0) {
    return say(context, embedDim / usual, `width ${embedDim} / ${usual}, the head size of the family's code`);
  }
  throw askHeads(context, embedDim);
}

/** Parameters with a head axis or a head-sized axis: Scaled Attention's S [H, N, N], q_norm [d]. */
function headsInShapes(
  context: SpecContext,
  embedDim: number,
  queryNorm: string,
): { heads: number; source: string } | null {
  const scale = context.has('blocks.0.attn.s') ? context.index.entries.get(`${context.prefix}blocks.0.attn.s`)! : null;
  if (scale !== null && scale.shape.length === 3) {
    const heads = scale.shape[0]!;
    if (heads < 1 || embedDim % heads !== 0) {
      throw context.mismatch(
        'blocks.0.attn.s',
        `whose first axis would be the number of heads and does not divide the width ${embedDim}`,
      );
    }
    return { heads, source: `shape of ${scale.name}` };
  }
  const norm = context.index.entries.get(context.prefix + queryNorm);
  const headDim = norm?.shape.length === 1 ? norm.shape[0]! : 0;
  return norm !== undefined && headDim > 0 && embedDim % headDim === 0
    ? { heads: embedDim / headDim, source: `shape of ${norm.name}` }
    : null;
}

function headsOfName(context: SpecContext, clues: HeadCountClues): { heads: number; source: string } | null {
  const name = modelName(context);
  if (name === null) return null;
  const text = name.value.toLowerCase();
  if (clues.reconstruction === true && clues.embedDim === 192 && /deit_tiny/.test(text)) {
    return { heads: 6, source: `${name.source} ${name.value} (6 heads in the Reconstruction code)` };
  }
  const size = headsBySize.find((entry) => entry.word.test(text) && entry.widths.includes(clues.embedDim));
  return size === undefined ? null : { heads: size.heads, source: `${name.source} ${name.value}` };
}

/** The question for H of one part of a network (`what`), answered by `--set option=`. */
export function askHeads(context: SpecContext, embedDim: number, option = 'heads', what = 'it'): ModelSpecError {
  const candidates = divisors(embedDim);
  const rank = (heads: number): number => {
    const at = usualHeadDims.indexOf(embedDim / heads);
    return at < 0 ? usualHeadDims.length : at;
  };
  const ordered = [...candidates].sort((a, b) => rank(a) - rank(b) || a - b);
  return new ModelSpecError(
    'question',
    `${context.fileName} does not say how many attention heads ${what} has (width ${embedDim}). ` +
      `Give it with --set ${option}=N, N one of ${candidates.join(', ')}.`,
    {
      option,
      question: `${context.fileName} does not say how many attention heads ${what} has. How many heads has each layer${what === 'it' ? '' : ` of ${what}`} (width ${embedDim})?`,
      choices: ordered.map((heads) => ({
        value: String(heads),
        label: heads === 1 ? '1 head' : `${heads} heads`,
        detail: `d ${embedDim / heads}`,
      })),
    },
  );
}

/** Divisors of C that leave a head at least two numbers wide (one, where C is that small). */
export function divisors(embedDim: number): number[] {
  const result: number[] = [];
  for (let heads = 1; heads <= Math.min(embedDim, 256); heads++) {
    if (embedDim % heads === 0 && (embedDim / heads >= 2 || embedDim === 1)) result.push(heads);
  }
  return result;
}

function positive(value: unknown): number | null {
  const n = asInteger(value);
  return n !== null && n >= 1 ? n : null;
}

function say(context: SpecContext, heads: number, source: string): number {
  context.fact('heads', heads, source);
  return heads;
}
