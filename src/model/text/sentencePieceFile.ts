// tokenizer.model of SentencePiece (a protocol buffer) -> pieces with scores, and from them the structure of
// tokenizer.json. Field numbers: sentencepiece_model.proto.

import { quoted } from '../../checkpoint/nextSteps';
import { asBoolean } from '../parseValues';
import type { Json } from './jsonValues';
import { pieceTypes, scoredPieces, type Piece } from './sentencePiece';
import type { Spelling } from './tokenLabels';
import { specialName, type Around } from './specialTokens';
import type { Structure } from './structure';
import { maxVocabulary, tokenizerFault, type AddedToken } from './tokenizer';
import { decodeUtf8 } from './utf8';

interface SentencePieceTokenizer {
  readonly structure: Structure;
  readonly spelling: Spelling;
  readonly names: readonly string[];
  readonly around: Around;
  readonly what: string;
}

interface Field {
  readonly number: number;
  /** Of wire types 0 and 5 (as raw bits), else 0. */
  readonly value: number;
  /** Of wire type 2, else empty. */
  readonly bytes: Uint8Array;
}

/** A message's fields in order. @throws ModelSpecError 'badInput' where it is no protocol buffer. */
function* fieldsOf(bytes: Uint8Array, name: string): Generator<Field> {
  const broken = (): Error => tokenizerFault(name, 'this is no SentencePiece model: its fields do not fit the file.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw broken();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw broken();
  };
  while (at < bytes.length) {
    const tag = varint();
    const [number, wire] = [Math.floor(tag / 8), tag % 8];
    if (wire === 0) yield { number, value: varint(), bytes: empty };
    else if (wire === 5 || wire === 1) {
      const size = wire === 5 ? 4 : 8;
      if (at + size > bytes.length) throw broken();
      yield { number, value: wire === 5 ? view.getFloat32(at, true) : 0, bytes: empty };
      at += size;
    } else if (wire === 2) {
      const length = varint();
      if (length > bytes.length - at) throw broken();
      yield { number, value: 0, bytes: bytes.subarray(at, at + length) };
      at += length;
    } else throw broken();
  }
}

const empty = new Uint8Array(0);

function readPiece(bytes: Uint8Array, id: number, name: string): Piece {
  let piece: Piece = { text: '', score: 0, type: pieceTypes.normal };
  for (const field of fieldsOf(bytes, name)) {
    if (field.number === 1) {
      const text = decodeUtf8(field.bytes);
      if (text === null) throw tokenizerFault(name, `piece ${id} is not UTF-8 text.`);
      piece = { ...piece, text };
    } else if (field.number === 2) piece = { ...piece, score: field.value };
    else if (field.number === 3) piece = { ...piece, type: field.value };
  }
  return piece;
}

/** Whole numbers and texts of a message, the last of each number. */
function readSettings(bytes: Uint8Array, name: string): ReadonlyMap<number, Field> {
  return new Map(Array.from(fieldsOf(bytes, name), (field) => [field.number, field]));
}

const kinds: ReadonlyMap<number, 'Unigram' | 'BPE'> = new Map([
  [1, 'Unigram'],
  [2, 'BPE'],
]);

/** `config`: tokenizer_config.json, `special`: special_tokens_map.json. @throws ModelSpecError 'badInput' */
export function sentencePieceTokenizer(
  bytes: Uint8Array,
  config: Json,
  special: Json,
  family: string,
  name: string,
): SentencePieceTokenizer {
  const pieces: Piece[] = [];
  let trainer: ReadonlyMap<number, Field> = new Map();
  let normalizer: ReadonlyMap<number, Field> = new Map();
  for (const field of fieldsOf(bytes, name)) {
    if (field.number === 1) {
      if (pieces.length === maxVocabulary) throw tokenizerFault(name, `it has more than ${maxVocabulary} pieces.`);
      pieces.push(readPiece(field.bytes, pieces.length, name));
    } else if (field.number === 2) trainer = readSettings(field.bytes, name);
    else if (field.number === 3) normalizer = readSettings(field.bytes, name);
  }
  if (pieces.length === 0) throw tokenizerFault(name, 'this is no SentencePiece model: there is no piece in it.');
  const type = trainer.get(3)?.value ?? 1;
  const kind = kinds.get(type);
  if (kind === undefined) {
    throw tokenizerFault(name, `its model type is ${type}; Gramlens reads unigram (1) and BPE (2) models.`);
  }
  if (trainer.get(24)?.value === 1) {
    throw tokenizerFault(
      name,
      'it puts spaces behind words (treat_whitespace_as_suffix), which is not in this version.',
    );
  }
  const built = scoredPieces(pieces, {
    kind,
    addPrefix: (normalizer.get(3)?.value ?? 1) !== 0,
    normalizers: normalizersOf(normalizer, name),
    name,
  });
  const token = (key: string, fieldNumber: number, otherwise: number): AddedToken | null => {
    const content = specialName(key, config, special);
    const id =
      content === null
        ? (trainer.get(fieldNumber)?.value ?? otherwise)
        : pieces.findIndex(({ text }) => text === content);
    const piece = pieces[id];
    return piece === undefined ? null : { content: piece.text, id };
  };
  // LLaMA adds <s>; T5 and ALBERT are no families of this version.
  const llama = ['llama', 'mistral'].includes(family);
  const side = (add: string, otherwise: boolean, found: AddedToken | null): readonly AddedToken[] =>
    (asBoolean(config[add]) ?? otherwise) && found !== null ? [found] : [];
  return {
    ...built,
    around: {
      before: side('add_bos_token', llama, token('bos_token', 41, 1)),
      after: side('add_eos_token', false, token('eos_token', 42, 2)),
    },
    what: `SentencePiece ${kind === 'BPE' ? 'BPE' : 'unigram'}`,
  };
}

/** `identity` changes nothing; the others are Unicode normalisations with a table of SentencePiece's own. */
function normalizersOf(spec: ReadonlyMap<number, Field>, name: string): readonly Json[] {
  const rule = decodeUtf8(spec.get(1)?.bytes ?? empty) ?? '';
  const table = (spec.get(2)?.bytes.length ?? 0) > 0;
  const removes = (spec.get(4)?.value ?? 1) !== 0;
  const spaces: readonly Json[] = removes
    ? [
        { type: 'Replace', pattern: { Regex: '\\A +| +\\z' }, content: '' },
        { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' },
      ]
    : [];
  if (!table) return spaces;
  if (rule === 'nmt_nfkc') return [{ type: 'Precompiled' }, ...spaces];
  if (rule === 'nfkc') return [{ type: 'NFKC' }, ...spaces];
  throw tokenizerFault(
    name,
    `it normalises text with the rules ${quoted(rule)}, which are not in this version (identity, nfkc and nmt_nfkc are).`,
  );
}
