// DistilBERT (Hugging Face names): BERT's block without token types, with names and config keys of its own.

import type { HeadRoles } from '../modelSpec';
import { sampleSentences } from '../sample/sampleText';
import type { Axis } from '../specContext';
import { axis, type TextFamily, type TextReader } from '../textCore';

function headOf(reader: TextReader, words: string, width: Axis): HeadRoles {
  const { outer } = reader;
  const none: HeadRoles = { norm: null, classifier: null, distClassifier: null };
  if (outer.has('vocab_transform.weight')) {
    const vocabulary = axis('vocabulary', reader.index.entries.get(words)?.shape[0] ?? 0);
    reader.notes.push('The logits are those of the masked-language head for the last token of the input.');
    return {
      ...none,
      pooling: 'last',
      transforms: [
        {
          dense: outer.linear('vocab_transform', width, width),
          activation: reader.activation('gelu'),
          norm: reader.norm(outer, 'vocab_layer_norm', width),
        },
      ],
      classifier: {
        weight: outer.has('vocab_projector.weight')
          ? outer.tensor('vocab_projector.weight', [vocabulary, width])
          : words,
        bias: outer.optionalTensor('vocab_projector.bias', [vocabulary]),
      },
    };
  }
  if (outer.has('pre_classifier.weight') && outer.has('classifier.weight')) {
    const classes = axis('classes', outer.need('classifier.weight').shape[0] ?? 0);
    return {
      ...none,
      pooling: 'class',
      transforms: [{ dense: outer.linear('pre_classifier', width, width), activation: 'relu', norm: null }],
      classifier: outer.linear('classifier', classes, width),
    };
  }
  return none;
}

export const distilbert: TextFamily = {
  what: 'a DistilBERT model',
  mark: 'transformer.layer.0.attention.q_lin.weight',
  modelTypes: ['distilbert'],
  build: (reader) => {
    const { inner } = reader;
    const embedDim = inner.need('transformer.layer.0.attention.q_lin.weight').shape[1] ?? 0;
    const mlpDim = inner.need('transformer.layer.0.ffn.lin1.weight').shape[0] ?? 0;
    const positions = inner.need('embeddings.position_embeddings.weight').shape[0] ?? 0;
    const vocabulary = axis('vocabulary', inner.need('embeddings.word_embeddings.weight').shape[0] ?? 0);
    const width = axis('width C', embedDim);
    const mlp = axis('MLP width', mlpDim);
    const layers = reader.layers('transformer.layer');
    const heads = reader.heads(['n_heads', 'num_attention_heads'], embedDim, new Map([[768, 12]]));
    const words = inner.tensor('embeddings.word_embeddings.weight', [vocabulary, width]);
    const spec = reader.spec('distilbert', {
      causal: false,
      layers,
      heads,
      headDim: embedDim / heads,
      embedDim,
      mlpDim,
      layerNormEps: reader.eps(1e-12),
      activation: reader.activation('gelu'),
      embed: {
        patch: null,
        classToken: null,
        distToken: null,
        words,
        position: inner.tensor('embeddings.position_embeddings.weight', [axis('positions', positions), width]),
        norm: reader.norm(inner, 'embeddings.LayerNorm', width),
      },
      blocks: Array.from({ length: layers }, (_, i) => {
        const at = (name: string): string => `transformer.layer.${i}.${name}`;
        const part = (name: string) => inner.linear(at(`attention.${name}`), width, width);
        return {
          norm1: reader.norm(inner, at('sa_layer_norm'), width),
          qkv: reader.fused(part('q_lin'), part('k_lin'), part('v_lin')),
          queryNorm: null,
          keyNorm: null,
          scale: null,
          proj: part('out_lin'),
          layerScale1: null,
          norm2: reader.norm(inner, at('output_layer_norm'), width),
          fc1: inner.linear(at('ffn.lin1'), mlp, width),
          fc2: inner.linear(at('ffn.lin2'), width, mlp),
          layerScale2: null,
        };
      }),
      block: { placement: 'post' },
      head: headOf(reader, words, width),
      text: { context: positions, sample: sampleSentences },
    });
    reader.checkUnused('transformer.layer');
    return spec;
  },
};
