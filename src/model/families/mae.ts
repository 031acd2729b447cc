// A masked autoencoder as its own code saves it: the encoder is timm's layout with stored sin-cos positions; the
// decoder beside it is not inspected. Nothing is masked and nothing shuffled here (model-families.md section 2.1).

import { imageNetPictures } from '../pictureDefaults';
import type { RecogniseFamily } from './family';

export const mae: RecogniseFamily = (context, probe) => {
  if (probe.projections !== 3 || probe.hasScale) return null;
  const decoder = ['decoder_embed.weight', 'decoder_pos_embed', 'decoder_blocks.0.attn.qkv.weight'].find((name) =>
    context.has(name),
  );
  if (decoder === undefined) return null;
  context.notes.push('A masked autoencoder: its encoder is inspected on the whole picture, with no patch masked.');
  return {
    family: 'mae',
    attention: 'softmax',
    standardise: false,
    rpc: null,
    picture: imageNetPictures,
    source: `tensor ${context.prefix}${decoder}`,
  };
};
