// Operators that take the numbers of their inputs one by one: sizes are broadcast, small numbers are computed.

import { intAttribute, type Known, maxFollowedValues, product, type Size, sized, type Sizes } from './knownValue';
import { at, type Operator } from './operatorCall';

/** Sizes and numbers of the first input go on. */
export const same: Operator = (call) => [at(call, 0)];

/** Only the sizes go on. */
export const sameShape: Operator = (call) => [sized(at(call, 0).shape)];

export function broadcast(a: Sizes | null, b: Sizes | null): Sizes | null {
  if (a === null || b === null) return null;
  const rank = Math.max(a.length, b.length);
  const size = (of: Sizes, axis: number): Size => (axis < rank - of.length ? 1 : of[axis - rank + of.length]!);
  return Array.from({ length: rank }, (_, axis) => {
    const [m, n] = [size(a, axis), size(b, axis)];
    if (m === 1) return n;
    if (n === 1 || m === n) return m;
    // One of the two is not known; a size other than 1 is that of the result.
    return m ?? n;
  });
}

/** Elementwise on two inputs; `compute` for small numbers. */
export const binary =
  (compute: (a: number, b: number, integer: boolean) => number): Operator =>
  (call) => {
    const [a, b] = [at(call, 0), at(call, 1)];
    const shape = broadcast(a.shape, b.shape);
    const integer = a.integer && b.integer;
    return [{ shape, values: zipped(a, b, shape, (m, n) => compute(m, n, integer)), integer }];
  };

function zipped(a: Known, b: Known, shape: Sizes | null, compute: (a: number, b: number) => number): Sizes | null {
  if (a.values === null || b.values === null || shape === null || shape.length > 1) return null;
  const [m, n] = [a.values, b.values];
  return Array.from({ length: Math.max(m.length, n.length) }, (_, i) => {
    const [x, y] = [m[m.length === 1 ? 0 : i] ?? null, n[n.length === 1 ? 0 : i] ?? null];
    return x === null || y === null ? null : compute(x, y);
  });
}

export const unary =
  (compute: (a: number) => number): Operator =>
  (call) => {
    const { shape, values, integer } = at(call, 0);
    return [{ shape, integer, values: values?.map((value) => (value === null ? null : compute(value))) ?? null }];
  };

export const cast: Operator = (call) => {
  const to = intAttribute(call.node, 'to', 1);
  const { shape, values } = at(call, 0);
  const integer = to >= 2 && to <= 7;
  const whole = values?.map((value) => (value === null ? null : Math.trunc(value))) ?? null;
  return [{ shape, integer, values: integer ? whole : values }];
};

export const where: Operator = (call) => {
  const [condition, a, b] = [at(call, 0), at(call, 1), at(call, 2)];
  const dims = broadcast(condition.shape, broadcast(a.shape, b.shape));
  if (dims === null || dims.length > 1 || condition.values === null) return [sized(dims)];
  const item = (of: Known, i: number): Size =>
    of.values === null ? null : (of.values[of.values.length === 1 ? 0 : i] ?? null);
  const count = product(dims);
  if (count === null || count > maxFollowedValues) return [sized(dims)];
  const values = Array.from({ length: count }, (_, i) => {
    const holds = item(condition, i);
    return holds === null ? null : holds !== 0 ? item(a, i) : item(b, i);
  });
  return [{ shape: dims, values, integer: a.integer && b.integer }];
};
