// A graph as it crosses postMessage of a webview, which drops Maps: each as the list of its entries.

import type { ByteRange, OnnxAttribute, OnnxGraph, OnnxNode, OnnxTensor } from './onnxGraph';

type Entries<T> = readonly (readonly [string, T])[];

export interface WireGraph extends Omit<OnnxGraph, 'opsets' | 'nodes' | 'initializers' | 'sparseInitializers'> {
  readonly opsets: Entries<number>;
  readonly nodes: readonly (Omit<OnnxNode, 'attributes'> & { readonly attributes: Entries<OnnxAttribute> })[];
  readonly initializers: Entries<OnnxTensor>;
  readonly sparseInitializers: Entries<ByteRange>;
}

export function graphToWire(graph: OnnxGraph): WireGraph {
  return {
    ...graph,
    opsets: [...graph.opsets],
    nodes: graph.nodes.map((node) => ({ ...node, attributes: [...node.attributes] })),
    initializers: [...graph.initializers],
    sparseInitializers: [...graph.sparseInitializers],
  };
}

export function graphFromWire(wire: WireGraph): OnnxGraph {
  return {
    ...wire,
    opsets: new Map(wire.opsets),
    nodes: wire.nodes.map((node) => ({ ...node, attributes: new Map(node.attributes) })),
    initializers: new Map(wire.initializers),
    sparseInitializers: new Map(wire.sparseInitializers),
  };
}
