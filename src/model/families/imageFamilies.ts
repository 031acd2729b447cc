// Vision families told by their names alone. Those in timm's layout are told apart in inferModelSpec.ts.

import { huggingFaceClipVision, openAiClipVision } from './clipVision';
import { flaxVit } from './flaxVit';
import { huggingFaceDinov2 } from './huggingFaceDinov2';
import { huggingFaceVit } from './huggingFaceVit';
import { segmenter } from './segmenter';
import type { NamedFamily } from './namedFamily';

export const imageFamilies: readonly NamedFamily[] = [
  huggingFaceVit,
  huggingFaceDinov2,
  huggingFaceClipVision,
  openAiClipVision,
  flaxVit,
  segmenter,
];
