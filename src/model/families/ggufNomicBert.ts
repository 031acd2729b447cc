// Nomic's BERT in GGUF files (nomic-embed-text v1, v1.5): BERT's post-LN block with rotary positions in halves, one
// matrix for q, k and v, and SwiGLU; no position table, and usually no biases. It ends with its last block.

import type { LinearRole } from '../modelSpec';
import { sampleSentences } from '../sample/sampleText';
import { axis } from '../textCore';
import { GgufReader, ggufArchitecture } from './ggufReader';
import type { NamedFamily } from './namedFamily';

const layout = 'a Nomic BERT model in a GGUF file';

export const ggufNomicBert: NamedFamily = {
  layout,
  places: (index) =>
    ggufArchitecture(index) === 'nomic-bert' && index.entries.has('blk.0.attn_output_norm.weight') ? [''] : [],
  build: (context) => {
    const reader = new GgufReader(context, layout);
    reader.fact('family', 'nomic-bert', 'GGUF key general.architecture');
    const embedDim = context.need('blk.0.attn_output.weight').shape[0] ?? 0;
    const mlpDim = context.need('blk.0.ffn_gate.weight').shape[0] ?? 0;
    const width = axis('width C', embedDim);
    const mlp = axis('MLP width', mlpDim);
    const layers = reader.layers('blk');
    const heads = reader.heads([reader.key('attention.head_count')], embedDim);
    const headDim = embedDim / heads;
    const table = (name: string, rows: string): string =>
      context.tensor(name, [axis(rows, context.need(name).shape[0] ?? 0), width]);
    const spec = reader.spec('nomic-bert', {
      causal: false,
      layers,
      heads,
      headDim,
      embedDim,
      mlpDim,
      layerNormEps: reader.epsAt('attention.layer_norm_epsilon', 1e-12),
      activation: reader.activationOf('silu', 'default of the family'),
      embed: {
        patch: null,
        classToken: null,
        distToken: null,
        position: null,
        words: table('token_embd.weight', 'vocabulary'),
        types: context.has('token_types.weight') ? table('token_types.weight', 'types') : null,
        norm: context.norm('token_embd_norm', width),
      },
      blocks: Array.from({ length: layers }, (_, i) => {
        const at = (part: string): string => `blk.${i}.${part}`;
        const part = (name: string): LinearRole => context.linear(at(name), width, width);
        return {
          norm1: context.norm(at('attn_output_norm'), width),
          qkv: context.has(at('attn_qkv.weight'))
            ? context.linear(at('attn_qkv'), axis('3 x C', 3 * embedDim), width)
            : reader.fused(part('attn_q'), part('attn_k'), part('attn_v')),
          queryNorm: null,
          keyNorm: null,
          scale: null,
          proj: part('attn_output'),
          layerScale1: null,
          norm2: context.norm(at('layer_output_norm'), width),
          fc1: { ...context.linear(at('ffn_gate'), mlp, width), then: [context.linear(at('ffn_up'), mlp, width)] },
          fc2: context.linear(at('ffn_down'), width, mlp),
          layerScale2: null,
        };
      }),
      block: { placement: 'post', mlp: 'gated', rope: reader.scaledRotary(headDim) },
      head: { norm: null, classifier: null, distClassifier: null },
      text: { context: reader.number('context_length'), sample: sampleSentences },
    });
    reader.checkUnused('blk');
    return spec;
  },
};
