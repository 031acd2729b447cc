// Models we recognise and do not run: named, so that the person knows it is not her file that is broken. First the
// families with other tensor names, then the variants of timm's layout whose forward pass differs from ours.

import type { TensorIndex } from '../checkpoint/tensorIndex';
import { ggufArchitecture } from './families/ggufReader';
import { modelName } from './headCount';
import { ModelSpecError } from './modelSpec';
import { asRecord, asText } from './parseValues';
import type { SpecContext } from './specContext';

interface Pattern {
  readonly pattern: RegExp;
  readonly what: string;
  /** A family that is read: this part of it must have been missing, or it would not have come here. */
  readonly missing?: string;
}

/** What this version inspects, for messages. */
const inspected =
  'it knows the names of vision, text and speech transformers that the README lists; others run once their tensors are mapped.';

/** Families by their tensor names (model-families.md sections 2.2 to 3); the first match counts. */
const otherFamilies: readonly Pattern[] = [
  {
    pattern: /(^|\.)layers\.\d+\.blocks\.\d+\.(attn\.(qkv|relative_position)|attention\.self\.)/,
    what: 'a Swin Transformer',
  },
  {
    pattern: /^(params\/|opt\/target\/|img\/)*Transformer\/encoderblock/,
    what: 'a Flax ViT',
    missing: 'embedding/kernel',
  },
  {
    pattern: /(^|\.)layers\.\d+\.dec_attn\.(r_net|r_w_bias|r_r_bias)\b|(^|\.)r_w_bias$/,
    what: 'a Transformer-XL, with relative positions',
  },
  {
    pattern: /(^|\.)layers\.\d+\.dec_attn\./,
    what: 'a fast weight programmer or linear Transformer of lmtool-fwms',
  },
  { pattern: /^onnx::MatMul_/, what: 'an ONNX model' },
  { pattern: /^blk\.\d+\.attn_/, what: 'a GGUF language model' },
  {
    pattern: /(^|\.)(vision_model|text_model)\.encoder\.layers\.\d+\./,
    what: 'a CLIP or SigLIP model (Hugging Face names)',
    missing: 'the embedding of an image or a text tower',
  },
  {
    pattern: /(^|\.)transformer\.resblocks\.\d+\./,
    what: 'a CLIP model (OpenAI names)',
    missing: 'class_embedding of an image tower that is a transformer, or token_embedding of a text tower',
  },
  {
    pattern: /(^|\.)encoder\.layer\.\d+\.layer_scale1\./,
    what: 'a DINOv2 model (Hugging Face names)',
    missing: 'the attention of layer 0',
  },
  { pattern: /(^|\.)layer\.\d+\.attention\.q_proj\./, what: 'a DINOv3 model' },
  {
    pattern: /(^|\.)encoder\.layer\.\d+\.attention\.attention\.query\./,
    what: 'a ViT or DeiT with Hugging Face names',
    missing: 'layernorm_before of layer 0',
  },
  {
    pattern: /(^|\.)layers\.\d+\.attention\.q_proj\./,
    what: 'a ViT or DeiT with Hugging Face names',
    missing: 'layernorm_before of layer 0',
  },
  { pattern: /(^|\.)encoder\.layers\.encoder_layer_\d+\.self_attention\./, what: 'a torchvision ViT' },
  { pattern: /(^|\.)transformer\.layer\.\d+\.attention\.q_lin\./, what: 'a DistilBERT model' },
  { pattern: /^roberta\.encoder\.layer\.\d+\./, what: 'a RoBERTa model' },
  { pattern: /^electra\.encoder\.layer\.\d+\./, what: 'an ELECTRA model' },
  { pattern: /(^|\.)encoder\.layer\.\d+\.attention\.self\.query\./, what: 'a BERT model' },
  { pattern: /(^|\.)layers\.\d+\.attn\.Wqkv\./, what: 'a ModernBERT model' },
  { pattern: /(^|\.)h\.\d+\.attn\.attention\.q_proj\./, what: 'a GPT-Neo model' },
  { pattern: /(^|\.)h\.\d+\.attn\.c_attn\./, what: 'a GPT-2 model' },
  { pattern: /(^|\.)layers\.\d+\.attention\.query_key_value\./, what: 'a GPT-NeoX or Pythia model' },
  { pattern: /(^|\.)encoder\.conv1\.weight$/, what: 'a Whisper model' },
  { pattern: /(^|\.)decoder\.layers\.\d+\.self_attn\.q_proj\./, what: 'an OPT model' },
  { pattern: /(^|\.)layers\.\d+\.self_attn\.qkv_proj\./, what: 'a Phi-3 model' },
  { pattern: /(^|\.)layers\.\d+\.self_attn\.q_proj\./, what: 'a LLaMA, Mistral or Qwen model' },
  { pattern: /(^|\.)block\.\d+\.layer\.\d+\.SelfAttention\./, what: 'a T5 model' },
  { pattern: /(^|\.)layers\.\d+\.self_attn\.in_proj_weight$/, what: 'a model built on torch.nn.TransformerEncoder' },
  { pattern: /(^|\.)to_qkv\.weight$/, what: 'a vit-pytorch model' },
];

/** Inside timm's layout: what a tensor name tells about a forward pass that this version does not have. */
const variants: readonly Pattern[] = [
  { pattern: /^blocks\.\d+\.(attns|ffns)\./, what: 'parallel attention blocks' },
  { pattern: /^blocks\.\d+\.(attn\.)?(in_proj|in_norm)\b/, what: 'a fused in_proj (parallel scaling blocks)' },
  { pattern: /^blocks\.\d+\.attn\.(lambda_|sub_norm|lambdas)/, what: 'differential attention' },
  { pattern: /^blocks\.\d+\.mlp\.(w1|w2|gate_proj|up_proj)\b/, what: 'a SwiGLU MLP in three matrices (EVA)' },
  { pattern: /^blocks\.\d+\.mlp\.norm\./, what: 'a norm inside the MLP' },
  { pattern: /^blocks\.\d+\.attn\.gate\b/, what: 'gated attention' },
  { pattern: /^blocks\.\d+\.attn\.norm\./, what: 'a norm on the attention output (scale_norm)' },
  {
    pattern: /^blocks\.\d+\.attn\.(relative_position|rel_pos|q_bias|v_bias)/,
    what: 'relative positions (BEiT or SAM)',
  },
  { pattern: /^blocks\.\d+\.attn\.(proj_l|proj_w)\b|^blocks_token_only\./, what: 'talking heads (CaiT)' },
  { pattern: /^blocks\.\d+\.attn\.temperature$/, what: 'cross-covariance attention (XCiT)' },
  { pattern: /^blocks\.\d+\.attn\.(gating_param|pos_proj)/, what: 'gated positional attention (ConViT)' },
  {
    pattern: /^blocks\.\d+\.attn\.(q|k|v|q_proj|k_proj|v_proj)\.weight$/,
    what: 'separate query, key and value projections',
  },
  { pattern: /^blocks\.\d+\.mlp_tokens\./, what: 'token mixing instead of attention (MLP-Mixer)' },
  { pattern: /^blocks\.\d+\..*\blora_/, what: 'LoRA adapters that are not merged' },
  { pattern: /^blocks\.\d+\.(cross_attn|norm3)\./, what: 'cross attention' },
  { pattern: /^attn_pool\./, what: 'attention pooling' },
  { pattern: /^pre_logits\.fc\./, what: 'a representation layer before the classifier (pre_logits)' },
  { pattern: /^patch_embed\.(backbone|proj\.\d|proj\.c|conv)/, what: 'a convolutional stem' },
  { pattern: /^(rope|pos_embed_rel|rel_pos_bias)\b/, what: 'rotary or relative positions' },
];

/** Throws for a file without a timm-like state: by family name where we know it, else 'unknownFamily'. */
export function refuseOtherFamily(index: TensorIndex, config: unknown): never {
  const known = recogniseOtherFamily(index);
  if (known?.missing !== undefined) {
    throw new ModelSpecError(
      'missingTensor',
      `${index.fileName} looks like ${known.what} (tensor "${known.tensor}"), but ${known.missing} is not in it. ` +
        'Check that the file holds the whole model, not a part of it.',
    );
  }
  if (known !== null) {
    const architecture = ggufArchitecture(index);
    const named = architecture === null ? '' : ` of the architecture "${architecture}"`;
    throw new ModelSpecError(
      'unsupported',
      `${index.fileName} looks like ${known.what}${named} (tensor "${known.tensor}"). That family is not in this version: ${inspected}`,
    );
  }
  const modelType = asText(asRecord(config)?.['model_type']);
  if (index.entries.size === 0) {
    throw new ModelSpecError(
      'unknownFamily',
      `${index.fileName} holds no tensors, so there is no model to inspect. Choose a checkpoint that holds weights.`,
    );
  }
  const first = [...index.entries.keys()].slice(0, 3).map((name) => `"${name}"`);
  throw new ModelSpecError(
    'unknownFamily',
    `${index.fileName} has no transformer blocks under a name Gramlens knows (it begins with ${first.join(', ')}` +
      `${modelType === null ? '' : `; config.json says model_type "${modelType}"`}). In this version ${inspected}`,
  );
}

/** The first family of the list that a tensor name tells; null when none. */
export function recogniseOtherFamily(index: TensorIndex): (Omit<Pattern, 'pattern'> & { tensor: string }) | null {
  for (const { pattern, ...family } of otherFamilies) {
    for (const name of index.entries.keys()) if (pattern.test(name)) return { ...family, tensor: name };
  }
  return null;
}

/** A family that is told apart although it has `blocks.0.` in its names. */
export function hidesBlocks(index: TensorIndex): boolean {
  const pattern = otherFamilies[0]!.pattern;
  for (const name of index.entries.keys()) if (pattern.test(name)) return true;
  return false;
}

/** Throws 'unsupported' for variants of timm's layout that would be computed wrongly. */
export function refuseVariants(context: SpecContext): void {
  const names = [...context.names()];
  for (const { pattern, what } of variants) {
    const tensor = names.find((name) => pattern.test(name));
    if (tensor === undefined) continue;
    throw new ModelSpecError(
      'unsupported',
      `${context.fileName} has ${what} (tensor "${context.prefix}${tensor}"). Gramlens knows this variant but does ` +
        'not run it in this version: its numbers would be wrong.',
    );
  }
  // timm's ResPostBlock has the names of the pre-LN block: norm1 and norm2 stand behind attention and MLP there.
  const named = modelName(context);
  if (named !== null && /(^|_)(rpn|srelpos|relpos)(_|$)/.test(named.value.toLowerCase())) {
    throw new ModelSpecError(
      'unsupported',
      `${context.fileName} is "${named.value}" (${named.source}), whose blocks have norms behind the attention or relative positions. Gramlens knows this variant but does not run it in this version: its numbers would be wrong.`,
    );
  }
  if (!context.has('pos_embed') && context.has('patch_embed.proj.weight')) {
    throw new ModelSpecError(
      'unsupported',
      `${context.fileName} has no "${context.prefix}pos_embed". Vision transformers without a learned position ` +
        'embedding are not in this version.',
    );
  }
}

/** Unknown tensors inside blocks (names that match `blocks`) change the forward pass: refused. Outside they are noted. */
export function checkUnused(context: SpecContext, blocks: RegExp = /^blocks\./): void {
  const ignored: string[] = [];
  for (const name of context.names()) {
    if (context.used.has(name)) continue;
    if (blocks.test(name) && !/(num_batches_tracked|attn_mask|position_ids)$/.test(name)) {
      throw new ModelSpecError(
        'unsupported',
        `${context.fileName}: tensor "${context.prefix}${name}" has no place in a family Gramlens knows, and leaving ` +
          'it out would make the numbers wrong. Remove it from the file if the forward pass does not use it.',
      );
    }
    ignored.push(name);
  }
  if (ignored.length === 0) return;
  const groups = [...new Set(ignored.map((name) => name.split(/[./]/)[0]!))];
  const decoder = groups.some((group) => group.startsWith('decoder'));
  const listed = groups.slice(0, 6).join(', ') + (groups.length > 6 ? ', ...' : '');
  context.notes.push(
    `${ignored.length} tensors outside the ${decoder ? 'encoder (a masked autoencoder: its decoder is not inspected)' : 'network that is inspected'} ` +
      `were ignored: ${listed}.`,
  );
}
