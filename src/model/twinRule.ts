// How the weights of untrained twins are drawn, in words, and whether that is how the family's own code begins
// (initialise.ts draws them). A null that rests on another initialisation must say so.

import type { ModelFamily } from './modelSpec';

export interface TwinRule {
  /** How weights are drawn. */
  readonly drawn: string;
  /** Whether the family's own code draws them so. */
  readonly own: boolean;
  /** Where its own code does something else. */
  readonly departs?: string;
}

const normal = 'weights N(0, 0.02), biases 0, norms 1 and 0, LayerScale 1e-5 where there is one';
const uniform = 'q, k, v weights U(-1/sqrt(C), 1/sqrt(C)), other weights N(0, 0.02), biases 0, norms 1 and 0';

const uniformFamilies: readonly ModelFamily[] = ['symvit', 'rpc-symvit', 'scaled-attention', 'reconstruction-vit'];

/** Families whose code begins otherwise than N(0, 0.02), and how. */
const departures: Readonly<Partial<Record<ModelFamily, string>>> = {
  'clip-vision': 'CLIP scales the standard deviation of each matrix by its width and by 1/sqrt(2 layers)',
  'clip-text': 'CLIP scales the standard deviation of each matrix by its width and by 1/sqrt(2 layers)',
  'flax-vit': "the Flax code draws its dense layers from Xavier's uniform distribution",
  mae: "the original MAE code draws its linear layers from Xavier's uniform distribution",
  gpt2: 'GPT-2 divides the standard deviation of both output projections of a block by sqrt(2 layers)',
  deit3: "DeiT III begins its LayerScale at 1e-4 (the authors' code) or 1e-6 (timm)",
  dinov2: 'the port of DINOv2 in transformers begins its LayerScale at 1',
  'whisper-encoder': "OpenAI's own code leaves linear layers at PyTorch's default; transformers draws N(0, 0.02)",
  'gpt-neox': 'the training code of GPT-NeoX scales by width and depth; transformers draws N(0, 0.02)',
  mapped: 'nobody knows how a network of unknown names was initialised',
};

/** The rule of a family's untrained twins. */
export function twinRule(family: ModelFamily): TwinRule {
  if (uniformFamilies.includes(family)) return { drawn: uniform, own: true };
  if (family === 'lmtool-fwms') {
    return { drawn: 'weights N(0, 0.02), biases 0, weights of norms N(1, 0.02)', own: true };
  }
  const departs = departures[family];
  return departs === undefined ? { drawn: normal, own: true } : { drawn: normal, own: false, departs };
}
