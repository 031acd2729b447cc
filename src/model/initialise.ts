// The untrained twin: weights as the family's own code initialises them, for the null `untrained` of spec section 5
// (an alignment that an untrained model shows too was not learned). Random numbers are handed in.

import { imageShape } from './blockShape';
import type { ModelFamily, ModelSpec } from './modelSpec';
import type { FloatArray } from '../checkpoint/tensorIndex';
import type { BlockWeights, EmbedWeights, EntryWeights, Length, LinearWeights } from './weights';

export interface RandomNumbers {
  /** Uniform in (0, 1). */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
}

/** timm draws from N(0, 0.02) truncated at +-2, a hundred standard deviations away: the plain normal is the same. */
const weightSd = 0.02;
/** timm's LayerScale starts at 1e-5; what a file's training started from is not stored in it. */
const layerScaleInit = 1e-5;

/** The KPCA code leaves its own qkv at PyTorch's default for Linear: U(-1/sqrt(C), 1/sqrt(C)). */
const uniformQkv: ReadonlySet<ModelFamily> = new Set([
  'symvit',
  'rpc-symvit',
  'scaled-attention',
  'reconstruction-vit',
]);

/** lmtool-fwms (as Transformer-XL) draws the weights of its norms, too: N(1, 0.02). */
const drawnNorms: ReadonlySet<ModelFamily> = new Set(['lmtool-fwms']);

/** What untrained weights need to know of trained ones: how many numbers each array has. */
export function lengthsOf(weights: BlockWeights): BlockWeights<Length> {
  const one = ({ length }: FloatArray): Length => ({ length });
  const orNull = (values: FloatArray | null): Length | null => (values === null ? null : one(values));
  const both = ({ weight, bias }: LinearWeights): LinearWeights<Length> => ({
    weight: one(weight),
    bias: orNull(bias),
  });
  const bothOrNull = (part: LinearWeights | null): LinearWeights<Length> | null => (part === null ? null : both(part));
  const { entry, ropeDivisors } = weights;
  return {
    ...(entry
      ? { entry: { norm: bothOrNull(entry.norm), proj: bothOrNull(entry.proj), append: orNull(entry.append) } }
      : {}),
    norm1: both(weights.norm1),
    qkv: both(weights.qkv),
    queryNorm: bothOrNull(weights.queryNorm),
    keyNorm: bothOrNull(weights.keyNorm),
    scale: orNull(weights.scale),
    proj: both(weights.proj),
    layerScale1: orNull(weights.layerScale1),
    norm2: both(weights.norm2),
    fc1: both(weights.fc1),
    fc2: both(weights.fc2),
    layerScale2: orNull(weights.layerScale2),
    ...(ropeDivisors === undefined ? {} : { ropeDivisors }),
  };
}

/** Sinusoids of a speech encoder and frequencies of computed positions are no parameters: no code trains them. */
const hasComputedPositions = (spec: ModelSpec): boolean => Boolean(spec.audio) || spec.text?.sinusoid !== undefined;

/** Names of the tensors of a checkpoint that its twins have as they are; of all others they have the shapes only. */
export function keptByTwins(spec: ModelSpec): readonly string[] {
  const { position } = spec.embed;
  return [
    ...(hasComputedPositions(spec) && position !== null ? [position] : []),
    ...spec.blocks.flatMap(({ ropeDivisors }) => (ropeDivisors === undefined ? [] : [ropeDivisors])),
  ];
}

/** One room for one matrix after the other: what it gave before is overwritten by what it gives next. */
export function matrixRoom(): (length: number) => Float32Array {
  let numbers = new Float32Array(0);
  return (length) => {
    if (numbers.length < length) numbers = new Float32Array(length);
    return numbers.subarray(0, length);
  };
}

/**
 * A block of the same shapes as `trained` (array lengths decide which parts exist) with fresh weights, float32 as a
 * checkpoint would store them. Draw order: entry of a stage (projection, tokens), qkv, proj, fc1, fc2, row-major each. qkv uniform in the KPCA families,
 * N(0, 0.02) in timm and DeiT; other matrices N(0, 0.02); biases and S or alpha 0; norms 1 and 0 (spec section 5).
 *
 * Each matrix is drawn when it is first asked for and kept until the next one is: a block runs through them in that
 * order, and a large one is never in memory as a whole. Asking for an earlier one is a RangeError. `allocate` makes the
 * arrays of the matrices.
 */
export function untrainedBlockWeights(
  spec: ModelSpec,
  trained: BlockWeights<Length>,
  random: RandomNumbers,
  allocate: (length: number) => Float32Array = (length) => new Float32Array(length),
): BlockWeights {
  const bound = 1 / Math.sqrt(spec.embedDim);
  const drawQkv = uniformQkv.has(spec.family) ? () => uniformWithin(random, bound) : () => weightSd * random.normal();
  const drawNormal = (): number => weightSd * random.normal();
  const entry = trained.entry ? untrainedEntry(trained.entry, drawNormal) : null;
  const matrix = (shape: LinearWeights<Length>, draw: () => number) => (): LinearWeights => ({
    weight: fill(allocate(shape.weight.length), draw),
    bias: constant(shape.bias, 0),
  });
  // Drawn norms stand behind the matrices in the stream, and a block begins with them: there all is drawn at once.
  const drawsNorms = drawnNorms.has(spec.family);
  const drawNorm = (shape: LinearWeights<Length>): LinearWeights =>
    drawsNorms ? linear(shape, () => 1 + weightSd * random.normal()) : norm(shape);
  const matrices = inOrder([
    matrix(trained.qkv, drawQkv),
    matrix(trained.proj, drawNormal),
    matrix(trained.fc1, drawNormal),
    matrix(trained.fc2, drawNormal),
  ]);
  const [qkv, proj, fc1, fc2] = drawsNorms ? allAtOnce(matrices) : matrices;
  return {
    ...(entry === null ? {} : { entry }),
    norm1: drawNorm(trained.norm1),
    get qkv() {
      return qkv();
    },
    queryNorm: trained.queryNorm === null ? null : norm(trained.queryNorm),
    keyNorm: trained.keyNorm === null ? null : norm(trained.keyNorm),
    scale: constant(trained.scale, 0),
    get proj() {
      return proj();
    },
    layerScale1: constant(trained.layerScale1, layerScaleInit),
    norm2: drawNorm(trained.norm2),
    get fc1() {
      return fc1();
    },
    get fc2() {
      return fc2();
    },
    layerScale2: constant(trained.layerScale2, layerScaleInit),
    ...(trained.ropeDivisors === undefined ? {} : { ropeDivisors: trained.ropeDivisors }),
  };
}

type Drawn = readonly [
  qkv: () => LinearWeights,
  proj: () => LinearWeights,
  fc1: () => LinearWeights,
  fc2: () => LinearWeights,
];

/** Each of `draws` once and in this order, the last one drawn kept. */
function inOrder(draws: Drawn): Drawn {
  let drawn = 0;
  let last: LinearWeights | null = null;
  const at = (part: number) => (): LinearWeights => {
    if (part < drawn - 1) throw new RangeError('untrained weights are drawn in order; this matrix is gone');
    for (; drawn <= part; drawn += 1) last = draws[drawn]!();
    return last!;
  };
  return [at(0), at(1), at(2), at(3)];
}

function allAtOnce(draws: Drawn): Drawn {
  const [qkv, proj, fc1, fc2] = draws.map((draw) => draw()) as [
    LinearWeights,
    LinearWeights,
    LinearWeights,
    LinearWeights,
  ];
  return [() => qkv, () => proj, () => fc1, () => fc2];
}

/**
 * Embedding of the same shapes. Draw order: patch weight, patch bias, class token, distillation token, registers,
 * words (by ascending id), types, positions, convolutions of features (N(0, 0.02), as transformers initialises them). Tokens, words and positions N(0, 0.02) as DeiT, the KPCA code, GPT-2 and
 * BERT; the patch convolution keeps PyTorch's default, U(-1/sqrt(n), 1/sqrt(n)) with n = channels p p for weight and
 * bias, which timm leaves untouched.
 * @param ids of the input, where `trained.words` are its rows: equal tokens get equal rows.
 */
export function untrainedEmbedWeights(
  spec: ModelSpec,
  trained: EmbedWeights,
  random: RandomNumbers,
  ids: Int32Array | null = null,
): EmbedWeights {
  const drawNormal = (): number => weightSd * random.normal();
  const drawn = <T extends FloatArray | null>(shape: T): Float32Array | Extract<T, null> =>
    (shape === null ? null : filled(shape, drawNormal)) as Float32Array | Extract<T, null>;
  const patch = trained.patch === null ? null : untrainedPatch(spec, trained.patch, random);
  const classToken = drawn(trained.classToken);
  const distToken = drawn(trained.distToken);
  const registers = drawn(trained.registers ?? null);
  const words = trained.words && ids !== null ? untrainedWords(trained.words, ids, drawNormal) : null;
  const types = drawn(trained.types ?? null);
  const position = hasComputedPositions(spec) ? trained.position : drawn(trained.position);
  return {
    patch,
    classToken,
    distToken,
    registers,
    words,
    types,
    position,
    norm: trained.norm ? norm(trained.norm) : null,
    patchNorm: trained.patchNorm ? norm(trained.patchNorm) : null,
    tokenNorm: trained.tokenNorm ? norm(trained.tokenNorm) : null,
    ...(trained.convolutions
      ? {
          convolutions: {
            first: linear(trained.convolutions.first, drawNormal),
            second: linear(trained.convolutions.second, drawNormal),
          },
        }
      : {}),
  };
}

/** Segmenter's decoder: projection and class embeddings N(0, 0.02). */
function untrainedEntry(trained: EntryWeights<Length>, draw: () => number): EntryWeights {
  const proj = trained.proj === null ? null : linear(trained.proj, draw);
  return {
    norm: trained.norm === null ? null : norm(trained.norm),
    proj,
    append: trained.append === null ? null : filled(trained.append, draw),
  };
}

function untrainedPatch(spec: ModelSpec, trained: LinearWeights, random: RandomNumbers): LinearWeights {
  const { channels, patch } = imageShape(spec);
  const bound = 1 / Math.sqrt(channels * patch * patch);
  const drawPatch = (): number => uniformWithin(random, bound);
  const weight = filled(trained.weight, drawPatch);
  return { weight, bias: trained.bias === null ? null : filled(trained.bias, drawPatch) };
}

function untrainedWords(trained: FloatArray, ids: Int32Array, draw: () => number): Float32Array {
  const width = trained.length / ids.length;
  const rows = new Map<number, Float32Array>();
  for (const id of [...new Set(ids)].sort((a, b) => a - b)) rows.set(id, Float32Array.from({ length: width }, draw));
  const words = new Float32Array(trained.length);
  ids.forEach((id, i) => {
    words.set(rows.get(id)!, i * width);
  });
  return words;
}

function linear(shape: LinearWeights<Length>, draw: () => number): LinearWeights {
  return { weight: filled(shape.weight, draw), bias: constant(shape.bias, 0) };
}

function norm(shape: LinearWeights<Length>): LinearWeights {
  return { weight: constant(shape.weight, 1), bias: constant(shape.bias, 0) };
}

function constant(shape: Length, value: number): Float32Array;
function constant(shape: Length | null, value: number): Float32Array | null;
function constant(shape: Length | null, value: number): Float32Array | null {
  return shape === null ? null : new Float32Array(shape.length).fill(value);
}

function filled(shape: Length, draw: () => number): Float32Array {
  return fill(new Float32Array(shape.length), draw);
}

function fill(values: Float32Array, draw: () => number): Float32Array {
  for (let i = 0; i < values.length; i++) values[i] = draw();
  return values;
}

function uniformWithin(random: RandomNumbers, bound: number): number {
  return (2 * random.uniform() - 1) * bound;
}
