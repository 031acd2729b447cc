// What a reader makes of a file: names, dtypes, shapes and byte ranges, no tensor bytes. Half-understood files
// give half-filled indexes: an entry with a `problem` is shown and cannot be read.

import type { OnnxGraph } from './onnx/onnxGraph';

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
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'int8'
  | 'uint8'
  | 'bool';

/** Block formats of GGUF: groups of 32 or 256 values of a row that share scales. */
export type Quantisation =
  'Q4_0' | 'Q4_1' | 'Q5_0' | 'Q5_1' | 'Q8_0' | 'Q2_K' | 'Q3_K' | 'Q4_K' | 'Q5_K' | 'Q6_K' | 'Q8_K';

export interface TensorEntry {
  readonly name: string;
  /** The parameter that it is in the model that was exported, where the file has it under a number (`onnx::MatMul_123`). */
  readonly recoveredName?: string;
  /** Our spelling; null where the file's dtype is unknown to us (then `problem` says so). */
  readonly dtype: DType | null;
  /** Set where the values are stored in blocks (GGUF). They come out as `dtype` float32; `byteLength` counts the blocks. */
  readonly quantisation?: Quantisation;
  /** The file's own spelling, e.g. 'BF16', 'torch.FloatStorage'. */
  readonly dtypeName: string;
  readonly shape: readonly number[];
  /** Strides in elements; absent when the tensor is C-contiguous. */
  readonly strides?: readonly number[];
  /** The file that holds it, by its `ShardFile.name`; absent when the checkpoint is one file. */
  readonly shard?: string;
  /** First byte of the tensor in its file (of its first element, for strided tensors; of the deflated stream, if any). */
  readonly byteOffset: number;
  /** Bytes of the file that the tensor spans; of the inflated stream where it is `deflated`. */
  readonly byteLength: number;
  /** Set where the file holds the tensor inside a deflated stream, which is inflated as a whole to read it (npz). */
  readonly deflated?: DeflatedStream;
  /** Set where integers are packed as varints (ONNX), which are unpacked as a whole to read them. */
  readonly varints?: true;
  readonly bigEndian: boolean;
  /** Why this tensor cannot be read, as a sentence; absent when it can. */
  readonly problem?: string;
}

export interface DeflatedStream {
  /** Bytes of the stream in the file, from `byteOffset` on. */
  readonly compressedBytes: number;
  /** Bytes that come out of it. */
  readonly inflatedBytes: number;
  /** First byte of the tensor among those that come out. */
  readonly tensorOffset: number;
}

/** One of the files of a checkpoint that lies in several: a shard, an ONNX model and the files with its external data. */
export interface ShardFile {
  /** Path from the folder of the index file or the model, with forward slashes; checked not to leave that folder. */
  readonly name: string;
  readonly byteLength: number;
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

export type CheckpointFormat = 'safetensors' | 'torch-zip' | 'torch-legacy' | 'npz' | 'npy' | 'gguf' | 'onnx';

export interface TensorIndex {
  readonly format: CheckpointFormat;
  /** Name of the file, or of the index file of a sharded checkpoint. */
  readonly fileName: string;
  /** Size of the file; of all shards together, without their index file. */
  readonly byteLength: number;
  /** The files of a sharded checkpoint in name order (of an ONNX model with external data: itself first); absent when it is one file. */
  readonly shards?: readonly ShardFile[];
  /** By full path: `blocks.0.attn.qkv.weight`, or `model.blocks.0...` in a training dict. File order. */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** safetensors `__metadata__`; the scalars of a GGUF header as text, float32 in its shortest spelling; empty otherwise. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Top level of a pickled checkpoint without tensor bytes, or a GGUF header's values by their full key; null for others. */
  readonly tree: { readonly [key: string]: PlainValue } | null;
  /** Sentences about what was only half understood (opaque classes, ignored entries). */
  readonly notes: readonly string[];
  /** What the model computes, where the file says it (ONNX). */
  readonly graph?: OnnxGraph;
}

/** Values of a tensor, converted exactly: float64 and 32/64-bit integers as Float64Array, the rest Float32Array. */
export type FloatArray = Float32Array | Float64Array;
