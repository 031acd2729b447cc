// What is known of a value of the graph without running it: its sizes, and its numbers where they are few (shapes,
// axes, scales). null stands for "not known" everywhere.

import type { OnnxAttribute, OnnxNode } from '../../checkpoint/onnx/onnxGraph';

export type Size = number | null;
export type Sizes = readonly Size[];

export interface Known {
  /** null: not even the number of axes. */
  readonly shape: Sizes | null;
  /** In C order; null: too many, or not known at all. */
  readonly values: Sizes | null;
  /** Division of such numbers is a division of integers. */
  readonly integer: boolean;
}

/** Numbers of one value that are followed through the graph; shapes and scales have a handful. */
export const maxFollowedValues = 64;

export const unknown: Known = { shape: null, values: null, integer: false };

export const sized = (shape: Sizes | null): Known => ({ ...unknown, shape });

/** Small integers in one axis. */
export const vector = (values: Sizes, integer = true): Known => ({ shape: [values.length], values, integer });

export const scalar = (value: Size, integer: boolean): Known => ({ shape: [], values: [value], integer });

/** Product of `sizes`; null where one is not known. */
export function product(sizes: Sizes): Size {
  let all = 1;
  for (const size of sizes) {
    if (size === null) return null;
    all *= size;
  }
  return all;
}

export function intAttribute(node: OnnxNode, name: string, fallback: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'int' ? attribute.value : fallback;
}

export function floatAttribute(node: OnnxNode, name: string): number | null {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'float' ? attribute.value : null;
}

export function intsAttribute(node: OnnxNode, name: string): readonly number[] | null {
  const attribute: OnnxAttribute | undefined = node.attributes.get(name);
  return attribute?.kind === 'ints' ? attribute.values : null;
}

export function textAttribute(node: OnnxNode, name: string): string | null {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'string' ? attribute.value : null;
}

/** Axis of a value with `rank` axes, counted from the front; null where there is no such axis. */
export function axisOf(axis: number, rank: number): number | null {
  const front = axis < 0 ? axis + rank : axis;
  return Number.isInteger(front) && front >= 0 && front < rank ? front : null;
}
