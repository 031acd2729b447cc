// ONNX -> TensorIndex with its graph: the ModelProto's fields are walked through and hopped over, tensor bytes stay in
// the file. Layout: onnx.proto of ONNX (IR version 3 to 11).

import type { ByteSource, OpenFile } from '../byteSource';
import { copyAgain, grouped, quoted } from '../nextSteps';
import type { TensorEntry, TensorIndex } from '../tensorIndex';
import { checkNames } from './checkNames';
import { elemTypeName } from './elemTypes';
import { ExternalData } from './externalData';
import { GraphReader, type ProtoGraph } from './graphProto';
import { maxHeaderFields, maxNameBytes } from './limits';
import type { ByteRange, OnnxGraph, OnnxNode, OnnxTensor, OnnxValueInfo } from './onnxGraph';
import { recoverNames } from './recoverNames';
import { describeTensor, type ProtoTensor, readPair, tensorProtoEntry, writeAgain } from './tensorProto';
import { damaged, WireCursor } from './wireCursor';

interface Model {
  irVersion: number | null;
  producer: string;
  producerVersion: string;
  readonly opsets: Map<string, number>;
  readonly metadata: Map<string, string>;
  readonly functions: string[];
  readonly header: ByteRange[];
  graph: ProtoGraph | null;
}

/**
 * Reads structure and graph of an ONNX file. `open` opens the files with its external data; without it, their tensors
 * are listed and have no values.
 * @throws CheckpointError naming the file, the place and the bytes for every break of the format.
 */
export async function readOnnx(source: ByteSource, open: OpenFile | null = null): Promise<TensorIndex> {
  const cursor = new WireCursor(source);
  const model = await readModel(cursor);
  const { graph, irVersion } = model;
  if (irVersion === null || graph === null)
    return cursor.fail('truncated', `the ONNX model ends before its graph. ${copyAgain}`);
  const external = new ExternalData(cursor);
  const { entries, initializers } = listTensors(cursor, graph, external);
  const nameNotes = checkNames(cursor, graph);
  const { files, notes } = await external.resolve(entries, open);
  addRecoveredNames(entries, graph.nodes);
  if (files.length > 0) inOwnFile(entries, source.name);
  const own = { name: source.name, byteLength: source.byteLength };
  const shards = [own, ...files.filter(({ name }) => name !== source.name)];
  const described: OnnxGraph = {
    irVersion,
    producer: [model.producer, model.producerVersion].filter((text) => text !== '').join(' '),
    opsets: model.opsets,
    name: graph.name,
    inputs: graph.inputs,
    outputs: graph.outputs,
    valueInfos: graph.valueInfos,
    nodes: graph.nodes,
    initializers,
    sparseInitializers: new Map(graph.sparse.map(({ values, range }) => [values.name, range])),
    header: model.header,
    functions: model.functions,
  };
  return {
    format: 'onnx',
    fileName: source.name,
    byteLength: shards.reduce((sum, { byteLength }) => sum + byteLength, 0),
    ...(files.length === 0 ? {} : { shards }),
    entries,
    metadata: metadataOf(described, model.metadata),
    tree: null,
    notes: [...nameNotes, ...notes],
    graph: described,
  };
}

async function readModel(cursor: WireCursor): Promise<Model> {
  const model: Model = {
    irVersion: null,
    producer: '',
    producerVersion: '',
    opsets: new Map(),
    metadata: new Map(),
    functions: [],
    header: [],
    graph: null,
  };
  const end = cursor.source.byteLength;
  while (await cursor.next(end)) {
    const field = cursor.fieldNumber;
    const start = cursor.fieldStart;
    const fieldEnd = cursor.valueEnd;
    if (field === 7) {
      if (model.graph !== null) cursor.fail('corrupt', `the model has two graphs. ${damaged}`);
      model.graph = await new GraphReader(cursor).read();
      continue;
    }
    if (model.header.push({ offset: start, length: fieldEnd - start }) > maxHeaderFields)
      cursor.fail(
        'tooLarge',
        `the model has more than ${grouped(maxHeaderFields)} fields beside its graph. ${damaged}`,
      );
    if (field === 1) model.irVersion = cursor.int();
    else if (field === 2) model.producer = await cursor.text(maxNameBytes);
    else if (field === 3) model.producerVersion = await cursor.text(maxNameBytes);
    else if (field === 8) await readOpset(cursor, model.opsets);
    else if (field === 14) await readPair(cursor, model.metadata);
    else if (field === 25) model.functions.push(await functionName(cursor));
  }
  return model;
}

async function readOpset(cursor: WireCursor, opsets: Map<string, number>): Promise<void> {
  const end = cursor.enter();
  let domain = '';
  let version = 0;
  while (await cursor.next(end)) {
    if (cursor.fieldNumber === 1) domain = await cursor.text(maxNameBytes);
    else if (cursor.fieldNumber === 2) version = cursor.int();
  }
  opsets.set(domain === 'ai.onnx' ? '' : domain, version);
}

async function functionName(cursor: WireCursor): Promise<string> {
  const end = cursor.enter();
  let name = '';
  let domain = '';
  while (await cursor.next(end)) {
    if (cursor.fieldNumber === 1) name = await cursor.text(maxNameBytes);
    else if (cursor.fieldNumber === 10) domain = await cursor.text(maxNameBytes);
  }
  return `${domain}:${name}`;
}

function listTensors(
  cursor: WireCursor,
  graph: ProtoGraph,
  external: ExternalData,
): { entries: Map<string, TensorEntry>; initializers: Map<string, OnnxTensor> } {
  const entries = new Map<string, TensorEntry>();
  const initializers = new Map<string, OnnxTensor>();
  const add = (name: string, tensor: ProtoTensor, what: string): void => {
    if (name === '') cursor.fail('corrupt', `an ${what} of the graph has no name. ${writeAgain}`);
    if (entries.has(name)) cursor.fail('corrupt', `two tensors have the name ${quoted(name)}. ${writeAgain}`);
    cursor.place = `${what} ${quoted(name)}`;
    const entry = tensorProtoEntry(cursor, name, tensor);
    entries.set(name, entry);
    if (tensor.external !== null) external.add(name, tensor, tensor.external);
  };
  for (const tensor of graph.initializers) {
    add(tensor.name, tensor, 'initializer');
    initializers.set(
      tensor.name,
      describeTensor(tensor, tensor.name, graph.initializerValues.get(tensor.name) ?? null),
    );
  }
  for (const { values, shape } of graph.sparse) {
    add(values.name, { ...values, external: null, raw: null, typed: new Map(), shape: [0] }, 'initializer');
    const entry = entries.get(values.name)!;
    const problem = 'It is sparse. Gramlens reads dense tensors; save the model with dense initializers.';
    entries.set(values.name, { ...entry, shape, byteOffset: values.range.offset, byteLength: 0, problem });
  }
  for (const [name, tensor] of graph.constants) add(name, tensor, 'constant');
  return { entries, initializers };
}

function addRecoveredNames(entries: Map<string, TensorEntry>, nodes: readonly OnnxNode[]): void {
  for (const [name, recoveredName] of recoverNames(nodes, entries))
    entries.set(name, { ...entries.get(name)!, recoveredName });
}

/** Where some tensors lie in other files, the others say that they lie in the model. */
function inOwnFile(entries: Map<string, TensorEntry>, fileName: string): void {
  for (const [name, entry] of entries) if (entry.shard === undefined) entries.set(name, { ...entry, shard: fileName });
}

/** What a person reads of the graph. */
function metadataOf(graph: OnnxGraph, pairs: ReadonlyMap<string, string>): Record<string, string> {
  const rows = new Map<string, string>();
  if (graph.producer !== '') rows.set('producer', graph.producer);
  rows.set('ir_version', String(graph.irVersion));
  for (const [domain, version] of graph.opsets)
    rows.set(`opset ${domain === '' ? 'ai.onnx' : domain}`, String(version));
  if (graph.name !== '') rows.set('graph', graph.name);
  for (const value of graph.inputs)
    if (!graph.initializers.has(value.name)) rows.set(`input ${value.name}`, valueText(value));
  for (const value of graph.outputs) rows.set(`output ${value.name}`, valueText(value));
  rows.set('operators', operatorText(graph));
  for (const [key, text] of pairs) rows.set(key, text);
  return Object.fromEntries(rows);
}

function valueText({ elemType, shape }: OnnxValueInfo): string {
  const type = elemType === null ? 'no tensor' : elemTypeName(elemType);
  return shape === null ? type : `${type} [${shape.map((size) => size ?? '?').join(', ')}]`;
}

/** 'MatMul 24, Add 30, com.microsoft.Attention 2', the most frequent first. */
function operatorText({ nodes }: OnnxGraph): string {
  const counts = new Map<string, number>();
  for (const { opType, domain } of nodes) {
    const name = domain === '' ? opType : `${domain}.${opType}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return sorted.map(([name, count]) => `${name} ${count}`).join(', ');
}
