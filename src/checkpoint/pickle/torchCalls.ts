// PyTorch's rebuild functions, as the closed list knows them: a tensor becomes storage + offset + shape + strides.
// Kinds of tensor we cannot read (quantised, sparse, meta) become tensors with a problem, so that they are shown.

import { type DTypeInfo, elementCount, maxRank, storageDType, torchDType } from '../dtypes';
import type { PickleMachine } from './pickleMachine';
import {
  type PickleGlobal,
  type PickleStorage,
  type PickleTensor,
  type PickleValue,
  asCount,
  asCounts,
  isDict,
  isNode,
  isTuple,
  itemsOf,
} from './values';

/** Names of PyTorch; undefined where the name is not on the list. */
export function callTorch(machine: PickleMachine, name: string, args: readonly PickleValue[]): PickleValue | undefined {
  switch (name) {
    case 'torch._utils._rebuild_tensor':
    case 'torch._utils._rebuild_tensor_v2':
      return rebuilt(machine, args, null, args[6]);
    case 'torch._utils._rebuild_tensor_v3':
      return rebuilt(machine, args, dtypeOf(args[6]), args[7]);
    case 'torch._utils._rebuild_parameter':
    case 'torch._utils._rebuild_parameter_with_state':
    case 'torch.nn.parameter.Parameter':
    case 'torch.nn.parameter.Buffer':
      return isTensor(args[0]) ? args[0] : undefined;
    case 'torch._tensor._rebuild_from_type':
    case 'torch._tensor._rebuild_from_type_v2':
      return rebuiltFromType(machine, args);
    case 'torch._utils._rebuild_qtensor':
      return unreadable(machine, args[2], 'It is quantised; call .dequantize() in Python and save it again.');
    case 'torch._utils._rebuild_sparse_tensor':
    case 'torch._utils._rebuild_sparse_csr_tensor':
      return unreadable(
        machine,
        (itemsOf(args[1]) ?? []).at(-1),
        'It is sparse; call .to_dense() in Python and save it again.',
      );
    case 'torch._utils._rebuild_meta_tensor_no_storage':
      return unreadable(machine, args[1], 'It was saved from the meta device, without values.');
    case 'torch._utils._rebuild_device_tensor_from_numpy':
    case 'torch._utils._rebuild_xla_tensor':
      return unreadable(
        machine,
        isNode(args[0]) && args[0].kind === 'array' ? machine.list('tuple', [...args[0].shape]) : null,
        'It was saved from an XLA or another device as a numpy array; call .cpu() in Python and save it again.',
      );
    case 'torch.Size':
      return isTuple(args[0]) ? args[0] : undefined;
    case 'torch.device':
      return args
        .slice(0, 2)
        .filter((part) => typeof part === 'string' || typeof part === 'number')
        .join(':');
    case 'torch.serialization._get_layout':
      return typeof args[0] === 'string' ? args[0] : undefined;
    case 'torch.jit._pickle.restore_type_tag':
    case 'torch.jit._pickle.build_intlist':
    case 'torch.jit._pickle.build_doublelist':
    case 'torch.jit._pickle.build_boollist':
    case 'torch.jit._pickle.build_tensorlist':
      return args[0];
    default:
      return undefined;
  }
}

function isTensor(value: PickleValue | undefined): value is PickleTensor {
  return isNode(value) && value.kind === 'tensor';
}

function dtypeOf(value: PickleValue | undefined): PickleTensor['dtype'] {
  if (!isNode(value) || value.kind !== 'global' || value.module !== 'torch') return null;
  const unknown: DTypeInfo = { dtype: null, bytes: null };
  return { name: `torch.${value.name}`, info: torchDType(value.name) ?? unknown };
}

/** (storage, offset, size, strides, requires_grad, hooks[, dtype][, metadata]) */
function rebuilt(
  machine: PickleMachine,
  args: readonly PickleValue[],
  dtype: PickleTensor['dtype'],
  metadata: PickleValue | undefined,
): PickleTensor {
  const storage = args[0];
  const offset = asCount(args[1]);
  const shape = asCounts(args[2]);
  const strides = asCounts(args[3]);
  if (!isNode(storage) || storage.kind !== 'storage') return machine.fault('a tensor without a storage');
  if (offset === null || shape === null || strides?.length !== shape.length || elementCount(shape) === null) {
    return machine.fault('a tensor whose offset, shape or strides no file can hold');
  }
  machine.charge(shape.length * 2);
  machine.chargeContainer();
  const negated = isDict(metadata) && (metadata.entries.get('neg') === true || metadata.entries.get('conj') === true);
  return {
    kind: 'tensor',
    storage,
    offset,
    shape,
    strides,
    dtype,
    ...(negated ? { problem: 'It is a negated or conjugated view; call .clone() in Python and save it again.' } : {}),
  };
}

/** (function, type, args, state): a tensor subclass, read as the tensor it is made of. */
function rebuiltFromType(machine: PickleMachine, args: readonly PickleValue[]): PickleValue | undefined {
  const [callee, , inner] = args;
  // One level only: a pickle can nest this call in itself without end.
  if (!isNode(callee) || callee.kind !== 'global' || callee.module !== 'torch._utils') return undefined;
  return callTorch(machine, `${callee.module}.${callee.name}`, itemsOf(inner) ?? []);
}

function unreadable(machine: PickleMachine, shape: PickleValue | undefined, problem: string): PickleTensor {
  machine.chargeContainer();
  const sizes = (asCounts(shape) ?? []).slice(0, maxRank);
  return { kind: 'tensor', storage: null, offset: 0, shape: sizes, strides: [], dtype: null, problem };
}

/**
 * The storage a persistent id names: ('storage', class, key, location, count[, view]) with view (key, offset, size)
 * in elements. Null where the id is something else. Where the storage lived (CUDA, MPS) does not change its bytes.
 */
export function storageOf(id: PickleValue): PickleStorage | null {
  const items = itemsOf(id);
  if (items === null || items.length < 5) return null;
  const [tag, type, key, , size, view] = items;
  const count = asCount(size);
  const isStorage = tag === 'storage' || (tag instanceof Uint8Array && tag.length === 7);
  if (!isStorage || !isNode(type) || type.kind !== 'global' || count === null) return null;
  if (typeof key !== 'string' && typeof key !== 'number') return null;
  const [, viewOffset, viewSize] = itemsOf(view) ?? [];
  return {
    kind: 'storage',
    key: String(key),
    typeName: storageName(type),
    info: storageDType(type.name),
    count,
    viewOffset: asCount(viewOffset) ?? 0,
    viewCount: asCount(viewSize) ?? count,
  };
}

function storageName(type: PickleGlobal): string {
  return `${type.module}.${type.name}`;
}
