// Text as network input: its bytes decoded and bounded here, tokens from a tokenizer, checks as for every list of ids.

import { grouped } from '../../checkpoint/nextSteps';
import { ModelSpecError, type ModelSpec, type TokenInput } from '../modelSpec';
import { tokenInput, type Sha256 } from './tokenInput';
import { maxTextBytes, type Encoding } from './tokenizer';
import { decodeUtf8 } from './utf8';

/** Characters of a text in its label. */
const labelLength = 40;

/** 'text:The quick brown…' */
export function textLabel(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const chars = Array.from(line.slice(0, 2 * labelLength));
  return `text:${chars.length > labelLength ? `${chars.slice(0, labelLength).join('')}…` : line}`;
}

/** Before it is read. @throws ModelSpecError 'badInput' */
export function checkTextSize(byteLength: number, label: string): void {
  if (byteLength <= maxTextBytes) return;
  throw new ModelSpecError(
    'badInput',
    `${label} has ${grouped(byteLength)} bytes, more than the ${grouped(maxTextBytes)} of one input. Give a part of it.`,
  );
}

/** The text of a file. A byte order mark is left out. @throws ModelSpecError 'badInput' */
export function decodeText(bytes: Uint8Array, label: string): string {
  checkTextSize(bytes.length, label);
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw new ModelSpecError('badInput', `${label} is UTF-16 text. Save it as UTF-8.`);
  }
  const text = decodeUtf8(bytes);
  if (text === null) throw new ModelSpecError('badInput', `${label} is not UTF-8 text. Save it as UTF-8.`);
  return text;
}

/** `bytes`: the text as it was given, for the hash. @throws ModelSpecError 'badInput' */
export function textInput(
  encoding: Encoding,
  tokenizer: string,
  label: string,
  bytes: Uint8Array,
  spec: ModelSpec,
  sha256: Sha256,
): TokenInput {
  const vocabulary = spec.text?.vocabulary ?? 0;
  const wrong = spec.text ? encoding.ids.find((id) => id >= vocabulary) : undefined;
  if (wrong !== undefined) {
    throw new ModelSpecError(
      'badInput',
      `${label}: the tokenizer gives the id ${wrong}, but the vocabulary of the model is 0 to ${vocabulary - 1}. The tokenizer belongs to another model; give the right one with --set tokenizer=FILE.`,
    );
  }
  const input = tokenInput({ ids: encoding.ids, mask: null }, label, spec, sha256, bytes);
  return { ...input, kind: 'text', words: { labels: encoding.labels, added: encoding.added, tokenizer } };
}
