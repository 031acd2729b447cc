// Cuts a graph into segments that run one after the other: each computes what the taps of one attention block need and
// is not there yet. Time stays that of one forward pass, memory that of one segment's weights and what crosses a cut.

import { innerNames } from '../../checkpoint/onnx/graphProto';
import type { OnnxGraph } from '../../checkpoint/onnx/onnxGraph';
import type { TensorIndex } from '../../checkpoint/tensorIndex';

export interface Segment {
  /** Indexes of nodes, ascending; those of constants included. */
  readonly nodes: readonly number[];
  /** Initializers that these nodes read. */
  readonly initializers: readonly string[];
  /** Values from earlier segments and inputs of the graph. */
  readonly feeds: readonly string[];
  /** Values this segment computes that are wanted: its own taps, and what later segments read or tap. */
  readonly fetches: readonly string[];
}

export interface SegmentPlan {
  readonly segments: readonly Segment[];
  /** By value: the last segment that reads or taps it; behind it the value is dropped. */
  readonly lastUse: ReadonlyMap<string, number>;
}

/**
 * One segment for each list of wanted values, in this order. Wanted values that are inputs of the graph or
 * initializers are computed by nobody and not fetched.
 */
export function planSegments(graph: OnnxGraph, wanted: readonly (readonly string[])[]): SegmentPlan {
  const producers = new Map<string, number>();
  graph.nodes.forEach((node, index) => {
    for (const name of node.outputs) if (name !== '') producers.set(name, index);
  });
  const readsOf = (index: number): readonly string[] => {
    const node = graph.nodes[index]!;
    return [...node.inputs, ...innerNames(node.attributes)].filter((name) => name !== '');
  };
  const isConstant = (index: number): boolean =>
    readsOf(index).length === 0 && graph.nodes[index]!.opType === 'Constant';

  const owner = new Map<number, number>();
  const parts = wanted.map((names, segment) => {
    const nodes = new Set<number>();
    const open = [...names];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const index = producers.get(name);
      // Constants are taken along by every segment that reads them; whatever else is computed, is computed once.
      if (index === undefined || nodes.has(index) || owner.has(index)) continue;
      nodes.add(index);
      if (!isConstant(index)) owner.set(index, segment);
      open.push(...readsOf(index));
    }
    return nodes;
  });

  const lastUse = new Map<string, number>();
  const feeds = parts.map((nodes, segment) => {
    const names = new Set<string>();
    for (const index of nodes) {
      for (const name of readsOf(index)) {
        const from = producers.get(name);
        if (from === undefined ? graph.initializers.has(name) || graph.sparseInitializers.has(name) : nodes.has(from))
          continue;
        names.add(name);
      }
    }
    for (const name of [...names, ...wanted[segment]!]) lastUse.set(name, segment);
    return names;
  });
  const segments = parts.map((nodes, segment): Segment => {
    const sorted = [...nodes].sort((a, b) => a - b);
    const initializers = new Set(
      sorted.flatMap((index) =>
        readsOf(index).filter((name) => graph.initializers.has(name) || graph.sparseInitializers.has(name)),
      ),
    );
    const later = (name: string): boolean =>
      feeds.some((names, other) => other > segment && names.has(name)) ||
      wanted.some((names, other) => other >= segment && names.includes(name));
    const fetches = sorted.flatMap((index) =>
      isConstant(index) ? [] : graph.nodes[index]!.outputs.filter((name) => name !== '' && later(name)),
    );
    return { nodes: sorted, initializers: [...initializers], feeds: [...feeds[segment]!], fetches };
  });
  return { segments, lastUse };
}

/** Bytes of the tensors that the largest segment reads, initializers and constants alike. */
export function largestSegmentBytes(index: TensorIndex, wanted: readonly (readonly string[])[]): number {
  const { graph } = index;
  if (graph === undefined) return 0;
  const bytesOf = (name: string): number => index.entries.get(name)?.byteLength ?? 0;
  return Math.max(
    0,
    ...planSegments(graph, wanted).segments.map(({ nodes, initializers }) => {
      const constants = nodes.flatMap((node) =>
        graph.nodes[node]!.opType === 'Constant' ? graph.nodes[node]!.outputs : [],
      );
      const names = initializers.map((name) => graph.initializers.get(name)?.entry ?? name);
      return [...names, ...constants].reduce((sum, name) => sum + bytesOf(name), 0);
    }),
  );
}
