// Operators that make or repeat numbers: constants, ranges, copies along axes.

import { broadcast } from './elementwiseOperators';
import { maxFollowedValues, scalar, sized, vector } from './knownValue';
import { at, type Operator } from './operatorCall';
import { unknownItems } from './pieceOperators';

export const constant: Operator = ({ node }) => {
  const value = node.attributes.get('value');
  if (value?.kind === 'tensor') {
    const { shape, values, elemType } = value.tensor;
    return [{ shape, values, integer: elemType === 6 || elemType === 7 }];
  }
  const int = node.attributes.get('value_int');
  if (int?.kind === 'int') return [scalar(int.value, true)];
  const float = node.attributes.get('value_float');
  if (float?.kind === 'float') return [scalar(float.value, false)];
  const ints = node.attributes.get('value_ints');
  if (ints?.kind === 'ints') return [vector(ints.values)];
  const floats = node.attributes.get('value_floats');
  return floats?.kind === 'floats' ? [vector(floats.values, false)] : [];
};

export const expand: Operator = (call) => {
  const target = at(call, 1).values;
  return target === null ? [] : [sized(broadcast(at(call, 0).shape, target))];
};

export const tile: Operator = (call) => {
  const dims = at(call, 0).shape;
  const repeats = at(call, 1).values;
  if (dims === null) return [];
  return [
    sized(
      dims.map((size, axis) => {
        const times = repeats === null ? null : (repeats[axis] ?? null);
        return size === null || times === null ? null : size * times;
      }),
    ),
  ];
};

export const constantOfShape: Operator = (call) => {
  const dims = at(call, 0).values;
  if (dims === null) return [];
  const filled = call.node.attributes.get('value');
  const value = filled?.kind === 'tensor' ? (filled.tensor.values?.[0] ?? null) : 0;
  const integer = filled?.kind === 'tensor' && (filled.tensor.elemType === 7 || filled.tensor.elemType === 6);
  const items = dims.length <= 1 ? unknownItems(dims) : null;
  return [{ shape: dims, values: items === null ? null : items.map(() => value), integer }];
};

export const range: Operator = (call) => {
  const [start = null, limit = null, delta = null] = [0, 1, 2].map((i) => at(call, i).values?.[0] ?? null);
  if (start === null || limit === null || delta === null || delta === 0) return [sized([null])];
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  const values = count > maxFollowedValues ? null : Array.from({ length: count }, (_, i) => start + i * delta);
  return [{ shape: [count], values, integer: at(call, 0).integer }];
};
