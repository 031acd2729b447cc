// Operators that take axes away by a sum, a mean, a largest value.

import { axisOf, intAttribute, sized } from './knownValue';
import { at, listOf, type Operator } from './operatorCall';

export const reduce: Operator = (call) => {
  const dims = at(call, 0).shape;
  const axes = listOf(call, 1, 'axes');
  if (dims === null || axes === 'unknown') return [];
  const none = axes === null || axes.length === 0;
  if (none && intAttribute(call.node, 'noop_with_empty_axes', 0) === 1) return [sized(dims)];
  const places = none ? dims.map((_, axis) => axis) : axes.map((axis) => axisOf(axis ?? NaN, dims.length));
  if (places.includes(null)) return [];
  const keeps = intAttribute(call.node, 'keepdims', 1) === 1;
  return [sized(dims.flatMap((size, axis) => (places.includes(axis) ? (keeps ? [1] : []) : [size])))];
};

export const argReduce: Operator = (call) => {
  const dims = at(call, 0).shape;
  if (dims === null) return [];
  const axis = axisOf(intAttribute(call.node, 'axis', 0), dims.length);
  const keeps = intAttribute(call.node, 'keepdims', 1) === 1;
  return [sized(dims.flatMap((size, i) => (i === axis ? (keeps ? [1] : []) : [size])))];
};
