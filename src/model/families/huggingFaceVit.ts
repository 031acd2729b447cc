// Hugging Face's ViT, DeiT (distilled too), ViT-MAE encoder and ViT-MSN: one tree of names, told apart by model_type,
// by the distillation token, by the decoder (model-families.md section 2.3).

import { inferenceOf, type ViTKind } from './huggingFaceKinds';
import { ModelSpecError, type ModelSpec } from '../modelSpec';
import { asText } from '../parseValues';
import { checkUnused } from '../refusals';
import type { Axis, SpecContext } from '../specContext';
import { buildVit, countBlocks, prefixTokens, vitWidth, type VitHead } from '../vitCore';
import { blockPattern, type VitNames } from '../vitNames';
import {
  bareHead,
  checkSizes,
  classifierOf,
  huggingFaceAnchor,
  huggingFaceNames,
  huggingFaceTree,
  refuseRelatives,
} from './huggingFaceNames';
import { placesOf, type NamedFamily } from './namedFamily';

const layout = 'a ViT with Hugging Face names';

export const huggingFaceVit: NamedFamily = {
  layout,
  places: (index, modelType) => {
    const places = placesOf(index, huggingFaceAnchor, ([, place = '', base = '', container = '']) =>
      index.entries.has(`${place}${base}${container}.0.layernorm_before.weight`),
    );
    if (places.length > 0) refuseRelatives(index, modelType);
    return places;
  },
  build: (context) => {
    const { base, container } = huggingFaceTree(context);
    const names = huggingFaceNames(layout, base, container);
    const kind = kindOf(context, base, names);
    const { family, eps, picture, note } = inferenceOf[kind.kind];
    context.fact('family', family, kind.source);
    if (note !== undefined) context.notes.push(note);
    const blocks = blockPattern(names);
    const layers = countBlocks(context, blocks, names.blockAt);
    checkSizes(context, layers, vitWidth(context, names).width);
    const prefix = prefixTokens(context, names);
    if (prefix.classToken === 0) throw noClassToken(context);
    const spec: ModelSpec = buildVit(context, names, layers, {
      family,
      attention: 'softmax',
      standardise: false,
      rpc: null,
      projections: 3,
      scaled: false,
      eps,
      activation: { value: 'gelu', source: 'default of the family' },
      picture,
      covers: [prefix.all],
      headClue: {},
      head: (_, width) => headOf(context, names, width, prefix.distToken > 0),
    });
    for (const unused of ['embeddings.mask_token']) if (context.has(base + unused)) context.used.add(base + unused);
    checkUnused(context, blocks);
    return spec;
  },
};

function kindOf(context: SpecContext, base: string, names: VitNames): { kind: ViTKind; source: string } {
  const said = context.settings.find(['model_type'], asText, 'a model type');
  const types: Readonly<Record<string, ViTKind>> = { vit: 'vit', deit: 'deit', vit_mae: 'mae', vit_msn: 'msn' };
  if (said !== null && Object.hasOwn(types, said.value)) return { kind: types[said.value]!, source: said.source };
  const at = context.prefix;
  const distillation = names.distToken.find((name) => context.has(name));
  if (distillation !== undefined) return { kind: 'deit', source: `tensor ${at}${distillation}` };
  if (base === 'deit.') return { kind: 'deit', source: `tensor names ${at}deit.*` };
  const decoder = ['decoder.mask_token', 'decoder.decoder_pos_embed'].find((name) => context.has(name));
  if (decoder !== undefined) return { kind: 'mae', source: `tensor ${at}${decoder}` };
  return { kind: 'vit', source: `tensor names ${at}${names.blockAt(0)}*` };
}

/** Final norm over all tokens; class token, or class and distillation token with a classifier each. */
function headOf(context: SpecContext, names: VitNames, width: Axis, distilled: boolean): VitHead {
  const norm = context.norm(names.norm[0]!, width);
  const first = classifierOf(context, ['classifier', 'cls_classifier'], [width]);
  if (first.role === null) return bareHead(context, norm, 'classifier.weight');
  const second = distilled ? classifierOf(context, ['distillation_classifier'], [width]) : null;
  return {
    roles: { norm, classifier: first.role, distClassifier: second?.role ?? null },
    classes: first.classes,
    source: `tensor ${first.role.weight}`,
  };
}

function noClassToken(context: SpecContext): ModelSpecError {
  return new ModelSpecError(
    'unsupported',
    `${context.fileName} has the names of a Hugging Face ViT but no class token. Models without one (I-JEPA) are not in this version.`,
  );
}
