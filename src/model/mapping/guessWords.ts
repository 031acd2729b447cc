// Words by which code bases name the parts of a transformer, as they stand in tensor names once those are lower case
// with dots between the words.

/** 'layers.0.SelfAttn.qProj.weight' -> 'layers.0.self.attn.q.proj.weight': words apart, lower case. */
export function wordsOf(name: string): string {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1.$2')
    .toLowerCase()
    .replace(/[^a-z\d{}+]+/g, '.')
    .replace(/^\.|\.$/g, '');
}

/** Whether the words stand somewhere in a name, each whole. */
const word = (...alternatives: readonly string[]): RegExp => new RegExp(`(^|\\.)(${alternatives.join('|')})(\\.|$)`);

export const inAttention = word(
  'attn',
  'attention',
  'attentions',
  'selfattention',
  'mha',
  'msa',
  'self\\.attn',
  'mixer',
);
export const inMlp = word(
  'mlp',
  'ff',
  'ffn',
  'feedforward',
  'feed\\.forward',
  'fc\\d?',
  'c\\.fc',
  'linear\\d',
  'lin\\d',
  'intermediate',
  'net',
);
export const inNorm = word(
  'norm\\d?',
  'ln\\d?',
  'layernorm\\d?',
  'layer\\.norm\\d?',
  'rmsnorm',
  'ln\\.[\\da-z]+',
  'g',
  'gamma',
);
export const inEmbedding = word('emb', 'embed', 'embeddings?', 'embedding', 'patch', 'pre', 'tok', 'token');
export const inPosition = word(
  'pos',
  'position',
  'positions',
  'positional',
  'wpe',
  'position\\.embeddings?',
  'posembed',
  'posemb',
);
export const inHead = word(
  'head',
  'heads',
  'lm',
  'classifier',
  'logits',
  'output',
  'out',
  'decoder',
  'fc',
  'unembed',
  'cls',
  'pooler',
  'projection',
  'predictions',
);

/** A role by the words of its name; the first pattern is sure, later ones only where nothing better is there. */
export const roleWords: Readonly<Record<string, readonly RegExp[]>> = {
  qkv: [
    word('qkv', 'to\\.qkv', 'in\\.proj', 'c\\.attn', 'wqkv', 'query\\.key\\.value', 'qkv\\.proj', 'w\\.pack', 'packed'),
  ],
  kv: [word('kv', 'to\\.kv', 'kv\\.net', 'wkv', 'key\\.value')],
  q: [word('q', 'query', 'queries', 'wq', 'w\\.q', 'to\\.q', 'q\\.proj', 'q\\.lin', 'q\\.net', 'linear\\.q')],
  k: [word('k', 'key', 'keys', 'wk', 'w\\.k', 'to\\.k', 'k\\.proj', 'k\\.lin', 'linear\\.k')],
  v: [word('v', 'value', 'values', 'wv', 'w\\.v', 'to\\.v', 'v\\.proj', 'v\\.lin', 'linear\\.v')],
  proj: [
    word(
      'out\\.proj',
      'o\\.proj',
      'to\\.out',
      'wo',
      'c\\.proj',
      'o\\.net',
      'out\\.lin',
      'linear\\.out',
      'unifyheads',
      'w\\.o',
    ),
    word('proj', 'projection', 'o', 'out', 'output', 'dense', 'fc'),
  ],
  gate: [word('gate', 'gate\\.proj', 'fc1\\.g', 'w1'), word('g')],
  up: [word('up', 'up\\.proj', 'fc1\\.x', 'w3'), word('x')],
  fc1: [
    word(
      'fc1',
      'c\\.fc',
      'fc\\.in',
      'lin1',
      'linear1',
      'linear\\.1',
      'w1',
      'w\\.1',
      'wi',
      'up\\.proj',
      'dense\\.h\\.to\\.4h',
      'intermediate',
      'w12',
      'gate\\.up\\.proj',
    ),
    word('0', '1', 'in', 'up'),
  ],
  fc2: [
    word(
      'fc2',
      'c\\.proj',
      'fc\\.out',
      'lin2',
      'linear2',
      'linear\\.2',
      'w2',
      'w\\.2',
      'wo',
      'down\\.proj',
      'dense\\.4h\\.to\\.h',
      'output',
      'down',
    ),
    word('2', '3', '4', 'out'),
  ],
};

export const norm1Words = word(
  'norm1',
  'norm\\.1',
  'ln1',
  'ln\\.1',
  'layer\\.norm1',
  'layer\\.norm\\.1',
  'attn\\.norm',
  'attn\\.ln',
  'norm\\.attn',
  'attention\\.norm',
  'input\\.layernorm',
  'layernorm\\.before',
  'self\\.attn\\.layer\\.norm',
  'sa\\.layer\\.norm',
  'attention\\.output\\.layer\\.norm',
  'attention\\.layer\\.norm',
);
export const norm2Words = word(
  'norm2',
  'norm\\.2',
  'ln2',
  'ln\\.2',
  'layer\\.norm2',
  'layer\\.norm\\.2',
  'ffn?\\.norm',
  'ffn?\\.ln',
  'norm\\.ffn?',
  'norm\\.mlp',
  'mlp\\.norm',
  'mlp\\.ln',
  'post\\.attention\\.layernorm',
  'layernorm\\.after',
  'final\\.layer\\.norm',
  'output\\.layer\\.norm',
);
export const queryNormWords = word('q\\.norm', 'norm\\.q', 'query\\.norm', 'q\\.ln', 'ln\\.q', 'q\\.layernorm');
export const keyNormWords = word('k\\.norm', 'norm\\.k', 'key\\.norm', 'k\\.ln', 'ln\\.k', 'k\\.layernorm');
export const layerScaleWords = word('ls\\d?', 'gamma\\.\\d', 'lambda\\d?', 'layer\\.?scale\\.?\\d?', 'scale\\.?\\d');
/** Buffers that hold no weights: masks, frequencies, counters. */
export const bufferWords =
  /(^|\.)(inv\.freq|masked\.bias|attn\.mask|causal\.mask|mask|position\.ids|num\.batches\.tracked|rotary\.emb\.[\w.]+|freqs)$/;

/** Endings of a weight and what its bias is called beside it. */
const siblings: readonly (readonly [weight: RegExp, bias: string])[] = [
  [/weight$/, 'bias'],
  [/kernel$/, 'bias'],
  [/gamma$/, 'beta'],
  [/scale$/, 'bias'],
  [/(^|[._/])w$/, '$1b'],
  [/(^|[._/])g$/, '$1b'],
];

/** The name of the bias that would stand beside this weight; null where the name has no known ending. */
export function biasNames(weight: string): readonly string[] {
  return siblings.filter(([ending]) => ending.test(weight)).map(([ending, bias]) => weight.replace(ending, bias));
}

/** Whether a name ends as biases do. */
export function endsAsBias(name: string): boolean {
  return /(bias|beta|offset)$/.test(name.toLowerCase()) || /[._/]b$/.test(name);
}
