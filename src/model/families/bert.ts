// BERT and RoBERTa (Hugging Face names): post-LN encoder blocks, learned positions, token types. Only the heads and
// the first position differ between the two.

import type { HeadRoles, ModelFamily, ModelSpec } from '../modelSpec';
import { sampleSentences } from '../sample/sampleText';
import type { Axis } from '../specContext';
import { axis, type TextFamily, type TextReader } from '../textCore';

/** Embeddings and blocks; `head` finds what stands beside them. */
function encoder(
  reader: TextReader,
  family: ModelFamily,
  positionOffset: number,
  head: (words: string, width: Axis) => HeadRoles,
): ModelSpec {
  const { inner } = reader;
  const embedDim = inner.need('encoder.layer.0.attention.self.query.weight').shape[1] ?? 0;
  const mlpDim = inner.need('encoder.layer.0.intermediate.dense.weight').shape[0] ?? 0;
  const width = axis('width C', embedDim);
  const mlp = axis('MLP width', mlpDim);
  const layers = reader.layers('encoder.layer');
  const heads = reader.heads(['num_attention_heads'], embedDim, headsByWidth);
  const table = (name: string, rows: string): string =>
    inner.tensor(`embeddings.${name}.weight`, [
      axis(rows, inner.need(`embeddings.${name}.weight`).shape[0] ?? 0),
      width,
    ]);
  const words = table('word_embeddings', 'vocabulary');
  const positions = (inner.need('embeddings.position_embeddings.weight').shape[0] ?? 0) - positionOffset;
  const spec = reader.spec(family, {
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
      position: table('position_embeddings', 'positions'),
      types: inner.has('embeddings.token_type_embeddings.weight') ? table('token_type_embeddings', 'types') : null,
      norm: reader.norm(inner, 'embeddings.LayerNorm', width),
    },
    blocks: Array.from({ length: layers }, (_, i) => {
      const at = (name: string): string => `encoder.layer.${i}.${name}`;
      const part = (name: string) => inner.linear(at(`attention.self.${name}`), width, width);
      return {
        norm1: reader.norm(inner, at('attention.output.LayerNorm'), width),
        qkv: reader.fused(part('query'), part('key'), part('value')),
        queryNorm: null,
        keyNorm: null,
        scale: null,
        proj: inner.linear(at('attention.output.dense'), width, width),
        layerScale1: null,
        norm2: reader.norm(inner, at('output.LayerNorm'), width),
        fc1: inner.linear(at('intermediate.dense'), mlp, width),
        fc2: inner.linear(at('output.dense'), width, mlp),
        layerScale2: null,
      };
    }),
    block: { placement: 'post' },
    head: head(words, width),
    text: { context: positions, positionOffset, sample: sampleSentences },
  });
  reader.checkUnused('encoder.layer');
  return spec;
}

/** Width to heads of the released sizes (tiny to large). */
const headsByWidth: ReadonlyMap<number, number> = new Map([
  [128, 2],
  [256, 4],
  [312, 12],
  [512, 8],
  [768, 12],
  [1024, 16],
]);

const noHead: HeadRoles = { norm: null, classifier: null, distClassifier: null };

function bertHead(reader: TextReader, words: string, width: Axis): HeadRoles {
  const { inner, outer } = reader;
  if (outer.has('cls.predictions.transform.dense.weight')) {
    const vocabulary = axis('vocabulary', reader.index.entries.get(words)?.shape[0] ?? 0);
    const bias = reader.first(['cls.predictions.decoder.bias', 'cls.predictions.bias']);
    if (outer.has('cls.predictions.bias')) outer.tensor('cls.predictions.bias', [vocabulary]);
    reader.notes.push('The logits are those of the masked-language head for the last token of the input.');
    return {
      ...noHead,
      pooling: 'last',
      transforms: [
        {
          dense: outer.linear('cls.predictions.transform.dense', width, width),
          activation: reader.activation('gelu'),
          norm: reader.norm(outer, 'cls.predictions.transform.LayerNorm', width),
        },
      ],
      classifier: {
        weight: outer.has('cls.predictions.decoder.weight')
          ? outer.tensor('cls.predictions.decoder.weight', [vocabulary, width])
          : words,
        bias: bias === null ? null : outer.tensor(bias, [vocabulary]),
      },
    };
  }
  if (outer.has('classifier.weight') && inner.has('pooler.dense.weight')) {
    const classes = axis('classes', outer.need('classifier.weight').shape[0] ?? 0);
    return {
      ...noHead,
      pooling: 'class',
      transforms: [{ dense: inner.linear('pooler.dense', width, width), activation: 'tanh', norm: null }],
      classifier: outer.linear('classifier', classes, width),
    };
  }
  return noHead;
}

function robertaHead(reader: TextReader, words: string, width: Axis): HeadRoles {
  const { outer } = reader;
  if (outer.has('lm_head.dense.weight')) {
    const vocabulary = axis('vocabulary', reader.index.entries.get(words)?.shape[0] ?? 0);
    const bias = reader.first(['lm_head.decoder.bias', 'lm_head.bias']);
    if (outer.has('lm_head.bias')) outer.tensor('lm_head.bias', [vocabulary]);
    reader.notes.push('The logits are those of the masked-language head for the last token of the input.');
    return {
      ...noHead,
      pooling: 'last',
      transforms: [
        {
          dense: outer.linear('lm_head.dense', width, width),
          activation: 'gelu',
          norm: reader.norm(outer, 'lm_head.layer_norm', width),
        },
      ],
      classifier: {
        weight: outer.has('lm_head.decoder.weight')
          ? outer.tensor('lm_head.decoder.weight', [vocabulary, width])
          : words,
        bias: bias === null ? null : outer.tensor(bias, [vocabulary]),
      },
    };
  }
  if (outer.has('classifier.dense.weight') && outer.has('classifier.out_proj.weight')) {
    const classes = axis('classes', outer.need('classifier.out_proj.weight').shape[0] ?? 0);
    return {
      ...noHead,
      pooling: 'class',
      transforms: [{ dense: outer.linear('classifier.dense', width, width), activation: 'tanh', norm: null }],
      classifier: outer.linear('classifier.out_proj', classes, width),
    };
  }
  return noHead;
}

const robertaTypes = ['roberta', 'xlm-roberta', 'camembert'];

/** Both have the same names inside: the prefix or the config tells them. */
function isRoberta(prefix: string, modelType: string | null): boolean {
  return prefix.split('.').at(-2) === 'roberta' || robertaTypes.includes(modelType ?? '');
}

/** ELECTRA has the same names and embeddings of another width; it is refused by name elsewhere. */
function isElectra(prefix: string, modelType: string | null): boolean {
  return prefix.split('.').at(-2) === 'electra' || modelType === 'electra';
}

const mark = 'encoder.layer.0.attention.self.query.weight';

export const bert: TextFamily = {
  what: 'a BERT model',
  mark,
  marks: ['embeddings.word_embeddings.weight'],
  modelTypes: ['bert'],
  claims: (prefix, type) => !isRoberta(prefix, type) && !isElectra(prefix, type),
  build: (reader) => encoder(reader, 'bert', 0, (words, width) => bertHead(reader, words, width)),
};

export const roberta: TextFamily = {
  what: 'a RoBERTa model',
  mark,
  marks: ['embeddings.word_embeddings.weight'],
  modelTypes: robertaTypes,
  claims: isRoberta,
  build: (reader) => {
    // Row 0 and the padding row are no positions: the first token takes row pad_token_id + 1.
    const padding = reader.integer(['pad_token_id']);
    const offset = (padding?.value ?? 1) + 1;
    reader.fact('first position', offset, padding === null ? 'default of the family' : `${padding.source} + 1`);
    return encoder(reader, 'roberta', offset, (words, width) => robertaHead(reader, words, width));
  },
};
