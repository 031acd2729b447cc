// Names of Hugging Face's ViT, DeiT, ViT-MAE, ViT-MSN and DINOv2: those of transformers 4, which save_pretrained
// still writes, and those that transformers 5 has in memory and torch.save writes (model-families.md section 2.3).

import type { TensorIndex } from '../../checkpoint/tensorIndex';
import { ModelSpecError, type LinearRole } from '../modelSpec';
import { asInteger } from '../parseValues';
import type { Axis, SpecContext } from '../specContext';
import type { VitHead } from '../vitCore';
import type { BlockNames, VitNames } from '../vitNames';
import { presentModule } from '../vitNames';

/** Groups: 1 place, 2 base prefix, 3 container of the layers. */
export const huggingFaceAnchor =
  /^(.*?)((?:vit|deit|dinov2|dinov2_with_registers)\.)?(encoder\.layers?|layers)\.0\.attention\.(?:attention\.query|q_proj)\.weight$/;

const block: BlockNames = {
  norm1: ['layernorm_before', 'norm1'],
  qkv: [],
  query: ['attention.attention.query', 'attention.q_proj'],
  key: ['attention.attention.key', 'attention.k_proj'],
  value: ['attention.attention.value', 'attention.v_proj'],
  queryNorm: [],
  keyNorm: [],
  proj: ['attention.output.dense', 'attention.o_proj'],
  layerScale1: ['layer_scale1.lambda1'],
  norm2: ['layernorm_after', 'norm2'],
  fc1: ['intermediate.dense', 'mlp.fc1'],
  gateUp: ['mlp.weights_in'],
  gate: ['mlp.gate_proj'],
  up: ['mlp.up_proj'],
  fc2: ['output.dense', 'mlp.fc2', 'mlp.weights_out', 'mlp.down_proj'],
  layerScale2: ['layer_scale2.lambda1'],
};

/** Names behind the place; `base` is `vit.`, `deit.`, `dinov2.` or '', `container` where the layers are. */
export function huggingFaceNames(layout: string, base: string, container: string): VitNames {
  const embeddings = `${base}embeddings.`;
  return {
    layout,
    classToken: [`${embeddings}cls_token`],
    distToken: [`${embeddings}distillation_token`],
    registers: [`${embeddings}register_tokens`],
    position: [`${embeddings}position_embeddings`],
    patch: [`${embeddings}patch_embeddings.projection`],
    embedNorm: [],
    blockAt: (i) => `${base}${container}.${i}.`,
    block,
    norm: [`${base}layernorm`],
  };
}

/** Base prefix and container of the layers at `context.prefix`. */
export function huggingFaceTree(context: SpecContext): { base: string; container: string } {
  for (const name of context.index.entries.keys()) {
    const match = huggingFaceAnchor.exec(name);
    if (match !== null && match[1] === context.prefix) return { base: match[2] ?? '', container: match[3]! };
  }
  return { base: '', container: 'encoder.layer' };
}

/** Relatives with the same names for the layers, by what only they have. */
const relatives: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  { pattern: /(^|\.)embeddings\.detection_tokens$/, what: 'a YOLOS detector' },
  { pattern: /\.relative_position_bias(\.|_table)|\.lambda_1$/, what: 'a BEiT or Data2Vec model' },
  { pattern: /\.attention\.attention\.(q_bias|v_bias)$/, what: 'a VideoMAE model' },
  { pattern: /(^|\.)audio_spectrogram_transformer\./, what: 'an Audio Spectrogram Transformer' },
  { pattern: /\.patch_embeddings\.backbone\./, what: 'a hybrid ViT with a convolutional stem' },
  { pattern: /(^|\.)vivit\./, what: 'a ViViT model' },
];

/** `model_type` of relatives whose forward pass differs. */
const otherTypes: ReadonlySet<string> = new Set([
  'yolos',
  'beit',
  'data2vec-vision',
  'videomae',
  'vivit',
  'audio-spectrogram-transformer',
  'dpt',
  'vit-hybrid',
  'vitdet',
  'vitpose',
  'vitpose_backbone',
  'ijepa',
  'timesformer',
  'dinov3_vit',
]);

/** @throws ModelSpecError unsupported for a relative that would be computed wrongly. */
export function refuseRelatives(index: TensorIndex, modelType: string | null): void {
  const known = [...index.entries.keys()].flatMap((name) =>
    relatives.filter(({ pattern }) => pattern.test(name)).map(({ what }) => ({ what, tensor: name })),
  )[0];
  const said = modelType !== null && otherTypes.has(modelType) ? `model_type "${modelType}" in config.json` : null;
  if (known === undefined && said === null) return;
  const what = known?.what ?? `a model of another kind`;
  throw new ModelSpecError(
    'unsupported',
    `${index.fileName} looks like ${what} (${known === undefined ? said! : `tensor "${known.tensor}"`}). Its layers have the names of ` +
      'a Hugging Face ViT, but its forward pass is another one that is not in this version.',
  );
}

/** Config and weights must speak of the same model: layers and width. @throws ModelSpecError shapeMismatch */
export function checkSizes(context: SpecContext, layers: number, width: number): void {
  for (const [keys, actual, what] of [
    [['num_hidden_layers'], layers, 'layers'],
    [['hidden_size'], width, 'numbers a token (hidden_size)'],
  ] as const) {
    const said = context.settings.find(keys, asInteger, 'a whole number');
    if (said === null || said.value === actual) continue;
    throw new ModelSpecError(
      'shapeMismatch',
      `${context.fileName} has ${actual} ${what}, but ${said.source} says ${said.value}. Check that the file is whole and that the ` +
        'configuration beside it belongs to it.',
    );
  }
}

/** Classifier at the place, outside of the base model; `read` gives its input width by the numbers in a row. */
export function classifierOf(
  context: SpecContext,
  modules: readonly string[],
  widths: readonly Axis[],
): {
  role: LinearRole | null;
  classes: number | null;
  input: number;
} {
  const module = presentModule(context, modules);
  if (module === null) return { role: null, classes: null, input: 0 };
  const shape = context.need(`${module}.weight`).shape;
  const input = widths.find((width) => width.length === shape[1]) ?? widths[0]!;
  const classes = shape[0] ?? 0;
  return { role: context.linear(module, { name: 'classes', length: classes }, input), classes, input: input.length };
}

/** Head without logits, with the note that says so. */
export function bareHead(context: SpecContext, norm: LinearRole | null, source: string): VitHead {
  context.notes.push(`The file has no classifier (${source}): heads are inspected, there are no logits.`);
  return { roles: { norm, classifier: null, distClassifier: null }, classes: null, source: `tensor ${source}` };
}
