// Broken and crafted sharded checkpoints with the exact sentence each must give.

import { maxIndexBytes, maxShards, maxTensors } from '../../src/checkpoint/shards/shardIndex';
import { readCheckpointIn } from '../../src/checkpoint/shards/openFolder';
import {
  type Bytes,
  concat,
  dict,
  legacyHead,
  pickle,
  safetensors,
  tensor,
  text,
  torchZip,
} from '../unit/checkpoint/crafted';
import { indexText, memoryFolder, numbers } from '../unit/checkpoint/memoryFolder';
import { checkpointError, type HostileCase, type HostileTable } from './cases';

const again = 'Copy or download the file again.';
const saveAgain = 'Save the model again with save_pretrained, or download the index again.';
const together = 'The index and the shards do not belong together; download them again.';
const only = 'which is no file in the folder of the index. Gramlens reads only files there.';

export const indexName = 'model.safetensors.index.json';
type Files = Readonly<Record<string, Bytes>>;
const raw = (json: string): Files => ({ [indexName]: json });
const mapped = (weightMap: Readonly<Record<string, unknown>>, files: Files = {}): Files => ({
  [indexName]: indexText(weightMap),
  ...files,
});
const shard = (path: string): Files => mapped({ w: path }, { x: numbers({ w: 1 }) });
const many = (count: number, name: (i: number) => string): Files =>
  mapped(Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, name(i)])));

/** name -> files, reason, message behind "model.safetensors.index.json: ". */
const cases: Readonly<Record<string, readonly [make: () => Files, reason: string, message: string]>> = {
  'not-json': [() => raw('{"weight_map": nope}'), 'corrupt', `the index is not valid JSON. ${again}`],
  cut: [
    () => raw('{"metadata": {"total_size": 16}, "weight_map": {"w": "model-0'),
    'corrupt',
    `the index is not valid JSON. ${again}`,
  ],
  'not-utf8': [
    () => ({ [indexName]: concat('{"weight_map": {"\xff": "x"}}') }),
    'corrupt',
    `the index is not UTF-8 text. ${again}`,
  ],
  deep: [
    () => raw(`{"weight_map": ${'['.repeat(1_000_000)}`),
    'corrupt',
    `the index is nested deeper than such a file has levels. ${again}`,
  ],
  huge: [
    () => ({ [indexName]: new Uint8Array(maxIndexBytes + 1).fill(0x20).fill(0x7b, 0, 1) }),
    'tooLarge',
    `the index has 33,554,433 bytes, more than the 33,554,432 Gramlens reads. ${again}`,
  ],
  'no-map': [
    () => raw('{"model_type": "llama"}'),
    'unknownFormat',
    'this is a JSON text without weight_map, so it is no index of a sharded checkpoint. Open the folder or a weight file in it.',
  ],
  'prototype-map': [
    () => raw('{"__proto__": {"weight_map": {"w": "x"}}}'),
    'unknownFormat',
    'this is a JSON text without weight_map, so it is no index of a sharded checkpoint. Open the folder or a weight file in it.',
  ],
  'map-null': [
    () => raw('{"weight_map": null}'),
    'corrupt',
    `weight_map is not a map from tensor names to file names. ${saveAgain}`,
  ],
  'map-list': [
    () => raw('{"weight_map": ["x"]}'),
    'corrupt',
    `weight_map is not a map from tensor names to file names. ${saveAgain}`,
  ],
  'map-number': [
    () => raw('{"weight_map": 9223372036854775808}'),
    'corrupt',
    `weight_map is not a map from tensor names to file names. ${saveAgain}`,
  ],
  'map-empty': [() => mapped({}), 'corrupt', `weight_map is empty, so there are no tensors. ${saveAgain}`],
  'file-number': [() => mapped({ w: 1 }), 'corrupt', `weight_map gives no file name for tensor "w". ${saveAgain}`],
  'file-list': [() => mapped({ w: ['x'] }), 'corrupt', `weight_map gives no file name for tensor "w". ${saveAgain}`],
  'file-null': [() => mapped({ w: null }), 'corrupt', `weight_map gives no file name for tensor "w". ${saveAgain}`],
  'name-twice': [
    () => ({ ...raw('{"weight_map": {"w": "x", "\\u0077": "y"}}'), x: numbers({ w: 1 }), y: numbers({ w: 2 }) }),
    'corrupt',
    `the index names "w" twice. ${saveAgain}`,
  ],
  'map-twice': [
    () => ({ ...raw('{"weight_map": {"w": "x"}, "weight_map": {"w": "y"}}'), x: numbers({ w: 1 }) }),
    'corrupt',
    `the index names "weight_map" twice. ${saveAgain}`,
  ],
  'path-up': [() => shard('../x'), 'unsafe', `weight_map puts tensor "w" into "../x", ${only} ${saveAgain}`],
  'path-up-inside': [
    () => shard('a/../../x'),
    'unsafe',
    `weight_map puts tensor "w" into "a/../../x", ${only} ${saveAgain}`,
  ],
  'path-absolute': [
    () => shard('/etc/passwd'),
    'unsafe',
    `weight_map puts tensor "w" into "/etc/passwd", ${only} ${saveAgain}`,
  ],
  'path-backslash': [() => shard('..\\x'), 'unsafe', `weight_map puts tensor "w" into "..\\x", ${only} ${saveAgain}`],
  'path-drive': [() => shard('C:x'), 'unsafe', `weight_map puts tensor "w" into "C:x", ${only} ${saveAgain}`],
  'path-url': [() => shard('file:///x'), 'unsafe', `weight_map puts tensor "w" into "file:///x", ${only} ${saveAgain}`],
  'path-nul': [
    () => shard('x\0.safetensors'),
    'unsafe',
    `weight_map puts tensor "w" into "x\ufffd.safetensors", ${only} ${saveAgain}`,
  ],
  'path-empty': [() => shard(''), 'unsafe', `weight_map puts tensor "w" into "", ${only} ${saveAgain}`],
  'path-dot': [() => shard('.'), 'unsafe', `weight_map puts tensor "w" into ".", ${only} ${saveAgain}`],
  'path-folder': [() => shard('sub/'), 'unsafe', `weight_map puts tensor "w" into "sub/", ${only} ${saveAgain}`],
  'shard-flood': [
    () => many(maxShards + 1, (i) => `${i}.safetensors`),
    'tooLarge',
    `weight_map names 1,001 shards, more than the 1,000 Gramlens opens. ${saveAgain}`,
  ],
  'tensor-flood': [
    () => many(maxTensors + 1, () => 'x'),
    'tooLarge',
    `weight_map names 300,001 tensors, more than the 300,000 Gramlens lists. ${saveAgain}`,
  ],
  missing: [
    () => mapped({ a: 'a.safetensors', b: 'b.safetensors' }, { 'a.safetensors': numbers({ a: 1 }) }),
    'unreadable',
    'the shard "b.safetensors" is missing. Download it into the same folder.',
  ],
  'missing-many': [
    () => many(7, (i) => `${i}.safetensors`),
    'unreadable',
    '7 of 7 shards are missing: "0.safetensors", "1.safetensors", "2.safetensors" and 4 more. Download them into the same folder.',
  ],
  'missing-proto': [
    () => mapped({ w: '__proto__' }),
    'unreadable',
    'the shard "__proto__" is missing. Download it into the same folder.',
  ],
  'tensor-nowhere': [
    () => mapped({ a: 'x', b: 'x' }, { x: numbers({ a: 1 }) }),
    'corrupt',
    `weight_map puts tensor "b" into "x", which has no such tensor. ${together}`,
  ],
  'tensor-elsewhere': [
    () => mapped({ a: 'x', b: 'x', c: 'y' }, { x: numbers({ a: 1 }), y: numbers({ b: 1, c: 1 }) }),
    'corrupt',
    `weight_map puts tensor "b" into "x", but it lies in "y". ${together}`,
  ],
  'tensor-in-two': [
    () => mapped({ a: 'x', b: 'y' }, { x: numbers({ a: 1, b: 1 }), y: numbers({ b: 2 }) }),
    'corrupt',
    `tensor "b" is in two shards, "x" and "y". ${together}`,
  ],
  'other-format': [
    () =>
      mapped(
        { a: 'x', b: 'y' },
        {
          x: numbers({ a: 1 }),
          y: torchZip(pickle(dict(text('b'), tensor('0', 1, 0, [1], [1]))), { '0': [0, 0, 0, 0] }),
        },
      ),
    'unsupported',
    `shards "x" (safetensors) and "y" (torch-zip) have different formats. ${together}`,
  ],
};

/** What is wrong with a shard itself is said in the shard's name: name -> shard, reason, whole message. */
const badShards: Readonly<Record<string, readonly [make: () => Bytes, reason: string, message: string]>> = {
  empty: [() => [], 'empty', `x: the file is empty. ${again}`],
  cut: [
    () => numbers({ w: 1 }).subarray(0, 20),
    'truncated',
    `x: the safetensors header needs 54 bytes, the file holds 12 after the count. ${again}`,
  ],
  'cut-data': [
    () => numbers({ w: 1 }).subarray(0, 63),
    'truncated',
    `x: tensor "w" ends at byte 4 of the data, the file holds 1. ${again}`,
  ],
  'giant-header': [
    () => safetensors('{}', [], 2n ** 63n),
    'tooLarge',
    'x: the safetensors header claims 9,223,372,036,854,775,808 bytes, more than the 100,000,000 the format allows. The file is damaged or crafted; copy or download the file again.',
  ],
  code: [
    () => concat(legacyHead, pickle('cos\nsystem\n', text('touch gramlens-canary'), '\x85R')),
    'unsafe',
    'x: the object pickle names "os.system", which can run code when Python loads the file. Gramlens refuses it; nothing was executed. If you trust its author, load it in Python in a sandbox and save the weights as safetensors.',
  ],
};

/** Opens the index, and looks that no file stays open and that nothing is opened behind an unsafe name. */
function refused(make: () => Files, reason: string, message: string): HostileCase {
  const prepare = () => {
    const folder = memoryFolder(make());
    const opened: string[] = [];
    const watching = {
      ...folder,
      open: (path: string) => {
        opened.push(path);
        return folder.open(path);
      },
    };
    return async () => {
      try {
        await readCheckpointIn(watching, indexName);
      } finally {
        if (folder.openNow() > 0) throw new Error('a file stayed open');
        if (message.includes('Gramlens reads only files there') && opened.length > 1)
          throw new Error(`"${opened[1]!}" was opened`);
      }
    };
  };
  return { prepare, error: checkpointError(reason, message) };
}

export const hostileShards: HostileTable = Object.fromEntries([
  ...Object.entries(cases).map(([name, [make, reason, message]]): [string, HostileCase] => [
    name,
    refused(make, reason, `${indexName}: ${message}`),
  ]),
  ...Object.entries(badShards).map(([name, [make, reason, message]]): [string, HostileCase] => [
    `shard ${name}`,
    refused(() => mapped({ w: 'x' }, { x: make() }), reason, message),
  ]),
]);
