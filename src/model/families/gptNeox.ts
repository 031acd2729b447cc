// GPT-NeoX and Pythia (Hugging Face names): parallel residual, q, k, v interleaved head by head, partly rotary heads.

import { axis, type TextFamily } from '../textCore';

export const gptNeox: TextFamily = {
  what: 'a GPT-NeoX or Pythia model',
  mark: 'layers.0.attention.query_key_value.weight',
  modelTypes: ['gpt_neox'],
  build: (reader) => {
    const { inner, outer } = reader;
    const embedDim = inner.need('layers.0.attention.query_key_value.weight').shape[1] ?? 0;
    const mlpDim = inner.need('layers.0.mlp.dense_h_to_4h.weight').shape[0] ?? 0;
    const vocabulary = axis('vocabulary', inner.need('embed_in.weight').shape[0] ?? 0);
    const width = axis('width C', embedDim);
    const mlp = axis('MLP width', mlpDim);
    const layers = reader.layers('layers');
    const heads = reader.heads(['num_attention_heads'], embedDim);
    const headDim = embedDim / heads;
    const parallel = reader.flag(['use_parallel_residual'], true);
    reader.fact('residual', parallel ? 'parallel' : 'sequential', 'use_parallel_residual, default true');
    const ownHead = reader.first(['embed_out.weight', 'lm_head.weight']);
    const words = inner.tensor('embed_in.weight', [vocabulary, width]);
    const spec = reader.spec('gpt-neox', {
      causal: true,
      layers,
      heads,
      headDim,
      embedDim,
      mlpDim,
      layerNormEps: reader.eps(1e-5),
      activation: reader.activation('gelu'),
      embed: { patch: null, classToken: null, distToken: null, position: null, words },
      blocks: Array.from({ length: layers }, (_, i) => {
        const at = (name: string): string => `layers.${i}.${name}`;
        return {
          norm1: inner.norm(at('input_layernorm'), width),
          qkv: {
            ...inner.linear(at('attention.query_key_value'), axis('3C', 3 * embedDim), width),
            layout: 'by-head' as const,
          },
          queryNorm: null,
          keyNorm: null,
          scale: null,
          proj: inner.linear(at('attention.dense'), width, width),
          layerScale1: null,
          norm2: inner.norm(at('post_attention_layernorm'), width),
          fc1: inner.linear(at('mlp.dense_h_to_4h'), mlp, width),
          fc2: inner.linear(at('mlp.dense_4h_to_h'), width, mlp),
          layerScale2: null,
        };
      }),
      block: { placement: parallel ? 'parallel' : 'pre', rope: reader.rope(headDim, 0.25) },
      head: {
        norm: inner.norm('final_layer_norm', width),
        classifier:
          ownHead === null
            ? { weight: words, bias: null }
            : { weight: outer.tensor(ownHead, [vocabulary, width]), bias: null },
        distClassifier: null,
        pooling: 'last',
      },
      text: { context: reader.integer(['max_position_embeddings'])?.value ?? null },
    });
    reader.checkUnused('layers');
    return spec;
  },
};
