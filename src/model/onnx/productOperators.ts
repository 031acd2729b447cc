// Products over an axis that both factors have.

import { broadcast } from './elementwiseOperators';
import { intAttribute, type Size, sized, type Sizes, textAttribute } from './knownValue';
import { at, type Operator } from './operatorCall';

function multiplied(a: Sizes | null, b: Sizes | null): Sizes | null {
  if (a === null || b === null || a.length === 0 || b.length === 0) return null;
  const [left, right] = [a.length === 1 ? [1, ...a] : a, b.length === 1 ? [...b, 1] : b];
  const batch = broadcast(left.slice(0, -2), right.slice(0, -2)) ?? [];
  return [
    ...batch,
    ...(a.length === 1 ? [] : [left[left.length - 2]!]),
    ...(b.length === 1 ? [] : [right[right.length - 1]!]),
  ];
}

const turned = (dims: Sizes | null): Sizes | null =>
  dims === null || dims.length < 2 ? dims : [...dims.slice(0, -2), dims[dims.length - 1]!, dims[dims.length - 2]!];

export const matmul: Operator = (call) => {
  const [a, b] = [at(call, 0).shape, at(call, 1).shape];
  const flip = (name: string): boolean => intAttribute(call.node, name, 0) === 1;
  return [sized(multiplied(flip('transA') ? turned(a) : a, flip('transB') ? turned(b) : b))];
};

export const einsum: Operator = (call) => {
  const [terms = '', result] = (textAttribute(call.node, 'equation') ?? '').replaceAll(' ', '').split('->');
  if (result === undefined || terms.includes('.')) return [];
  const sizes = new Map<string, Size>();
  terms.split(',').forEach((term, i) => {
    const dims = at(call, i).shape;
    Array.from(term).forEach((letter, axis) => {
      const size = dims === null ? null : (dims[axis] ?? null);
      if (size !== null || !sizes.has(letter)) sizes.set(letter, size);
    });
  });
  return [sized(Array.from(result, (letter) => sizes.get(letter) ?? null))];
};
