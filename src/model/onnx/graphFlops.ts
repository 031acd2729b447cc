// Floating-point operations of a graph, counted from the sizes of its values: products and convolutions, a multiply-add as
// two. What is elementwise counts little beside them and is left out.

import type { OnnxGraph, OnnxNode } from '../../checkpoint/onnx/onnxGraph';
import type { KnownValues } from './inferShapes';
import { intAttribute, product, type Sizes, textAttribute } from './knownValue';

/** Nodes whose sizes are not known count nothing. */
export function graphFlops(graph: OnnxGraph, known: KnownValues): number {
  const shapeOf = (name: string | undefined): Sizes => known.get(name ?? '')?.shape ?? [null];
  return graph.nodes.reduce((sum, node) => sum + (nodeFlops(node, shapeOf) ?? 0), 0);
}

function nodeFlops(node: OnnxNode, shapeOf: (name: string | undefined) => Sizes): number | null {
  const [a, b] = [shapeOf(node.inputs[0]), shapeOf(node.inputs[1])];
  const out = product(shapeOf(node.outputs[0]));
  const times = (...sizes: Sizes): number | null => product([2, ...sizes]);
  switch (node.opType) {
    case 'MatMul':
    case 'FusedMatMul':
      return times(out, (intAttribute(node, 'transA', 0) === 1 ? a.at(-2) : a.at(-1)) ?? null);
    case 'Gemm':
      return times(out, (intAttribute(node, 'transA', 0) === 1 ? a[0] : a[1]) ?? null);
    case 'Conv':
      // The weight is [out channels, in channels / group, kernel].
      return times(out, ...b.slice(1));
    case 'ConvTranspose':
      // The weight is [in channels, out channels / group, kernel].
      return times(product(a), ...b.slice(1));
    case 'Einsum':
      return einsumFlops(node, [a, b]);
    case 'Attention':
    case 'MultiHeadAttention':
    case 'GroupQueryAttention':
      return fusedFlops(node, a, b, out);
    default:
      return null;
  }
}

/** Every combination of the letters is one multiply-add. */
function einsumFlops(node: OnnxNode, shapes: readonly Sizes[]): number | null {
  const terms = (textAttribute(node, 'equation') ?? '').replaceAll(' ', '').split('->')[0]!.split(',');
  const sizes = new Map(
    terms.flatMap((term, i) => Array.from(term, (letter, axis) => [letter, shapes[i]?.[axis] ?? null])),
  );
  return product([2, ...sizes.values()]);
}

/** Scores and weighted values over all keys; com.microsoft's Attention projects in the same node. */
function fusedFlops(node: OnnxNode, a: Sizes, b: Sizes, out: number | null): number | null {
  const tokens = (a.length >= 4 ? a.at(-2) : a[1]) ?? null;
  const attention = product([4, out, tokens]);
  const packed = node.domain === 'com.microsoft' && node.opType === 'Attention' ? product([2, ...a, b[1] ?? null]) : 0;
  return attention === null || packed === null ? null : attention + packed;
}
