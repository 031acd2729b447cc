// One pickled tensor -> its TensorEntry: offset, shape and strides over a storage become a byte range of the file,
// checked against the storage so that no later read can leave it.

import { CheckpointError } from './checkpointError';
import { elementCount } from './dtypes';
import { quoted, saveAgain } from './nextSteps';
import type { PickleTensor } from './pickle/values';
import type { StorageRanges } from './storageRanges';
import type { TensorEntry } from './tensorIndex';

/**
 * The entry of a tensor. Tensors of kinds or dtypes we cannot read get a `problem`.
 * @throws CheckpointError when the tensor reaches beyond its storage or the storage is not in the file.
 */
export function tensorEntry(fileName: string, name: string, tensor: PickleTensor, ranges: StorageRanges): TensorEntry {
  const { storage, shape } = tensor;
  if (storage === null) {
    const problem = tensor.problem ?? 'It has no bytes in the file.';
    return { name, dtype: null, dtypeName: 'unknown', shape, byteOffset: 0, byteLength: 0, bigEndian: false, problem };
  }
  const range = ranges.get(storage.key);
  if (range === undefined) {
    throw new CheckpointError(
      'corrupt',
      `${fileName}: tensor ${quoted(name)} lies on storage ${quoted(storage.key)}, which is not in the file. ${saveAgain}`,
      { tensor: name },
    );
  }
  const dtypeName = tensor.dtype?.name ?? storage.typeName;
  const { dtype, bytes } = tensor.dtype?.info ?? storage.info;
  const common = { name, dtypeName, shape, bigEndian: range.bigEndian };
  if (bytes === null) {
    const problem = `Gramlens does not know dtype ${quoted(dtypeName)}. Convert the tensor to float32 in Python.`;
    return { ...common, dtype: null, byteOffset: range.byteOffset, byteLength: 0, problem };
  }
  const strides = isContiguous(shape, tensor.strides) ? null : tensor.strides;
  const span = spanOf(shape, tensor.strides);
  // View and storage count in the storage's elements, the tensor in its own.
  const viewStart = storage.viewOffset * (storage.info.bytes ?? bytes);
  const start = viewStart + tensor.offset * bytes;
  const end = start + span * bytes;
  if (!Number.isSafeInteger(end) || end > range.byteLength) {
    throw new CheckpointError(
      'corrupt',
      `${fileName}: tensor ${quoted(name)} with shape [${shape.join(', ')}] and strides [${tensor.strides.join(', ')}] ends at byte ${end} of storage ${quoted(storage.key)}, which has ${range.byteLength}. ${saveAgain}`,
      { tensor: name },
    );
  }
  const problem =
    tensor.problem ??
    range.problem ??
    (dtype === null
      ? `Gramlens cannot read dtype ${quoted(dtypeName)}. Convert the tensor to float32 in Python.`
      : null);
  return {
    ...common,
    dtype,
    byteOffset: range.byteOffset + start,
    byteLength: span * bytes,
    ...(strides === null ? {} : { strides }),
    ...(problem === null ? {} : { problem }),
  };
}

/** Elements from the first to the last one a strided tensor touches. */
function spanOf(shape: readonly number[], strides: readonly number[]): number {
  if (elementCount(shape) === 0) return 0;
  return shape.reduce((last, size, i) => last + (size - 1) * (strides[i] ?? 0), 0) + 1;
}

/** C order without holes; the stride of an axis of size 1 does not matter. */
function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i] ?? 1;
    if (size !== 1 && strides[i] !== expected) return false;
    expected *= size;
  }
  return true;
}
