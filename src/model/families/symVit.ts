// SymViT (KPCA code, Robust/ and Attack/): qkv is [2C, C] in the order k, v; the queries are the keys. An
// RPC-SymViT file looks the same, so without training arguments a note says how to switch RPC on.

import { imageNetPictures } from '../pictureDefaults';
import type { RecogniseFamily } from './family';

export const symVit: RecogniseFamily = (context, probe) => {
  if (probe.projections !== 2) return null;
  if (context.overrides.attention === undefined) {
    context.notes.push(
      'RPC settings are not in the weights: a SymViT and an RPC-SymViT file have the same tensors, and nothing beside ' +
        'them says that RPC was used. If it was, give --set attention=rpc,rpc.iterations=4,rpc.lambda=4,rpc.layers=0 ' +
        '(with the values of the training run).',
    );
  }
  return {
    family: 'symvit',
    attention: 'symmetric',
    standardise: false,
    rpc: null,
    picture: imageNetPictures,
    source: `shape of ${context.prefix}blocks.0.attn.qkv.weight (two projections, k and v)`,
  };
};
