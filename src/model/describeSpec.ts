// One line about a model, for plans, titles and the command line.

import type { ModelFamily, ModelSpec } from './modelSpec';

const familyNames: Readonly<Record<ModelFamily, string>> = {
  'timm-vit': 'ViT',
  'deit-distilled': 'DeiT (distilled)',
  symvit: 'SymViT',
  'rpc-symvit': 'RPC-SymViT',
  'scaled-attention': 'Scaled Attention ViT',
  'reconstruction-vit': 'Reconstruction ViT (standardised q, k)',
  vit: 'ViT (Hugging Face)',
  deit: 'DeiT (Hugging Face)',
  'vit-mae': 'ViT-MAE encoder (Hugging Face)',
  'vit-msn': 'ViT-MSN (Hugging Face)',
  dinov2: 'DINOv2',
  dino: 'DINO',
  mae: 'MAE encoder',
  deit3: 'DeiT-III',
  'clip-vision': 'CLIP image tower',
  'clip-text': 'CLIP text tower',
  'flax-vit': 'ViT (Flax)',
  'whisper-encoder': 'Whisper encoder',
  segmenter: 'Segmenter',
  bert: 'BERT',
  'nomic-bert': 'Nomic BERT',
  roberta: 'RoBERTa',
  distilbert: 'DistilBERT',
  gpt2: 'GPT-2',
  'gpt-neo': 'GPT-Neo',
  'gpt-neox': 'GPT-NeoX',
  llama: 'LLaMA',
  mistral: 'Mistral',
  qwen2: 'Qwen2',
  qwen3: 'Qwen3',
  'lmtool-fwms': 'Transformer language model (lmtool-fwms)',
  mapped: 'Mapped transformer',
  onnx: 'ONNX graph',
};

export function familyName(family: ModelFamily): string {
  return familyNames[family];
}

/** E.g. "RPC-SymViT, 6 layers x 4 heads, d 16, N 50"; of a speech encoder also what N comes from. */
export function describeSpec(spec: ModelSpec): string {
  const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
  const from = spec.audio ? ` (${spec.audio.frames} frames of ${spec.audio.mels} mel bins)` : '';
  const sites = spec.onnx?.sites ?? [];
  // The blocks of a graph may have other sizes each.
  const listed = (name: 'heads' | 'headDim' | 'tokens'): string =>
    [...new Set(sites.length === 0 ? [spec[name]] : sites.map((site) => site[name] ?? spec[name]))].join(', ');
  const heads = listed('heads');
  const inHeads = heads === '1' ? '1 head' : `${heads} heads`;
  return `${familyName(spec.family)}, ${count(spec.layers, 'layer')} x ${inHeads}, d ${listed('headDim')}, N ${listed('tokens')}${from}`;
}
