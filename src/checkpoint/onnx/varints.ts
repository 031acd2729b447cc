// Integers that a protobuf file holds packed as varints (int32_data, int64_data, uint64_data of a TensorProto) as the
// little-endian bytes that their dtype has in memory.

import type { ByteSource } from '../byteSource';
import { CheckpointError } from '../checkpointError';
import { dtypeBytes, elementCount } from '../dtypes';
import { grouped, quoted } from '../nextSteps';
import type { TensorEntry } from '../tensorIndex';
import { damaged } from './wireCursor';

/** Bytes they may take in memory: as for deflated streams, since they cannot be read in pieces. */
export const maxDecodedBytes = 2 ** 30;
/** Bytes of the file that are read at once. */
const pieceBytes = 4 * 1024 * 1024;
const maxVarintBytes = 10;

/**
 * The values of an entry with `varints`, `dtypeBytes` each; higher bits than the dtype has are dropped.
 * @throws CheckpointError when the bytes hold another number of values than the shape, or a varint of over 64 bits.
 */
export async function decodeVarints(source: ByteSource, entry: TensorEntry): Promise<Uint8Array> {
  const fail = (text: string, reason: 'corrupt' | 'tooLarge' = 'corrupt'): never => {
    throw new CheckpointError(reason, `${source.name}: tensor ${quoted(entry.name)} ${text}`, { tensor: entry.name });
  };
  const size = entry.dtype === null ? 0 : dtypeBytes[entry.dtype];
  const count = elementCount(entry.shape) ?? Infinity;
  if (count * size > maxDecodedBytes) {
    return fail(
      `is packed as varints and has ${grouped(count * size)} bytes in memory, more than the ${grouped(maxDecodedBytes)} Gramlens unpacks at once. Save the model again with onnx.numpy_helper, which writes raw_data.`,
      'tooLarge',
    );
  }
  // A crafted shape gets no memory that its bytes cannot fill.
  if (count > entry.byteLength)
    return fail(
      `has shape [${entry.shape.join(', ')}], its ${grouped(entry.byteLength)} bytes hold fewer values. ${damaged}`,
    );
  const out = new DataView(new ArrayBuffer(count * size));
  let done = 0;
  let low = 0;
  let high = 0;
  let at = 0;
  for (let offset = 0; offset < entry.byteLength; offset += pieceBytes) {
    const piece = await source.read(entry.byteOffset + offset, Math.min(pieceBytes, entry.byteLength - offset));
    for (const byte of piece) {
      if (at === maxVarintBytes) return fail(`has a value of more than 64 bits. ${damaged}`);
      const bits = byte & 0x7f;
      if (at < 4) low |= bits << (7 * at);
      else if (at === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (7 * at - 32);
      at++;
      if (byte >= 0x80) continue;
      if (done === count) return fail(`holds more values than its shape [${entry.shape.join(', ')}]. ${damaged}`);
      store(out, done * size, size, low, high);
      done++;
      low = 0;
      high = 0;
      at = 0;
    }
  }
  if (done !== count || at !== 0)
    return fail(
      `holds ${grouped(done)} values, its shape [${entry.shape.join(', ')}] needs ${grouped(count)}. ${damaged}`,
    );
  return new Uint8Array(out.buffer);
}

function store(out: DataView, at: number, size: number, low: number, high: number): void {
  if (size === 1) out.setUint8(at, low & 0xff);
  else if (size === 2) out.setUint16(at, low & 0xffff, true);
  else out.setUint32(at, low >>> 0, true);
  if (size === 8) out.setUint32(at + 4, high >>> 0, true);
}
