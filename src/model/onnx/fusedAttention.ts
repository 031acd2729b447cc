// Attention in one node: `Attention`, `MultiHeadAttention` and `GroupQueryAttention` of com.microsoft, as ONNX
// Runtime's operator documentation (ContribOperators) lays them out, and `Attention` of ai.onnx 23.

import type { OnnxNode } from '../../checkpoint/onnx/onnxGraph';
import type { FusedOperator, FusedSite } from './attentionSite';
import type { GraphWalk } from './graphWalk';
import { floatAttribute, intAttribute, intsAttribute } from './knownValue';

const microsoft: ReadonlySet<string> = new Set(['Attention', 'MultiHeadAttention', 'GroupQueryAttention']);

const other = 'of a form that is not in this version. Export the model without this fusion to inspect it.';

/** null: no fused attention; a sentence: one that is not inspected. */
export function fusedSite(walk: GraphWalk, node: OnnxNode, index: number, where: string): FusedSite | string | null {
  const operator = operatorOf(node);
  if (operator === null) {
    const unread = node.domain === 'com.microsoft' && /Attention$/.test(node.opType);
    return unread ? `it is fused attention ${other}` : null;
  }
  const given = (i: number): boolean => (node.inputs[i] ?? '') !== '';
  const refused = refusal(operator, node, given);
  if (refused !== null) return refused;
  const main = operator === 'ai.onnx.Attention';
  const heads = intAttribute(node, main ? 'q_num_heads' : 'num_heads', 0);
  const shape = walk.shape(node.inputs[0] ?? '');
  const wide = shape?.length === 4;
  const counted = heads > 0 ? heads : wide ? (shape[1] ?? null) : null;
  const kvHeads = kvHeadsOf(operator, node, counted);
  const window = intAttribute(node, 'local_window_size', -1);
  const rotates = operator === 'GroupQueryAttention' && intAttribute(node, 'do_rotary', 0) === 1;
  return {
    kind: 'fused',
    operator,
    where,
    node: index,
    heads: counted,
    kvHeads,
    headDim: headDimOf(walk, operator, node, counted, kvHeads),
    tokens: shape === null ? null : (shape[wide ? 2 : 1] ?? null),
    inputs: node.inputs,
    output: node.outputs[0] ?? '',
    presentKey: (node.outputs[1] ?? '') === '' ? null : node.outputs[1]!,
    scale: scaleOf(node),
    causal:
      operator === 'GroupQueryAttention' ||
      intAttribute(node, 'unidirectional', 0) === 1 ||
      intAttribute(node, 'is_causal', 0) === 1,
    window: window > 0 ? window : null,
    rotary: !rotates ? 'none' : intAttribute(node, 'rotary_interleaved', 0) === 1 ? 'pairs' : 'half',
    widths: intsAttribute(node, 'qkv_hidden_sizes'),
  };
}

function operatorOf({ opType, domain }: OnnxNode): FusedOperator | null {
  if (domain === '' && opType === 'Attention') return 'ai.onnx.Attention';
  return domain === 'com.microsoft' && microsoft.has(opType) ? (opType as FusedOperator) : null;
}

function refusal(operator: FusedOperator, node: OnnxNode, given: (i: number) => boolean): string | null {
  if ((floatAttribute(node, 'softcap') ?? 0) > 0) return `its scores go through a soft cap, ${other}`;
  if (operator === 'Attention' && intAttribute(node, 'do_rotary', 0) === 1)
    return `it rotates q and k itself, ${other}`;
  if (operator === 'MultiHeadAttention' && given(1) !== given(2))
    return `it has keys and values packed in one, ${other}`;
  if (operator === 'ai.onnx.Attention' && (!given(1) || !given(2))) return `it has no keys or values, ${other}`;
  return null;
}

const scaleOf = (node: OnnxNode): number | null => {
  const scale = floatAttribute(node, 'scale') ?? 0;
  return scale === 0 ? null : scale;
};

function kvHeadsOf(operator: FusedOperator, node: OnnxNode, heads: number | null): number | null {
  if (operator !== 'GroupQueryAttention' && operator !== 'ai.onnx.Attention') return heads;
  const said = intAttribute(node, 'kv_num_heads', 0);
  return said > 0 ? said : heads;
}

function headDimOf(
  walk: GraphWalk,
  operator: FusedOperator,
  node: OnnxNode,
  heads: number | null,
  kvHeads: number | null,
): number | null {
  const shape = walk.shape(node.inputs[0] ?? '');
  const last = shape?.at(-1) ?? null;
  if (heads === null || kvHeads === null) return null;
  if (operator === 'Attention') {
    const packed = walk.shape(node.inputs[1] ?? '')?.at(1) ?? null;
    const first = intsAttribute(node, 'qkv_hidden_sizes')?.[0] ?? (packed === null ? null : packed / 3);
    return first === null ? null : first / heads;
  }
  if (shape?.length === 4 || shape?.length === 5 || last === null) return last;
  const packed = operator === 'GroupQueryAttention' && (node.inputs[1] ?? '') === '';
  return last / (packed ? heads + 2 * kvHeads : heads);
}
