// DeiT-III: timm's layout with layer scale and positions on patches only. Older files call the scales gamma_1 and
// gamma_2; newer ones are told by what model or file are called (model-families.md section 2.1).

import { modelName } from '../headCount';
import { wholeImageNetPictures } from '../pictureDefaults';
import type { RecogniseFamily } from './family';

export const deit3: RecogniseFamily = (context, probe) => {
  if (probe.projections !== 3 || probe.hasScale) return null;
  const gamma = `${probe.blockAt(0)}gamma_1`;
  const name = modelName(context);
  const called = /deit_?3|deit-?iii/i;
  const source = context.has(gamma)
    ? `tensor ${context.prefix}${gamma}`
    : name !== null && called.test(name.value)
      ? `${name.source} ${name.value}`
      : called.test(context.fileName)
        ? 'file name'
        : null;
  if (source === null) return null;
  return {
    family: 'deit3',
    attention: 'softmax',
    standardise: false,
    rpc: null,
    picture: wholeImageNetPictures,
    source,
  };
};
