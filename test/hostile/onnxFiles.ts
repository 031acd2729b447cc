// Broken and crafted ONNX files with the exact sentence each must give, behind "<file name>: ".

import { concat } from '../unit/checkpoint/crafted';
import {
  attribute,
  external,
  initializer,
  int,
  len,
  model,
  named,
  node,
  onnx,
  raw,
  tag,
  tensor,
  value,
  varint,
  zeros,
} from '../unit/checkpoint/onnxCrafted';
import { openCheckpoint } from '../../src/inspection/node/openCheckpoint';
import { readCheckpointIn } from '../../src/checkpoint/shards/openFolder';
import { memoryFolder } from '../unit/checkpoint/memoryFolder';
import { checkpointError, largeBytes, onDisk, type HostileFile, type HostileTable } from './cases';

const again = 'Copy or download the file again.';
const damaged = 'The file is damaged or crafted; copy or download it again.';
const write = 'Save the model again with the onnx package, or export it again.';

const huge = 2n ** 63n;
const file = (reason: string, message: string, make: () => Uint8Array): HostileFile => ({ make, reason, message });
const truncated = (message: string, make: () => Uint8Array): HostileFile => file('truncated', message, make);
const corrupt = (message: string, make: () => Uint8Array): HostileFile => file('corrupt', message, make);
const tooLarge = (message: string, make: () => Uint8Array): HostileFile => file('tooLarge', message, make);
const unsafe = (message: string, make: () => Uint8Array): HostileFile => file('unsafe', message, make);

/** ir_version 8, producer "test". */
const start = concat(int(1, 8), len(2, 'test'));
const lies = (pairs: Readonly<Record<string, string>>): Uint8Array => onnx(initializer('w', [2], 1, external(pairs)));
const outside = (shown: string): string =>
  `initializer "w" lies in "${shown}", which is no file in the folder of the model. Gramlens reads only files there. ${write}`;
/** A graph in a graph in a graph. */
function nested(depth: number): Uint8Array {
  let graph: Uint8Array = concat(node('Neg', ['x'], ['y']));
  for (let i = 0; i < depth; i++) graph = node('Loop', [], [`y${i}`], attribute('body', len(6, graph)));
  return onnx(graph);
}
/** `count` copies of one field. */
function many(count: number, field: Uint8Array): Uint8Array {
  const all = new Uint8Array(count * field.length);
  for (let i = 0; i < count; i++) all.set(field, i * field.length);
  return all;
}
/** A model around the fields of a large graph, copied once. */
function large(...graph: readonly Uint8Array[]): Uint8Array {
  const size = graph.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([start, tag(7, 2), varint(size), ...graph]);
}

const hostileOnnx: Readonly<Record<string, HostileFile>> = {
  // Cut off
  'version-only': truncated(`the ONNX model ends before its graph. ${again}`, () => int(1, 8)),
  'cut-in-tag-of-graph': truncated(
    `the ONNX model: the file ends inside the length of field 7 at byte 9. ${again}`,
    () => concat(start, tag(7, 2)),
  ),
  'cut-in-graph': truncated(`the ONNX model: field 7 at byte 8 has 100 bytes, the file 16 more. ${again}`, () =>
    concat(start, tag(7, 2), varint(100), len(1, len(4, 'Neg')), zeros(0), len(2, 'graph'), len(10, '')).subarray(
      0,
      30,
    ),
  ),
  'cut-in-opset': truncated(`the ONNX model: field 8 at byte 10 has 20 bytes, the file 2 more. ${again}`, () =>
    concat(start, len(7), tag(8, 2), varint(20), int(2, 13)),
  ),
  'cut-in-varint': truncated(`the ONNX model: the file ends inside field 5 at byte 10. ${again}`, () =>
    concat(start, tag(5, 0), [0x80]),
  ),
  // The wire
  'varint-of-11-bytes': corrupt(`the ONNX model: field 5 at byte 9 is a number of more than 64 bits. ${damaged}`, () =>
    concat(start, tag(5, 0), many(10, Uint8Array.of(0x80)), [1]),
  ),
  'varint-of-65-bits': corrupt(`the ONNX model: field 5 at byte 9 is a number of more than 64 bits. ${damaged}`, () =>
    concat(start, tag(5, 0), many(9, Uint8Array.of(0xff)), [2]),
  ),
  'length-2^63': truncated(
    `the ONNX model: field 7 at byte 8 has 9,223,372,036,854,775,808 bytes, the file 0 more. ${again}`,
    () => concat(start, tag(7, 2), varint(huge)),
  ),
  'length-2^64-1': truncated(
    `the ONNX model: field 7 at byte 8 has 18,446,744,073,709,551,615 bytes, the file 4 more. ${again}`,
    () => concat(start, tag(7, 2), varint(2n ** 64n - 1n), zeros(4)),
  ),
  'length-past-the-parent': corrupt(
    `node 1: field 4 at byte 13 has 200 bytes, the message around it 3 more. ${damaged}`,
    () => onnx(len(1, tag(4, 2), varint(200), 'Neg'), zeros(0), len(10, zeros(300))),
  ),
  'number-past-the-parent': corrupt(
    `node 1: field 21 at byte 12 has 8 bytes, the message around it 3 more. ${damaged}`,
    () => onnx(len(1, tag(21, 1), zeros(3)), len(10, zeros(30))),
  ),
  group: corrupt(`the graph: field 1 at byte 10 is a group, which ONNX does not have. ${damaged}`, () =>
    onnx(tag(1, 3), tag(1, 4)),
  ),
  'wire-type-6': corrupt(`the graph: field 1 at byte 10 has wire type 6, which does not exist. ${damaged}`, () =>
    onnx(tag(1, 6)),
  ),
  'field-0': corrupt(`the graph: the tag at byte 10 is none. ${damaged}`, () => onnx([0, 0])),
  'node-as-number': corrupt(`node 1: field 1 at byte 10 has wire type 0 instead of 2. ${damaged}`, () =>
    onnx(int(1, 5)),
  ),
  'dims-as-float': corrupt(`initializer 1: field 1 at byte 12 has wire type 5 instead of 0. ${damaged}`, () =>
    onnx(len(5, tag(1, 5), zeros(4))),
  ),
  'type-as-text': corrupt(`initializer 1: field 2 at byte 12 has wire type 2 instead of 0. ${damaged}`, () =>
    onnx(len(5, len(2, 'f'))),
  ),
  'alpha-as-number': corrupt(`node 1: field 2 at byte 25 has wire type 0 instead of 5. ${damaged}`, () =>
    onnx(node('Elu', [], ['y'], attribute('a', int(2, 1)))),
  ),
  'no-graph': truncated(`the ONNX model ends before its graph. ${again}`, () => concat(start, int(5, 1), int(1, 8))),
  'packed-dims-cut': corrupt(
    `initializer 1: the numbers that end at byte 15 are cut or longer than 64 bits. ${damaged}`,
    () => onnx(len(5, len(1, [0x80]))),
  ),
  'packed-floats-of-5-bytes': corrupt(`node 1: floats of 5 bytes are no whole number of values. ${damaged}`, () =>
    onnx(node('Elu', [], ['y'], attribute('a', len(7, zeros(5))))),
  ),
  'name-not-utf8': corrupt(`node 1: the text of field 3 at byte 12 is not UTF-8. ${damaged}`, () =>
    onnx(len(1, len(3, [0xff, 0xfe]), len(4, 'Neg'))),
  ),
  'name-of-5000-bytes': tooLarge(
    `node 1: field 3 at byte 14 has 5,000 bytes, more than the 4,096 Gramlens accepts there. ${damaged}`,
    () => onnx(len(1, len(3, zeros(5000)), len(4, 'Neg'))),
  ),
  // The model
  'two-graphs': corrupt(`the model has two graphs. ${damaged}`, () => model(len(7, node('Neg', ['x'], ['y'])), len(7))),
  'no-operator': corrupt(`node 1 has no operator. ${damaged}`, () => onnx(len(1))),
  'attribute-twice': corrupt(`node 1 has attribute "a" twice. ${damaged}`, () =>
    onnx(node('Elu', [], ['y'], attribute('a', int(3, 1)), attribute('a', int(3, 2)))),
  ),
  'five-thousand-header-fields': tooLarge(`the model has more than 4,096 fields beside its graph. ${damaged}`, () =>
    model(many(5000, len(8, int(2, 13)))),
  ),
  // Names of values
  'output-twice': corrupt(`node 2 makes the value "y", which is made by node 1 already. ${write}`, () =>
    onnx(node('Neg', ['x'], ['y']), node('Abs', ['x'], ['y'])),
  ),
  'output-is-an-input': corrupt(`node 1 makes the value "x", which is an input of the graph already. ${write}`, () =>
    onnx(node('Neg', ['x'], ['x']), value(11, 'x')),
  ),
  'node-of-itself': corrupt(`the nodes go round in a circle: node 1 (Neg) waits for its own result. ${write}`, () =>
    onnx(node('Neg', ['y'], ['y'])),
  ),
  'circle-of-three': corrupt(`the nodes go round in a circle: node 4 (Log) waits for its own result. ${write}`, () =>
    onnx(node('Neg', ['c'], ['z']), node('Abs', ['c'], ['a']), node('Exp', ['a'], ['b']), node('Log', ['b'], ['c'])),
  ),
  'circle-through-a-branch': corrupt(
    `the nodes go round in a circle: node 1 (If) waits for its own result. ${write}`,
    () => onnx(node('If', ['p'], ['y'], attribute('then_branch', len(6, node('Neg', ['y'], ['inner']))))),
  ),
  'graphs-17-deep': tooLarge(`graphs stand in graphs more than 16 deep. ${damaged}`, () => nested(17)),
  'graphs-2000-deep': tooLarge(`graphs stand in graphs more than 16 deep. ${damaged}`, () => nested(2000)),
  // Tensors
  'tensor-without-name': corrupt(`an initializer of the graph has no name. ${write}`, () =>
    onnx(len(5, int(1, 1), int(2, 1), raw(4))),
  ),
  'tensor-twice': corrupt(`two tensors have the name "w". ${write}`, () =>
    onnx(initializer('w', [1], 1, raw(4)), initializer('w', [1], 1, raw(4))),
  ),
  'constant-and-initializer': corrupt(`two tensors have the name "w". ${write}`, () =>
    onnx(
      initializer('w', [1], 1, raw(4)),
      node('Constant', [], ['w'], attribute('value', len(5, tensor('', [1], 1, raw(4))))),
    ),
  ),
  'negative-size': corrupt(
    `initializer "w": its shape [-1, 4] has a negative size or more elements than a file can hold. ${write}`,
    () => onnx(initializer('w', [-1, 4], 1, raw(16))),
  ),
  'absurd-size': corrupt(
    `initializer "w": its shape [9223372036854776000, 2] has a negative size or more elements than a file can hold. ${write}`,
    () => onnx(len(5, int(1, huge - 1n), int(1, 2), int(2, 1), len(8, 'w'), raw(16))),
  ),
  'absurd-product': corrupt(
    `initializer "w": its shape [4294967296, 4294967296] has a negative size or more elements than a file can hold. ${write}`,
    () => onnx(initializer('w', [2 ** 32, 2 ** 32], 1, raw(16))),
  ),
  'a-hundred-dimensions': corrupt(`initializer 1 has more than the 64 dimensions any library makes. ${damaged}`, () =>
    onnx(
      initializer(
        'w',
        Array.from({ length: 100 }, () => 1),
        1,
        raw(4),
      ),
    ),
  ),
  'too-few-raw-bytes': corrupt(
    `initializer "w": FLOAT with shape [3] needs 12 bytes, the file holds 8 bytes. ${write}`,
    () => onnx(initializer('w', [3], 1, raw(8))),
  ),
  'no-bytes': corrupt(
    `initializer "w": FLOAT with shape [1000000] needs 4,000,000 bytes, the file holds 0 bytes. ${write}`,
    () => onnx(initializer('w', [1e6], 1)),
  ),
  'too-many-bytes': corrupt(
    `initializer "w": FLOAT16 with shape [] needs 2 bytes, the file holds 8 bytes. ${write}`,
    () => onnx(initializer('w', [], 10, raw(8))),
  ),
  'too-few-varints': corrupt(
    `initializer "w": INT64 with shape [10] needs 10 values, the file holds 9 bytes. ${write}`,
    () => onnx(initializer('w', [10], 7, len(7, zeros(9)))),
  ),
  // External data
  'external-up': unsafe(outside('../w.bin'), () => lies({ location: '../w.bin' })),
  'external-up-inside': unsafe(outside('a/../../w.bin'), () => lies({ location: 'a/../../w.bin' })),
  'external-absolute': unsafe(outside('/etc/passwd'), () => lies({ location: '/etc/passwd' })),
  'external-backslash': unsafe(outside('..\\w.bin'), () => lies({ location: '..\\w.bin' })),
  'external-drive': unsafe(outside('C:w.bin'), () => lies({ location: 'C:w.bin' })),
  'external-nowhere': unsafe(outside(''), () => lies({ offset: '0' })),
  'external-zero-byte': unsafe(outside('w\ufffd.bin'), () => lies({ location: 'w\0.bin' })),
  'external-offset-negative': corrupt(
    `initializer "w": the offset of its external data is "-4", no number of bytes. ${write}`,
    () => lies({ location: 'w.bin', offset: '-4' }),
  ),
  'external-length-2^64': corrupt(
    `initializer "w": the length of its external data is "18446744073709551616", no number of bytes. ${write}`,
    () => lies({ location: 'w.bin', length: '18446744073709551616' }),
  ),
  'external-length-wrong': corrupt(
    `tensor "w": FLOAT with shape [2] needs 8 bytes, its external data has 9. ${write}`,
    () => lies({ location: 'w.bin', length: '9' }),
  ),
  'external-keys': tooLarge(`initializer 1: external_data has more than 16 keys. ${damaged}`, () =>
    lies(Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`key${i}`, '']))),
  ),
  // Floods
  'a-million-empty-nodes': corrupt(`node 1 has no operator. ${damaged}`, () => large(many(1_000_000, len(1)))),
  'a-million-nodes': tooLarge(`the graph has more than the 100,000 nodes Gramlens reads. ${damaged}`, () =>
    large(many(1_000_000, len(1, len(4, 'N')))),
  ),
  'two-million-inputs': tooLarge(
    `the nodes have more than the 1,000,000 inputs, outputs and attributes Gramlens keeps. ${damaged}`,
    () => {
      const inputs = many(2_000_000, len(1));
      return large(Buffer.concat([tag(1, 2), varint(inputs.length), inputs]));
    },
  ),
  'ten-million-fields': tooLarge(`the file has more than the 4,000,000 fields Gramlens walks through. ${damaged}`, () =>
    large(many(10_000_000, len(10))),
  ),
  'a-million-inputs-of-the-graph': tooLarge(
    `the graph describes more than the 150,000 values Gramlens lists. ${damaged}`,
    () => large(many(1_000_000, len(11))),
  ),
  'a-million-tensors': tooLarge(`the graph has more than the 65,536 tensors Gramlens lists. ${damaged}`, () =>
    large(many(1_000_000, len(5))),
  ),
  'gigabytes-of-names': tooLarge(
    `the names and texts of the file have more than the 33,554,432 bytes Gramlens keeps. ${damaged}`,
    () => large(many(10_000, len(1, named('x'.repeat(4096)), len(4, 'N')))),
  ),
  'millions-of-attribute-values': tooLarge(
    `the attributes of the nodes have more than the 2,000,000 numbers Gramlens keeps. ${damaged}`,
    () => large(many(1000, node('N', [], [], attribute('a', len(8, zeros(4000)))))),
  ),
};

/** Files that open, at the limits of what we keep. */
export const heavyOnnx: Readonly<Record<string, () => Uint8Array>> = {
  'as-many-nodes-as-fit': () => {
    const one = Buffer.from(node('Neg', ['x'], ['result000000'])).toString('latin1');
    const text = Array.from({ length: 100_000 }, (_, i) => one.replace('000000', String(i).padStart(6, '0')));
    return large(Buffer.from(text.join(''), 'latin1'));
  },
  'as-many-tensors-as-fit': () => {
    const one = Buffer.from(initializer('tensor000000', [0], 1)).toString('latin1');
    const text = Array.from({ length: 65_536 }, (_, i) => one.replace('000000', String(i).padStart(6, '0')));
    return large(Buffer.from(text.join(''), 'latin1'));
  },
  'as-many-parts-as-fit': () => large(many(10, len(1, many(99_000, len(1)), len(4, 'N')))),
  'as-many-attribute-values-as-fit': () => large(many(488, node('N', [], [], attribute('a', len(8, zeros(4096)))))),
  'as-much-text-as-fits': () => large(many(8000, len(1, named('\u00c3\u00a9'.repeat(2040)), len(4, 'N')))),
};

/** Opened in a folder, so that external data is looked at. */
export const onnxTable: HostileTable = Object.fromEntries(
  Object.entries(hostileOnnx).map(([name, { make, reason, message }]) => [
    name,
    {
      prepare: () => {
        const bytes = make();
        if (bytes.length > largeBytes) return onDisk(name, bytes, openCheckpoint);
        const files = memoryFolder({ [name]: bytes, 'w.bin': zeros(64) });
        return () => readCheckpointIn(files, name);
      },
      error: checkpointError(reason, `${name}: ${message}`),
    },
  ]),
);
