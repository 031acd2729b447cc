// The header of a .npy array (NumPy format versions 1 to 3): a Python dict literal, read token by token and never
// evaluated. Limits are those of NumPy's own reader.

import { CheckpointError } from '../checkpointError';
import { grouped } from '../nextSteps';

export interface NpyHeader {
  /** As written, e.g. '<f4'; null for the list of a structured array. */
  readonly descr: string | null;
  /** First axis fastest. */
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Bytes of magic, version, length and header: where the numbers begin. */
  readonly dataOffset: number;
}

/** NumPy refuses longer headers too (`max_header_size`); a real one has about 118 bytes. */
export const maxHeaderBytes = 10_000;

/** Bytes of an array up to its numbers, at most: magic, version and length stand before the header. */
export const maxHeadBytes = 12 + maxHeaderBytes;

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const writeAgain = 'Write it again with numpy.';

/**
 * `peek(n)` gives the first n bytes of the array, or all of its `byteLength`. `what` names it in messages.
 * @throws CheckpointError for a header that is cut, oversized or not what NumPy writes.
 */
export async function readNpyHeader(
  what: string,
  byteLength: number,
  peek: (length: number) => Promise<Uint8Array>,
): Promise<NpyHeader> {
  const cut = (): CheckpointError =>
    new CheckpointError('truncated', `${what} ends inside its .npy header. Copy or download the file again.`);
  let head = await peek(firstPeek);
  if (!magic.slice(0, head.length).every((byte, i) => head[i] === byte))
    throw new CheckpointError('corrupt', `${what} does not begin as a .npy array does. ${writeAgain}`);
  if (head.length < 8) throw cut();
  const version = head[6]!;
  if (version < 1 || version > 3) {
    throw new CheckpointError(
      'unsupported',
      `${what} has version ${version} of the .npy format; Gramlens knows 1 to 3. ${writeAgain}`,
    );
  }
  const start = version === 1 ? 10 : 12;
  if (head.length < start) throw cut();
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > maxHeaderBytes) {
    throw new CheckpointError(
      'tooLarge',
      `${what} has a .npy header of ${grouped(length)} bytes, more than the ${grouped(maxHeaderBytes)} NumPy itself reads. ${writeAgain}`,
    );
  }
  const dataOffset = start + length;
  if (dataOffset > byteLength) throw cut();
  if (head.length < dataOffset) head = await peek(dataOffset);
  const text = new TextDecoder().decode(head.subarray(start, dataOffset));
  const facts = parseDict(text);
  if (facts === null) throw new CheckpointError('corrupt', `${what} has a damaged .npy header. ${writeAgain}`);
  return { ...facts, dataOffset };
}

/** Enough for the headers NumPy writes (128 bytes with the magic, whatever the shape). */
const firstPeek = 256;

/** The three facts of `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, each once; null for anything else. */
function parseDict(text: string): Omit<NpyHeader, 'dataOffset'> | null {
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  let descr: string | null | undefined;
  let fortranOrder: boolean | undefined;
  let shape: readonly number[] | undefined;
  if (take(/\s*\{/y) === null) return null;
  while (take(/\s*\}\s*$/y) === null) {
    const key = take(/\s*(['"])(\w+)\1\s*:\s*/y)?.[2];
    if (key === 'descr' && descr === undefined) {
      const name = take(/(['"])([^'"\\]*)\1/y)?.[2];
      descr = name ?? null;
      if (name === undefined) {
        const end = endOfList(text, at);
        if (end === null) return null;
        at = end;
      }
    } else if (key === 'fortran_order' && fortranOrder === undefined) {
      const value = take(/True|False/y)?.[0];
      if (value === undefined) return null;
      fortranOrder = value === 'True';
    } else if (key === 'shape' && shape === undefined) {
      // Python 2 wrote (3L, 4L).
      const sizes = take(/\(((?:\s*\d+L?\s*,)*\s*(?:\d+L?)?\s*)\)/y)?.[1];
      if (sizes === undefined) return null;
      shape = (sizes.match(/\d+/g) ?? []).map(Number);
    } else return null;
    if (take(/\s*,/y) === null && !/^\s*\}/.test(text.slice(at))) return null;
  }
  return descr === undefined || fortranOrder === undefined || shape === undefined
    ? null
    : { descr, fortranOrder, shape };
}

/** Index behind the bracket that closes the list at `from`; its content (a structured dtype) is not looked at. */
function endOfList(text: string, from: number): number | null {
  if (text[from] !== '[') return null;
  let depth = 0;
  let quote = '';
  for (let i = from; i < text.length; i++) {
    const c = text[i]!;
    if (quote !== '') quote = c === quote ? '' : quote;
    else if (c === "'" || c === '"') quote = c;
    else if (c === '[' || c === '(') depth++;
    else if (c === ']' || c === ')') depth--;
    if (depth === 0) return i + 1;
  }
  return null;
}
