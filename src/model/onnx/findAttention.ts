// Finds the attention blocks of a graph by what it computes, never by names: every Softmax over the last axis between
// a product of two computed values and a product with a third, and every fused attention node.

import type { OnnxGraph, OnnxNode } from '../../checkpoint/onnx/onnxGraph';
import type { AttentionSite, PlainSite, Tap, TapLayout } from './attentionSite';
import { fusedSite } from './fusedAttention';
import { GraphWalk, type Product, productOf } from './graphWalk';
import type { KnownValues } from './inferShapes';
import { intAttribute, product, textAttribute } from './knownValue';
import { siteProjections } from './siteProjections';

/** Nodes between the first product and the softmax: scale, mask, reshapes, casts. */
const maxScoreSteps = 24;

export interface FoundAttention {
  readonly sites: readonly AttentionSite[];
  /** Sentences about attention that was seen and cannot be inspected. */
  readonly notes: readonly string[];
}

/** In the order of the file. `known`: sizes as far as they are known (inferShapes). */
export function findAttention(graph: OnnxGraph, known: KnownValues): FoundAttention {
  const walk = new GraphWalk(graph, known);
  const sites: AttentionSite[] = [];
  const notes: string[] = [];
  graph.nodes.forEach((node, index) => {
    const where = placeOf(node, index);
    const found =
      node.opType === 'Softmax' ? softmaxSite(walk, node, index, where) : fusedSite(walk, node, index, where);
    if (typeof found === 'string') notes.push(`${where}: ${found}`);
    else if (found !== null) sites.push(found);
  });
  return { sites, notes };
}

/** 'Softmax "/blocks.0/attn/Softmax"', or its number in the file where it has no name. */
export function placeOf(node: OnnxNode, index: number): string {
  return node.name === '' ? `${node.opType} (node ${index})` : `${node.opType} "${node.name}"`;
}

/** null: no attention; a sentence: attention of a kind that is not inspected. */
function softmaxSite(walk: GraphWalk, node: OnnxNode, index: number, where: string): PlainSite | string | null {
  const [input = ''] = node.inputs;
  const [pattern = ''] = node.outputs;
  if (!overLastAxis(walk, node)) return null;
  const scores = scoresOf(walk, input);
  const mixed = valuesOf(walk, pattern);
  if (scores === null || mixed === null) return null;
  const { q, k } = scores;
  if ([q, k, mixed.v].some(({ name }) => walk.isWeight(walk.origin(name, true).name))) {
    return 'its queries, keys or values are weights of the file, not computed from the input; it is not inspected.';
  }
  const [queries, keys] = [sizesOf(walk, q), sizesOf(walk, k)];
  const values = sizesOf(walk, mixed.v);
  if (queries.tokens !== null && keys.tokens !== null && queries.tokens !== keys.tokens) {
    return `${queries.tokens} queries see ${keys.tokens} keys: attention across two sequences is not inspected.`;
  }
  if (queries.batch !== null && queries.batch !== 1) {
    return `it runs ${queries.batch} times side by side (windows of a picture, or a batch), which is not inspected.`;
  }
  const dims = [queries.headDim, keys.headDim, values.headDim];
  if (values.headDim !== null && queries.headDim !== null && values.headDim !== queries.headDim) {
    return `its values have ${values.headDim} numbers a head and its keys ${queries.headDim}; heads of two sizes are not inspected.`;
  }
  const [fromQ, fromK] = [walk.origin(q.name, false), walk.origin(k.name, false)];
  const heads = queries.heads ?? values.heads ?? keys.heads;
  return {
    kind: 'plain',
    where,
    node: index,
    heads,
    kvHeads: heads === null ? null : heads / repeated(walk, k.name),
    headDim: dims.find((size) => size !== null) ?? null,
    tokens: queries.tokens ?? keys.tokens,
    q,
    k,
    v: mixed.v,
    pattern: { name: pattern, layout: mixed.patternLayout },
    out: mixed.out,
    queryFactor: fromQ.factor,
    keyFactor: fromK.factor,
    scoreFactor: scores.factor,
    masked: scores.masked,
    symmetric: fromQ.name === fromK.name && fromQ.factor === fromK.factor,
    projections: siteProjections(walk, q.name, k.name, mixed.v.name),
  };
}

function overLastAxis(walk: GraphWalk, node: OnnxNode): boolean {
  const modern = (walk.graph.opsets.get('') ?? 1) >= 13;
  const axis = intAttribute(node, 'axis', modern ? -1 : 1);
  const rank = walk.shape(node.inputs[0] ?? '')?.length ?? null;
  return axis === -1 || (rank !== null && axis === rank - 1);
}

interface Scores {
  readonly q: Tap;
  readonly k: Tap;
  readonly factor: number;
  readonly masked: boolean;
}

/** Back from the softmax to the product of queries and keys, over scale, mask, reshapes and casts. */
function scoresOf(walk: GraphWalk, name: string, left = maxScoreSteps): Scores | null {
  const node = walk.producer(name);
  if (node === null || left === 0) return null;
  const found = scoreProduct(node);
  if (found !== null) return found;
  if (node.domain !== '') return null;
  const go = (input: string | undefined): Scores | null =>
    input === undefined || input === '' || walk.isWeight(input) ? null : scoresOf(walk, input, left - 1);
  const scaled = walk.scaling(node);
  if (scaled !== null) {
    const behind = go(scaled.input);
    // A scale behind a mask acts on the mask, too.
    return behind === null ? null : { ...behind, factor: behind.factor * scaled.factor };
  }
  const masked = (scores: Scores | null): Scores | null => (scores === null ? null : { ...scores, masked: true });
  switch (node.opType) {
    case 'Identity':
    case 'Cast':
    case 'Reshape':
    case 'Dropout':
    case 'Unsqueeze':
    case 'Squeeze':
      return go(node.inputs[0]);
    case 'Add':
      return masked(go(node.inputs[0]) ?? go(node.inputs[1]));
    case 'Sub':
    case 'Clip':
      return masked(go(node.inputs[0]));
    case 'Max':
      return masked(go(node.inputs[0]) ?? go(node.inputs[1]));
    case 'Where':
      return masked(go(node.inputs[1]) ?? go(node.inputs[2]));
    default:
      return null;
  }
}

function scoreProduct(node: OnnxNode): Scores | null {
  const plain = productOf(node);
  if (plain !== null) {
    return {
      q: { name: node.inputs[0] ?? '', layout: plain.turnedA ? 'columns' : 'rows' },
      k: { name: node.inputs[1] ?? '', layout: plain.turnedB ? 'rows' : 'columns' },
      factor: plain.factor,
      masked: false,
    };
  }
  const sum = einsumOf(node);
  if (sum === null) return null;
  const key = sum.result.at(-1)!;
  const query = sum.result.at(-2)!;
  const at = sum.terms.findIndex((term) => !term.includes(key));
  const [q, k] = [sum.terms[at], sum.terms[1 - at]];
  if (q === undefined || k === undefined || k.includes(query)) return null;
  const d = q.find((letter) => !sum.result.includes(letter));
  const order = (term: readonly string[], token: string): TapLayout | null =>
    d === undefined ? null : axesOf(term, [...sum.result.slice(0, -2), token, d]);
  const [queryOrder, keyOrder] = [order(q, query), order(k, key)];
  if (queryOrder === null || keyOrder === null) return null;
  return {
    q: { name: node.inputs[at] ?? '', layout: queryOrder },
    k: { name: node.inputs[1 - at] ?? '', layout: keyOrder },
    factor: 1,
    masked: false,
  };
}

interface Mixed {
  readonly v: Tap;
  readonly out: Tap;
  readonly patternLayout: TapLayout;
}

/** Forward from the softmax to the product with the values, over dropout, casts and guards against NaN. */
function valuesOf(walk: GraphWalk, name: string, left = maxScoreSteps): Mixed | null {
  if (left === 0) return null;
  for (const node of walk.readersOf(name)) {
    const found = valueProduct(node, name);
    if (found !== null) return found;
    const passes =
      node.domain === '' &&
      (['Identity', 'Dropout', 'Cast', 'Reshape'].includes(node.opType) ||
        (node.opType === 'Where' && node.inputs[0] !== name));
    const [next] = node.outputs;
    const behind = passes && next !== undefined ? valuesOf(walk, next, left - 1) : null;
    if (behind !== null) return behind;
  }
  return null;
}

function valueProduct(node: OnnxNode, pattern: string): Mixed | null {
  const [out = ''] = node.outputs;
  const plain: Product | null = productOf(node);
  if (plain !== null) {
    if (node.inputs[0] !== pattern || plain.turnedA || plain.factor !== 1) return null;
    return {
      v: { name: node.inputs[1] ?? '', layout: plain.turnedB ? 'columns' : 'rows' },
      out: { name: out, layout: 'rows' },
      patternLayout: 'rows',
    };
  }
  const sum = einsumOf(node);
  const at = node.inputs.indexOf(pattern);
  const [p, v] = sum === null ? [] : [sum.terms[at], sum.terms[1 - at]];
  if (sum === null || p === undefined || v === undefined) return null;
  const key = p.at(-1)!;
  const query = p.at(-2)!;
  const d = v.find((letter) => !p.includes(letter));
  const lead = p.slice(0, -2);
  if (d === undefined || sum.result.includes(key)) return null;
  const [values, result] = [axesOf(v, [...lead, key, d]), axesOf(sum.result, [...lead, query, d])];
  if (values === null || result === null) return null;
  return {
    v: { name: node.inputs[1 - at] ?? '', layout: values },
    out: { name: out, layout: result },
    patternLayout: 'rows',
  };
}

interface Einsum {
  /** Letters of the axes. */
  readonly terms: readonly (readonly string[])[];
  readonly result: readonly string[];
}

/** A product of two values over named axes. */
function einsumOf(node: OnnxNode): Einsum | null {
  if (node.opType !== 'Einsum' || node.domain !== '') return null;
  const [left = '', result = ''] = (textAttribute(node, 'equation') ?? '').replaceAll(' ', '').split('->');
  const terms = left.split(',');
  const fits = terms.length === 2 && result.length >= 2 && !left.includes('.');
  return fits && new Set(result).size === result.length
    ? { terms: terms.map((term) => Array.from(term)), result: Array.from(result) }
    : null;
}

/** Places of `letters` in `term`; null where one is missing or one is left over. */
function axesOf(term: readonly string[], letters: readonly string[]): TapLayout | null {
  const order = letters.map((letter) => term.indexOf(letter));
  return order.includes(-1) || order.length !== term.length ? null : order;
}

interface TapSizes {
  readonly batch: number | null;
  readonly heads: number | null;
  readonly tokens: number | null;
  readonly headDim: number | null;
}

function sizesOf(walk: GraphWalk, { name, layout }: Tap): TapSizes {
  const shape = walk.shape(name);
  if (shape === null || shape.length < 2) return { batch: null, heads: null, tokens: null, headDim: null };
  const order = typeof layout === 'string' ? shape.map((_, axis) => axis) : layout;
  const turned = order.map((axis) => shape[axis] ?? null);
  const lead = turned.slice(0, -2);
  const [a, b] = [turned.at(-2) ?? null, turned.at(-1) ?? null];
  const [tokens, headDim] = layout === 'columns' ? [b, a] : [a, b];
  // [batch, heads, ...] or more axes; [batch * heads, ...] cannot be told from [heads, ...] and need not be.
  const batch = lead.length >= 2 ? (lead[0] ?? null) : 1;
  return { batch, heads: product(lead.length >= 2 ? lead.slice(1) : lead), tokens, headDim };
}

/** How often each key head stands in the tapped keys (grouped queries), as far as the shapes say it. */
function repeated(walk: GraphWalk, keys: string): number {
  const { path } = walk.origin(keys, true);
  let times = 1;
  for (const node of path) {
    if (node.opType !== 'Expand' && node.opType !== 'Tile') continue;
    const [from, to] = [walk.shape(node.inputs[0] ?? ''), walk.shape(node.outputs[0] ?? '')];
    to?.forEach((size, axis) => {
      const before = from?.[axis - to.length + from.length] ?? null;
      if (size !== null && before !== null && before > 0 && size > before) times *= size / before;
    });
  }
  return times;
}
