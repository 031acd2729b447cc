// Token ids as network input: typed, from a .json file, or seeded. Checked against vocabulary and context here, so
// that nothing is cut or wrapped silently later.

import { ModelSpecError, type ModelSpec, type TextShape, type TokenInput } from '../modelSpec';
import { asInteger, asRecord } from '../parseValues';

export type Sha256 = (bytes: Uint8Array) => string;

/** More tokens than any pattern of [N, N] could be shown for; against a file that is no list of ids. */
const maxTokens = 1 << 20;
/** Tokens of a random input where the context is longer. */
export const randomTokens = 32;

export interface TokenList {
  readonly ids: readonly number[];
  /** 1: a token, 0: padding, which is left out; null: all are tokens. */
  readonly mask: readonly number[] | null;
}

/** `1,2,3`, blanks allowed. Throws ModelSpecError 'badInput'. */
export function parseTokenText(text: string, label: string): TokenList {
  const parts = text.split(/[\s,]+/).filter((part) => part !== '');
  return { ids: numbers(parts, label), mask: null };
}

/** A .json file: [1, 2, 3], or {"input_ids": [...], "attention_mask": [...]}; a batch of one is unwrapped. */
export function parseTokenJson(text: string, label: string): TokenList {
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch (error) {
    throw new ModelSpecError(
      'badInput',
      `${label} is not JSON (${error instanceof Error ? error.message : String(error)}). Write the ids as [1, 2, 3].`,
    );
  }
  const record = asRecord(value);
  const ids = numbers(unwrapped(record === null ? value : record['input_ids'], label), label);
  const given = record?.['attention_mask'] ?? null;
  if (given === null) return { ids, mask: null };
  const mask = numbers(unwrapped(given, label), label);
  if (mask.length !== ids.length || mask.some((entry) => entry !== 0 && entry !== 1)) {
    throw new ModelSpecError(
      'badInput',
      `${label}: attention_mask must have one 0 or 1 for each of the ${ids.length} input_ids.`,
    );
  }
  return { ids, mask };
}

/** Seeded ids, uniform over the vocabulary; at most `most` of them, the last one ending the text where the head looks for it. */
export function randomTokenInput(
  seed: number,
  spec: ModelSpec,
  uniform: (count: number) => Float64Array,
  sha256: Sha256,
  most = randomTokens,
): TokenInput {
  const { vocabulary, context, endToken, exact } = textShape(spec);
  const count = exact ?? Math.min(most, context ?? most);
  const ids = Array.from(uniform(count), (u) => Math.floor(u * vocabulary));
  if (typeof endToken === 'number' && endToken >= 0 && endToken < vocabulary) ids[count - 1] = endToken;
  return { ...tokenInput({ ids, mask: null }, `random:${seed}`, spec, sha256, null), kind: 'random-tokens' };
}

/**
 * The input of `list`. Padded tokens are left out: they are masked keys in the model and would be rows of every Gram
 * matrix (spec section 1). `bytes`: the file, for the hash; null hashes the ids. Throws ModelSpecError 'badInput'.
 */
export function tokenInput(
  list: TokenList,
  label: string,
  spec: ModelSpec,
  sha256: Sha256,
  bytes: Uint8Array | null,
): TokenInput {
  const { vocabulary, context, positionOffset, exact } = textShape(spec);
  const places = Array.from(list.ids.keys()).filter((i) => list.mask === null || list.mask[i] === 1);
  const ids = Int32Array.from(places, (i) => list.ids[i]!);
  if (ids.length === 0) throw new ModelSpecError('badInput', `${label} holds no tokens. Give at least one id.`);
  const wrong = ids.find((id) => id < 0 || id >= vocabulary);
  if (wrong !== undefined) {
    throw new ModelSpecError(
      'badInput',
      `${label} holds the token id ${wrong}, but the vocabulary of the model is 0 to ${vocabulary - 1}.`,
    );
  }
  // RoBERTa counts positions over the tokens that are not padding.
  const kept = positionOffset > 0 || places.length === list.ids.length ? null : Int32Array.from(places);
  const needed = kept === null ? ids.length : list.ids.length;
  if (context !== null && needed > context) {
    throw new ModelSpecError(
      'badInput',
      `${label} has ${needed} tokens, but the model takes at most ${context}. Give fewer; nothing is cut off silently.`,
    );
  }
  if (exact !== undefined && ids.length !== exact) {
    throw new ModelSpecError(
      'badInput',
      `${label} has ${ids.length} tokens, but the model takes exactly ${exact}. Give as many, or export it with an open length.`,
    );
  }
  return {
    kind: 'tokens',
    label,
    ids,
    positions: kept,
    sha256: sha256(bytes ?? bytesOf(ids)),
    picture: null,
  };
}

function textShape(spec: ModelSpec): TextShape {
  if (spec.text) return spec.text;
  throw new ModelSpecError(
    'badInput',
    spec.audio
      ? 'This model takes log-mel features, not token ids. Give npy:FILE or random.'
      : 'This model takes pictures, not token ids. Give a PNG or JPEG picture, npy:FILE or random.',
  );
}

function unwrapped(value: unknown, label: string): readonly unknown[] {
  const list = Array.isArray(value) ? (value as unknown[]) : null;
  if (list?.length === 1 && Array.isArray(list[0])) return list[0] as unknown[];
  if (list !== null) return list;
  throw new ModelSpecError('badInput', `${label} is no list of token ids. Write the ids as [1, 2, 3].`);
}

function numbers(values: readonly unknown[], label: string): number[] {
  if (values.length > maxTokens) {
    throw new ModelSpecError('badInput', `${label} has ${values.length} entries, more than ${maxTokens} token ids.`);
  }
  return values.map((value) => {
    const id = asInteger(value);
    if (id !== null) return id;
    const shown = JSON.stringify(value).slice(0, 40);
    throw new ModelSpecError(
      'badInput',
      `${label} holds ${shown}, which is no token id. Write whole numbers such as 1, 2, 3.`,
    );
  });
}

function bytesOf(ids: Int32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(ids.length * 4));
  ids.forEach((id, i) => {
    view.setInt32(4 * i, id, true);
  });
  return new Uint8Array(view.buffer);
}
