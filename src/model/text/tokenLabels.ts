// Tokens as a person reads them: the spaces that byte-level and SentencePiece vocabularies spell Ġ and ▁ become '·',
// bytes that are no text and control characters are escaped.

/** Characters of a label; a longer one would push the axis out of the figure. */
const maxLabel = 40;

/** How a vocabulary spells its tokens. */
export interface Spelling {
  /** One character a byte, as GPT-2 has them ('Ġ' for a space). */
  readonly byteLevel: boolean;
  /** The character that stands for a space ('▁'); null: none. */
  readonly space: string | null;
  /** What marks the end of a word ('</w>'); null: none. */
  readonly wordEnd: string | null;
}

/** GPT-2's table: printable Latin-1 bytes stand for themselves, the other 68 for U+0100 and on. */
const byteOfChar: ReadonlyMap<string, number> = (() => {
  const table = new Map<string, number>();
  let spare = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    table.set(String.fromCharCode(printable ? byte : spare++), byte);
  }
  return table;
})();

/** `token` as the vocabulary has it -> its label. `special` ones are shown as they are. */
export function tokenLabel(token: string, spelling: Spelling, special: boolean): string {
  if (special) return shortened(escaped(token));
  const byte = /^<0x([0-9A-F]{2})>$/.exec(token);
  if (byte !== null) return bytesLabel(Uint8Array.of(parseInt(byte[1]!, 16)));
  let text = token;
  let ending = '';
  const { wordEnd, space } = spelling;
  if (wordEnd !== null && wordEnd !== '' && text.endsWith(wordEnd)) {
    text = text.slice(0, -wordEnd.length);
    ending = '·';
  }
  if (spelling.byteLevel) {
    const bytes = Array.from(text, (char) => byteOfChar.get(char));
    if (bytes.every((value) => value !== undefined)) return shortened(bytesLabel(Uint8Array.from(bytes)) + ending);
  }
  if (space !== null) text = text.replaceAll(space, ' ');
  return shortened(escaped(text) + ending);
}

/** Bytes as text where they are whole characters, else \xE2 each. */
export function bytesLabel(bytes: Uint8Array): string {
  try {
    return escaped(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return Array.from(bytes, (byte) =>
      byte === 0x20 ? '·' : byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${hex(byte, 2)}`,
    ).join('');
  }
}

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Spaces as '·'; what has no shape of its own, or turns the writing direction, as its code. */
function escaped(text: string): string {
  const shown = text
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, (char) => {
      const code = char.codePointAt(0)!;
      return named[char] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u{${hex(code, 4)}}`);
    })
    .replaceAll(' ', '·');
  // A combining mark alone would sit on the quote or the digit before it.
  return /^\p{M}/u.test(shown) ? `◌${shown}` : shown;
}

const hex = (code: number, digits: number): string => code.toString(16).toUpperCase().padStart(digits, '0');

function shortened(text: string): string {
  const chars = Array.from(text.slice(0, 2 * maxLabel + 2));
  return chars.length <= maxLabel ? text : `${chars.slice(0, maxLabel - 1).join('')}…`;
}
