// Tiny random vision transformers for the engine tests: the cases of test/fixtures/engine/forward.json as
// `ModelSpec`, weights and input. Values come from the portable generator, as in make_goldens.py.

import type { FloatArray } from '../../../src/checkpoint/tensorIndex';
import type { BlockWeights, EmbedWeights, HeadWeights, LinearWeights } from '../../../src/model/weights';
import type {
  AttentionKind,
  LinearRole,
  ImageInput,
  ModelSpec,
  RpcSettings,
  RpcVariant,
} from '../../../src/model/modelSpec';
import { normals } from './portableNormals';

/** [offset, length] in forward.bin, in elements. */
type Place = readonly [number, number];

export interface GoldenLayer {
  readonly x: Place;
  /** Absent in symmetric layers. */
  readonly q?: Place;
  readonly k: Place;
  readonly v: Place;
  /** Absent where it is `out`. */
  readonly softmax?: Place;
  readonly out: Place;
  readonly pattern: Place;
  readonly next: Place;
  /** RPC of the last head beside the model's own attention. */
  readonly beside?: readonly {
    readonly variant: RpcVariant;
    readonly iterations: number;
    readonly lambda: number;
    readonly rpc: Place;
  }[];
}

export interface ModelCase {
  readonly name: string;
  readonly attention: AttentionKind;
  readonly embedDim: number;
  readonly heads: number;
  readonly layers: number;
  readonly channels: number;
  readonly patch: number;
  readonly gridHeight: number;
  readonly gridWidth: number;
  readonly mlpDim: number;
  readonly classes: number;
  readonly activation: ModelSpec['activation'];
  readonly distilled?: boolean;
  readonly positionCoversPrefix?: boolean;
  readonly standardise?: boolean;
  readonly rpc?: RpcSettings;
  /** Of each drawn tensor: count, scale, shift. */
  readonly weights: Readonly<Record<string, readonly [number, number, number]>>;
}

export interface GoldenCase extends ModelCase {
  readonly expected: { readonly embedded: Place; readonly layers: readonly GoldenLayer[]; readonly logits: Place };
}

/** float32(normal * scale + shift), the tensor `name` of the case; null when the case has none. */
export function tensor(model: ModelCase, name: string): FloatArray | null {
  const drawn = model.weights[name];
  if (drawn === undefined) return null;
  const [count, scale, shift] = drawn;
  return Float32Array.from(normals(`${model.name}/${name}`, count), (z) => z * scale + shift);
}

function needed(model: ModelCase, name: string): FloatArray {
  const values = tensor(model, name);
  if (values === null) throw new Error(`case ${model.name} draws no ${name}`);
  return values;
}

function linear(model: ModelCase, name: string): LinearWeights | null {
  const weight = tensor(model, `${name}.weight`);
  return weight === null ? null : { weight, bias: tensor(model, `${name}.bias`) };
}

function neededLinear(model: ModelCase, name: string): LinearWeights {
  return { weight: needed(model, `${name}.weight`), bias: tensor(model, `${name}.bias`) };
}

export function embedWeights(model: ModelCase): EmbedWeights {
  return {
    patch: neededLinear(model, 'patch'),
    classToken: needed(model, 'classToken'),
    distToken: tensor(model, 'distToken'),
    position: needed(model, 'position'),
  };
}

export function blockWeights(model: ModelCase, layer: number): BlockWeights {
  const b = `blocks.${layer}`;
  return {
    norm1: neededLinear(model, `${b}.norm1`),
    qkv: neededLinear(model, `${b}.qkv`),
    queryNorm: linear(model, `${b}.queryNorm`),
    keyNorm: linear(model, `${b}.keyNorm`),
    scale: tensor(model, `${b}.scale`),
    proj: neededLinear(model, `${b}.proj`),
    layerScale1: tensor(model, `${b}.layerScale1`),
    norm2: neededLinear(model, `${b}.norm2`),
    fc1: neededLinear(model, `${b}.fc1`),
    fc2: neededLinear(model, `${b}.fc2`),
    layerScale2: tensor(model, `${b}.layerScale2`),
  };
}

export function headWeights(model: ModelCase): HeadWeights {
  return {
    norm: neededLinear(model, 'norm'),
    classifier: linear(model, 'classifier'),
    distClassifier: linear(model, 'distClassifier'),
  };
}

export function modelInput(model: ModelCase): ImageInput {
  return {
    kind: 'random',
    label: `pixels of ${model.name}`,
    pixels: Float64Array.from(needed(model, 'pixels')),
    channels: model.channels,
    height: model.gridHeight * model.patch,
    width: model.gridWidth * model.patch,
    sha256: '',
    picture: null,
  };
}

/** The engine reads sizes and switches of a spec; roles and provenance stay empty here. */
export function modelSpec(model: ModelCase): ModelSpec {
  const role: LinearRole = { weight: '', bias: null };
  const prefixTokens = model.distilled === true ? 2 : 1;
  return {
    family: 'timm-vit',
    attention: model.attention,
    causal: false,
    layers: model.layers,
    heads: model.heads,
    kvHeads: model.heads,
    headDim: model.embedDim / model.heads,
    embedDim: model.embedDim,
    mlpDim: model.mlpDim,
    tokens: model.gridHeight * model.gridWidth + prefixTokens,
    prefixTokens,
    positionCoversPrefix: model.positionCoversPrefix ?? true,
    image: {
      channels: model.channels,
      height: model.gridHeight * model.patch,
      width: model.gridWidth * model.patch,
      patch: model.patch,
      gridHeight: model.gridHeight,
      gridWidth: model.gridWidth,
    },
    classes: model.classes,
    layerNormEps: 1e-6,
    activation: model.activation,
    standardise: model.standardise ?? false,
    rpc: model.rpc ?? null,
    embed: { patch: role, classToken: '', distToken: null, position: '' },
    blocks: [],
    head: { norm: role, classifier: null, distClassifier: null },
    preprocessing: { resizeShortSide: null, interpolation: 'bicubic', mean: [], std: [], source: '' },
    facts: [],
    notes: [],
  };
}
