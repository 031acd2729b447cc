// The WikiText-103 language model of the RPC-Attention paper: the standard Transformer (attn_type 2) of lmtool-fwms,
// post-LN, ReLU, sinusoidal positions counted from the end of the input. Its relatives are refused by name.

import { asBoolean, asInteger, asNumbers, asRecord } from '../parseValues';
import { ModelSpecError, type HeadRoles, type LinearRole } from '../modelSpec';
import { axis, type TextFamily, type TextReader } from '../textCore';

/** train.py: clusters of WikiText-103 and of lm1b, told by the size of their vocabularies. */
const knownCutoffs: ReadonlyMap<number, readonly number[]> = new Map([
  [267735, [20000, 40000, 200000]],
  [793471, [60000, 100000, 640000]],
]);

/** attn_type that have the tensor names of the standard Transformer. */
const namesakes: Readonly<Record<number, string>> = {
  4: 'linear attention',
  5: 'Performer attention',
  6: 'DPFP linear attention',
};

const mark = 'layers.0.dec_attn.kv_net.weight';

export const lmtoolFwms: TextFamily = {
  what: 'a language model of lmtool-fwms',
  mark,
  marks: ['layers.0.dec_attn.q_net.weight', 'word_emb.emb_layers.0.weight'],
  modelTypes: ['lmtool-fwms'],
  build: (reader) => {
    const { inner } = reader;
    checkKind(reader);
    const [rows = 0, embedDim = 0] = inner.need('layers.0.dec_attn.q_net.weight').shape;
    const mlpDim = inner.need('layers.0.pos_ff.CoreNet.0.weight').shape[0] ?? 0;
    const [vocabulary = 0, wordWidth = 0] = inner.need('word_emb.emb_layers.0.weight').shape;
    if (inner.has('word_emb.emb_layers.1.weight') || inner.has('word_emb.emb_projs.0') || wordWidth !== embedDim) {
      throw refused(reader, 'word embeddings of another width than the model (div_val or d_embed)');
    }
    const width = axis('width C', embedDim);
    const mlp = axis('MLP width', mlpDim);
    const inside = axis('heads x d', rows);
    const layers = reader.layers('layers');
    const heads = reader.heads(['n_head'], rows);
    const words = inner.tensor('word_emb.emb_layers.0.weight', [axis('vocabulary', vocabulary), width]);
    const spec = reader.spec('lmtool-fwms', {
      causal: true,
      layers,
      heads,
      headDim: rows / heads,
      embedDim,
      mlpDim,
      layerNormEps: reader.eps(1e-5),
      activation: reader.activation('relu'),
      embed: {
        patch: null,
        classToken: null,
        distToken: null,
        position: inner.tensor('pos_emb.inv_freq', [axis('C / 2', Math.ceil(embedDim / 2))]),
        words,
      },
      blocks: Array.from({ length: layers }, (_, i) => {
        const at = (name: string): string => `layers.${i}.${name}`;
        return {
          norm1: inner.norm(at('dec_attn.layer_norm'), width),
          qkv: {
            ...inner.linear(at('dec_attn.q_net'), inside, width),
            then: [inner.linear(at('dec_attn.kv_net'), axis('2 x heads x d', 2 * rows), width)],
          },
          queryNorm: null,
          keyNorm: null,
          scale: null,
          proj: inner.linear(at('dec_attn.o_net'), width, inside),
          layerScale1: null,
          norm2: inner.norm(at('pos_ff.layer_norm'), width),
          fc1: inner.linear(at('pos_ff.CoreNet.0'), mlp, width),
          fc2: inner.linear(at('pos_ff.CoreNet.3'), width, mlp),
          layerScale2: null,
        };
      }),
      block: { placement: 'post' },
      head: headOf(reader, words, vocabulary, embedDim),
      text: { context: null, scale: Math.sqrt(embedDim), sinusoid: { clamp: clampOf(reader) }, sample: null },
    });
    reader.fact('positions', 'sinusoidal, counted from the last token', "the family's code");
    reader.checkUnused('layers');
    return spec;
  },
};

/** Facts of a pickled module stand in the tree at its place; `path` as in its code. */
function attribute(reader: TextReader, path: string): unknown {
  const keys = (reader.inner.prefix + path).split('.');
  let at: unknown = reader.index.tree;
  for (const key of keys) {
    const record = asRecord(at);
    if (record === null || !Object.hasOwn(record, key)) return undefined;
    at = record[key];
  }
  return at;
}

/** Beside the weights (`args`, config.json) or in the pickled module itself. */
function said<T>(reader: TextReader, key: string, parse: (value: unknown) => T | null, path = key): T | null {
  const own = parse(attribute(reader, path));
  return own ?? reader.inner.settings.find([key], parse, 'a value of the training code')?.value ?? null;
}

function checkKind(reader: TextReader): void {
  const type = said(reader, 'attn_type', asInteger);
  const attention = reader.overrides.attention;
  if (type !== null && type !== 2)
    throw refused(reader, `${namesakes[type] ?? 'another attention'} (attn_type ${type})`);
  if (type === null && attention === undefined) {
    throw new ModelSpecError(
      'question',
      `${reader.index.fileName} does not say its attn_type: the standard Transformer of lmtool-fwms (2) and its linear attentions (4, 5, 6) have the same tensor names. If it is the standard one, say so with --set attention=softmax.`,
      {
        option: 'attention',
        question: `${reader.index.fileName} does not say its attn_type. Linear attentions (attn_type 4, 5, 6) have the same tensor names and cannot be inspected. Which one is it?`,
        choices: [{ value: 'softmax', label: 'The standard Transformer', detail: 'attn_type 2' }],
      },
    );
  }
  if (said(reader, 'pre_lnorm', asBoolean, 'layers.0.dec_attn.pre_lnorm') === true) {
    throw refused(
      reader,
      'pre_lnorm: that code takes queries from the stream before the norm, keys and values from behind it',
    );
  }
  if (said(reader, 'same_length', asBoolean) === true) throw refused(reader, 'same_length masks');
  if (said(reader, 'no_pos', asBoolean) === true) throw refused(reader, 'no positions (no_pos)');
  reader.fact('attention', 'softmax (attn_type 2)', type === null ? '--set attention' : 'attn_type of the model');
}

/** Positions past it are the same; -1 or nothing: none. */
function clampOf(reader: TextReader): number | null {
  const clamp = said(reader, 'clamp_len', asInteger);
  if (clamp === null || clamp <= 0) return null;
  reader.fact('positions clamped at', clamp, 'clamp_len');
  return clamp;
}

/** No final norm. Plain softmax, or log-probabilities of the adaptive one. */
function headOf(reader: TextReader, words: string, vocabulary: number, embedDim: number): HeadRoles {
  const { inner } = reader;
  const rows = axis('vocabulary', vocabulary);
  const width = axis('width C', embedDim);
  const none: HeadRoles = { norm: null, classifier: null, distClassifier: null };
  if (!inner.has('crit.out_layers.0.bias')) return none;
  const classifier: LinearRole = {
    weight: inner.has('crit.out_layers.0.weight') ? inner.tensor('crit.out_layers.0.weight', [rows, width]) : words,
    bias: inner.tensor('crit.out_layers.0.bias', [rows]),
  };
  const head: HeadRoles = { norm: null, classifier, distClassifier: null, pooling: 'last' };
  if (!inner.has('crit.cluster_weight')) return head;
  const count = inner.need('crit.cluster_weight').shape[0] ?? 0;
  const clusters = axis('clusters', count);
  const role: LinearRole = {
    weight: inner.tensor('crit.cluster_weight', [clusters, width]),
    bias: inner.tensor('crit.cluster_bias', [clusters]),
  };
  const cutoffs = cutoffsOf(reader, vocabulary, count);
  if (cutoffs === null) {
    reader.notes.push(
      `The output is an adaptive softmax of ${count} clusters, and nothing says where they begin: there are no logits. Say it with --set cutoffs=20000/40000/200000 (the values of the training run).`,
    );
    return none;
  }
  reader.notes.push('The logits are log-probabilities of the adaptive softmax, for the word after the last token.');
  return { ...head, clusters: { cutoffs, role } };
}

function cutoffsOf(reader: TextReader, vocabulary: number, count: number): readonly number[] | null {
  const { cutoffs: wanted } = reader.overrides;
  // The module's list ends with the size of the vocabulary.
  const stored = said(reader, 'cutoffs', asNumbers, 'crit.cutoffs')?.filter((cutoff) => cutoff < vocabulary);
  const found = wanted ?? stored ?? knownCutoffs.get(vocabulary);
  if (found === undefined) return null;
  const source =
    wanted !== undefined
      ? '--set cutoffs'
      : stored !== undefined
        ? 'crit.cutoffs of the model'
        : 'size of the vocabulary';
  const ascending = found.every((cutoff, i) => Number.isInteger(cutoff) && cutoff > (found[i - 1] ?? 0));
  if (found.length !== count || !ascending || (found.at(-1) ?? 0) >= vocabulary) {
    throw new ModelSpecError(
      wanted === undefined ? 'shapeMismatch' : 'badOverride',
      `${reader.index.fileName}: ${source} says that the clusters of the softmax begin at ${found.join(', ')}; ${count} ascending places below ${vocabulary} are needed. Give them with --set cutoffs=20000/40000/200000.`,
    );
  }
  reader.fact('softmax clusters begin at', found.join(', '), source);
  return found;
}

function refused(reader: TextReader, what: string): ModelSpecError {
  return new ModelSpecError(
    'unsupported',
    `${reader.index.fileName} is a language model of lmtool-fwms with ${what}. Gramlens runs its standard Transformer (attn_type 2) only: the numbers of this one would be wrong.`,
  );
}
