// The numbers of one tensor (range, mean, spread, NaN and Inf) from its bytes, piece by piece: a tensor larger than
// memory costs one piece. Order does not matter here, so strided tensors are read in the order of the file.

import { bytesSource, type ByteSource } from './byteSource';
import { CheckpointError, type CheckpointErrorReason } from './checkpointError';
import { convertInto, makeFloatArray } from './convert';
import { dtypeBytes, elementCount } from './dtypes';
import { dequantiseInto } from './gguf/dequantise';
import { blockSizes } from './gguf/ggmlTypes';
import { Moments, type TensorStatistics } from './moments';
import { copyAgain, grouped, quoted } from './nextSteps';
import { decodeVarints } from './onnx/varints';
import { maxInflatedBytes } from './readTensor';
import type { DType, FloatArray, TensorEntry } from './tensorIndex';
import { inflateMember } from './zipInflate';

/** Bytes read at once: large enough for a disk's speed; a quantised piece becomes at most 13 times as much. */
export const statisticsPieceBytes = 4 * 1024 * 1024;
/** Elements of a tensor whose strides overlap (windows over one storage), so that few bytes cannot claim hours. */
const maxOverlapping = 2 ** 24;

/**
 * Statistics of all values of a tensor, accumulated in float64 (blocks of 4096 in two passes, joined as Chan, Golub
 * and LeVeque do). `source` is the file that holds it; `onProgress` hears the fraction done, 0..1.
 * @throws CheckpointError as `readTensor` does; the signal's reason when it is aborted.
 */
export async function computeTensorStatistics(
  source: ByteSource,
  entry: TensorEntry,
  signal?: AbortSignal,
  onProgress?: (fraction: number) => void,
): Promise<TensorStatistics> {
  const fail = (reason: CheckpointErrorReason, text: string): never => {
    throw new CheckpointError(reason, `${source.name}: tensor ${quoted(entry.name)} ${text}`, { tensor: entry.name });
  };
  const { dtype, shape } = entry;
  if (entry.problem !== undefined) return fail('unsupported', `cannot be read. ${entry.problem}`);
  if (dtype === null) return fail('unsupported', `cannot be read: dtype ${quoted(entry.dtypeName)} is unknown.`);
  const count = elementCount(shape);
  if (count === null) return fail('tooLarge', `has shape [${shape.join(', ')}], more elements than any file can hold.`);
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
    return computeTensorStatistics(inflated, { ...plain, byteOffset: deflated.tensorOffset }, signal, onProgress);
  }
  if (varints) {
    const bytes = await decodeVarints(source, entry);
    const own = { ...plain, byteOffset: 0, byteLength: bytes.length };
    return computeTensorStatistics(bytesSource(source.name, bytes), own, signal, onProgress);
  }
  const total = new Moments();
  if (count === 0) return total.summary(0, 1);
  const { axes, repeats } = simplify(entry, count);
  const distinct = axes.reduce((product, { size }) => product * size, 1);
  if (distinct > spanOf(axes) && distinct > maxOverlapping) {
    return fail(
      'tooLarge',
      `repeats ${grouped(entry.byteLength)} bytes to shape [${shape.join(', ')}]. Call .contiguous() in Python and save it again.`,
    );
  }
  const unit = unitOf(entry, dtype);
  if (spanOf(axes) % unit.values !== 0) {
    return fail('corrupt', `has ${grouped(count)} values, no whole number of ${entry.dtypeName} blocks.`);
  }
  const end = entry.byteOffset + (spanOf(axes) / unit.values) * unit.bytes;
  if (end > source.byteLength) {
    return fail('truncated', `ends at byte ${grouped(end)}, the file at ${grouped(source.byteLength)}. ${copyAgain}`);
  }
  signal?.throwIfAborted();
  let done = 0;
  for await (const values of pieces(source, entry, dtype, axes)) {
    signal?.throwIfAborted();
    total.add(values);
    done += values.length;
    onProgress?.(done / distinct);
  }
  return total.summary(count, repeats);
}

/** `size` elements, each `stride` elements behind the one before. */
interface Axis {
  readonly size: number;
  readonly stride: number;
}

/**
 * The axes that a walk over the file needs, widest stride first: those of one element are left out, neighbours that
 * lie without a gap are one, and stride 0 only says how often each value counts (`repeats`).
 */
function simplify({ shape, strides }: TensorEntry, count: number): { axes: Axis[]; repeats: number } {
  if (strides === undefined) return { axes: [{ size: count, stride: 1 }], repeats: 1 };
  let repeats = 1;
  const axes: Axis[] = [];
  const kept = shape.map((size, i) => ({ size, stride: strides[i] ?? 1 })).filter(({ size }) => size > 1);
  for (const axis of kept.sort((a, b) => b.stride - a.stride)) {
    const outer = axes.at(-1);
    if (axis.stride === 0) repeats *= axis.size;
    else if (outer?.stride === axis.size * axis.stride)
      axes[axes.length - 1] = { size: outer.size * axis.size, stride: axis.stride };
    else axes.push(axis);
  }
  return { axes, repeats };
}

/** Elements from the first to the last one, gaps included. */
function spanOf(axes: readonly Axis[]): number {
  return axes.reduce((span, { size, stride }) => span + (size - 1) * stride, 1);
}

/** What a tensor is stored in: single values, or blocks of a GGUF file. */
function unitOf({ quantisation }: TensorEntry, dtype: DType): { readonly values: number; readonly bytes: number } {
  return quantisation === undefined ? { values: 1, bytes: dtypeBytes[dtype] } : blockSizes[quantisation];
}

/** All values, a few megabytes of the file at a time. `from`: the first element. */
async function* pieces(
  source: ByteSource,
  entry: TensorEntry,
  dtype: DType,
  axes: readonly Axis[],
  from = 0,
): AsyncGenerator<FloatArray> {
  const unit = unitOf(entry, dtype);
  const longest = Math.floor(statisticsPieceBytes / unit.bytes) * unit.values;
  const span = spanOf(axes);
  const [outer, ...rest] = axes;
  if (span <= longest || outer === undefined) {
    const bytes = await source.read(
      entry.byteOffset + (from / unit.values) * unit.bytes,
      (span / unit.values) * unit.bytes,
    );
    const flat = makeFloatArray(dtype, span);
    if (entry.quantisation === undefined) convertInto(flat, 0, bytes, dtype, entry.bigEndian);
    else dequantiseInto(flat, 0, bytes, entry.quantisation);
    yield axes.every(({ stride }) => stride === 1) && axes.length < 2 ? flat : gather(flat, axes);
    return;
  }
  const step = Math.max(1, Math.floor((longest - spanOf(rest)) / outer.stride) + 1);
  for (let i = 0; i < outer.size; i += step) {
    const size = Math.min(step, outer.size - i);
    const part = size === 1 ? rest : [{ size, stride: outer.stride }, ...rest];
    yield* pieces(source, entry, dtype, part, from + i * outer.stride);
  }
}

/** The elements of `flat` that the axes name. */
function gather(flat: FloatArray, axes: readonly Axis[]): FloatArray {
  let places = new Float64Array([0]);
  for (const { size, stride } of axes) {
    const next = new Float64Array(places.length * size);
    places.forEach((place, p) => {
      for (let i = 0; i < size; i++) next[p * size + i] = place + i * stride;
    });
    places = next;
  }
  const values = flat instanceof Float64Array ? new Float64Array(places.length) : new Float32Array(places.length);
  for (let i = 0; i < values.length; i++) values[i] = flat[places[i]!]!;
  return values;
}
