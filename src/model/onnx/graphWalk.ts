// Going along the edges of a graph: who makes a value, who reads it, and which nodes only rearrange it.

import type { OnnxGraph, OnnxNode } from '../../checkpoint/onnx/onnxGraph';
import { floatAttribute, intAttribute } from './knownValue';
import type { KnownValues } from './inferShapes';

/** Nodes followed along one edge; the longest chain of rearrangements in an export has about ten. */
const maxSteps = 40;

/** Nodes that hand on the same numbers in another order, shape or type. */
const rearranging = new Set(['Identity', 'Dropout', 'Cast', 'Transpose', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze']);
/** Nodes that hand on some of the numbers, or each of them several times. */
const choosing = new Set(['Slice', 'Split', 'Gather', 'Expand', 'Tile']);

export interface Origin {
  /** Where the walk ended: made by a node that computes, or an input of the graph. */
  readonly name: string;
  /** Product of the scalars on the way. */
  readonly factor: number;
  /** Nodes on the way, the last one first. */
  readonly path: readonly OnnxNode[];
}

export class GraphWalk {
  private readonly producers = new Map<string, OnnxNode>();
  private readonly readers = new Map<string, OnnxNode[]>();

  constructor(
    readonly graph: OnnxGraph,
    readonly known: KnownValues,
  ) {
    for (const node of graph.nodes) {
      for (const name of node.outputs) if (name !== '') this.producers.set(name, node);
      for (const name of new Set(node.inputs)) {
        if (name === '') continue;
        const list = this.readers.get(name);
        if (list === undefined) this.readers.set(name, [node]);
        else list.push(node);
      }
    }
  }

  producer(name: string): OnnxNode | null {
    return this.producers.get(name) ?? null;
  }

  readersOf(name: string): readonly OnnxNode[] {
    return this.readers.get(name) ?? [];
  }

  /** Whether the file holds the value: an initializer, or the output of a Constant. */
  isWeight(name: string): boolean {
    return this.graph.initializers.has(name) || this.producer(name)?.opType === 'Constant';
  }

  shape(name: string): readonly (number | null)[] | null {
    return this.known.get(name)?.shape ?? null;
  }

  /** The number that a value of one element holds; null where it is not known or has more elements. */
  scalarOf(name: string): number | null {
    const value = this.known.get(name);
    if (value?.shape?.every((size) => size === 1) !== true) return null;
    return value.values?.[0] ?? null;
  }

  /** Mul or Div by a known number: which input goes on, and the factor; null for anything else. */
  scaling(node: OnnxNode): { readonly input: string; readonly factor: number } | null {
    const [a = '', b = ''] = node.inputs;
    if (node.domain !== '' || (node.opType !== 'Mul' && node.opType !== 'Div')) return null;
    const right = this.scalarOf(b);
    if (right !== null) return { input: a, factor: node.opType === 'Mul' ? right : 1 / right };
    const left = this.scalarOf(a);
    return left !== null && node.opType === 'Mul' ? { input: b, factor: left } : null;
  }

  /** Back from `name` over nodes that rearrange or scale; with `parts`, also over those that choose. */
  origin(name: string, parts: boolean): Origin {
    let at = name;
    let factor = 1;
    const path: OnnxNode[] = [];
    for (let step = 0; step < maxSteps; step += 1) {
      const node = this.producer(at);
      if (node?.domain !== '') break;
      const scaled = this.scaling(node);
      const passes = rearranging.has(node.opType) || (parts && choosing.has(node.opType));
      if (scaled === null && !passes) break;
      path.push(node);
      factor *= scaled?.factor ?? 1;
      at = scaled?.input ?? node.inputs[0] ?? '';
    }
    return { name: at, factor, path };
  }
}

export interface Product {
  readonly node: OnnxNode;
  /** alpha of a fused product. */
  readonly factor: number;
  readonly turnedA: boolean;
  readonly turnedB: boolean;
}

/** A node that multiplies two values over their last axes, batched. */
export function productOf(node: OnnxNode | null): Product | null {
  if (node?.opType === 'MatMul' && node.domain === '') return { node, factor: 1, turnedA: false, turnedB: false };
  if (node?.opType !== 'FusedMatMul' || node.domain !== 'com.microsoft') return null;
  if (intAttribute(node, 'transBatchA', 0) === 1 || intAttribute(node, 'transBatchB', 0) === 1) return null;
  return {
    node,
    factor: floatAttribute(node, 'alpha') ?? 1,
    turnedA: intAttribute(node, 'transA', 0) === 1,
    turnedB: intAttribute(node, 'transB', 0) === 1,
  };
}
