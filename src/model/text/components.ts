// Normalisers and pre-tokenizers of tokenizer.json, checked, and rewritten where our library would do something else
// than the original (@huggingface/tokenizers 0.2.0 against tokenizers 0.22 in Rust). What neither can do is refused.

import { asRecord } from '../parseValues';
import { grouped } from '../../checkpoint/nextSteps';
import { isWhole, shown, type Json } from './jsonValues';
import { tokenizerFault } from './tokenizer';

/** Normalisers and pre-tokenizers of one file. Real files have up to 20. */
const maxComponents = 64;
/** Characters of a pattern. The longest in use has 1,100. */
const maxPatternLength = 4096;
/** Characters that a replacement or prefix puts into the text at each place. */
const maxContentLength = 64;

/** ASCII punctuation and category P: what the original calls punctuation. */
const punctuation = '[\\p{P}!-/:-@\\[-`{-~]';

type Mend = (config: Json, name: string) => Json;

const same: Mend = (config) => config;

const normalizers: Readonly<Partial<Record<string, Mend>>> = {
  BertNormalizer: (config) => ({
    type: 'BertNormalizer',
    clean_text: config['clean_text'] !== false,
    handle_chinese_chars: config['handle_chinese_chars'] !== false,
    lowercase: config['lowercase'] !== false,
    strip_accents: typeof config['strip_accents'] === 'boolean' ? config['strip_accents'] : null,
  }),
  Precompiled: () => ({ type: 'Precompiled' }),
  Replace: (config, name) => ({
    type: 'Replace',
    pattern: pattern(config, name),
    // The library hands it to String.replaceAll, where $ has a meaning of its own.
    content: text(config, 'content', name).replaceAll('$', '$$$$'),
  }),
  // The library's own puts a prefix before nothing, too.
  Prepend: (config, name) => ({
    type: 'Replace',
    pattern: { Regex: '\\A(?=[\\s\\S])' },
    content: text(config, 'prepend', name).replaceAll('$', '$$$$'),
  }),
  Strip: (config) => ({
    type: 'Strip',
    strip_left: config['strip_left'] !== false,
    strip_right: config['strip_right'] !== false,
  }),
  NFC: same,
  NFD: same,
  NFKC: same,
  NFKD: same,
  StripAccents: same,
  Lowercase: same,
};

const preTokenizers: Readonly<Partial<Record<string, Mend>>> = {
  ByteLevel: (config) => ({
    type: 'ByteLevel',
    add_prefix_space: config['add_prefix_space'] !== false,
    use_regex: config['use_regex'] !== false,
  }),
  BertPreTokenizer: same,
  WhitespaceSplit: same,
  // The library's own knows ASCII words only.
  Whitespace: () => ({ type: 'Split', pattern: { Regex: '\\w+|[^\\w\\s]+' }, behavior: 'Removed', invert: true }),
  Metaspace: metaspace,
  CharDelimiterSplit: (config, name) => ({
    type: 'Split',
    pattern: { Regex: escaped(text(config, 'delimiter', name)) },
    behavior: 'Removed',
    invert: false,
  }),
  Split: split,
  // The library's own leaves runs of punctuation together.
  Punctuation: (config, name) => {
    const behavior = config['behavior'] ?? 'Isolated';
    if (behavior !== 'Isolated') throw unsupported(name, `the pre-tokenizer Punctuation with ${shown(behavior)}`);
    return { type: 'Split', pattern: { Regex: punctuation }, behavior: 'Isolated', invert: false };
  },
  // The library's own knows ASCII digits only.
  Digits: (config) => ({
    type: 'Split',
    pattern: { Regex: config['individual_digits'] === true ? '\\p{N}' : '\\p{N}+' },
    behavior: 'Isolated',
    invert: false,
  }),
  FixedLength: (config, name) => {
    const length = config['length'];
    if (!isWhole(length) || length < 1) {
      throw tokenizerFault(name, `the pre-tokenizer FixedLength has the length ${shown(length)}.`);
    }
    return { type: 'FixedLength', length };
  },
};

/** @throws ModelSpecError 'badInput' naming the normaliser. */
export function mendedNormalizer(value: unknown, name: string): Json | null {
  return mended(value, { what: 'normalizer', list: 'normalizers', mends: normalizers, left: maxComponents }, name);
}

/** @throws ModelSpecError 'badInput' naming the pre-tokenizer. */
export function mendedPreTokenizer(value: unknown, name: string): Json | null {
  const kind = { what: 'pre-tokenizer', list: 'pretokenizers', mends: preTokenizers, left: maxComponents };
  return mended(value, kind, name);
}

interface Kind {
  readonly what: string;
  /** Key of the list of a sequence. */
  readonly list: string;
  readonly mends: Readonly<Partial<Record<string, Mend>>>;
  left: number;
}

/** The depth is bounded by that of the JSON. */
function mended(value: unknown, kind: Kind, name: string): Json | null {
  if (value === null) return null;
  const config = asRecord(value);
  const type = config?.['type'];
  if (config === null || typeof type !== 'string') {
    throw tokenizerFault(name, `a ${kind.what} is ${shown(value)}, not a map with a type.`);
  }
  if (--kind.left < 0) throw tokenizerFault(name, `there are more than ${maxComponents} ${kind.what}s.`);
  if (type === 'Sequence') {
    const list = config[kind.list];
    if (!Array.isArray(list)) throw tokenizerFault(name, `a sequence of ${kind.what}s has no list of them.`);
    const parts = (list as readonly unknown[]).map((part) => mended(part, kind, name));
    return { type, [kind.list]: parts.filter((part) => part !== null) };
  }
  const mend = Object.hasOwn(kind.mends, type) ? kind.mends[type] : undefined;
  if (mend === undefined) throw unsupported(name, `the ${kind.what} ${shown(type)}`);
  return mend(config, name);
}

const unsupported = (name: string, what: string): Error =>
  tokenizerFault(name, `it uses ${what}, which is not in this version.`);

function text(config: Json, key: string, name: string): string {
  const value = config[key];
  if (typeof value === 'string' && value.length <= maxContentLength) return value;
  throw tokenizerFault(
    name,
    `${shown(config['type'])} has no text of at most ${maxContentLength} characters under "${key}".`,
  );
}

/** {"String": …} or {"Regex": …}; a plain text becomes a pattern, so that one way of splitting serves both. */
function pattern(config: Json, name: string): { readonly Regex: string } {
  const given = asRecord(config['pattern']);
  const plain = given?.['String'] ?? config['pattern'];
  const regex = typeof plain === 'string' ? escaped(plain) : given?.['Regex'];
  if (typeof regex !== 'string' || regex === '') {
    throw tokenizerFault(name, `${shown(config['type'])} has no pattern.`);
  }
  if (regex.length > maxPatternLength) {
    throw tokenizerFault(
      name,
      `a pattern has ${grouped(regex.length)} characters, more than the ${grouped(maxPatternLength)} Gramlens accepts.`,
    );
  }
  return { Regex: regex };
}

export const escaped = (plain: string): string => plain.replace(/[.*+?^${}()|[\]\\&-]/g, '\\$&');

function split(config: Json, name: string): Json {
  const behavior = config['behavior'];
  const invert = config['invert'] === true;
  const { Regex } = pattern(config, name);
  // Isolated keeps what matches and what stands between, whichever of them is the delimiter.
  if (behavior === 'Isolated') return { type: 'Split', pattern: { Regex }, behavior, invert: false };
  if (behavior === 'Removed') {
    // String.split would give the groups of the pattern back as pieces.
    return { type: 'Split', pattern: { Regex: invert ? Regex : withoutGroups(Regex) }, behavior, invert };
  }
  throw unsupported(name, `the pre-tokenizer Split with ${shown(behavior)}`);
}

/** Capturing groups as plain ones. Patterns of tokenizers have no back references. */
function withoutGroups(regex: string): string {
  return regex.replace(/\\.|\[(?:\\.|[^\]\\])*\]|\((?!\?)/gs, (part) => (part === '(' ? '(?:' : part));
}

function metaspace(config: Json, name: string): Json {
  const replacement = config['replacement'] ?? '▁';
  if (typeof replacement !== 'string' || Array.from(replacement).length !== 1) {
    throw tokenizerFault(name, `the replacement of Metaspace is ${shown(replacement)}, not one character.`);
  }
  const scheme = config['prepend_scheme'] ?? (config['add_prefix_space'] === false ? 'never' : 'always');
  if (scheme !== 'always' && scheme !== 'never' && scheme !== 'first') {
    throw unsupported(name, `Metaspace with the prepend_scheme ${shown(scheme)}`);
  }
  const whole = { type: 'Metaspace', replacement, prepend_scheme: scheme };
  if (config['split'] === false) return whole;
  const mark = escaped(replacement);
  const words = { Regex: `${mark}[^${mark}]*` };
  return {
    type: 'Sequence',
    pretokenizers: [whole, { type: 'Split', pattern: words, behavior: 'Isolated', invert: false }],
  };
}
