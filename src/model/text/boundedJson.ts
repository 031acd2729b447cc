// JSON of a tokenizer -> a value, with the number of its parts and its depth bounded before anything is allocated.

import { grouped } from '../../checkpoint/nextSteps';
import { decodeUtf8 } from './utf8';
import { tokenizerFault } from './tokenizer';

/** Commas and opened brackets. A vocabulary of 260,000 with 580,000 merges as pairs has 2.0 million; an empty object costs 32 bytes a part. */
const maxParts = 3_000_000;
/** Levels of brackets. Normalisers in sequences in sequences have 6. */
const maxDepth = 32;

/** @throws ModelSpecError 'badInput' naming the file: not UTF-8, not JSON, too many parts, too deep. */
export function parseBoundedJson(bytes: Uint8Array, name: string): unknown {
  checkParts(bytes, name);
  const text = decodeUtf8(bytes);
  if (text === null) throw tokenizerFault(name, 'this is not UTF-8 text, so it is no JSON file.');
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw tokenizerFault(name, `this is not JSON (${shortReason(error)}).`);
  }
}

/** The reason without the piece of the file that the engine quotes. */
function shortReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/,? ?"?\.{3}.*$/s, '').slice(0, 120);
}

function checkParts(bytes: Uint8Array, name: string): void {
  let parts = 0;
  let depth = 0;
  let inText = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inText) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inText = false;
    } else if (byte === 0x22) inText = true;
    else if (byte === 0x2c) parts++;
    else if (byte === 0x5b || byte === 0x7b) {
      parts++;
      if (++depth > maxDepth) {
        throw tokenizerFault(
          name,
          `brackets are nested deeper than ${maxDepth} levels; the file is damaged or crafted.`,
        );
      }
    } else if (byte === 0x5d || byte === 0x7d) depth--;
    if (parts > maxParts) {
      throw tokenizerFault(
        name,
        `the file has more than the ${grouped(maxParts)} entries of the largest tokenizers; it is damaged or crafted.`,
      );
    }
  }
}
