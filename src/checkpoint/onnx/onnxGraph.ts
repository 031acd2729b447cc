// What an ONNX file computes, as plain data that crosses threads: nodes, their names and small attributes, and where in
// the file each part lies, so that a smaller model can be put together from slices of the file. No tensor bytes.

/** Bytes of a file. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface OnnxGraph {
  readonly irVersion: number;
  /** Name and version of the program that wrote the file; empty where it does not say. */
  readonly producer: string;
  /** Version of every operator set by its domain; '' is ai.onnx. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly name: string;
  /** In file order. Old files list their initializers here too. */
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  /** Types and shapes of values between nodes, where the file says them. */
  readonly valueInfos: readonly OnnxValueInfo[];
  /** In file order, which is an order of execution unless `notes` say otherwise. */
  readonly nodes: readonly OnnxNode[];
  /** Dense initializers by name. Their values are in `TensorIndex.entries` under the same name. */
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  /** Sparse initializers by name: their SparseTensorProto with its tag. */
  readonly sparseInitializers: ReadonlyMap<string, ByteRange>;
  /** Fields of the model other than the graph (versions, opsets, functions, metadata), each with its tag. */
  readonly header: readonly ByteRange[];
  /** Local functions of the model by `domain:name`. Their bodies are not looked into. */
  readonly functions: readonly string[];
}

export interface OnnxNode {
  /** '' where the file gives none. */
  readonly name: string;
  readonly opType: string;
  /** '' is ai.onnx. */
  readonly domain: string;
  /** Names of values; '' is an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
  /** The NodeProto with its tag and length: a field of a GraphProto as it stands. */
  readonly range: ByteRange;
}

/** Integers beyond 2^53 round (the largest int64 becomes 2^63). */
export type OnnxAttribute =
  | { readonly kind: 'int' | 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints' | 'floats'; readonly values: readonly number[] }
  | { readonly kind: 'strings'; readonly values: readonly string[] }
  | { readonly kind: 'tensor'; readonly tensor: OnnxTensor }
  | {
      readonly kind: 'graph';
      /** Values of the outer scope that the subgraph, or one inside it, reads by name. */
      readonly outerNames: readonly string[];
      /** Nodes of the subgraph and of those inside it. */
      readonly nodeCount: number;
    }
  /** Set from an attribute of the function that the node stands in. */
  | { readonly kind: 'reference'; readonly name: string }
  /** Passed over: of a kind or size we do not keep. */
  | { readonly kind: 'unread'; readonly what: string };

/** A dense tensor of the file: an initializer, or the value of an attribute. */
export interface OnnxTensor {
  /** '' where an attribute's tensor has none. */
  readonly name: string;
  /** Number of enum TensorProto.DataType. */
  readonly elemType: number;
  readonly shape: readonly number[];
  /** The TensorProto with its tag and length; of an initializer a field of a GraphProto as it stands. */
  readonly range: ByteRange;
  /** Its name with tag and length inside `range`; null where it has none. */
  readonly nameRange: ByteRange | null;
  /** Key of its entry in `TensorIndex.entries`; null for tensors that are none (attributes other than Constant's value). */
  readonly entry: string | null;
  /** The values, where the tensor is small; null otherwise. Integers beyond 2^53 round. */
  readonly values: readonly number[] | null;
}

export interface OnnxValueInfo {
  readonly name: string;
  /** Number of enum TensorProto.DataType; null where the value is no tensor or has no type. */
  readonly elemType: number | null;
  /** Sizes, names of symbolic sizes, or null for an unknown size; null where nothing is said. */
  readonly shape: readonly (number | string | null)[] | null;
  /** The ValueInfoProto with its tag and length: a field of a GraphProto as it stands. */
  readonly range: ByteRange;
}
