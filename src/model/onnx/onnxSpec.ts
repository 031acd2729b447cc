// A graph -> ModelSpec: its attention blocks are the layers. Before there is an input, sizes that the file leaves open
// are open; `onnxSpecForInput` says them for the input that a person chose.

import type { OnnxGraph } from '../../checkpoint/onnx/onnxGraph';
import type { TensorIndex } from '../../checkpoint/tensorIndex';
import { ModelSpecError, type ImageShape, type ModelInput, type ModelSpec, type TextShape } from '../modelSpec';
import { givenBy, type ParsedOverrides } from '../overrides';
import { imageNetPictures } from '../pictureDefaults';
import { inferPreprocessing } from '../preprocessing';
import type { Settings } from '../settings';
import { SpecContext } from '../specContext';
import type { AttentionSite } from './attentionSite';
import { findAttention, placeOf } from './findAttention';
import { inferShapes, type KnownValues } from './inferShapes';
import { intsAttribute } from './knownValue';
import { checkInput, inputSizes, onnxInputs } from './onnxInputs';
import type { OnnxInput } from './onnxModel';

/** Side of a picture where neither graph nor person says one. */
const defaultSide = 224;
/** Ids of a graph whose word embedding is not found: any that an int32 holds. */
const anyId = 2 ** 31 - 1;
/** A difference of scales that is rounding of float32 and float16. */
const scaleTolerance = 1e-3;
/** Tokens in front of the patches: class, distillation, registers. */
const maxPrefix = 16;

const pictures = {
  ...imageNetPictures,
  crop: null,
  interpolation: 'bilinear' as const,
  source: 'default for graphs: ImageNet statistics',
  note:
    'An ONNX graph does not say how pictures are prepared. They are resized to its input and normalised with the ' +
    'statistics of ImageNet; say others with --set mean=…,std=… or give an exact array with npy:FILE.',
};

/** @throws ModelSpecError unsupported for a graph without attention or with inputs that nobody can fill in. */
export function inferOnnxSpec(
  index: TensorIndex,
  graph: OnnxGraph,
  overrides: ParsedOverrides,
  settings: Settings,
  notes: string[],
): ModelSpec {
  const context = new SpecContext(index, '', settings, overrides, [], notes);
  refuseOverrides(context);
  const known = inferShapes(graph, new Map());
  // Sizes of inputs come second: a graph without attention is told as such, whatever it takes.
  if (findAttention(graph, known).sites.length === 0) refuseWithoutAttention(index, graph, known);
  const inputs = onnxInputs(graph, index.fileName);
  context.fact('family', 'onnx', graph.producer === '' ? 'an ONNX graph' : `an ONNX graph of ${graph.producer}`);
  const own = inputs.find(({ role }) => role === 'pixels' || role === 'tokens')!;
  const image = own.role === 'pixels' ? withOpenSides(imageOf(context, own), graph, inputs) : null;
  const text = own.role === 'tokens' ? textOf(context, graph, own, known) : null;
  if (text === null && overrides.tokens !== undefined) refuseOverride(context, 'tokens', 'it takes pictures');
  const sized = fixedInputs(inputs, image, overrides);
  const preprocessing = image === null ? null : inferPreprocessing(context, image, pictures);
  const base: ModelSpec = {
    family: 'onnx',
    attention: 'softmax',
    causal: false,
    layers: 0,
    heads: 0,
    kvHeads: 0,
    headDim: 0,
    embedDim: 0,
    mlpDim: 0,
    tokens: 0,
    prefixTokens: 0,
    positionCoversPrefix: true,
    image,
    text,
    classes: null,
    layerNormEps: 0,
    activation: 'gelu',
    standardise: false,
    rpc: null,
    embed: { patch: null, classToken: null, distToken: null, position: null },
    blocks: [],
    head: { norm: null, classifier: null, distClassifier: null },
    preprocessing,
    facts: context.facts,
    notes,
    onnx: { inputs: sized, sites: [], output: graph.outputs[0]?.name ?? null },
  };
  return withSites(base, index, graph, inferShapes(graph, inputSizes(sized, null)));
}

/** The spec with every size that follows from `input`. @throws ModelSpecError where the graph takes another input. */
export function onnxSpecForInput(index: TensorIndex, spec: ModelSpec, input: ModelInput): ModelSpec {
  if (index.graph === undefined || spec.onnx === undefined) return spec;
  checkInput(spec.onnx.inputs, input, index.fileName);
  const image: ImageShape | null =
    spec.image === null || !('pixels' in input)
      ? spec.image
      : { ...spec.image, height: input.height, width: input.width };
  const known = inferShapes(index.graph, inputSizes(spec.onnx.inputs, input));
  const found = withSites({ ...spec, image }, index, index.graph, known);
  const open = found.onnx?.sites.find(({ tokens, headDim }) => tokens === null || headDim === null);
  if (open !== undefined)
    throw new ModelSpecError('unsupported', unknownSizes(index.fileName, index.graph, known, open));
  const chosen = chosenSizes(spec, input);
  return chosen === null ? found : { ...found, notes: [...found.notes, chosen] };
}

function withSites(spec: ModelSpec, index: TensorIndex, graph: OnnxGraph, known: KnownValues): ModelSpec {
  const { sites, notes } = findAttention(graph, known);
  if (sites.length === 0) refuseWithoutAttention(index, graph, known);
  const open = sites.find(({ heads, headDim }) => heads === null || headDim === null);
  if (open !== undefined) throw new ModelSpecError('unsupported', unknownSizes(index.fileName, graph, known, open));
  const [first] = sites as readonly [AttentionSite, ...AttentionSite[]];
  const heads = Math.max(...sites.map((site) => site.heads ?? 0));
  const alike = sites.every((site) => site.heads === first.heads && site.kvHeads === first.kvHeads);
  const headDim = Math.max(...sites.map((site) => site.headDim ?? 0));
  const tokens = Math.max(...sites.map((site) => site.tokens ?? 0));
  const image = spec.image === null ? null : gridOf(spec.image, graph, known, tokens);
  const prefix = image === null ? 0 : tokens - image.gridHeight * image.gridWidth;
  const fused = sites.filter(({ kind }) => kind === 'fused').length;
  const shapes = 'shapes of the graph';
  const found = [
    fact('layers', sites.length, sourceOfSites(sites.length - fused, fused)),
    fact('heads', alike ? heads : sites.map((site) => site.heads).join(', '), shapes),
    fact('kv heads', alike ? (first.kvHeads ?? heads) : sites.map((site) => site.kvHeads).join(', '), shapes),
    fact('head dimension', listed(sites.map((site) => site.headDim)), shapes),
    ...(tokens === 0 ? [] : [fact('tokens', listed(sites.map((site) => site.tokens)), `${shapes}, for this input`)]),
  ];
  const before = spec.facts.filter((old) => found.every((now) => now.fact !== old.fact));
  const scales = sites.map(scoreScale);
  return {
    ...spec,
    layers: sites.length,
    heads,
    kvHeads: alike ? (first.kvHeads ?? heads) : heads,
    headDim,
    embedDim: heads * headDim,
    tokens,
    image,
    prefixTokens: image !== null && image.gridHeight > 0 ? prefix : 0,
    causal: sites.every((site) => site.kind === 'fused' && site.causal),
    attention: sites.every((site) => site.kind === 'plain' && site.symmetric) ? 'symmetric' : 'softmax',
    block: { scoreScales: scales.every((scale) => scale === null) ? [] : scales },
    classes: known.get(spec.onnx?.output ?? '')?.shape?.at(-1) ?? null,
    facts: [...before, ...found],
    notes: [...spec.notes, ...notes.filter((note) => !spec.notes.includes(note))],
    onnx: { ...spec.onnx!, sites },
  };
}

const fact = (name: string, value: string | number, source: string): ModelSpec['facts'][number] => ({
  fact: name,
  value: String(value),
  source,
});

const listed = (values: readonly (number | null)[]): string =>
  new Set(values).size === 1 ? String(values[0]) : values.map((value) => value ?? '?').join(', ');

function sourceOfSites(plain: number, fused: number): string {
  const parts = [
    plain === 0 ? '' : `${plain} found by structure: product, softmax, product`,
    fused === 0 ? '' : `${fused} fused attention nodes`,
  ];
  return parts.filter((part) => part !== '').join('; ');
}

/** Factor of q.k as projected; null: 1/sqrt(d). */
export function scoreScale(site: AttentionSite): number | null {
  const scale = site.kind === 'plain' ? site.scoreFactor * site.queryFactor * site.keyFactor : site.scale;
  if (scale === null || site.headDim === null) return null;
  return Math.abs(scale * Math.sqrt(site.headDim) - 1) <= scaleTolerance ? null : scale;
}

/** Facts about weights are what a graph does not need: it says itself how it computes. */
function refuseOverrides(context: SpecContext): void {
  const takes = ['image', 'mean', 'std', 'tokens', 'sources'];
  const given = Object.keys(context.overrides).find((name) => !takes.includes(name));
  if (given !== undefined) refuseOverride(context, given, 'an ONNX graph says this itself');
}

function refuseOverride(context: SpecContext, option: string, why: string): never {
  throw new ModelSpecError(
    'badOverride',
    `${givenBy(context.overrides, option)}: ${why}, so this would have no effect on ${context.fileName}. Leave it out.`,
  );
}

function refuseWithoutAttention(index: TensorIndex, graph: OnnxGraph, known: KnownValues): never {
  const seen = findAttention(graph, known).notes;
  const why =
    seen.length === 0
      ? 'no Softmax stands between a product of two computed values and a product with a third, and there is no fused attention node'
      : `what looks like it is of a kind that is not in this version (${seen[0]!})`;
  const operators = index.metadata['operators'] ?? '';
  throw new ModelSpecError(
    'unsupported',
    `${index.fileName} is a graph without attention that Gramlens can inspect: ${why}. Its operators: ${operators.slice(0, maxOperatorLetters)}.`,
  );
}

/** Letters of the list of operators in a sentence; the checkpoint page has all of it. */
const maxOperatorLetters = 600;

function unknownSizes(fileName: string, graph: OnnxGraph, known: KnownValues, site: AttentionSite): string {
  const lost = graph.nodes.findIndex(({ outputs, inputs }) => {
    const open = (name: string): boolean => known.get(name)?.shape?.includes(null) ?? true;
    return outputs.some((name) => name !== '' && open(name)) && !inputs.some((name) => name !== '' && open(name));
  });
  const where = lost < 0 ? '' : ` The first size that is not known comes out of ${placeOf(graph.nodes[lost]!, lost)}.`;
  return `${fileName}: the shapes of the graph do not say heads, tokens and head dimension of the attention at ${site.where}.${where} Run onnx.shape_inference on the model, or export it with fixed sizes.`;
}

/** Tokens from which on the spectra of heads say something, and sides that are tried until a picture has them. */
const usefulTokens = 32;
const triedFactors = [1, 2, 4, 8];
const maxOpenSide = 1024;

/**
 * Lengthens a side that the graph leaves open beside a given one (text in a line) until there are `usefulTokens`; a
 * picture that is open in both stays as it is.
 */
function withOpenSides(image: ImageShape, graph: OnnxGraph, inputs: readonly OnnxInput[]): ImageShape {
  const { open, height, width } = image;
  if (open === undefined || open.height === open.width) return image;
  for (const factor of triedFactors) {
    const tried = open.height ? { ...image, height: height * factor } : { ...image, width: width * factor };
    if (Math.max(tried.height, tried.width) > maxOpenSide) break;
    const sized = fixedInputs(inputs, { ...tried, open: { height: false, width: false } }, {});
    const { sites } = findAttention(graph, inferShapes(graph, inputSizes(sized, null)));
    if (sites.some(({ tokens }) => (tokens ?? 0) >= usefulTokens)) return tried;
  }
  return image;
}

/** What a person should know of sizes that nobody gave. */
function chosenSizes(spec: ModelSpec, input: ModelInput): string | null {
  if (!input.label.startsWith('random') && !input.label.startsWith('default')) return null;
  if ('pixels' in input && spec.image?.open !== undefined)
    return `The graph leaves sizes of its picture open; ${input.height} x ${input.width} was chosen. Say others with --set image=HEIGHTxWIDTH.`;
  if ('ids' in input && spec.text?.exact === undefined)
    return `The graph leaves the number of tokens open; ${input.ids.length} was chosen. Say another with --set tokens=N, or give a text.`;
  return null;
}

/** Where the picture's sizes are open: what `--set image` says, else a default until there is a picture. */
function imageOf(context: SpecContext, { shape, name }: OnnxInput): ImageShape {
  const [channels = null, height = null, width = null] = shape.slice(1);
  const wanted = context.overrides.image;
  const said = wanted === undefined ? null : [wanted.height, wanted.width];
  const clash = [height, width].some((size, i) => size !== null && said !== null && size !== said[i]);
  if (clash) {
    throw new ModelSpecError(
      'badOverride',
      `${givenBy(context.overrides, 'image')}: the input "${name}" of ${context.fileName} is ${height ?? 'any height'} x ${width ?? 'any width'}. Leave it out, or change the sizes that are open.`,
    );
  }
  const open = said === null && (height === null || width === null);
  const side = height ?? width ?? defaultSide;
  const image = {
    channels: channels ?? 3,
    height: said?.[0] ?? height ?? side,
    width: said?.[1] ?? width ?? side,
    patch: 0,
    gridHeight: 0,
    gridWidth: 0,
    ...(open ? { open: { height: height === null, width: width === null } } : {}),
  };
  const source = said === null ? `input "${name}" of the graph` : givenBy(context.overrides, 'image');
  context.fact('image', open ? `${height ?? 'any'} x ${width ?? 'any'}` : `${image.height} x ${image.width}`, source);
  return image;
}

function textOf(context: SpecContext, graph: OnnxGraph, { shape, name }: OnnxInput, known: KnownValues): TextShape {
  const fixed = shape[1] ?? null;
  const wanted = context.overrides.tokens;
  if (wanted !== undefined && fixed !== null && wanted !== fixed) {
    refuseOverride(context, 'tokens', `the input "${name}" has ${fixed} tokens`);
  }
  const vocabulary = vocabularyOf(graph, name, known);
  if (vocabulary !== null) context.fact('vocabulary', vocabulary, 'rows of the word embedding');
  const exact = fixed ?? wanted ?? null;
  return {
    vocabulary: vocabulary ?? anyId,
    context: exact,
    positionOffset: 0,
    scale: 1,
    ...(exact === null ? {} : { exact }),
  };
}

/** Rows of the table that the ids are looked up in. */
function vocabularyOf(graph: OnnxGraph, ids: string, known: KnownValues): number | null {
  const names = new Set([ids]);
  for (const { opType, inputs, outputs } of graph.nodes) {
    const passes =
      ['Cast', 'Identity', 'Reshape', 'Unsqueeze', 'Squeeze'].includes(opType) && names.has(inputs[0] ?? '');
    if (passes && outputs[0] !== undefined) names.add(outputs[0]);
    if (opType === 'Gather' && names.has(inputs[1] ?? '')) return known.get(inputs[0] ?? '')?.shape?.[0] ?? null;
    if (opType === 'EmbedLayerNormalization' && names.has(inputs[0] ?? ''))
      return known.get(inputs[2] ?? '')?.shape?.[0] ?? null;
  }
  return null;
}

const isOpen = ({ open }: ImageShape): boolean => open !== undefined && (open.height || open.width);

/** What a person said takes the place of sizes that the file leaves open. */
function fixedInputs(
  inputs: readonly OnnxInput[],
  image: ImageShape | null,
  overrides: Pick<ParsedOverrides, 'tokens'>,
): readonly OnnxInput[] {
  return inputs.map((input) => {
    if (input.role === 'pixels' && image !== null && !isOpen(image))
      return { ...input, shape: [1, image.channels, image.height, image.width] };
    return input.role === 'tokens' && overrides.tokens !== undefined
      ? { ...input, shape: [1, overrides.tokens] }
      : input;
  });
}

/** Rows and columns of patches: those of the first convolution whose windows lie side by side, if they fit the tokens. */
function gridOf(image: ImageShape, graph: OnnxGraph, known: KnownValues, tokens: number): ImageShape {
  const none = { ...image, patch: 0, gridHeight: 0, gridWidth: 0 };
  for (const node of graph.nodes) {
    if (node.opType !== 'Conv') continue;
    const strides = intsAttribute(node, 'strides');
    const kernel = intsAttribute(node, 'kernel_shape') ?? known.get(node.inputs[1] ?? '')?.shape?.slice(2);
    const [rows = null, columns = null] = known.get(node.outputs[0] ?? '')?.shape?.slice(2) ?? [];
    if (strides?.length !== 2 || strides[0] === 1 || strides.some((step, i) => step !== kernel?.[i])) return none;
    if (rows === null || columns === null || strides[0] !== strides[1]) return none;
    const prefix = tokens - rows * columns;
    return prefix < 0 || prefix > maxPrefix
      ? none
      : { ...image, patch: strides[0]!, gridHeight: rows, gridWidth: columns };
  }
  return none;
}
