// CLIP's image tower: pre-norm behind the positions, patches without bias, QuickGELU or GELU as the configuration
// says, and as output the projected image embedding instead of logits (model-families.md section 2.4).

import { ModelSpecError, type LinearRole, type ModelSpec } from '../modelSpec';
import type { Default } from '../numerics';
import { asInteger } from '../parseValues';
import { clipPictures } from '../pictureDefaults';
import { checkUnused } from '../refusals';
import type { Axis, SpecContext } from '../specContext';
import { buildVit, countBlocks, vitWidth, type VitHead, type VitTraits } from '../vitCore';
import { blockPattern, moduleWeight, neededModule, type VitNames } from '../vitNames';
import { openClipActivation, quickGelu } from './clipActivation';
import { huggingFaceClipNames, openAiClipNames } from './clipNames';
import { checkSizes } from './huggingFaceNames';
import { placesOf, type NamedFamily } from './namedFamily';

/** Groups: 1 place, 2 base, 3 container. */
const huggingFaceAnchor = /^(.*?)(vision_model\.)?(encoder\.layers|layers)\.0\.self_attn\.q_proj\.weight$/;
const openAiAnchor = /^(.*?)(visual\.)?transformer\.resblocks\.0\.attn\.in_proj_weight$/;
/** Heads are 64 wide in OpenAI's code, whatever the width. */
const usualHeadDim = 64;

export const huggingFaceClipVision: NamedFamily = {
  layout: 'the image tower of a CLIP model with Hugging Face names',
  configKeys: ['vision_config'],
  tower: 'vision',
  places: (index, modelType) => {
    const siglip = [...index.entries.keys()].find((name) => /(^|\.)vision_model\.head\.probe$/.test(name));
    if (siglip !== undefined || /^siglip/.test(modelType ?? '')) throw refused(index.fileName, siglip, modelType);
    return placesOf(index, huggingFaceAnchor, ([, place = '', base = '']) =>
      index.entries.has(`${place}${base}embeddings.class_embedding`),
    );
  },
  build: (context) => {
    const anchor = treeAt(context, huggingFaceAnchor);
    const base = anchor[2] ?? '';
    const names = huggingFaceClipNames(base, anchor[3] ?? 'encoder.layers');
    return build(context, names, quickGelu, (_, width) => {
      if (context.has('classifier.weight')) return classifierHead(context, names, width);
      return embeddingHead(context, names, width, projection(context, 'visual_projection.weight', width));
    });
  },
};

export const openAiClipVision: NamedFamily = {
  layout: 'the image tower of a CLIP model with OpenAI names',
  configKeys: ['vision_cfg'],
  tower: 'vision',
  places: (index) =>
    placesOf(index, openAiAnchor, ([, place = '', base = '']) => index.entries.has(`${place}${base}class_embedding`)),
  build: (context) => {
    const base = treeAt(context, openAiAnchor)[2] ?? '';
    const pool = [...context.names()].find((name) => name.startsWith(`${base}attn_pool`));
    if (pool !== undefined) {
      throw new ModelSpecError(
        'unsupported',
        `${context.fileName} has attention pooling (tensor "${context.prefix}${pool}"). Gramlens knows this variant but does not run it in this version: its numbers would be wrong.`,
      );
    }
    const names = openAiClipNames(base);
    return build(context, names, openClipActivation(context), (_, width) =>
      embeddingHead(context, names, width, transposedProjection(context, `${base}proj`, width)),
    );
  },
};

function build(
  context: SpecContext,
  names: VitNames,
  activation: Default<ModelSpec['activation']>,
  head: VitTraits['head'],
): ModelSpec {
  context.fact('family', 'clip-vision', `tensor ${context.prefix}${names.classToken[0]!}`);
  const blocks = blockPattern(names);
  const layers = countBlocks(context, blocks, names.blockAt);
  const { width } = vitWidth(context, names);
  checkSizes(context, layers, width);
  const headWidth = context.settings.find(['head_width'], asInteger, 'a whole number')?.value ?? usualHeadDim;
  const spec = buildVit(context, names, layers, {
    family: 'clip-vision',
    attention: 'softmax',
    standardise: false,
    rpc: null,
    projections: 3,
    scaled: false,
    eps: { value: 1e-5, source: 'default of the family' },
    activation,
    picture: clipPictures,
    covers: [1],
    headClue: { usualHeadDim: headWidth },
    head,
  });
  checkUnused(context, blocks);
  return spec;
}

function projection(context: SpecContext, name: string, width: Axis): LinearRole | null {
  if (!context.has(name)) return null;
  const out: Axis = { name: 'embedding', length: context.need(name).shape[0] ?? 0 };
  return { weight: context.tensor(name, [out, width]), bias: null };
}

/** visual.proj is [C, E]. */
function transposedProjection(context: SpecContext, name: string, width: Axis): LinearRole | null {
  if (!context.has(name)) return null;
  const out: Axis = { name: 'embedding', length: context.need(name).shape[1] ?? 0 };
  return { weight: context.tensor(name, [width, out]), bias: null, layout: 'in-out' };
}

/** Norm and projection of the class token; the output is an embedding of the picture. */
function embeddingHead(context: SpecContext, names: VitNames, width: Axis, projected: LinearRole | null): VitHead {
  const norm = context.norm(neededModule(context, names.norm), width);
  if (projected === null) {
    context.notes.push('The file has no projection of the image tower: heads are inspected, there is no output.');
    return { roles: { norm, classifier: null, distClassifier: null }, classes: null, source: `tensor ${norm.weight}` };
  }
  const shape = context.index.entries.get(projected.weight)!.shape;
  const classes = (projected.layout === 'in-out' ? shape[1] : shape[0]) ?? 0;
  context.notes.push(
    `The output is CLIP's image embedding of ${classes} numbers, before it is normalised; it is not class logits.`,
  );
  return {
    roles: { norm, classifier: projected, distClassifier: null, output: 'embedding' },
    classes,
    source: `tensor ${projected.weight}`,
  };
}

/** CLIPForImageClassification: the mean of the patch tokens, without the final norm. */
function classifierHead(context: SpecContext, names: VitNames, width: Axis): VitHead {
  const unused = neededModule(context, names.norm);
  if (context.has(moduleWeight(unused))) context.norm(unused, width);
  const classes = context.need('classifier.weight').shape[0] ?? 0;
  const classifier = context.linear('classifier', { name: 'classes', length: classes }, width);
  context.fact('pooling', 'mean of the patch tokens', `tensor ${classifier.weight}`);
  return {
    roles: { norm: null, classifier, distClassifier: null, pooling: 'mean' },
    classes,
    source: `tensor ${classifier.weight}`,
  };
}

function treeAt(context: SpecContext, anchor: RegExp): RegExpExecArray {
  for (const name of context.index.entries.keys()) {
    const match = anchor.exec(name);
    if (match !== null && match[1] === context.prefix && context.index.entries.has(classNameOf(match))) return match;
  }
  throw new ModelSpecError('unknownFamily', `${context.fileName} has no CLIP image tower.`);
}

function classNameOf(match: RegExpExecArray): string {
  const base = `${match[1] ?? ''}${match[2] ?? ''}`;
  return match[3] === undefined ? `${base}class_embedding` : `${base}embeddings.class_embedding`;
}

function refused(fileName: string, tensor: string | undefined, modelType: string | null): ModelSpecError {
  const why = tensor === undefined ? `model_type "${modelType ?? ''}" in config.json` : `tensor "${tensor}"`;
  return new ModelSpecError(
    'unsupported',
    `${fileName} looks like a SigLIP model (${why}). It has no class token and pools by attention (head.probe), which is not in this version.`,
  );
}
