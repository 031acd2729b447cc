// GPT-2 and GPT-NeoX (Pythia) in GGUF files: llama.cpp's names; q, k and v in one matrix, rows q, then k, then v, all
// matrices [out, in] (its converter turns the Conv1D of GPT-2 and sorts the heads of GPT-NeoX).

import type { LinearRole } from '../modelSpec';
import { axis } from '../textCore';
import { GgufReader, ggufArchitecture } from './ggufReader';
import type { NamedFamily } from './namedFamily';

const layout = 'a GPT-2 or GPT-NeoX model in a GGUF file';

export const ggufGpt: NamedFamily = {
  layout,
  places: (index) =>
    ['gpt2', 'gptneox'].includes(ggufArchitecture(index) ?? '') && index.entries.has('blk.0.attn_qkv.weight')
      ? ['']
      : [],
  build: (context) => {
    const reader = new GgufReader(context, layout);
    const family = reader.architecture === 'gpt2' ? 'gpt2' : 'gpt-neox';
    const rotary = family === 'gpt-neox';
    reader.fact('family', family, 'GGUF key general.architecture');
    const embedDim = context.need('blk.0.attn_qkv.weight').shape[1] ?? 0;
    const mlpDim = context.need('blk.0.ffn_up.weight').shape[0] ?? 0;
    const vocabulary = axis('vocabulary', context.need('token_embd.weight').shape[0] ?? 0);
    const width = axis('width C', embedDim);
    const mlp = axis('MLP width', mlpDim);
    const layers = reader.layers('blk');
    const heads = reader.heads([reader.key('attention.head_count')], embedDim);
    const headDim = embedDim / heads;
    const words = context.tensor('token_embd.weight', [vocabulary, width]);
    const positions = rotary ? null : (context.need('position_embd.weight').shape[0] ?? 0);
    const parallel = rotary && reader.switch('use_parallel_residual', true);
    if (rotary) reader.fact('residual', parallel ? 'parallel' : 'sequential', reader.key('use_parallel_residual'));
    const spec = reader.spec(family, {
      causal: true,
      layers,
      heads,
      headDim,
      embedDim,
      mlpDim,
      layerNormEps: reader.epsAt('attention.layer_norm_epsilon', 1e-5),
      activation: rotary
        ? reader.activationOf('gelu', 'that of Pythia; the 20B model has gelu_tanh')
        : reader.activationOf('gelu_tanh', 'default of the family'),
      embed: {
        patch: null,
        classToken: null,
        distToken: null,
        words,
        position:
          positions === null ? null : context.tensor('position_embd.weight', [axis('positions', positions), width]),
      },
      blocks: Array.from({ length: layers }, (_, i) => {
        const linear = (part: string, out: typeof width, input: typeof width): LinearRole =>
          context.linear(`blk.${i}.${part}`, out, input);
        return {
          norm1: context.norm(`blk.${i}.attn_norm`, width),
          qkv: linear('attn_qkv', axis('3C', 3 * embedDim), width),
          queryNorm: null,
          keyNorm: null,
          scale: null,
          proj: linear('attn_output', width, width),
          layerScale1: null,
          norm2: context.norm(`blk.${i}.ffn_norm`, width),
          fc1: linear('ffn_up', mlp, width),
          fc2: linear('ffn_down', width, mlp),
          layerScale2: null,
        };
      }),
      block: rotary ? { placement: parallel ? 'parallel' : 'pre', rope: reader.rotary(headDim) } : {},
      head: {
        norm: context.norm('output_norm', width),
        classifier: {
          weight: context.has('output.weight') ? context.tensor('output.weight', [vocabulary, width]) : words,
          bias: null,
        },
        distClassifier: null,
        pooling: 'last',
      },
      text: { context: positions ?? reader.number('context_length') },
    });
    reader.checkUnused('blk');
    return spec;
  },
};
