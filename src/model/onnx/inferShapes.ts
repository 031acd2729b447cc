// Sizes of the values of a graph for given inputs, without weights and without running it: what a plan, the number of
// heads and the layout of q, k, v need. Operators that are not listed give "not known", never a guess.

import { innerNames } from '../../checkpoint/onnx/graphProto';
import type { OnnxGraph, OnnxNode, OnnxValueInfo } from '../../checkpoint/onnx/onnxGraph';
import { type Known, maxFollowedValues, type Size, sized, type Sizes, unknown } from './knownValue';
import { operatorOf } from './operators';

/** Elements behind which sizes are no sizes of a network that runs; keeps products exact. */
const maxSize = 2 ** 40;

export type KnownValues = ReadonlyMap<string, Known>;

/** `sizes`: sizes of inputs that the file leaves open, by input name. Never throws for a graph that was read. */
export function inferShapes(graph: OnnxGraph, sizes: ReadonlyMap<string, Sizes>): KnownValues {
  const known = new Map<string, Known>();
  const symbols = new Map<string, number>();
  for (const [name, tensor] of graph.initializers) {
    const integer = tensor.elemType === 6 || tensor.elemType === 7;
    known.set(name, { shape: tensor.shape, values: tensor.values, integer });
  }
  for (const input of graph.inputs) {
    if (graph.initializers.has(input.name)) continue;
    const given = sizes.get(input.name);
    input.shape?.forEach((size, axis) => {
      const actual = given?.[axis];
      if (typeof size === 'string' && size !== '' && typeof actual === 'number') symbols.set(size, actual);
    });
    known.set(input.name, sized(given ?? (input.shape === null ? null : resolved(input.shape, symbols))));
  }
  const said = new Map(graph.valueInfos.map((info) => [info.name, info]));
  for (const node of graph.nodes) {
    const results = runNode(node, graph, known);
    node.outputs.forEach((name, i) => {
      if (name !== '') known.set(name, completed(results[i] ?? unknown, said.get(name), symbols));
    });
  }
  return known;
}

function runNode(node: OnnxNode, graph: OnnxGraph, known: ReadonlyMap<string, Known>): readonly Known[] {
  const operator = operatorOf(node);
  if (operator === null || innerNames(node.attributes).length > 0) return [];
  const inputs = node.inputs.map((name) => (name === '' ? null : (known.get(name) ?? unknown)));
  const opset = graph.opsets.get(node.domain) ?? 1;
  return operator({ node, inputs, opset }).map(bounded);
}

/** Sizes that no network has are not known; long lists of numbers are not followed. */
function bounded({ shape, values, integer }: Known): Known {
  const size = (n: Size): Size => (n !== null && Number.isInteger(n) && n >= 0 && n <= maxSize ? n : null);
  return {
    shape: shape === null ? null : shape.map(size),
    values: values === null || values.length > maxFollowedValues ? null : values,
    integer,
  };
}

/** What the file says fills in what was not found out. */
function completed(found: Known, said: OnnxValueInfo | undefined, symbols: ReadonlyMap<string, number>): Known {
  const shape = said?.shape ?? null;
  if (shape === null) return found;
  const other = resolved(shape, symbols);
  if (found.shape === null) return { ...found, shape: other };
  if (found.shape.length !== other.length) return found;
  return { ...found, shape: found.shape.map((size, axis) => size ?? other[axis] ?? null) };
}

function resolved(shape: readonly (number | string | null)[], symbols: ReadonlyMap<string, number>): Sizes {
  return shape.map((size) => (typeof size === 'string' ? (symbols.get(size) ?? null) : size));
}
