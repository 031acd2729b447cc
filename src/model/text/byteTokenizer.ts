// Plain bytes as tokens: byte b of the UTF-8 text is id b + offset. ByT5 keeps 0, 1, 2 for padding, end and unknown and
// ends a text with </s>; other byte models count from 0.

import { bytesLabel } from './tokenLabels';
import type { Tokenizer } from './tokenizer';

/** Ids before byte 0 in ByT5. */
export const byt5Offset = 3;
const byt5Special = ['<pad>', '</s>', '<unk>'];

export function byteTokenizer(offset: number, why: string): Tokenizer {
  const end = offset === byt5Offset ? [1] : [];
  const label = (id: number): string | null => {
    if (id < offset) return byt5Special[id] ?? null;
    return id < offset + 256 ? bytesLabel(Uint8Array.of(id - offset)) : null;
  };
  return {
    vocabulary: offset + 256,
    source: `plain bytes of UTF-8 (${why})${end.length > 0 ? '; </s> is added at the end' : '; no special token is added'}`,
    encode: (text) => {
      const bytes = new TextEncoder().encode(text);
      const ids = [...Array.from(bytes, (byte) => byte + offset), ...end];
      return {
        ids,
        labels: ids.map((id) => label(id) ?? String(id)),
        added: ids.map((_, i) => (i < bytes.length ? 0 : 1)),
      };
    },
    label,
  };
}
