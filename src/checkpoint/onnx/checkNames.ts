// Whether the names of a graph make sense: every value is made once, no node waits for itself. Exact where onnxruntime
// would refuse the model too; what it accepts (nodes out of order) is a note.

import { grouped, quoted } from '../nextSteps';
import { innerNames, type ProtoGraph } from './graphProto';
import type { OnnxNode } from './onnxGraph';
import { writeAgain } from './tensorProto';
import type { WireCursor } from './wireCursor';

const namedValues = 3;

/**
 * Notes about values that nobody makes and nodes out of order.
 * @throws CheckpointError for a value that is made twice and for cycles.
 */
export function checkNames(cursor: WireCursor, graph: ProtoGraph): readonly string[] {
  const maker = makers(cursor, graph);
  const given = new Set<string>();
  for (const { name } of graph.inputs) given.add(name);
  for (const { name } of graph.initializers) given.add(name);
  for (const { values } of graph.sparse) given.add(values.name);
  const unmade = new Set<string>();
  let outOfOrder = 0;
  /** Nodes that each node waits for. */
  const waits = graph.nodes.map((node, at) => {
    const before: number[] = [];
    let late = false;
    for (const name of wantedBy(node)) {
      if (name === '') continue;
      const from = maker.get(name);
      if (from === undefined) {
        if (!given.has(name)) unmade.add(name);
        continue;
      }
      before.push(from);
      late ||= from >= at;
    }
    if (late) outOfOrder++;
    return before;
  });
  for (const { name } of graph.outputs) if (!maker.has(name) && !given.has(name)) unmade.add(name);
  if (outOfOrder > 0) refuseCycle(cursor, graph.nodes, waits);
  const notes: string[] = [];
  if (outOfOrder > 0) notes.push(lateSentence(outOfOrder));
  if (unmade.size > 0) notes.push(unmadeSentence([...unmade]));
  return notes;
}

const wantedBy = (node: OnnxNode): readonly string[] => {
  const inner = innerNames(node.attributes);
  return inner.length === 0 ? node.inputs : [...node.inputs, ...inner];
};

/** Node that makes a value, by the value's name. */
function makers(cursor: WireCursor, graph: ProtoGraph): ReadonlyMap<string, number> {
  const maker = new Map<string, number>();
  const inputs = new Set<string>(graph.inputs.map(({ name }) => name));
  for (const [at, { outputs }] of graph.nodes.entries()) {
    for (const name of outputs) {
      if (name === '') continue;
      const other = maker.get(name);
      if (other !== undefined || inputs.has(name)) {
        const twice = other === undefined ? 'an input of the graph' : `made by node ${other + 1}`;
        cursor.fail(
          'corrupt',
          `node ${at + 1} makes the value ${quoted(name)}, which is ${twice} already. ${writeAgain}`,
        );
      }
      maker.set(name, at);
    }
  }
  return maker;
}

/** Takes away nodes that wait for nobody until none is left; what stays waits for itself. */
function refuseCycle(cursor: WireCursor, nodes: readonly OnnxNode[], waits: readonly (readonly number[])[]): void {
  const open = waits.map((before) => before.length);
  const readers = nodes.map((): number[] => []);
  for (const [at, before] of waits.entries()) for (const from of before) readers[from]!.push(at);
  const free = open.flatMap((count, at) => (count === 0 ? [at] : []));
  for (let i = 0; i < free.length; i++)
    for (const reader of readers[free[i]!]!) if (--open[reader]! === 0) free.push(reader);
  if (free.length === nodes.length) return;
  const at = onCycle(
    open.findIndex((count) => count > 0),
    waits,
    open,
  );
  cursor.fail(
    'corrupt',
    `the nodes go round in a circle: node ${at + 1} (${nodes[at]!.opType}) waits for its own result. ${writeAgain}`,
  );
}

/** From a node that waits, back along nodes that wait too, until one comes again. */
function onCycle(start: number, waits: readonly (readonly number[])[], open: readonly number[]): number {
  const seen = new Set<number>();
  let at = start;
  while (!seen.has(at)) {
    seen.add(at);
    at = waits[at]!.find((from) => open[from]! > 0) ?? at;
  }
  return at;
}

const lateSentence = (count: number): string =>
  count === 1
    ? '1 node stands before a node whose result it reads.'
    : `${grouped(count)} nodes stand before nodes whose results they read.`;

function unmadeSentence(names: readonly string[]): string {
  const named = names.slice(0, namedValues).map(quoted).join(', ');
  const more = names.length > namedValues ? ` and ${grouped(names.length - namedValues)} more` : '';
  return `No node makes ${named}${more}, which the model reads: it cannot run as it is.`;
}
