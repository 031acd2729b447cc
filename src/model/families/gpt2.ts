// GPT-2 (Hugging Face names): pre-LN, learned positions, matrices stored [in, out] (Conv1D), tanh GELU, causal.

import { axis, type TextFamily } from '../textCore';

/** Width to heads of the released sizes. */
const headsByWidth: ReadonlyMap<number, number> = new Map([
  [768, 12],
  [1024, 16],
  [1280, 20],
  [1600, 25],
]);

export const gpt2: TextFamily = {
  what: 'a GPT-2 model',
  mark: 'h.0.attn.c_attn.weight',
  modelTypes: ['gpt2'],
  build: (reader) => {
    const { inner, outer } = reader;
    const embedDim = inner.need('h.0.attn.c_attn.weight').shape[0] ?? 0;
    const mlpDim = inner.need('h.0.mlp.c_fc.weight').shape[1] ?? 0;
    const positions = inner.need('wpe.weight').shape[0] ?? 0;
    const width = axis('width C', embedDim);
    const mlp = axis('MLP width', mlpDim);
    const layers = reader.layers('h');
    const heads = reader.heads(['n_head', 'num_attention_heads'], embedDim, headsByWidth);
    const headDim = embedDim / heads;
    const scaled = reader.flag(['scale_attn_weights'], true);
    const byLayer = reader.flag(['scale_attn_by_inverse_layer_idx'], false);
    const scale = (layer: number): number | null =>
      scaled && !byLayer ? null : (scaled ? 1 / Math.sqrt(headDim) : 1) / (byLayer ? layer + 1 : 1);
    const words = inner.tensor('wte.weight', [axis('vocabulary', inner.need('wte.weight').shape[0] ?? 0), width]);
    const ownHead = reader.first(['lm_head.weight']);
    const blocks = Array.from({ length: layers }, (_, i) => ({
      norm1: reader.norm(inner, `h.${i}.ln_1`, width),
      qkv: reader.transposed(`h.${i}.attn.c_attn`, axis('3C', 3 * embedDim), width),
      queryNorm: null,
      keyNorm: null,
      scale: null,
      proj: reader.transposed(`h.${i}.attn.c_proj`, width, width),
      layerScale1: null,
      norm2: reader.norm(inner, `h.${i}.ln_2`, width),
      fc1: reader.transposed(`h.${i}.mlp.c_fc`, mlp, width),
      fc2: reader.transposed(`h.${i}.mlp.c_proj`, width, mlp),
      layerScale2: null,
    }));
    const head =
      ownHead === null ? words : outer.tensor(ownHead, [axis('vocabulary', outer.need(ownHead).shape[0] ?? 0), width]);
    const spec = reader.spec('gpt2', {
      causal: true,
      layers,
      heads,
      headDim,
      embedDim,
      mlpDim,
      layerNormEps: reader.eps(1e-5),
      activation: reader.activation('gelu_new'),
      embed: {
        patch: null,
        classToken: null,
        distToken: null,
        position: inner.tensor('wpe.weight', [axis('positions', positions), width]),
        words,
      },
      blocks,
      block: { scoreScales: scaled && !byLayer ? [] : blocks.map((_, layer) => scale(layer)) },
      head: {
        norm: reader.norm(inner, 'ln_f', width),
        classifier: { weight: head, bias: null },
        distClassifier: null,
        pooling: 'last',
      },
      text: { context: positions },
    });
    reader.checkUnused('h');
    return spec;
  },
};
