// Operators that give the same numbers other axes, and Shape, which says them.

import {
  axisOf,
  intAttribute,
  intsAttribute,
  maxFollowedValues,
  product,
  type Size,
  sized,
  type Sizes,
  vector,
} from './knownValue';
import { allKnown, at, listOf, type Operator } from './operatorCall';

export const shape: Operator = (call) => {
  const dims = at(call, 0).shape;
  if (dims === null) return [];
  const end = call.node.attributes.get('end');
  return [vector(dims.slice(intAttribute(call.node, 'start', 0), end?.kind === 'int' ? end.value : undefined))];
};

export const reshape: Operator = (call) => {
  const from = at(call, 0);
  const target = listOf(call, 1, 'shape');
  if (target === null || target === 'unknown') {
    const rank = call.inputs[1]?.shape?.[0] ?? null;
    return [sized(rank === null || rank > maxFollowedValues ? null : Array.from({ length: rank }, () => null))];
  }
  const keepsZero = intAttribute(call.node, 'allowzero', 0) === 1;
  const dims = target.map((size, axis) =>
    size === 0 && !keepsZero ? (from.shape === null ? null : (from.shape[axis] ?? null)) : size,
  );
  const open = dims.indexOf(-1);
  if (open < 0) return [{ ...from, shape: filledByProduct(dims, from.shape) }];
  const rest = dims.filter((_, axis) => axis !== open);
  return [{ ...from, shape: dims.map((size, axis) => (axis === open ? openSize(target, from.shape, rest) : size)) }];
};

/** One size that is not known follows from all others. */
function filledByProduct(dims: Sizes, from: Sizes | null): Sizes {
  const missing = dims.filter((size) => size === null).length;
  if (missing !== 1 || from === null) return dims;
  const total = product(from);
  const rest = product(dims.map((size) => size ?? 1));
  if (total === null || rest === null || rest === 0) return dims;
  return dims.map((size) => size ?? total / rest);
}

/** The size behind -1; sizes that stand on both sides cancel out, known or not. */
function openSize(target: Sizes, from: Sizes | null, rest: Sizes): Size {
  if (from === null) return null;
  const copied = target.flatMap((size, axis) => (size === 0 && from[axis] === null ? [axis] : []));
  const total = product(from.filter((_, axis) => !copied.includes(axis)));
  const others = product(rest.filter((size) => size !== null || copied.length === 0));
  const unresolved = rest.filter((size) => size === null).length;
  return total === null || others === null || others === 0 || unresolved > copied.length ? null : total / others;
}

export const flatten: Operator = (call) => {
  const dims = at(call, 0).shape;
  if (dims === null) return [sized([null, null])];
  const said = intAttribute(call.node, 'axis', 1);
  const axis = said < 0 ? said + dims.length : said;
  return [sized([product(dims.slice(0, axis)), product(dims.slice(axis))])];
};

export const transpose: Operator = (call) => {
  const dims = at(call, 0).shape;
  if (dims === null) return [];
  const perm = intsAttribute(call.node, 'perm') ?? dims.map((_, axis) => dims.length - 1 - axis);
  return [sized(perm.map((axis) => dims[axis] ?? null))];
};

export const unsqueeze: Operator = (call) => {
  const data = at(call, 0);
  const axes = listOf(call, 1, 'axes');
  if (data.shape === null || axes === null || axes === 'unknown' || !allKnown(axes)) return [];
  const rank = data.shape.length + axes.length;
  const places = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  const rest = [...data.shape];
  const dims = Array.from({ length: rank }, (_, axis) => (places.includes(axis) ? 1 : (rest.shift() ?? null)));
  return [{ ...data, shape: dims }];
};

export const squeeze: Operator = (call) => {
  const data = at(call, 0);
  const axes = listOf(call, 1, 'axes');
  const dims = data.shape;
  if (dims === null || axes === 'unknown') return [];
  if (axes === null) return dims.includes(null) ? [] : [{ ...data, shape: dims.filter((size) => size !== 1) }];
  const places = axes.map((axis) => (axis === null ? null : axisOf(axis, dims.length)));
  return places.includes(null) ? [] : [{ ...data, shape: dims.filter((_, axis) => !places.includes(axis)) }];
};
