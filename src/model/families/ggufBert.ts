// BERT encoders in GGUF files: llama.cpp's names for the tensors of bert.ts. Its converter leaves the heads out, so the
// network ends with its last block.

import type { LinearRole } from '../modelSpec';
import { sampleSentences } from '../sample/sampleText';
import { axis } from '../textCore';
import { GgufReader, ggufArchitecture } from './ggufReader';
import type { NamedFamily } from './namedFamily';

const layout = 'a BERT model in a GGUF file';

export const ggufBert: NamedFamily = {
  layout,
  places: (index) =>
    ggufArchitecture(index) === 'bert' && index.entries.has('blk.0.attn_output_norm.weight') ? [''] : [],
  build: (context) => {
    const reader = new GgufReader(context, layout);
    reader.fact('family', 'bert', 'GGUF key general.architecture');
    const embedDim = context.need('blk.0.attn_q.weight').shape[1] ?? 0;
    const mlpDim = context.need('blk.0.ffn_up.weight').shape[0] ?? 0;
    const width = axis('width C', embedDim);
    const mlp = axis('MLP width', mlpDim);
    const layers = reader.layers('blk');
    const heads = reader.heads([reader.key('attention.head_count')], embedDim);
    // The two rows that RoBERTa leaves out in front are cut off by the converter.
    const positions = context.need('position_embd.weight').shape[0] ?? 0;
    const table = (name: string, rows: string): string =>
      context.tensor(name, [axis(rows, context.need(name).shape[0] ?? 0), width]);
    const spec = reader.spec('bert', {
      causal: false,
      layers,
      heads,
      headDim: embedDim / heads,
      embedDim,
      mlpDim,
      layerNormEps: reader.epsAt('attention.layer_norm_epsilon', 1e-12),
      activation: reader.activationOf('gelu', 'default of the family'),
      embed: {
        patch: null,
        classToken: null,
        distToken: null,
        words: table('token_embd.weight', 'vocabulary'),
        position: table('position_embd.weight', 'positions'),
        types: context.has('token_types.weight') ? table('token_types.weight', 'types') : null,
        norm: context.norm('token_embd_norm', width),
      },
      blocks: Array.from({ length: layers }, (_, i) => {
        const at = (part: string): string => `blk.${i}.${part}`;
        const part = (name: string): LinearRole => context.linear(at(name), width, width);
        return {
          norm1: context.norm(at('attn_output_norm'), width),
          qkv: reader.fused(part('attn_q'), part('attn_k'), part('attn_v')),
          queryNorm: null,
          keyNorm: null,
          scale: null,
          proj: part('attn_output'),
          layerScale1: null,
          norm2: context.norm(at('layer_output_norm'), width),
          fc1: context.linear(at('ffn_up'), mlp, width),
          fc2: context.linear(at('ffn_down'), width, mlp),
          layerScale2: null,
        };
      }),
      block: { placement: 'post' },
      head: { norm: null, classifier: null, distClassifier: null },
      text: { context: positions, sample: sampleSentences },
    });
    reader.checkUnused('blk');
    return spec;
  },
};
