// The untrained twin: weights as the family's own code initialises them, for the null `untrained` of spec section 5
// (an alignment that an untrained model shows too was not learned). Random numbers are handed in.

import { imageShape } from './blockShape';
import { initialRule, small, type Draw, type InitialRule, type LinearDraw, type RandomNumbers } from './initialRules';
import type { ModelSpec } from './modelSpec';
import type { FloatArray } from '../checkpoint/tensorIndex';
import type { BlockWeights, EmbedWeights, EntryWeights, Length, LinearWeights } from './weights';

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

/**
 * How positions are drawn; null: not at all. Sinusoids of a speech encoder or a masked autoencoder and frequencies of
 * computed positions are no parameters: no code trains them.
 */
function positionDraw({ family, text }: ModelSpec): Draw | null {
  return text?.sinusoid === undefined ? initialRule(family).position : null;
}

/** Names of the tensors of a checkpoint that its twins have as they are; of all others they have the shapes only. */
export function keptByTwins(spec: ModelSpec): readonly string[] {
  const { position } = spec.embed;
  return [
    ...(positionDraw(spec) === null && position !== null ? [position] : []),
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
 * A block of the same shapes as `trained` (array lengths decide which parts exist) with fresh weights by the rule of the
 * family (initialRules.ts), float32 as a checkpoint would store them. Draw order: entry of a stage (projection, tokens),
 * qkv, proj, fc1, fc2, each with its bias behind it where that is drawn, row-major. S or alpha are 0.
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
  const rule = initialRule(spec.family);
  const { embedDim, heads, kvHeads, headDim, layers } = spec;
  const entry = trained.entry
    ? untrainedEntry(trained.entry, numbers(small, embedDim, embedDim, layers, random))
    : null;
  const drawn = (shape: LinearWeights<Length>, by: LinearDraw, inputs: number): LinearWeights =>
    drawLinear(shape, by, inputs, layers, random, allocate);
  const qkvWeights = (): LinearWeights => {
    const all = drawn(trained.qkv, rule.qkv, embedDim);
    // Their projection has no bias, whatever the rows of the packed one are.
    if (rule.keysWithoutBias) all.bias?.fill(0, heads * headDim, (heads + kvHeads) * headDim);
    return all;
  };
  const norm = (shape: LinearWeights<Length>): LinearWeights => untrainedNorm(shape, rule, random);
  const matrices = inOrder([
    qkvWeights,
    () => drawn(trained.proj, rule.proj, heads * headDim),
    () => drawn(trained.fc1, rule.fc1, embedDim),
    () => drawn(trained.fc2, rule.fc2, trained.fc2.weight.length / embedDim),
  ]);
  // Drawn norms stand behind the matrices in the stream, and a block begins with them: there all is drawn at once.
  const [qkv, proj, fc1, fc2] = rule.norm === undefined ? matrices : allAtOnce(matrices);
  return {
    ...(entry === null ? {} : { entry }),
    norm1: norm(trained.norm1),
    get qkv() {
      return qkv();
    },
    queryNorm: trained.queryNorm === null ? null : plainNorm(trained.queryNorm),
    keyNorm: trained.keyNorm === null ? null : plainNorm(trained.keyNorm),
    scale: constant(trained.scale, 0),
    get proj() {
      return proj();
    },
    layerScale1: constant(trained.layerScale1, rule.layerScale),
    norm2: norm(trained.norm2),
    get fc1() {
      return fc1();
    },
    get fc2() {
      return fc2();
    },
    layerScale2: constant(trained.layerScale2, rule.layerScale),
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
 * Embedding of the same shapes by the rule of the family. Draw order: patch weight, patch bias, class token, distillation
 * token, registers, words (by ascending id), types, positions, convolutions of features. Distillation tokens and types
 * N(0, 0.02).
 * @param ids of the input, where `trained.words` are its rows: equal tokens get equal rows.
 */
export function untrainedEmbedWeights(
  spec: ModelSpec,
  trained: EmbedWeights,
  random: RandomNumbers,
  ids: Int32Array | null = null,
): EmbedWeights {
  const rule = initialRule(spec.family);
  const { embedDim, layers } = spec;
  const table = <T extends FloatArray | null>(shape: T, draw: Draw): Float32Array | Extract<T, null> =>
    (shape === null ? null : filled(shape, numbers(draw, embedDim, embedDim, layers, random))) as
      Float32Array | Extract<T, null>;
  const convolved = (shape: LinearWeights): LinearWeights =>
    drawLinear(shape, rule.convolution, shape.weight.length / embedDim, layers, random);
  const patch = trained.patch === null ? null : untrainedPatch(spec, trained.patch, rule.patch, random);
  const classToken = table(trained.classToken, rule.classToken);
  const distToken = table(trained.distToken, small);
  const registers = table(trained.registers ?? null, rule.registers);
  const words =
    trained.words && ids !== null
      ? untrainedWords(trained.words, ids, numbers(rule.words, embedDim, embedDim, layers, random))
      : null;
  const types = table(trained.types ?? null, small);
  const drawPosition = positionDraw(spec);
  const position = drawPosition === null ? trained.position : table(trained.position, drawPosition);
  return {
    patch,
    classToken,
    distToken,
    registers,
    words,
    types,
    position,
    norm: trained.norm ? plainNorm(trained.norm) : null,
    patchNorm: trained.patchNorm ? plainNorm(trained.patchNorm) : null,
    tokenNorm: trained.tokenNorm ? plainNorm(trained.tokenNorm) : null,
    ...(trained.convolutions
      ? {
          convolutions: {
            first: convolved(trained.convolutions.first),
            second: convolved(trained.convolutions.second),
          },
        }
      : {}),
  };
}

/** Segmenter's decoder: projection and class embeddings N(0, 0.02). */
function untrainedEntry(trained: EntryWeights<Length>, draw: () => number): EntryWeights {
  const proj =
    trained.proj === null ? null : { weight: filled(trained.proj.weight, draw), bias: constant(trained.proj.bias, 0) };
  return {
    norm: trained.norm === null ? null : plainNorm(trained.norm),
    proj,
    append: trained.append === null ? null : filled(trained.append, draw),
  };
}

function untrainedPatch(spec: ModelSpec, trained: LinearWeights, by: LinearDraw, random: RandomNumbers): LinearWeights {
  const { channels, patch } = imageShape(spec);
  return drawLinear(trained, by, channels * patch * patch, spec.layers, random);
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

/** What draws the numbers of an array, one a call. */
function numbers(draw: Draw, inputs: number, outputs: number, layers: number, random: RandomNumbers): () => number {
  const next = draw({ inputs, outputs, layers });
  return () => next(random);
}

/** `shape` is [outputs, inputs]; the weight before the bias. */
function drawLinear(
  shape: LinearWeights<Length>,
  by: LinearDraw,
  inputs: number,
  layers: number,
  random: RandomNumbers,
  allocate: (length: number) => Float32Array = (length) => new Float32Array(length),
): LinearWeights {
  const outputs = shape.weight.length / inputs;
  const of = (draw: Draw): (() => number) => numbers(draw, inputs, outputs, layers, random);
  const weight = fill(allocate(shape.weight.length), of(by.weight));
  if (shape.bias === null) return { weight, bias: null };
  return { weight, bias: by.bias === undefined ? constant(shape.bias, 0) : filled(shape.bias, of(by.bias)) };
}

function plainNorm(shape: LinearWeights<Length>): LinearWeights {
  return { weight: constant(shape.weight, 1), bias: constant(shape.bias, 0) };
}

function untrainedNorm(shape: LinearWeights<Length>, { norm }: InitialRule, random: RandomNumbers): LinearWeights {
  if (norm === undefined) return plainNorm(shape);
  const { length } = shape.weight;
  return { weight: filled(shape.weight, numbers(norm, length, length, 1, random)), bias: constant(shape.bias, 0) };
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
