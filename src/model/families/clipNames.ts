// Names of CLIP's towers in Hugging Face's and in OpenAI's (and OpenCLIP's) spelling (model-families.md 2.4); the
// blocks of both towers have the same.

import type { BlockNames, VitNames } from '../vitNames';

export const huggingFaceBlock: BlockNames = {
  norm1: ['layer_norm1'],
  qkv: [],
  query: ['self_attn.q_proj'],
  key: ['self_attn.k_proj'],
  value: ['self_attn.v_proj'],
  queryNorm: [],
  keyNorm: [],
  proj: ['self_attn.out_proj'],
  layerScale1: [],
  norm2: ['layer_norm2'],
  fc1: ['mlp.fc1'],
  gateUp: [],
  gate: [],
  up: [],
  fc2: ['mlp.fc2'],
  layerScale2: [],
};

/** `base` is `vision_model.` or ''. */
export function huggingFaceClipNames(base: string, container: string): VitNames {
  const embeddings = `${base}embeddings.`;
  return {
    layout: 'the image tower of a CLIP model with Hugging Face names',
    classToken: [`${embeddings}class_embedding`],
    distToken: [],
    registers: [],
    position: [`${embeddings}position_embedding.weight`],
    patch: [`${embeddings}patch_embedding`],
    // The first is a slip that the library keeps.
    embedNorm: [`${base}pre_layrnorm`, `${base}pre_layernorm`],
    blockAt: (i) => `${base}${container}.${i}.`,
    block: huggingFaceBlock,
    norm: [`${base}post_layernorm`],
  };
}

export const openAiBlock: BlockNames = {
  norm1: ['ln_1'],
  qkv: ['attn.in_proj_'],
  query: [],
  key: [],
  value: [],
  queryNorm: [],
  keyNorm: [],
  proj: ['attn.out_proj'],
  layerScale1: ['ls_1.gamma'],
  norm2: ['ln_2'],
  fc1: ['mlp.c_fc'],
  gateUp: [],
  gate: [],
  up: [],
  fc2: ['mlp.c_proj'],
  layerScale2: ['ls_2.gamma'],
};

/** `base` is `visual.` or ''. */
export function openAiClipNames(base: string): VitNames {
  return {
    layout: 'the image tower of a CLIP model with OpenAI names',
    classToken: [`${base}class_embedding`],
    distToken: [],
    registers: [],
    position: [`${base}positional_embedding`],
    patch: [`${base}conv1`],
    embedNorm: [`${base}ln_pre`],
    blockAt: (i) => `${base}transformer.resblocks.${i}.`,
    block: openAiBlock,
    norm: [`${base}ln_post`],
  };
}
