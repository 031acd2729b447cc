// One TensorEntry -> its values, by range and in chunks; strided tensors come out C-contiguous. The only place where
// tensor bytes are read.

import { bytesSource, type ByteSource } from './byteSource';
import { CheckpointError, type CheckpointErrorReason } from './checkpointError';
import { convertInto, isWide, makeFloatArray } from './convert';
import { dtypeBytes, elementCount } from './dtypes';
import { dequantiseInto } from './gguf/dequantise';
import { blockSizes } from './gguf/ggmlTypes';
import { copyAgain, grouped, quoted } from './nextSteps';
import { decodeVarints } from './onnx/varints';
import type { DType, FloatArray, TensorEntry } from './tensorIndex';
import { inflateMember } from './zipInflate';

/** Bytes read at once: large enough for a disk's speed; a source without `into` leaves several to the garbage collector. */
export const readChunkBytes = 16 * 1024 * 1024;
/** Elements one tensor may have (4 GB as float32): the embedding of a 405B model just fits, a typed array still does. */
export const maxElements = 2 ** 30 + 2 ** 27;
/** Elements a tensor may have that repeats its bytes (stride 0), so that a file of 1 KB cannot claim gigabytes. */
export const maxRepeatedElements = 2 ** 26;
/** Bytes a deflated stream may inflate to, since it cannot be read in pieces: the largest matrix of a ViT-22B. */
export const maxInflatedBytes = 2 ** 30;

/**
 * All values of a tensor in C order, converted exactly (64-bit integers beyond 2^53 round).
 * `into` is filled and returned where the values are float32 and lie in the file as they are wanted; it has their length.
 * @throws CheckpointError naming file and tensor: `unsupported` for an entry with a problem, `truncated`, `tooLarge`.
 */
export async function readTensor(
  source: ByteSource,
  entry: TensorEntry,
  into: Float32Array | null = null,
): Promise<FloatArray> {
  const fail = (reason: CheckpointErrorReason, text: string): never => {
    throw new CheckpointError(reason, `${source.name}: tensor ${quoted(entry.name)} ${text}`, { tensor: entry.name });
  };
  const { dtype, shape, strides } = entry;
  if (entry.problem !== undefined) return fail('unsupported', `cannot be read. ${entry.problem}`);
  if (dtype === null) return fail('unsupported', `cannot be read: dtype ${quoted(entry.dtypeName)} is unknown.`);
  const count = elementCount(shape) ?? Infinity;
  if (count > maxElements) {
    return fail(
      'tooLarge',
      `has shape [${shape.join(', ')}], more than the ${grouped(maxElements)} elements Gramlens holds in memory at once.`,
    );
  }
  const { deflated, varints, ...plain } = entry;
  if (deflated !== undefined) {
    if (deflated.inflatedBytes > maxInflatedBytes) {
      return fail(
        'tooLarge',
        `is compressed and has ${grouped(deflated.inflatedBytes)} bytes, more than the ${grouped(maxInflatedBytes)} Gramlens inflates at once. Save it again uncompressed, with numpy.savez.`,
      );
    }
    const { name, byteOffset } = entry;
    const inflated = bytesSource(source.name, await inflateMember(source, { name, byteOffset, ...deflated }));
    return readTensor(inflated, { ...plain, byteOffset: deflated.tensorOffset });
  }
  if (varints) {
    const bytes = await decodeVarints(source, entry);
    return readTensor(bytesSource(source.name, bytes), { ...plain, byteOffset: 0, byteLength: bytes.length });
  }
  const unit = unitOf(entry, dtype);
  const stored = strides === undefined ? count : Math.ceil(entry.byteLength / unit.bytes) * unit.values;
  if (stored > maxElements) {
    return fail(
      'tooLarge',
      `is spread over ${grouped(entry.byteLength)} bytes. Call .contiguous() in Python and save it again.`,
    );
  }
  if (count > stored && count > maxRepeatedElements) {
    return fail(
      'tooLarge',
      `repeats ${grouped(entry.byteLength)} bytes to shape [${shape.join(', ')}]. Call .contiguous() in Python and save it again.`,
    );
  }
  if (stored % unit.values !== 0) {
    return fail('corrupt', `has ${grouped(stored)} values, no whole number of ${entry.dtypeName} blocks.`);
  }
  const end = entry.byteOffset + (stored / unit.values) * unit.bytes;
  if (end > source.byteLength) {
    return fail('truncated', `ends at byte ${grouped(end)}, the file at ${grouped(source.byteLength)}. ${copyAgain}`);
  }
  let flat: FloatArray;
  let values: FloatArray | null = null;
  try {
    flat = into?.length === count && strides === undefined && !isWide(dtype) ? into : makeFloatArray(dtype, stored);
    if (strides !== undefined) values = makeFloatArray(dtype, count);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return fail(
      'tooLarge',
      `needs ${grouped(count * 4)} bytes of memory, which this machine did not give. Close other programs or use a smaller model.`,
    );
  }
  await readFlat(source, entry, dtype, flat);
  if (values === null || strides === undefined) return flat;
  gather(flat, shape, strides, values);
  return values;
}

/** What a tensor is stored in: single values, or blocks of a GGUF file. */
function unitOf({ quantisation }: TensorEntry, dtype: DType): { readonly values: number; readonly bytes: number } {
  return quantisation === undefined ? { values: 1, bytes: dtypeBytes[dtype] } : blockSizes[quantisation];
}

async function readFlat(source: ByteSource, entry: TensorEntry, dtype: DType, flat: FloatArray): Promise<void> {
  const unit = unitOf(entry, dtype);
  const total = (flat.length / unit.values) * unit.bytes;
  const chunkBytes = Math.floor(readChunkBytes / unit.bytes) * unit.bytes;
  // Little-endian float32 is read to where it is wanted, everything else through one buffer.
  const asItIs = dtype === 'float32' && entry.quantisation === undefined && !entry.bigEndian;
  const room = asItIs
    ? new Uint8Array(flat.buffer, flat.byteOffset, total)
    : new Uint8Array(Math.min(chunkBytes, total));
  for (let at = 0; at < total; at += chunkBytes) {
    const length = Math.min(chunkBytes, total - at);
    const start = asItIs ? at : 0;
    const bytes = await source.read(entry.byteOffset + at, length, room.subarray(start, start + length));
    if (bytes.byteLength !== length) {
      throw new CheckpointError(
        'truncated',
        `${source.name}: tensor ${quoted(entry.name)}: ${grouped(bytes.byteLength)} of ${grouped(length)} bytes came back at byte ${grouped(entry.byteOffset + at)}. ${copyAgain}`,
        { tensor: entry.name },
      );
    }
    if (asItIs && bytes.buffer === flat.buffer) continue;
    const from = (at / unit.bytes) * unit.values;
    if (entry.quantisation === undefined) convertInto(flat, from, bytes, dtype, entry.bigEndian);
    else dequantiseInto(flat, from, bytes, entry.quantisation);
  }
}

/** values[i, j, ...] = flat[i * strides[0] + j * strides[1] + ...], C order out; an odometer over all but the last axis. */
function gather(flat: FloatArray, shape: readonly number[], strides: readonly number[], values: FloatArray): void {
  const last = shape.length - 1;
  const inner = shape[last] ?? 1;
  const innerStride = strides[last] ?? 1;
  const index = new Array<number>(Math.max(last, 0)).fill(0);
  let start = 0;
  for (let out = 0; out < values.length; out += inner) {
    for (let j = 0; j < inner; j++) values[out + j] = flat[start + j * innerStride]!;
    for (let axis = last - 1; axis >= 0; axis--) {
      const stride = strides[axis]!;
      start += stride;
      if (++index[axis]! < shape[axis]!) break;
      start -= stride * shape[axis]!;
      index[axis] = 0;
    }
  }
}
