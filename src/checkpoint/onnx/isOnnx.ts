// Whether a file is an ONNX model. The format has no magic: what tells it is that its first fields are those of a
// ModelProto, in wire type and content, which other protobufs (SavedModel, GraphDef, SentencePiece) do not match.

import type { ByteSource } from '../byteSource';
import { CheckpointError } from '../checkpointError';
import { maxHeaderFields } from './limits';
import { wire, WireCursor } from './wireCursor';

const versionTag = 0x08;
const graphTag = 0x3a;

/** ir_version of any model; 13 is the newest in 2025. SavedModel has 1 in the same place, and then no name. */
const maxIrVersion = 64;
const maxProducerBytes = 256;

/** Wire types of a ModelProto's fields by number. */
const modelFields: ReadonlyMap<number, number> = new Map([
  [1, wire.varint],
  [2, wire.bytes],
  [3, wire.bytes],
  [4, wire.bytes],
  [5, wire.varint],
  [6, wire.bytes],
  [7, wire.bytes],
  [8, wire.bytes],
  [14, wire.bytes],
  [20, wire.bytes],
  [25, wire.bytes],
  [26, wire.bytes],
]);
/** Fields of a GraphProto, all of them messages or texts: any may be first. */
const graphFields: readonly number[] = [1, 2, 5, 10, 11, 12, 13, 14, 15, 16];

/** Whether a file with these first bytes (512 or all of it) is a ModelProto. */
export async function isOnnx(source: ByteSource, head: Uint8Array): Promise<boolean> {
  return beginsModel(head) || (head[0] === graphTag && (await walksAsModel(source)));
}

/** For writers that put the graph first: every field up to the end of the file is one of a ModelProto. */
async function walksAsModel(source: ByteSource): Promise<boolean> {
  const cursor = new WireCursor(source);
  const seen = new Set<number>();
  try {
    for (let fields = 0; fields < maxHeaderFields && (await cursor.next(source.byteLength)); fields++) {
      if (modelFields.get(cursor.fieldNumber) !== cursor.wireType) return false;
      seen.add(cursor.fieldNumber);
    }
  } catch (error) {
    if (error instanceof CheckpointError) return false;
    throw error;
  }
  return seen.has(1) && seen.has(7);
}

function beginsModel(head: Uint8Array): boolean {
  let at = 0;
  let hasVersion = false;
  let hasGraph = false;
  let hasProducer = false;
  const number = (): number | null => {
    let value = 0;
    for (let i = 0; i < 8; i++) {
      const byte = head[at++];
      if (byte === undefined) return null;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    return null;
  };
  while (at < head.length) {
    const tag = number();
    if (tag === null) break;
    const field = Math.floor(tag / 8);
    if (modelFields.get(field) !== tag % 8) return false;
    const value = number();
    if (value === null) break;
    if (field === 1) {
      if (value < 1 || value > maxIrVersion) return false;
      hasVersion = true;
    }
    if (tag % 8 !== wire.bytes) continue;
    const content = head.subarray(at, at + value);
    if (field === 2) hasProducer = true;
    if ((field === 2 || field === 3) && !(value <= maxProducerBytes && isName(content))) return false;
    if (field === 7) {
      const first = content[0];
      const second = content.length > 1 && first! >= 0x80 ? content[1]! : 0;
      if (first !== undefined && !hasProducer) {
        const inner = (first & 0x7f) + second * 128;
        if (inner % 8 !== wire.bytes || !graphFields.includes(Math.floor(inner / 8))) return false;
      }
      hasGraph = true;
    }
    at += value;
  }
  // Libraries write the version first; otherwise the graph must be in sight.
  return hasVersion && (hasGraph || head[0] === versionTag);
}

/** Text without control characters. */
const isName = (bytes: Uint8Array): boolean => bytes.every((byte) => byte >= 0x20 && byte !== 0x7f);
