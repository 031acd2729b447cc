// LLaMA, Mistral, Qwen2 and Qwen3 (Hugging Face names): RMSNorm, rotary positions, grouped queries, SwiGLU. They
// differ in biases, norms on q and k, and sliding windows.

import { ModelSpecError, type ModelFamily } from '../modelSpec';
import { asBoolean, asInteger, asText } from '../parseValues';
import { axis, type TextFamily, type TextReader } from '../textCore';

const families: readonly ModelFamily[] = ['llama', 'mistral', 'qwen2', 'qwen3'];

/** By config, else by what tells them in the tensors. */
function whichFamily(reader: TextReader): ModelFamily {
  const said = reader.inner.settings.find(['model_type'], asText, 'a model type');
  const named = families.find((family) => family === said?.value);
  if (named !== undefined) {
    reader.fact('family', named, said!.source);
    return named;
  }
  const found = reader.inner.has('layers.0.self_attn.q_norm.weight')
    ? 'qwen3'
    : reader.inner.has('layers.0.self_attn.q_proj.bias')
      ? 'qwen2'
      : 'llama';
  reader.fact('family', found, 'tensor names');
  if (found === 'llama') {
    reader.notes.push(
      'Mistral and LLaMA have the same tensor names; without a config.json the file is taken for LLaMA, without a sliding window.',
    );
  }
  return found;
}

/** Window of each layer; empty where no layer has one. */
function windowsOf(reader: TextReader, family: ModelFamily, layers: number): (number | null)[] {
  const window = reader.inner.settings.find(['sliding_window'], asInteger, 'a whole number')?.value ?? null;
  if (window === null || family === 'llama') return [];
  const types = reader.inner.settings.find(
    ['layer_types'],
    (value) => (Array.isArray(value) && value.length === layers ? (value as unknown[]) : null),
    'a list with one entry a layer',
  );
  if (types !== null) return types.value.map((type) => (type === 'sliding_attention' ? window : null));
  if (family === 'mistral') return Array.from({ length: layers }, () => window);
  const used = reader.inner.settings.find(['use_sliding_window'], asBoolean, 'true or false')?.value ?? false;
  if (!used) return [];
  const from = reader.integer(['max_window_layers'])?.value ?? layers;
  return Array.from({ length: layers }, (_, i) => (i >= from ? window : null));
}

export const llama: TextFamily = {
  what: 'a LLaMA, Mistral or Qwen model',
  mark: 'layers.0.self_attn.q_proj.weight',
  marks: ['layers.0.mlp.gate_proj.weight', 'layers.0.input_layernorm.weight', 'norm.weight'],
  modelTypes: families,
  build: (reader) => {
    const { inner, outer } = reader;
    const family = whichFamily(reader);
    const [rows = 0, embedDim = 0] = inner.need('layers.0.self_attn.q_proj.weight').shape;
    const keyRows = inner.need('layers.0.self_attn.k_proj.weight').shape[0] ?? 0;
    const mlpDim = inner.need('layers.0.mlp.gate_proj.weight').shape[0] ?? 0;
    const vocabulary = axis('vocabulary', inner.need('embed_tokens.weight').shape[0] ?? 0);
    const width = axis('width C', embedDim);
    const mlp = axis('MLP width', mlpDim);
    const layers = reader.layers('layers');
    const heads = reader.heads(['num_attention_heads'], rows);
    const headDim = rows / heads;
    const kvHeads = keyRows / headDim;
    if (!Number.isInteger(kvHeads) || kvHeads < 1 || heads % kvHeads !== 0) {
      throw new ModelSpecError(
        'shapeMismatch',
        `${reader.index.fileName}: the keys have ${keyRows} rows, which are no whole groups of ${heads} heads of ${headDim}. Give the right number with --set heads=N.`,
      );
    }
    reader.fact('kv heads', kvHeads, `shape of ${inner.prefix}layers.0.self_attn.k_proj.weight`);
    const inside = axis('heads x d', rows);
    const narrow = axis('kv heads x d', keyRows);
    const normed = inner.has('layers.0.self_attn.q_norm.weight');
    const words = inner.tensor('embed_tokens.weight', [vocabulary, width]);
    const ownHead = reader.first(['lm_head.weight']);
    if (ownHead === null) {
      reader.fact('output head', 'word embeddings', 'no lm_head.weight in the file');
    }
    const windows = windowsOf(reader, family, layers);
    const window = windows.find((entry) => entry !== null) ?? null;
    if (window !== null) reader.fact('sliding window', window, 'config.json sliding_window');
    const spec = reader.spec(family, {
      causal: true,
      layers,
      heads,
      kvHeads,
      headDim,
      embedDim,
      mlpDim,
      layerNormEps: reader.eps(1e-6),
      activation: reader.activation('silu'),
      embed: { patch: null, classToken: null, distToken: null, position: null, words },
      blocks: Array.from({ length: layers }, (_, i) => {
        const at = (name: string): string => `layers.${i}.${name}`;
        const headNorm = (name: string) => (normed ? inner.norm(at(name), axis('head size d', headDim)) : null);
        return {
          norm1: inner.norm(at('input_layernorm'), width),
          qkv: reader.fused(
            inner.linear(at('self_attn.q_proj'), inside, width),
            inner.linear(at('self_attn.k_proj'), narrow, width),
            inner.linear(at('self_attn.v_proj'), narrow, width),
          ),
          queryNorm: headNorm('self_attn.q_norm'),
          keyNorm: headNorm('self_attn.k_norm'),
          scale: null,
          proj: inner.linear(at('self_attn.o_proj'), width, inside),
          layerScale1: null,
          norm2: inner.norm(at('post_attention_layernorm'), width),
          fc1: {
            ...inner.linear(at('mlp.gate_proj'), mlp, width),
            then: [inner.linear(at('mlp.up_proj'), mlp, width)],
          },
          fc2: inner.linear(at('mlp.down_proj'), width, mlp),
          layerScale2: null,
        };
      }),
      block: { norm: 'rms', headNorm: 'rms', mlp: 'gated', rope: reader.rope(headDim), windows },
      head: {
        norm: inner.norm('norm', width),
        classifier: {
          weight: ownHead === null ? words : outer.tensor(ownHead, [vocabulary, width]),
          bias: null,
        },
        distClassifier: null,
        pooling: 'last',
      },
      text: { context: reader.integer(['max_position_embeddings'])?.value ?? null },
    });
    reader.checkUnused('layers');
    return spec;
  },
};
