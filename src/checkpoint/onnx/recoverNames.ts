// What parameter an initializer was before the exporter folded a transpose into it and gave it a number: told by the
// Add behind its MatMul, whose bias kept its name, or by the module path in the name of the node that reads it.

import type { OnnxNode } from './onnxGraph';

/** `onnx::MatMul_123` of PyTorch 1.12 and later, `123` before. */
const numbered = /^(?:onnx::[A-Za-z]+_)?\d+$/;
/** Operators with a weight at input 1 (and a bias at input 2, where they have one). */
const weighted = new Set(['MatMul', 'Gemm', 'Conv', 'ConvTranspose']);
/** `/encoder/layer.0/attention/self/query/MatMul` (a second call of the module ends in `MatMul_1`). */
const modulePath = /^\/((?:[\w.]+\/)*[\w.]+)\/[A-Z]\w*$/;

/**
 * Names of parameters by the names that the file has in their place. A name that is taken, or that two tensors would
 * get, is given to none.
 */
export function recoverNames(
  nodes: readonly OnnxNode[],
  taken: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, string> {
  const wanted = new Set([...taken.keys()].filter((name) => numbered.test(name)));
  if (wanted.size === 0) return new Map();
  const biases = biasesBehind(nodes, taken);
  const found = new Map<string, string>();
  const owners = new Map<string, string | null>();
  for (const node of nodes) {
    if (node.domain !== '') continue;
    for (const [at, input] of node.inputs.entries()) {
      if (!wanted.has(input) || found.has(input)) continue;
      const name = nameOf(node, at, biases);
      if (name === null || taken.has(name)) continue;
      found.set(input, name);
      owners.set(name, owners.has(name) ? null : input);
    }
  }
  return new Map([...found].filter(([, name]) => owners.get(name) !== null));
}

/** Name of the bias that is added to a value, by the value. */
function biasesBehind(nodes: readonly OnnxNode[], taken: ReadonlyMap<string, unknown>): ReadonlyMap<string, string> {
  const biases = new Map<string, string>();
  for (const { opType, inputs } of nodes) {
    if (opType !== 'Add') continue;
    const [a = '', b = ''] = inputs;
    if (taken.has(a) && a.endsWith('.bias')) biases.set(b, a);
    else if (taken.has(b) && b.endsWith('.bias')) biases.set(a, b);
  }
  return biases;
}

function nameOf(node: OnnxNode, at: number, biases: ReadonlyMap<string, string>): string | null {
  const path = modulePath.exec(node.name)?.[1]?.replaceAll('/', '.') ?? null;
  if (node.opType === 'Gather' && at === 0) return path === null ? null : `${path}.weight`;
  if (!weighted.has(node.opType) || at === 0) return null;
  const kept = node.inputs[2] ?? '';
  const bias = biases.get(node.outputs[0] ?? '') ?? (kept.endsWith('.bias') ? kept : undefined);
  if (at === 1 && bias !== undefined) return `${bias.slice(0, -'.bias'.length)}.weight`;
  if (path === null) return null;
  return `${path}.${at === 1 ? 'weight' : 'bias'}`;
}
