// A GraphProto -> nodes, value infos and tensors. Subgraphs are walked through for the names they read from outside;
// their own nodes and tensors are not kept.

import { grouped, quoted } from '../nextSteps';
import { type AttributeContext, readAttribute, smallValues } from './attributes';
import {
  maxGraphDepth,
  maxInitializerValueBytes,
  maxKeptValues,
  maxNameBytes,
  maxNodeParts,
  maxNodes,
  maxTensors,
  maxValueInfos,
} from './limits';
import type { ByteRange, OnnxAttribute, OnnxNode, OnnxValueInfo } from './onnxGraph';
import { type ProtoTensor, readTensorProto } from './tensorProto';
import { readValueInfo } from './valueInfo';
import { damaged, wire, type WireCursor } from './wireCursor';

export interface ProtoGraph {
  name: string;
  readonly nodes: OnnxNode[];
  readonly inputs: OnnxValueInfo[];
  readonly outputs: OnnxValueInfo[];
  readonly valueInfos: OnnxValueInfo[];
  readonly initializers: ProtoTensor[];
  /** Values of the small ones, by name: shapes, axes, scales. */
  readonly initializerValues: Map<string, readonly number[]>;
  readonly sparse: SparseTensor[];
  /** Tensors of Constant nodes by the name of their output. */
  readonly constants: [name: string, tensor: ProtoTensor][];
}

export interface SparseTensor {
  readonly values: ProtoTensor;
  readonly shape: readonly number[];
  readonly range: ByteRange;
}

const fieldOfSubgraph = 'a subgraph of ';

export class GraphReader {
  private nodes = 0;
  private parts = 0;
  private tensors = 0;
  private valueInfos = 0;
  private readonly context: AttributeContext;

  constructor(private readonly cursor: WireCursor) {
    this.context = { keptValues: 0, subgraph: (depth) => this.subgraph(depth) };
  }

  /** The GraphProto in the field at the cursor. `depth` 0: the model's own. */
  async read(depth = 0): Promise<ProtoGraph> {
    const { cursor } = this;
    const graph: ProtoGraph = {
      name: '',
      nodes: [],
      inputs: [],
      outputs: [],
      valueInfos: [],
      initializers: [],
      initializerValues: new Map(),
      sparse: [],
      constants: [],
    };
    const outside = cursor.place;
    const within = depth === 0 ? '' : `${outside}, subgraph, `;
    const here = depth === 0 ? 'the graph' : `${fieldOfSubgraph}${outside}`;
    const end = cursor.enter();
    cursor.place = here;
    while (await cursor.next(end)) {
      switch (cursor.fieldNumber) {
        case 1:
          cursor.place = `${within}node ${graph.nodes.length + 1}`;
          await this.node(graph, depth);
          break;
        case 2:
          graph.name = await cursor.text(maxNameBytes);
          break;
        case 5:
          cursor.place = `${within}initializer ${graph.initializers.length + 1}`;
          this.countTensor();
          await this.initializer(graph);
          break;
        case 11:
        case 12:
        case 13: {
          const list = [graph.inputs, graph.outputs, graph.valueInfos][cursor.fieldNumber - 11]!;
          cursor.place = `${within}${valueKinds[cursor.fieldNumber - 11]!} ${list.length + 1}`;
          if (++this.valueInfos > maxValueInfos)
            cursor.fail(
              'tooLarge',
              `the graph describes more than the ${grouped(maxValueInfos)} values Gramlens lists. ${damaged}`,
            );
          list.push(await readValueInfo(cursor));
          break;
        }
        case 15:
          cursor.place = `${within}sparse initializer ${graph.sparse.length + 1}`;
          this.countTensor();
          graph.sparse.push(await this.sparse());
          break;
        default:
      }
      cursor.place = here;
    }
    cursor.place = outside;
    return graph;
  }

  private async initializer(graph: ProtoGraph): Promise<void> {
    const { cursor, context } = this;
    const tensor = await readTensorProto(cursor, maxInitializerValueBytes);
    if (tensor.name !== '') cursor.place = `initializer ${quoted(tensor.name)}`;
    const values = context.keptValues < maxKeptValues ? await smallValues(cursor, tensor) : null;
    if (values !== null) {
      context.keptValues += values.length;
      graph.initializerValues.set(tensor.name, values);
    }
    graph.initializers.push({ ...tensor, bytes: null });
  }

  private countTensor(): void {
    if (++this.tensors > maxTensors)
      this.cursor.fail(
        'tooLarge',
        `the graph has more than the ${grouped(maxTensors)} tensors Gramlens lists. ${damaged}`,
      );
  }

  private countPart(): void {
    if (++this.parts > maxNodeParts) {
      this.cursor.fail(
        'tooLarge',
        `the nodes have more than the ${grouped(maxNodeParts)} inputs, outputs and attributes Gramlens keeps. ${damaged}`,
      );
    }
  }

  private async node(graph: ProtoGraph, depth: number): Promise<void> {
    const { cursor } = this;
    if (++this.nodes > maxNodes)
      cursor.fail('tooLarge', `the graph has more than the ${grouped(maxNodes)} nodes Gramlens reads. ${damaged}`);
    const start = cursor.fieldStart;
    const end = cursor.enter();
    const inputs: string[] = [];
    const outputs: string[] = [];
    const attributes = new Map<string, OnnxAttribute>();
    let name = '';
    let opType = '';
    let domain = '';
    let value: ProtoTensor | null = null;
    while (await cursor.next(end)) {
      switch (cursor.fieldNumber) {
        case 1:
          this.countPart();
          inputs.push(await cursor.text(maxNameBytes));
          break;
        case 2:
          this.countPart();
          outputs.push(await cursor.text(maxNameBytes));
          break;
        case 3:
          name = await cursor.text(maxNameBytes);
          break;
        case 4:
          opType = await cursor.text(maxNameBytes);
          break;
        case 5: {
          this.countPart();
          const read = await readAttribute(cursor, this.context, depth);
          if (attributes.has(read.name))
            cursor.fail('corrupt', `${cursor.place} has attribute ${quoted(read.name)} twice. ${damaged}`);
          attributes.set(read.name, read.attribute);
          if (read.name === 'value') value = read.tensor;
          break;
        }
        case 7:
          domain = await cursor.text(maxNameBytes);
          break;
        default:
      }
    }
    if (opType === '') cursor.fail('corrupt', `${cursor.place} has no operator. ${damaged}`);
    const [output] = outputs;
    if (opType === 'Constant' && isMain(domain) && value !== null && output !== undefined) {
      this.countTensor();
      graph.constants.push([output, value]);
      const attribute = attributes.get('value');
      if (depth === 0 && attribute?.kind === 'tensor')
        attributes.set('value', { kind: 'tensor', tensor: { ...attribute.tensor, entry: output } });
    }
    graph.nodes.push({
      name,
      opType,
      domain: isMain(domain) ? '' : domain,
      inputs,
      outputs,
      attributes,
      range: { offset: start, length: end - start },
    });
  }

  private async sparse(): Promise<SparseTensor> {
    const { cursor } = this;
    const start = cursor.fieldStart;
    const end = cursor.enter();
    let values: ProtoTensor | null = null;
    const shape: number[] = [];
    while (await cursor.next(end)) {
      if (cursor.fieldNumber === 1) values = await readTensorProto(cursor);
      else if (cursor.fieldNumber === 3 && cursor.wireType === wire.varint && shape.length < 64)
        shape.push(cursor.int());
    }
    if (values === null) return cursor.fail('corrupt', `${cursor.place} has no values. ${damaged}`);
    return { values, shape, range: { offset: start, length: end - start } };
  }

  private async subgraph(depth: number): Promise<{ outerNames: readonly string[]; nodeCount: number }> {
    const { cursor } = this;
    if (depth > maxGraphDepth)
      cursor.fail('tooLarge', `graphs stand in graphs more than ${maxGraphDepth} deep. ${damaged}`);
    const before = this.nodes;
    const graph = await this.read(depth);
    const known = new Set<string>([
      ...graph.inputs.map(({ name }) => name),
      ...graph.initializers.map(({ name }) => name),
      ...graph.sparse.map(({ values }) => values.name),
      ...graph.nodes.flatMap(({ outputs }) => outputs),
    ]);
    const wanted = [
      ...graph.nodes.flatMap(({ inputs, attributes }) => [...inputs, ...innerNames(attributes)]),
      ...graph.outputs.map(({ name }) => name),
    ];
    const outerNames = [...new Set(wanted)].filter((name) => name !== '' && !known.has(name));
    return { outerNames, nodeCount: this.nodes - before };
  }
}

const valueKinds = ['input', 'output', 'value_info'];

const isMain = (domain: string): boolean => domain === '' || domain === 'ai.onnx';

/** Names that the subgraphs of a node read from outside. */
export function innerNames(attributes: ReadonlyMap<string, OnnxAttribute>): readonly string[] {
  const names: string[] = [];
  for (const attribute of attributes.values()) if (attribute.kind === 'graph') names.push(...attribute.outerNames);
  return names;
}
