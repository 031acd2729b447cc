// Whisper's encoder, in the names of Hugging Face and in those of OpenAI's own files (with `dims` beside the weights):
// two convolutions over log-mel frames, fixed positions, pre-LN blocks whose keys have no bias. The decoder is left out.

import { inferHeads } from '../headCount';
import { ModelSpecError, type LinearRole, type ModelSpec } from '../modelSpec';
import { inferActivation, inferEps } from '../numerics';
import { givenBy } from '../overrides';
import { asInteger, asRecord } from '../parseValues';
import { processorFile } from '../processorConfig';
import { checkUnused } from '../refusals';
import type { Axis, SpecContext } from '../specContext';
import { countBlocks } from '../vitCore';
import { placesOf, type NamedFamily } from './namedFamily';

/** How a kind of file spells the parts of the encoder, behind its prefix. */
interface Names {
  readonly layers: string;
  readonly position: string;
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly out: string;
  readonly norm1: string;
  readonly norm2: string;
  readonly fc1: string;
  readonly fc2: string;
  readonly norm: string;
}

const huggingFace: Names = {
  layers: 'layers',
  position: 'embed_positions.weight',
  query: 'self_attn.q_proj',
  key: 'self_attn.k_proj',
  value: 'self_attn.v_proj',
  out: 'self_attn.out_proj',
  norm1: 'self_attn_layer_norm',
  norm2: 'final_layer_norm',
  fc1: 'fc1',
  fc2: 'fc2',
  norm: 'layer_norm',
};

const openAi: Names = {
  layers: 'blocks',
  position: 'positional_embedding',
  query: 'attn.query',
  key: 'attn.key',
  value: 'attn.value',
  out: 'attn.out',
  norm1: 'attn_ln',
  norm2: 'mlp_ln',
  fc1: 'mlp.0',
  fc2: 'mlp.2',
  norm: 'ln_post',
};

const layout = 'a Whisper encoder';
/** Head size of every released Whisper, tiny to large. */
const everyHeadDim = 64;
/** Frames that become one token: the stride of the second convolution. */
const framesPerToken = 2;

const isEncoder = (has: (name: string) => boolean, names: Names): boolean =>
  [names.position, 'conv2.weight', `${names.layers}.0.${names.query}.weight`].every(has);

export const whisper: NamedFamily = {
  layout,
  places: (index, modelType) => {
    const places = placesOf(index, /^(.*?)conv1\.weight$/, ([, place = '']) =>
      [huggingFace, openAi].some((names) => isEncoder((name) => index.entries.has(place + name), names)),
    );
    // Others put the same encoder in front of a language model and pool or project its output.
    if (places.length > 0 && modelType !== null && modelType !== 'whisper') {
      throw new ModelSpecError(
        'unsupported',
        `${index.fileName} has the tensor names of a Whisper encoder, but config.json says model_type "${modelType}". Gramlens does not run that family in this version: its numbers would be wrong.`,
      );
    }
    return places;
  },
  build: (context) => {
    const names = isEncoder((name) => context.has(name), huggingFace) ? huggingFace : openAi;
    context.fact('family', 'whisper-encoder', `tensor ${context.prefix}${names.position}`);
    noteDecoder(context);
    return encoder(context, names);
  },
};

/** A whole model is in the file: say that half of it is left out. */
function noteDecoder({ index, prefix, notes }: SpecContext): void {
  const outer = prefix.replace(/encoder\.$/, '');
  const count = [...index.entries.keys()].filter((name) => name.startsWith(`${outer}decoder.`)).length;
  if (count > 0) {
    notes.push(
      `The decoder beside the encoder (${count} tensors) is ignored: the encoder's self-attention is inspected.`,
    );
  }
}

function encoder(context: SpecContext, names: Names): ModelSpec {
  const at = (i: number): string => `${names.layers}.${i}.`;
  const pattern = new RegExp(`^${names.layers}\\.(\\d{1,9})\\.`);
  const layers = countBlocks(context, pattern, at);
  const kernel = context.need('conv1.weight');
  const [embedDim = 0, mels = 0] = kernel.shape;
  if (kernel.shape.length !== 3 || embedDim < 1 || mels < 1) {
    throw context.mismatch('conv1.weight', 'expected [C, mel bins, 3]');
  }
  context.fact('layers', layers, `tensor names ${context.prefix}${names.layers}.*`);
  context.fact('width', embedDim, `shape of ${context.prefix}conv1.weight`);
  checkConfig(context, layers, embedDim, mels);
  const heads = inferHeads(context, { embedDim, everyHeadDim });
  const headDim = embedDim / heads;
  context.fact('head size', headDim, 'width / heads');
  const width: Axis = { name: 'width C', length: embedDim };
  const taps: Axis = { name: 'taps', length: 3 };
  const mlpDim = context.need(`${at(0)}${names.fc1}.weight`).shape[0] ?? 0;
  context.fact('MLP width', mlpDim, `shape of ${context.prefix}${at(0)}${names.fc1}.weight`);
  const mlp: Axis = { name: 'MLP width', length: mlpDim };
  const positions = context.need(names.position).shape[0] ?? 0;
  const position = context.tensor(names.position, [{ name: 'positions', length: positions }, width]);
  const frames = framesOf(context, positions, position);
  context.fact('mel bins', mels, `shape of ${context.prefix}conv1.weight`);
  context.fact('tokens', frames / framesPerToken, `frames / ${framesPerToken}`);
  const convolution = (name: string, input: Axis): LinearRole => ({
    weight: context.tensor(`${name}.weight`, [width, input, taps]),
    bias: context.optionalTensor(`${name}.bias`, [width]),
  });
  const convolutions = {
    first: convolution('conv1', { name: 'mel bins', length: mels }),
    second: convolution('conv2', width),
  };
  const blocks = Array.from({ length: layers }, (_, i) => {
    const linear = (part: string, out: Axis, input: Axis): LinearRole => context.linear(`${at(i)}${part}`, out, input);
    const query = linear(names.query, width, width);
    return {
      norm1: context.norm(`${at(i)}${names.norm1}`, width),
      qkv: { ...query, then: [linear(names.key, width, width), linear(names.value, width, width)] },
      queryNorm: null,
      keyNorm: null,
      scale: null,
      proj: linear(names.out, width, width),
      layerScale1: null,
      norm2: context.norm(`${at(i)}${names.norm2}`, width),
      fc1: linear(names.fc1, mlp, width),
      fc2: linear(names.fc2, width, mlp),
      layerScale2: null,
    };
  });
  const norm = context.norm(names.norm, width);
  context.fact('output', 'the normed states of all tokens', `tensor ${norm.weight}`);
  const layerNormEps = inferEps(context, { value: 1e-5, source: 'default of the family' });
  const activation = inferActivation(context, { value: 'gelu', source: 'default of the family' });
  checkUnused(context, pattern);
  return {
    family: 'whisper-encoder',
    attention: 'softmax',
    causal: false,
    layers,
    heads,
    kvHeads: heads,
    headDim,
    embedDim,
    mlpDim,
    tokens: frames / framesPerToken,
    prefixTokens: 0,
    positionCoversPrefix: true,
    image: null,
    audio: { mels, frames },
    classes: null,
    layerNormEps,
    activation,
    standardise: false,
    rpc: null,
    embed: { patch: null, classToken: null, distToken: null, position, convolutions },
    blocks,
    head: { norm, classifier: null, distClassifier: null, output: 'states' },
    preprocessing: null,
    facts: context.facts,
    notes: context.notes,
  };
}

/**
 * Frames of the input. Both OpenAI's code and transformers take the trained length alone (30 s) and refuse any other;
 * fewer frames on the leading positions, as whisper.cpp's audio context does, is for the person to ask for.
 */
function framesOf(context: SpecContext, positions: number, tensor: string): number {
  const trained = positions * framesPerToken;
  const wanted = context.overrides.frames;
  if (wanted === undefined) {
    context.fact('frames', trained, `${framesPerToken} x rows of ${tensor}`);
    return trained;
  }
  if (wanted > trained) {
    throw new ModelSpecError(
      'badOverride',
      `${givenBy(context.overrides, 'frames')}=${wanted}: ${context.fileName} has positions for ${trained} frames. Give ${trained} or fewer.`,
    );
  }
  context.fact('frames', wanted, givenBy(context.overrides, 'frames'));
  if (wanted < trained) {
    context.notes.push(
      `The encoder runs on ${wanted} frames with its leading ${wanted / framesPerToken} positions. It was trained on ${trained} frames, shorter sound padded to them; OpenAI's code and transformers refuse any other length.`,
    );
  }
  return wanted;
}

/** Config, dims and feature extractor must speak of the same model. @throws ModelSpecError shapeMismatch */
function checkConfig(context: SpecContext, layers: number, width: number, mels: number): void {
  for (const [keys, actual, what] of [
    [['encoder_layers', 'n_audio_layer'], layers, 'encoder layers'],
    [['d_model', 'n_audio_state'], width, 'numbers a token (d_model)'],
    [['num_mel_bins', 'n_mels'], mels, 'mel bins'],
  ] as const) {
    const said = context.settings.find(keys, asInteger, 'a whole number');
    if (said === null || said.value === actual) continue;
    throw new ModelSpecError(
      'shapeMismatch',
      `${context.fileName} has ${actual} ${what}, but ${said.source} says ${said.value}. Check that the file is whole and that the configuration beside it belongs to it.`,
    );
  }
  const extractor = asRecord(context.settings.values(processorFile));
  const size = asInteger(extractor?.['feature_size']);
  if (size === null) return;
  const [seconds, rate] = [asInteger(extractor?.['chunk_length']), asInteger(extractor?.['sampling_rate'])];
  const sound = seconds === null || rate === null ? '' : ` of ${seconds} s of sound at ${rate} Hz`;
  context.fact('feature extractor', `${size} mel bins${sound}`, processorFile);
}
