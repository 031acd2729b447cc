// Every family and where its independent numbers are: cases of PyTorch on both float64 backends, and on webgpu in every
// run or in the full one. A family of the product without a row does not compile; familyNumbers.test.ts checks the rows.

import type { ModelFamily } from '../../../src/model/modelSpec';

/** Why a case runs on webgpu every time: what of the device's own steps only it has. All other image cases are for the full run. */
export const everyTimeOnWebGpu: Readonly<Record<string, string>> = {
  'hf-vit-v4': 'class token, LayerNorm with bias, GELU',
  'timm-distilled': 'two classifiers',
  'timm-average-pool': 'mean of the patches, norm behind it',
  'timm-head-norm-rms': 'RMSNorm on queries and keys',
  deit3: 'positions of the patches only, layer scale',
  'dinov2-chunks-registers-swiglu': 'registers, gated MLP',
  'hf-dinov2-registers-v4': 'class token beside the mean of the patches',
  'hf-clip-quick_gelu': 'norm before the blocks, QuickGELU, projection',
  'flax-augreg': 'tanh GELU',
  'dino-head': 'dense layers, unit length, weight norm',
  whisper: 'convolutions over time, states as output',
  'segmenter-mask-narrow': 'a second stage of another width, masks',
  'segmenter-linear': 'a classifier at every patch',
};

interface Row {
  /** A case of image-families, segmenter, dino-head, text, fwms or nomic.json, run on reference, cpu and webgpu. */
  readonly numbers: string;
  /** Where `numbers` is not run on webgpu every time: the case that is, with the same steps on the device. */
  readonly like?: string;
}
interface ForwardRow {
  /** A case of test/fixtures/engine/forward.json, on reference and cpu. */
  readonly forward: string;
  /** A wish of test/kernels/geometries.ts, on webgpu against reference. */
  readonly wish: string;
}

/** `mapped` and `onnx` are no families of weights: their networks are those of others. */
export const familyNumbers: Readonly<Record<Exclude<ModelFamily, 'mapped' | 'onnx'>, Row | ForwardRow>> = {
  'timm-vit': { numbers: 'timm-average-pool' },
  'deit-distilled': { numbers: 'timm-distilled' },
  symvit: { forward: 'symmetric', wish: 'symmetric' },
  'rpc-symvit': { forward: 'rpc', wish: 'RPC native' },
  'scaled-attention': { forward: 'scaled', wish: 'scaled by a matrix' },
  'reconstruction-vit': { forward: 'standardised', wish: 'standardised' },
  vit: { numbers: 'hf-vit-v4' },
  deit: { numbers: 'hf-deit-distilled-v4', like: 'timm-distilled' },
  'vit-mae': { numbers: 'hf-mae-v4', like: 'hf-vit-v4' },
  'vit-msn': { numbers: 'hf-msn', like: 'hf-vit-v4' },
  dinov2: { numbers: 'dinov2-chunks-registers-swiglu' },
  dino: { numbers: 'dino-head' },
  mae: { numbers: 'mae-encoder', like: 'hf-vit-v4' },
  deit3: { numbers: 'deit3' },
  'clip-vision': { numbers: 'hf-clip-quick_gelu' },
  'clip-text': { numbers: 'clip-text-end' },
  'flax-vit': { numbers: 'flax-augreg' },
  'whisper-encoder': { numbers: 'whisper' },
  segmenter: { numbers: 'segmenter-mask-narrow' },
  bert: { numbers: 'bert-padded' },
  'nomic-bert': { numbers: 'nomic-bert' },
  roberta: { numbers: 'roberta' },
  distilbert: { numbers: 'distilbert' },
  gpt2: { numbers: 'gpt2' },
  'gpt-neo': { numbers: 'gpt-neo' },
  'gpt-neox': { numbers: 'gpt-neox' },
  llama: { numbers: 'llama-gqa' },
  mistral: { numbers: 'mistral-window' },
  qwen2: { numbers: 'qwen2' },
  qwen3: { numbers: 'qwen3' },
  'lmtool-fwms': { numbers: 'fwms' },
};

/** Text cases that are spellings of others on the device: for the full run. */
const textSpellings = /^clip-text-(old|states)/;

/** The language models that webgpu runs in every run. */
export const textEveryTime = (name: string): boolean => !textSpellings.test(name);
