// LLaMA, Mistral, Qwen2 and Qwen3 in GGUF files: llama.cpp's names, sizes from the metadata. In files of the
// architecture `llama` the rows of q and k are permuted for rotation in neighbouring pairs; loading undoes that.

import type { LinearRole, ModelFamily, RopeShape } from '../modelSpec';
import { axis } from '../textCore';
import { GgufReader, ggufArchitecture } from './ggufReader';
import type { NamedFamily } from './namedFamily';

const architectures: readonly ModelFamily[] = ['llama', 'qwen2', 'qwen3'];
const layout = 'a LLaMA, Mistral or Qwen model in a GGUF file';

export const ggufText: NamedFamily = {
  layout,
  places: (index) => {
    const architecture = ggufArchitecture(index);
    const known = architectures.some((name) => name === architecture) && index.entries.has('blk.0.attn_q.weight');
    return known ? [''] : [];
  },
  build: (context) => {
    const reader = new GgufReader(context, layout);
    const name = reader.architecture;
    const family = architectures.find((entry) => entry === name) ?? 'llama';
    reader.fact('family', family, 'GGUF key general.architecture');
    const [rows = 0, embedDim = 0] = context.need('blk.0.attn_q.weight').shape;
    const keyRows = context.need('blk.0.attn_k.weight').shape[0] ?? 0;
    const mlpDim = context.need('blk.0.ffn_gate.weight').shape[0] ?? 0;
    const heads = reader.heads([reader.key('attention.head_count')], rows);
    const headDim = rows / heads;
    const kvHeads = keyRows / headDim;
    if (!Number.isInteger(kvHeads) || kvHeads < 1 || heads % kvHeads !== 0) {
      throw context.mismatch('blk.0.attn_k.weight', `which is no whole groups of ${heads} heads of ${headDim}`);
    }
    reader.fact('kv heads', kvHeads, 'shape of blk.0.attn_k.weight');
    const width = axis('width C', embedDim);
    const mlp = axis('MLP width', mlpDim);
    const inside = axis('heads x d', rows);
    const narrow = axis('kv heads x d', keyRows);
    const layers = reader.layers('blk');
    const vocabulary = axis('vocabulary', context.need('token_embd.weight').shape[0] ?? 0);
    const words = context.tensor('token_embd.weight', [vocabulary, width]);
    const permuted = name === 'llama';
    const scored = (part: string, out: ReturnType<typeof axis>, pairs: 'query-pairs' | 'key-pairs'): LinearRole => ({
      ...context.linear(part, out, width),
      ...(permuted ? { layout: pairs } : {}),
    });
    const window = reader.number('attention.sliding_window');
    const rope = reader.scaledRotary(headDim);
    const ropeDivisors = divisorsOf(reader, rope);
    const spec = reader.spec(family, {
      causal: true,
      layers,
      heads,
      kvHeads,
      headDim,
      embedDim,
      mlpDim,
      layerNormEps: reader.epsAt('attention.layer_norm_rms_epsilon', 1e-6),
      activation: reader.activationOf('silu', 'default of the family'),
      embed: { patch: null, classToken: null, distToken: null, position: null, words },
      blocks: Array.from({ length: layers }, (_, i) => {
        const at = (part: string): string => `blk.${i}.${part}`;
        const headNorm = (part: string): LinearRole | null =>
          context.has(`${at(part)}.weight`) ? context.norm(at(part), axis('head size d', headDim)) : null;
        return {
          norm1: context.norm(at('attn_norm'), width),
          qkv: reader.fused(
            scored(at('attn_q'), inside, 'query-pairs'),
            scored(at('attn_k'), narrow, 'key-pairs'),
            context.linear(at('attn_v'), narrow, width),
          ),
          queryNorm: headNorm('attn_q_norm'),
          keyNorm: headNorm('attn_k_norm'),
          scale: null,
          proj: context.linear(at('attn_output'), width, inside),
          layerScale1: null,
          norm2: context.norm(at('ffn_norm'), width),
          fc1: { ...context.linear(at('ffn_gate'), mlp, width), then: [context.linear(at('ffn_up'), mlp, width)] },
          fc2: context.linear(at('ffn_down'), width, mlp),
          layerScale2: null,
          ...ropeDivisors,
        };
      }),
      block: {
        norm: 'rms',
        headNorm: 'rms',
        mlp: 'gated',
        rope,
        windows: window === null ? [] : Array.from({ length: layers }, () => window),
      },
      head: {
        norm: context.norm('output_norm', width),
        classifier: {
          weight: context.has('output.weight') ? context.tensor('output.weight', [vocabulary, width]) : words,
          bias: null,
        },
        distClassifier: null,
        pooling: 'last',
      },
      text: { context: reader.number('context_length') },
    });
    reader.checkUnused('blk');
    return spec;
  },
};

/** LLaMA 3.1: the piecewise scaling comes as a tensor by which llama.cpp divides the frequencies. */
function divisorsOf(reader: GgufReader, rope: RopeShape): { readonly ropeDivisors?: string } {
  const { inner } = reader;
  if (!inner.has('rope_freqs.weight')) return {};
  reader.fact('rope scaling', 'divisor of each frequency', 'tensor rope_freqs.weight');
  return { ropeDivisors: inner.tensor('rope_freqs.weight', [axis('rope dims / 2', rope.dims / 2)]) };
}
