// Operators that put values together, cut pieces out of them, or put a border around them.

import { axisOf, intAttribute, maxFollowedValues, product, type Size, sized, type Sizes, unknown } from './knownValue';
import { allKnown, at, isList, listOf, type Operator } from './operatorCall';

export const concat: Operator = (call) => {
  const parts = call.inputs.map((input) => input ?? unknown);
  const first = parts.find((part) => part.shape !== null)?.shape;
  if (first === undefined || first === null) return [];
  const axis = axisOf(intAttribute(call.node, 'axis', 1), first.length);
  if (axis === null) return [];
  const shapeOf = first.map((_, i) => {
    const sizes = parts.map((part) => (part.shape === null ? null : (part.shape[i] ?? null)));
    if (i !== axis) return sizes.find((size) => size !== null) ?? null;
    return sizes.includes(null) ? null : sizes.reduce<number>((sum, size) => sum + size!, 0);
  });
  const lists = parts.map((part) => part.values ?? (part.shape === null ? null : unknownItems(part.shape)));
  const values = first.length === 1 && !lists.includes(null) ? lists.flatMap((list) => list!) : null;
  return [{ shape: shapeOf, values, integer: parts.every((part) => part.integer || part.values === null) }];
};

/** The items of a short vector none of which is known; null for anything longer. */
export function unknownItems(dims: Sizes): Sizes | null {
  const count = product(dims);
  return count === null || count > maxFollowedValues ? null : Array.from({ length: count }, () => null);
}

export const gather: Operator = (call) => {
  const [data, indices] = [at(call, 0), at(call, 1)];
  if (data.shape === null || indices.shape === null) return [];
  const axis = axisOf(intAttribute(call.node, 'axis', 0), data.shape.length);
  if (axis === null) return [];
  const dims = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
  const { values } = data;
  if (values === null || indices.values === null || data.shape.length !== 1) return [sized(dims)];
  const picked = indices.values.map((i) => (i === null ? null : (values[i < 0 ? i + values.length : i] ?? null)));
  return [{ shape: dims, values: picked, integer: data.integer }];
};

export const slice: Operator = (call) => {
  const data = at(call, 0);
  const dims = data.shape;
  if (dims === null) return [];
  const starts = listOf(call, 1, 'starts');
  const ends = listOf(call, 2, 'ends');
  const axes = listOf(call, 3, 'axes') ?? (isList(starts) ? starts.map((_, i) => i) : 'unknown');
  const steps = listOf(call, 4, 'steps');
  if (!isList(axes) || !allKnown(axes)) return [sized(dims.map(() => null))];
  const result: Size[] = [...dims];
  let values = data.values;
  axes.forEach((said, i) => {
    const axis = axisOf(said, dims.length);
    if (axis === null) return;
    const bound = (list: typeof starts): Size => (isList(list) ? (list[i] ?? null) : null);
    const step = steps === null ? 1 : bound(steps);
    const cut = cutAxis(dims[axis] ?? null, bound(starts), bound(ends), step);
    result[axis] = cut === null ? null : cut.length;
    const before = values;
    values =
      before !== null && cut !== null && dims.length === 1 ? cut.kept.map((place) => before[place] ?? null) : null;
  });
  return [{ shape: result, values, integer: data.integer }];
};

/** How many indexes a slice keeps of an axis, and the first of them; null where they are not known. */
function cutAxis(
  size: Size,
  start: Size,
  end: Size,
  step: Size,
): { readonly length: number; readonly kept: readonly number[] } | null {
  if (size === null || start === null || end === null || step === null || step === 0) return null;
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const place = (value: number): number => Math.min(high, Math.max(low, value < 0 ? value + size : value));
  const from = place(start);
  const length = Math.max(0, Math.ceil((place(Math.max(end, -1 - size)) - from) / step));
  return {
    length,
    kept: Array.from({ length: Math.min(length, maxFollowedValues) }, (_, i) => from + i * step),
  };
}

export const split: Operator = (call) => {
  const dims = at(call, 0).shape;
  const count = call.node.outputs.length;
  if (dims === null) return [];
  const axis = axisOf(intAttribute(call.node, 'axis', 0), dims.length);
  if (axis === null) return [];
  const said = listOf(call, 1, 'split');
  const size = dims[axis] ?? null;
  return Array.from({ length: count }, (_, i) => {
    const even =
      size === null ? null : Math.max(0, Math.min(Math.ceil(size / count), size - i * Math.ceil(size / count)));
    const part = said === null ? even : said === 'unknown' ? null : (said[i] ?? null);
    return sized(dims.map((n, j) => (j === axis ? part : n)));
  });
};

export const pad: Operator = (call) => {
  const dims = at(call, 0).shape;
  const pads = listOf(call, 1, 'pads');
  if (dims === null) return [];
  const axes = call.inputs[3]?.values ?? dims.map((_, axis) => axis);
  if (pads === null || pads === 'unknown' || pads.length !== 2 * axes.length) return [sized(dims.map(() => null))];
  const result: Size[] = [...dims];
  axes.forEach((said, i) => {
    const axis = said === null ? null : axisOf(said, dims.length);
    const [before, after] = [pads[i] ?? null, pads[i + axes.length] ?? null];
    const size = axis === null ? null : (dims[axis] ?? null);
    if (axis !== null) result[axis] = size === null || before === null || after === null ? null : size + before + after;
  });
  return [sized(result)];
};
