// GPT-Neo (Hugging Face names): GPT-2's block with plain matrices, scores that are not scaled, and every other layer
// local.

import { axis, type TextFamily, type TextReader } from '../textCore';

/** 'global' or 'local' of each layer: `attention_layers`, or `attention_types` [[kinds, repeats], ...]. */
function kindsOf(reader: TextReader, layers: number): readonly unknown[] {
  const list = (value: unknown): unknown[] | null => (Array.isArray(value) ? (value as unknown[]) : null);
  const direct = reader.inner.settings.find(['attention_layers'], list, 'a list')?.value ?? [];
  if (direct.length === layers) return direct;
  const types = reader.inner.settings.find(['attention_types'], list, 'a list')?.value ?? [];
  const spread = types.flatMap((entry) => {
    const [kinds, repeats] = list(entry) ?? [];
    return Array.from(
      { length: typeof repeats === 'number' ? Math.min(repeats, layers) : 0 },
      () => list(kinds) ?? [],
    ).flat();
  });
  if (spread.length === layers) return spread;
  reader.notes.push(
    'Nothing says which layers look at a window only (attention_types); global and local layers were taken in turn, as in the released models.',
  );
  return Array.from({ length: layers }, (_, i) => (i % 2 === 0 ? 'global' : 'local'));
}

export const gptNeo: TextFamily = {
  what: 'a GPT-Neo model',
  mark: 'h.0.attn.attention.q_proj.weight',
  modelTypes: ['gpt_neo'],
  build: (reader) => {
    const { inner, outer } = reader;
    const embedDim = inner.need('h.0.attn.attention.q_proj.weight').shape[1] ?? 0;
    const mlpDim = inner.need('h.0.mlp.c_fc.weight').shape[0] ?? 0;
    const positions = inner.need('wpe.weight').shape[0] ?? 0;
    const vocabulary = axis('vocabulary', inner.need('wte.weight').shape[0] ?? 0);
    const width = axis('width C', embedDim);
    const mlp = axis('MLP width', mlpDim);
    const layers = reader.layers('h');
    const heads = reader.heads(['num_heads', 'num_attention_heads'], embedDim);
    const window = reader.integer(['window_size'])?.value ?? 256;
    const kinds = kindsOf(reader, layers);
    reader.fact('window', window, 'window_size of local layers, default 256');
    const words = inner.tensor('wte.weight', [vocabulary, width]);
    const ownHead = reader.first(['lm_head.weight']);
    const spec = reader.spec('gpt-neo', {
      causal: true,
      layers,
      heads,
      headDim: embedDim / heads,
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
      blocks: Array.from({ length: layers }, (_, i) => {
        const part = (name: string) => inner.linear(`h.${i}.attn.attention.${name}`, width, width);
        return {
          norm1: inner.norm(`h.${i}.ln_1`, width),
          qkv: reader.fused(part('q_proj'), part('k_proj'), part('v_proj')),
          queryNorm: null,
          keyNorm: null,
          scale: null,
          proj: part('out_proj'),
          layerScale1: null,
          norm2: inner.norm(`h.${i}.ln_2`, width),
          fc1: inner.linear(`h.${i}.mlp.c_fc`, mlp, width),
          fc2: inner.linear(`h.${i}.mlp.c_proj`, width, mlp),
          layerScale2: null,
        };
      }),
      block: {
        windows: kinds.map((kind) => (kind === 'local' ? window : null)),
        scoreScales: kinds.map(() => 1),
      },
      head: {
        norm: inner.norm('ln_f', width),
        classifier: { weight: ownHead === null ? words : outer.tensor(ownHead, [vocabulary, width]), bias: null },
        distClassifier: null,
        pooling: 'last',
      },
      text: { context: positions },
    });
    reader.checkUnused('h');
    return spec;
  },
};
