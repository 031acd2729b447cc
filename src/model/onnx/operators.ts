// What each operator does to sizes and small numbers, by its name. The rules are those of the ONNX operator
// documentation; forms that changed with the operator set (axes as attribute or input) are read in both.

import type { OnnxNode } from '../../checkpoint/onnx/onnxGraph';
import { binary, cast, same, sameShape, unary, where } from './elementwiseOperators';
import { constant, constantOfShape, expand, range, tile } from './fillOperators';
import { convolved, pooled, resized, transposedConvolution } from './imageOperators';
import { intAttribute, intsAttribute, type Known, product, scalar, type Size, sized, unknown } from './knownValue';
import { flatten, reshape, shape, squeeze, transpose, unsqueeze } from './layoutOperators';
import { at, type Operator, type OperatorCall } from './operatorCall';
import { concat, gather, pad, slice, split } from './pieceOperators';
import { einsum, matmul } from './productOperators';
import { argReduce, reduce } from './reductionOperators';

/** null for operators that are not known here. */
export function operatorOf({ opType, domain }: OnnxNode): Operator | null {
  if (domain === '') return mainOperators.get(opType) ?? null;
  return domain === 'com.microsoft' ? (microsoftOperators.get(opType) ?? null) : null;
}

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
