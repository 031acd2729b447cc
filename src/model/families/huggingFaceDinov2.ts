// DINOv2 with Hugging Face names, with and without registers, plain or SwiGLU MLP; the classifier reads the class
// token beside the mean of the patch tokens (model-families.md section 2.3).

import type { LinearRole } from '../modelSpec';
import { wholeImageNetPictures } from '../pictureDefaults';
import { checkUnused } from '../refusals';
import type { Axis, SpecContext } from '../specContext';
import { buildVit, countBlocks, prefixTokens, vitWidth, type VitHead } from '../vitCore';
import { blockPattern } from '../vitNames';
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

const layout = 'a DINOv2 model with Hugging Face names';

export const huggingFaceDinov2: NamedFamily = {
  layout,
  places: (index, modelType) => {
    const places = placesOf(index, huggingFaceAnchor, ([, place = '', base = '', container = '']) =>
      index.entries.has(`${place}${base}${container}.0.layer_scale1.lambda1`),
    );
    if (places.length > 0) refuseRelatives(index, modelType);
    return places;
  },
  build: (context) => {
    const { base, container } = huggingFaceTree(context);
    const names = huggingFaceNames(layout, base, container);
    context.fact('family', 'dinov2', `tensor ${context.prefix}${names.blockAt(0)}layer_scale1.lambda1`);
    const blocks = blockPattern(names);
    const layers = countBlocks(context, blocks, names.blockAt);
    checkSizes(context, layers, vitWidth(context, names).width);
    const prefix = prefixTokens(context, names);
    const spec = buildVit(context, names, layers, {
      family: 'dinov2',
      attention: 'softmax',
      standardise: false,
      rpc: null,
      projections: 3,
      scaled: false,
      eps: { value: 1e-6, source: 'default of the family' },
      activation: { value: 'gelu', source: 'default of the family' },
      picture: wholeImageNetPictures,
      covers: [prefix.all - prefix.registers],
      headClue: {},
      head: (_, width) => headOf(context, context.norm(names.norm[0]!, width), width),
    });
    const mask = `${base}embeddings.mask_token`;
    if (context.has(mask)) context.used.add(mask);
    checkUnused(context, blocks);
    return spec;
  },
};

function headOf(context: SpecContext, norm: LinearRole, width: Axis): VitHead {
  const both: Axis = { name: 'class token and mean of patches, 2 C', length: 2 * width.length };
  const { role, classes, input } = classifierOf(context, ['classifier'], [both, width]);
  if (role === null) return bareHead(context, norm, 'classifier.weight');
  const pooling = input === both.length ? 'class-mean' : 'class';
  context.fact(
    'pooling',
    pooling === 'class' ? 'class token' : 'class token beside the mean of the patches',
    `shape of ${role.weight}`,
  );
  return { roles: { norm, classifier: role, distClassifier: null, pooling }, classes, source: `tensor ${role.weight}` };
}
