// The linear maps in front of q, k and v, where they can be recognised: a product with a weight of the file and maybe
// a bias, then nothing but rearrangement. Which columns belong to which head is found by values (engine/onnx).

import type { SiteProjection } from './attentionSite';
import type { GraphWalk } from './graphWalk';
import { floatAttribute, intAttribute } from './knownValue';

/** null unless all three are linear in one common value. */
export function siteProjections(
  walk: GraphWalk,
  q: string,
  k: string,
  v: string,
): { readonly q: SiteProjection; readonly k: SiteProjection; readonly v: SiteProjection } | null {
  const [query = null, key = null, value = null] = [q, k, v].map((name) => projection(walk, name));
  if (query === null || key === null || value === null) return null;
  if (query.source !== key.source || key.source !== value.source) return null;
  return { q: query, k: key, v: value };
}

function projection(walk: GraphWalk, name: string): SiteProjection | null {
  const { name: result, factor } = walk.origin(name, true);
  const node = walk.producer(result);
  if (node?.domain !== '') return null;
  if (node.opType === 'Add') {
    const [a = '', b = ''] = node.inputs;
    const [inner, bias] = walk.isWeight(a) ? [b, a] : [a, b];
    const product = walk.producer(walk.origin(inner, false).name);
    if (!walk.isWeight(bias) || walk.origin(inner, false).factor !== 1) return null;
    if (product?.opType !== 'MatMul' || product.domain !== '') return null;
    return fromProduct(walk, product.inputs, result, bias, factor);
  }
  if (node.opType === 'MatMul') return fromProduct(walk, node.inputs, result, null, factor);
  if (node.opType !== 'Gemm' || intAttribute(node, 'transA', 0) === 1) return null;
  if ((floatAttribute(node, 'alpha') ?? 1) !== 1 || (floatAttribute(node, 'beta') ?? 1) !== 1) return null;
  const bias = node.inputs[2] ?? '';
  const found = fromProduct(walk, node.inputs, result, bias === '' ? null : bias, factor);
  return found === null ? null : { ...found, turned: intAttribute(node, 'transB', 0) === 1 };
}

function fromProduct(
  walk: GraphWalk,
  [x = '', given = '']: readonly string[],
  result: string,
  bias: string | null,
  factor: number,
): SiteProjection | null {
  // Weights that are turned when the network runs stand behind a Transpose.
  const behind = walk.producer(given);
  const turned = behind?.opType === 'Transpose' && behind.domain === '';
  const weight = turned ? (behind.inputs[0] ?? '') : given;
  if (!walk.isWeight(weight) || walk.isWeight(x) || walk.shape(weight)?.length !== 2) return null;
  if (bias !== null && !walk.isWeight(bias)) return null;
  const origin = walk.origin(x, false);
  return {
    x,
    source: origin.factor === 1 ? origin.name : x,
    result,
    weight,
    turned,
    bias,
    factor,
  };
}
