// What each operator does to sizes and small numbers, by its name. The rules are those of the ONNX operator
// documentation; forms that changed with the operator set (axes as attribute or input) are read in both.

import type { OnnxNode } from '../../checkpoint/onnx/onnxGraph';
import { convolved, pooled, resized, transposedConvolution } from './imageOperators';
import {
  axisOf,
  intAttribute,
  intsAttribute,
  type Known,
  maxFollowedValues,
  product,
  scalar,
  type Size,
  sized,
  type Sizes,
  textAttribute,
  unknown,
  vector,
} from './knownValue';

export interface OperatorCall {
  readonly node: OnnxNode;
  /** null: an optional input that is left out. */
  readonly inputs: readonly (Known | null)[];
  /** Version of the operator set of the node's domain. */
  readonly opset: number;
}

export type Operator = (call: OperatorCall) => readonly Known[];

/** null for operators that are not known here. */
export function operatorOf({ opType, domain }: OnnxNode): Operator | null {
  if (domain === '') return mainOperators.get(opType) ?? null;
  return domain === 'com.microsoft' ? (microsoftOperators.get(opType) ?? null) : null;
}

const at = ({ inputs }: OperatorCall, i: number): Known => inputs[i] ?? unknown;

/** Axes or sizes from input `i`, or from the attribute that held them in older operator sets; null: not given. */
function listOf(call: OperatorCall, i: number, name: string): Sizes | 'unknown' | null {
  const input = call.inputs[i] ?? null;
  if (input !== null) return input.values ?? 'unknown';
  return intsAttribute(call.node, name);
}

const isList = (list: Sizes | 'unknown' | null): list is Sizes => list !== null && list !== 'unknown';

const allKnown = (values: Sizes): values is readonly number[] => values.every((value) => value !== null);

/** Sizes and numbers of the first input go on. */
const same: Operator = (call) => [at(call, 0)];
/** Only the sizes go on. */
const sameShape: Operator = (call) => [sized(at(call, 0).shape)];

function broadcast(a: Sizes | null, b: Sizes | null): Sizes | null {
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
const binary =
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

const unary =
  (compute: (a: number) => number): Operator =>
  (call) => {
    const { shape, values, integer } = at(call, 0);
    return [{ shape, integer, values: values?.map((value) => (value === null ? null : compute(value))) ?? null }];
  };

const cast: Operator = (call) => {
  const to = intAttribute(call.node, 'to', 1);
  const { shape, values } = at(call, 0);
  const integer = to >= 2 && to <= 7;
  const whole = values?.map((value) => (value === null ? null : Math.trunc(value))) ?? null;
  return [{ shape, integer, values: integer ? whole : values }];
};

const constant: Operator = ({ node }) => {
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

const shape: Operator = (call) => {
  const dims = at(call, 0).shape;
  if (dims === null) return [];
  const end = call.node.attributes.get('end');
  return [vector(dims.slice(intAttribute(call.node, 'start', 0), end?.kind === 'int' ? end.value : undefined))];
};

const reshape: Operator = (call) => {
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

const flatten: Operator = (call) => {
  const dims = at(call, 0).shape;
  if (dims === null) return [sized([null, null])];
  const said = intAttribute(call.node, 'axis', 1);
  const axis = said < 0 ? said + dims.length : said;
  return [sized([product(dims.slice(0, axis)), product(dims.slice(axis))])];
};

const transpose: Operator = (call) => {
  const dims = at(call, 0).shape;
  if (dims === null) return [];
  const perm = intsAttribute(call.node, 'perm') ?? dims.map((_, axis) => dims.length - 1 - axis);
  return [sized(perm.map((axis) => dims[axis] ?? null))];
};

const concat: Operator = (call) => {
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
function unknownItems(dims: Sizes): Sizes | null {
  const count = product(dims);
  return count === null || count > maxFollowedValues ? null : Array.from({ length: count }, () => null);
}

const gather: Operator = (call) => {
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

const slice: Operator = (call) => {
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

const split: Operator = (call) => {
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

const unsqueeze: Operator = (call) => {
  const data = at(call, 0);
  const axes = listOf(call, 1, 'axes');
  if (data.shape === null || axes === null || axes === 'unknown' || !allKnown(axes)) return [];
  const rank = data.shape.length + axes.length;
  const places = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  const rest = [...data.shape];
  const dims = Array.from({ length: rank }, (_, axis) => (places.includes(axis) ? 1 : (rest.shift() ?? null)));
  return [{ ...data, shape: dims }];
};

const squeeze: Operator = (call) => {
  const data = at(call, 0);
  const axes = listOf(call, 1, 'axes');
  const dims = data.shape;
  if (dims === null || axes === 'unknown') return [];
  if (axes === null) return dims.includes(null) ? [] : [{ ...data, shape: dims.filter((size) => size !== 1) }];
  const places = axes.map((axis) => (axis === null ? null : axisOf(axis, dims.length)));
  return places.includes(null) ? [] : [{ ...data, shape: dims.filter((_, axis) => !places.includes(axis)) }];
};

const reduce: Operator = (call) => {
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

const argReduce: Operator = (call) => {
  const dims = at(call, 0).shape;
  if (dims === null) return [];
  const axis = axisOf(intAttribute(call.node, 'axis', 0), dims.length);
  const keeps = intAttribute(call.node, 'keepdims', 1) === 1;
  return [sized(dims.flatMap((size, i) => (i === axis ? (keeps ? [1] : []) : [size])))];
};

const expand: Operator = (call) => {
  const target = at(call, 1).values;
  return target === null ? [] : [sized(broadcast(at(call, 0).shape, target))];
};

const tile: Operator = (call) => {
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

const constantOfShape: Operator = (call) => {
  const dims = at(call, 0).values;
  if (dims === null) return [];
  const filled = call.node.attributes.get('value');
  const value = filled?.kind === 'tensor' ? (filled.tensor.values?.[0] ?? null) : 0;
  const integer = filled?.kind === 'tensor' && (filled.tensor.elemType === 7 || filled.tensor.elemType === 6);
  const items = dims.length <= 1 ? unknownItems(dims) : null;
  return [{ shape: dims, values: items === null ? null : items.map(() => value), integer }];
};

const range: Operator = (call) => {
  const [start = null, limit = null, delta = null] = [0, 1, 2].map((i) => at(call, i).values?.[0] ?? null);
  if (start === null || limit === null || delta === null || delta === 0) return [sized([null])];
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  const values = count > maxFollowedValues ? null : Array.from({ length: count }, (_, i) => start + i * delta);
  return [{ shape: [count], values, integer: at(call, 0).integer }];
};

const where: Operator = (call) => {
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

const matmul: Operator = (call) => {
  const [a, b] = [at(call, 0).shape, at(call, 1).shape];
  const flip = (name: string): boolean => intAttribute(call.node, name, 0) === 1;
  return [sized(multiplied(flip('transA') ? turned(a) : a, flip('transB') ? turned(b) : b))];
};

const einsum: Operator = (call) => {
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

const pad: Operator = (call) => {
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

const byWidth =
  (input: number, width: (call: OperatorCall) => Size): Operator =>
  (call) => {
    const dims = at(call, input).shape;
    return [sized(dims === null ? null : [...dims.slice(0, -1), width(call)])];
  };

const fold =
  (operator: Operator): Operator =>
  (call) =>
    call.inputs
      .slice(1)
      .reduce<readonly Known[]>(
        (left, right) => operator({ ...call, inputs: [left[0] ?? unknown, right] }),
        [call.inputs[0] ?? unknown],
      );

const named = (names: string, operator: Operator): [string, Operator][] =>
  names.split(' ').map((name) => [name, operator]);

const mainOperators: ReadonlyMap<string, Operator> = new Map([
  ...named('Identity Dropout', same),
  ...named(
    'Relu LeakyRelu Elu Selu PRelu Sigmoid HardSigmoid HardSwish Tanh Erf Exp Log Softplus Softsign Gelu Mish Swish ' +
      'Softmax LogSoftmax LayerNormalization RMSNormalization BatchNormalization InstanceNormalization ' +
      'GroupNormalization LpNormalization LRN Clip Sign Sin Cos IsNaN IsInf Trilu CumSum Round DequantizeLinear ' +
      'QuantizeLinear ScatterND ScatterElements RotaryEmbedding',
    sameShape,
  ),
  ...named(
    'Not',
    unary((a) => (a === 0 ? 1 : 0)),
  ),
  ...named(
    'Neg',
    unary((a) => -a),
  ),
  ...named('Abs', unary(Math.abs)),
  ...named('Sqrt', unary(Math.sqrt)),
  ...named(
    'Reciprocal',
    unary((a) => 1 / a),
  ),
  ...named('Floor', unary(Math.floor)),
  ...named('Ceil', unary(Math.ceil)),
  ...named(
    'Add',
    binary((a, b) => a + b),
  ),
  ...named(
    'Sub',
    binary((a, b) => a - b),
  ),
  ...named(
    'Mul',
    binary((a, b) => a * b),
  ),
  ...named(
    'Div',
    binary((a, b, integer) => (integer ? Math.trunc(a / b) : a / b)),
  ),
  ...named(
    'Mod',
    binary((a, b) => a - b * Math.floor(a / b)),
  ),
  ...named(
    'Pow',
    binary((a, b) => a ** b),
  ),
  ...named(
    'Equal',
    binary((a, b) => (a === b ? 1 : 0)),
  ),
  ...named(
    'Greater',
    binary((a, b) => (a > b ? 1 : 0)),
  ),
  ...named(
    'GreaterOrEqual',
    binary((a, b) => (a >= b ? 1 : 0)),
  ),
  ...named(
    'Less',
    binary((a, b) => (a < b ? 1 : 0)),
  ),
  ...named(
    'LessOrEqual',
    binary((a, b) => (a <= b ? 1 : 0)),
  ),
  ...named(
    'And',
    binary((a, b) => (a !== 0 && b !== 0 ? 1 : 0)),
  ),
  ...named(
    'Or',
    binary((a, b) => (a !== 0 || b !== 0 ? 1 : 0)),
  ),
  ...named(
    'Xor',
    binary((a, b) => ((a !== 0) === (b !== 0) ? 0 : 1)),
  ),
  ...named('Min', fold(binary((a, b) => Math.min(a, b)))),
  ...named('Max', fold(binary((a, b) => Math.max(a, b)))),
  ...named('Sum', fold(binary((a, b) => a + b))),
  ...named('Cast', cast),
  ...named('CastLike', sameShape),
  ...named('Constant', constant),
  ...named('Shape', shape),
  ...named('Size', (call) => [scalar(product(at(call, 0).shape ?? [null]), true)]),
  ...named('Reshape', reshape),
  ...named('Flatten', flatten),
  ...named('Transpose', transpose),
  ...named('Concat', concat),
  ...named('Gather', gather),
  ...named('GatherElements', (call) => [sized(at(call, 1).shape)]),
  ...named('Slice', slice),
  ...named('Split', split),
  ...named('Unsqueeze', unsqueeze),
  ...named('Squeeze', squeeze),
  ...named(
    'ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSumExp',
    reduce,
  ),
  ...named('ArgMax ArgMin', argReduce),
  ...named('Expand', expand),
  ...named('Tile', tile),
  ...named('ConstantOfShape', constantOfShape),
  ...named('Range', range),
  ...named('Where', where),
  ...named('MatMul', matmul),
  ...named('Gemm', matmul),
  ...named('Einsum', einsum),
  ...named('Pad', pad),
  ...named('Conv', (call) => [sized(convolved(call.node, at(call, 0).shape, at(call, 1).shape))]),
  ...named('ConvTranspose', (call) => [sized(transposedConvolution(call.node, at(call, 0).shape, at(call, 1).shape))]),
  ...named('MaxPool AveragePool LpPool', (call) => [sized(pooled(call.node, at(call, 0).shape))]),
  ...named('GlobalAveragePool GlobalMaxPool', (call) => {
    const dims = at(call, 0).shape;
    return [sized(dims === null ? null : dims.map((size, axis) => (axis < 2 ? size : 1)))];
  }),
  ...named('Resize Upsample', (call) => [sized(resized(at(call, 0).shape, call.inputs.slice(1)))]),
  ...named('Attention', (call) => {
    const [q, v] = [at(call, 0).shape, at(call, 2).shape];
    const heads = intAttribute(call.node, 'q_num_heads', 0);
    const kvHeads = intAttribute(call.node, 'kv_num_heads', heads);
    const width = v === null ? null : (v[v.length - 1] ?? null);
    const packed = q !== null && q.length === 3 && kvHeads > 0;
    return [
      sized(q === null ? null : [...q.slice(0, -1), packed && width !== null ? (width / kvHeads) * heads : width]),
    ];
  }),
]);

const microsoftOperators: ReadonlyMap<string, Operator> = new Map([
  ...named(
    'FastGelu Gelu BiasGelu QuickGelu LayerNormalization SimplifiedLayerNormalization SkipLayerNormalization ' +
      'SkipSimplifiedLayerNormalization BiasSplitGelu BiasDropout BitmaskDropout RotaryEmbedding GroupQueryAttention',
    sameShape,
  ),
  ...named('FusedMatMul FusedGemm', matmul),
  ...named('FusedConv', (call) => [sized(convolved(call.node, at(call, 0).shape, at(call, 1).shape))]),
  ...named(
    'MatMulNBits',
    byWidth(0, ({ node }) => intAttribute(node, 'N', 0)),
  ),
  ...named('EmbedLayerNormalization', (call) => {
    const ids = at(call, 0).shape;
    const words = at(call, 2).shape;
    return [sized(ids === null ? null : [...ids, words === null ? null : (words[1] ?? null)])];
  }),
  ...named(
    'Attention',
    byWidth(0, (call) => {
      const sizes = intsAttribute(call.node, 'qkv_hidden_sizes');
      const width = at(call, 1).shape;
      const packed = width === null ? null : (width[1] ?? null);
      return sizes === null ? (packed === null ? null : packed / 3) : (sizes[2] ?? null);
    }),
  ),
  ...named('MultiHeadAttention', (call) => {
    const [query, value] = [at(call, 0).shape, call.inputs[2]?.shape ?? null];
    if (query === null) return [];
    if (query.length === 5) return [sized([query[0]!, query[1]!, product([query[2]!, query[4]!])])];
    if (value?.length === 4) return [sized([query[0]!, query[1]!, product([value[1]!, value[3]!])])];
    return [sized(value === null ? query : [...query.slice(0, 2), value[2] ?? null])];
  }),
]);
