// Pieces with scores -> the structure of tokenizer.json: BPE by turning scores into merges, unigram as it is. They come
// from GGUF metadata or from a tokenizer.model (sentencePieceFile.ts).

import type { Json } from './jsonValues';
import type { Spelling } from './tokenLabels';
import { checkedStructure, type Structure } from './structure';
import { tokenizerFault } from './tokenizer';

/** Kinds of pieces, numbered as in both formats. */
export const pieceTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

export interface Piece {
  readonly text: string;
  readonly score: number;
  readonly type: number;
}

interface Options {
  readonly kind: 'BPE' | 'Unigram';
  /** A space is put before the text. */
  readonly addPrefix: boolean;
  /** What comes before spaces are marked, by the names of tokenizer.json. */
  readonly normalizers: readonly Json[];
  readonly name: string;
}

/** Splits of one piece that are looked at: pieces are short, and each split costs two look-ups. */
const maxPieceLength = 256;

/** @throws ModelSpecError 'badInput' for a vocabulary without an unknown piece, or with the same piece twice. */
export function scoredPieces(
  pieces: readonly Piece[],
  { kind, addPrefix, normalizers, name }: Options,
): { readonly structure: Structure; readonly spelling: Spelling; readonly names: readonly string[] } {
  const unknown = pieces.findIndex(({ type }) => type === pieceTypes.unknown);
  if (unknown < 0) throw tokenizerFault(name, 'its SentencePiece vocabulary has no unknown piece.');
  const ids = new Map<string, number>();
  pieces.forEach(({ text }, id) => {
    const other = ids.get(text);
    if (other !== undefined) throw tokenizerFault(name, `pieces ${other} and ${id} are the same text.`);
    ids.set(text, id);
  });
  const fallback = pieces.some(({ type }) => type === pieceTypes.byte);
  const added = pieces.flatMap(({ text, type }, id) => {
    const special = type === pieceTypes.control || type === pieceTypes.unknown;
    return (special || type === pieceTypes.userDefined) && text !== ''
      ? [{ content: text, id, special, normalized: false }]
      : [];
  });
  const model =
    kind === 'BPE'
      ? {
          type: 'BPE',
          vocab: Object.fromEntries(ids),
          merges: mergesOf(pieces, ids),
          unk_token: pieces[unknown]!.text,
          fuse_unk: true,
          byte_fallback: fallback,
        }
      : {
          type: 'Unigram',
          // Control, byte and unused pieces are never found in a text.
          vocab: pieces.map(({ text, score, type }, id) => [
            type === pieceTypes.normal || type === pieceTypes.userDefined ? text : `\u0000${id}`,
            score,
          ]),
          unk_id: unknown,
          byte_fallback: fallback,
        };
  const structure = checkedStructure(
    {
      model,
      normalizer: {
        type: 'Sequence',
        normalizers: [
          ...normalizers,
          ...(addPrefix ? [{ type: 'Prepend', prepend: '▁' }] : []),
          { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
        ],
      },
      pre_tokenizer: null,
      added_tokens: added,
    },
    name,
  );
  return {
    structure,
    spelling: { byteLevel: false, space: '▁', wordEnd: null },
    names: pieces.map(({ text }) => text),
  };
}

/** Two pieces merge into a third by its score, best first: what SentencePiece does, written as a list of merges. */
function mergesOf(pieces: readonly Piece[], ids: ReadonlyMap<string, number>): readonly (readonly [string, string])[] {
  const merges: { readonly pair: readonly [string, string]; readonly score: number; readonly order: number[] }[] = [];
  for (const { text, score, type } of pieces) {
    if (type !== pieceTypes.normal || text.length > maxPieceLength) continue;
    const chars = Array.from(text);
    for (let at = 1; at < chars.length; at++) {
      const [left, right] = [chars.slice(0, at).join(''), chars.slice(at).join('')];
      const [first, second] = [ids.get(left), ids.get(right)];
      if (first !== undefined && second !== undefined)
        merges.push({ pair: [left, right], score, order: [first, second] });
    }
  }
  merges.sort((a, b) => b.score - a.score || a.order[0]! - b.order[0]! || a.order[1]! - b.order[1]!);
  return merges.map(({ pair }) => pair);
}
