// What a reader makes of a file: names, dtypes, shapes and byte ranges, no tensor bytes. Half-understood files
// give half-filled indexes: an entry with a `problem` is shown and cannot be read.

export type DType =
  | 'float64'
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'float8_e4m3fn'
  | 'float8_e5m2'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool';

export interface TensorEntry {
  readonly name: string;
  /** Our spelling; null where the file's dtype is unknown to us (then `problem` says so). */
  readonly dtype: DType | null;
  /** The file's own spelling, e.g. 'BF16', 'torch.FloatStorage'. */
  readonly dtypeName: string;
  readonly shape: readonly number[];
  /** Strides in elements; absent when the tensor is C-contiguous. */
  readonly strides?: readonly number[];
  /** First byte of the tensor in the file (of its first element, for strided tensors). */
  readonly byteOffset: number;
  /** Bytes of the file that the tensor spans. */
  readonly byteLength: number;
  readonly bigEndian: boolean;
  /** Why this tensor cannot be read, as a sentence; absent when it can. */
  readonly problem?: string;
}

/** Values that stand beside the tensors in a training checkpoint (args, epoch, ...), as plain data. */
export type PlainValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue }
  | OpaqueNode
  | TensorRef;

/** A pickled object whose class is not on the closed list: named, never built. */
export interface OpaqueNode {
  readonly kind: 'opaque';
  /** `module.name` as the pickle spells it. */
  readonly className: string;
}
/** Points from the tree of a training checkpoint to an entry of `TensorIndex.entries`. */
export interface TensorRef {
  readonly kind: 'tensor';
  readonly name: string;
}

export type CheckpointFormat = 'safetensors' | 'torch-zip' | 'torch-legacy';

export interface TensorIndex {
  readonly format: CheckpointFormat;
  readonly fileName: string;
  readonly byteLength: number;
  /** By full path: `blocks.0.attn.qkv.weight`, or `model.blocks.0...` in a training dict. File order. */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** safetensors `__metadata__`; empty otherwise. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Top level of a pickled checkpoint without tensor bytes; null for safetensors. */
  readonly tree: { readonly [key: string]: PlainValue } | null;
  /** Sentences about what was only half understood (opaque classes, ignored entries). */
  readonly notes: readonly string[];
}

/** Values of a tensor, converted exactly: float64 and 32/64-bit integers as Float64Array, the rest Float32Array. */
export type FloatArray = Float32Array | Float64Array;
