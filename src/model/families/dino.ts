// DINO (v1): timm's layout without a classifier; training files hold a student and a teacher, each with a projection
// head beside the backbone (dinoHead.ts; model-families.md section 2.1).

import { imageNetPictures } from '../pictureDefaults';
import type { RecogniseFamily } from './family';

/** Projection head of DINO, in and outside of the wrapper that training uses. */
const projectionHead = /(^|\.)head\.(mlp\.\d+\.|last_layer\.)/;

export const dino: RecogniseFamily = (context, probe) => {
  if (probe.projections !== 3 || probe.hasScale) return null;
  const head = [...context.index.entries.keys()].find((name) => projectionHead.test(name));
  const role = /(^|\.)(teacher|student)\./.exec(context.prefix)?.[2];
  const named = /(^|[^a-z])dino(?!v)/i.test(context.fileName);
  if (head === undefined && role === undefined && !named) return null;
  if (context.has('head.weight')) return null;
  const source = head !== undefined ? `tensor ${head}` : role !== undefined ? `state ${context.prefix}` : 'file name';
  return { family: 'dino', attention: 'softmax', standardise: false, rpc: null, picture: imageNetPictures, source };
};
