// The broken and crafted files of the table: one builder each, small in memory, whatever they claim.

import { deflateSync } from 'fflate';
import {
  type Bytes,
  concat,
  dict,
  global,
  int,
  legacyHead,
  long,
  pickle,
  safetensors,
  storage,
  tensor,
  text,
  torchZip,
  tuple,
  u32,
  u64,
  zip,
} from '../unit/checkpoint/crafted';
import { singleFiles, type HostileTable } from './cases';
import { checkpointErrors } from './checkpointErrors';

const f32 = (shape: readonly number[], begin: number, end: number) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});
const good = pickle(dict(text('w'), tensor('0', 4, 0, [2, 2], [2, 1])));
const sixteen = new Uint8Array(16);
const goodZip = torchZip(good, { '0': sixteen });
const legacyKeys = pickle(']', text('0'), 'a');
const goodLegacy = concat(legacyHead, good, legacyKeys, u64(4), sixteen);
const zipOf = (...parts: readonly Bytes[]): Uint8Array => torchZip(pickle(...parts), { '0': sixteen });
const repeat = (part: string, times: number): Uint8Array =>
  new Uint8Array(times * part.length).map((_, i) => part.charCodeAt(i % part.length));

/** A list that holds the one before ten times, ten levels deep: 1e10 values from 300 bytes. */
function laughs(): Uint8Array {
  let body = concat(']', 'q', [0]);
  for (let level = 1; level <= 10; level++)
    body = concat(body, '0](', ...Array.from({ length: 10 }, () => concat('h', [level - 1])), 'eq', [level]);
  return pickle(body);
}

/** One list of 100,000 items copied by set() again and again: 5 bytes of pickle a copy. */
const copies = (): Uint8Array =>
  pickle(
    ']q\x00(',
    repeat('N', 100_000),
    'e0',
    global('builtins', 'set'),
    'q\x010',
    repeat('h\x01h\x00\x85R0', 20_000),
    'N',
  );

/** 5 MB of zeros, 5 KB deflated, as a data.pkl that promises `bytes`. */
function bomb(bytes: number): Uint8Array {
  return zip([{ name: 'a/data.pkl', method: 8, data: deflateSync(new Uint8Array(5_000_000)), bytes }]).bytes;
}

const wideZip = (claims: { count?: bigint; byteLength?: bigint; offset?: bigint; record?: bigint }): Uint8Array => {
  const { bytes, directoryOffset } = zip([{ name: 'a/data.pkl', data: good }]);
  const end = bytes.length - 22;
  const length = BigInt(end - directoryOffset);
  const record = concat(
    'PK\x06\x06',
    u64(44),
    [45, 0, 45, 0],
    u32(0),
    u32(0),
    u64(1),
    u64(claims.count ?? 1n),
    u64(claims.byteLength ?? length),
    u64(claims.offset ?? BigInt(directoryOffset)),
  );
  return concat(
    bytes.subarray(0, end),
    record,
    'PK\x06\x07',
    u32(0),
    u64(claims.record ?? BigInt(end)),
    u32(1),
    bytes.subarray(end),
  );
};

/** name -> file. */
const hostileFiles: Readonly<Record<string, () => Uint8Array>> = {
  // Not ours at all
  empty: () => concat(),
  'one-byte': () => concat([0]),
  zeros: () => new Uint8Array(4096),
  random: () => concat([0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4, 5, 6, 7, 8]),
  hdf5: () => concat([0x89], 'HDF\r\n\x1a\n', new Uint8Array(100)),
  gguf: () => concat('GGUF', u32(3), u64(2n ** 63n), u64(2n ** 63n)),
  onnx: () => concat([0x08, 0x08, 0x12, 0x07], 'pytorch', [0x1a, 0x05], '2.1.0'),
  npz: () => zip([{ name: 'weights.npy', data: concat([0x93], 'NUMPY') }]).bytes,
  keras: () =>
    zip([
      { name: 'config.json', data: '{}' },
      { name: 'model.weights.h5', data: 'x' },
    ]).bytes,
  'zipped-checkpoint': () => zip([{ name: 'run/model.safetensors', data: 'x' }]).bytes,
  'other-zip': () => zip([{ name: 'readme.txt', data: 'x' }]).bytes,
  'empty-zip': () => zip([]).bytes,
  'lfs-pointer': () => concat('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n'),
  html: () => concat('<!DOCTYPE html><html><body>Sign in</body></html>'),
  json: () => concat('{"weight_map": {"a": "model-00001-of-00002.safetensors"}}'),
  'json-brace-at-8': () => concat('{"abcd":{"a": 1}}'),
  text: () => concat('epoch loss\n1 0.5\n'),
  tar: () => concat('pickle', new Uint8Array(251), 'ustar', new Uint8Array(250)),
  gzip: () => concat([0x1f, 0x8b, 8, 0], new Uint8Array(20)),
  'plain-pickle': () => pickle(dict(text('w'), int(1))),
  // safetensors
  'st-count-only': () => concat(u64(100)),
  'st-cut-header': () => safetensors('{"w":{"dty', [], 5000),
  'st-giant-header': () => safetensors('{}', [], 2n ** 63n),
  'st-giant-header-100mb': () => safetensors('{}', [], 100_000_001),
  'st-not-json': () => safetensors('{"w": nope}'),
  'st-not-utf8': () => safetensors('{"w": 1}').map((byte, i) => (i === 10 ? 0xff : byte)),
  'st-deep': () => safetensors(`{"w":${'['.repeat(200_000)}`),
  'st-twice': () =>
    safetensors(
      '{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0077":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
      [1],
    ),
  'st-list-entry': () => safetensors({ w: [1, 2] }),
  'st-no-dtype': () => safetensors({ w: { shape: [1], data_offsets: [0, 4] } }, [0, 0, 0, 0]),
  'st-negative-shape': () => safetensors({ w: f32([-1], 0, 4) }, [0, 0, 0, 0]),
  'st-fractional-shape': () => safetensors({ w: f32([1.5], 0, 4) }, [0, 0, 0, 0]),
  'st-huge-size': () =>
    safetensors('{"w":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}', [0, 0, 0, 0]),
  'st-overflow': () => safetensors({ w: f32([2 ** 40, 2 ** 40], 0, 4) }, [0, 0, 0, 0]),
  'st-rank': () => safetensors({ w: f32(new Array<number>(100_000).fill(1), 0, 4) }, [0, 0, 0, 0]),
  'st-huge-offset': () =>
    safetensors(
      '{"w":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775808,9223372036854775812]}}',
      [0, 0, 0, 0],
    ),
  'st-backwards': () => safetensors({ w: f32([1], 4, 0) }, [0, 0, 0, 0]),
  'st-cut-data': () => safetensors({ w: f32([4], 0, 16) }, [0, 0, 0, 0]),
  'st-overlap': () => safetensors({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, new Uint8Array(12)),
  'st-gap': () => safetensors({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, new Uint8Array(12)),
  'st-tail': () => safetensors({ a: f32([1], 0, 4) }, new Uint8Array(12)),
  'st-wrong-size': () => safetensors({ a: f32([3], 0, 8) }, new Uint8Array(8)),
  'st-metadata-list': () => safetensors({ __metadata__: ['x'] }),
  // zip
  'zip-cut-half': () => goodZip.subarray(0, goodZip.length / 2),
  'zip-cut-end': () => goodZip.subarray(0, goodZip.length - 1),
  'zip-cut-start': () => goodZip.subarray(0, 4),
  'zip-count': () => zip([{ name: 'a/data.pkl', data: good }], { count: 65535 }).bytes,
  'zip-directory-beyond': () => zip([{ name: 'a/data.pkl', data: good }], { offset: 1_000_000 }).bytes,
  'zip-directory-giant': () => zip([{ name: 'a/data.pkl', data: good }], { byteLength: 4_000_000_000 }).bytes,
  'zip-directory-wrong-place': () => zip([{ name: 'a/data.pkl', data: good }], { offset: 3 }).bytes,
  'zip64-count': () => wideZip({ count: 2n ** 63n }),
  'zip64-offset': () => wideZip({ offset: 2n ** 63n }),
  'zip64-size': () => wideZip({ byteLength: 2n ** 50n }),
  'zip64-record': () => wideZip({ record: 2n ** 40n }),
  'zip-twice': () =>
    zip([
      { name: 'a/data.pkl', data: good },
      { name: 'a/data.pkl', data: good },
    ]).bytes,
  'zip-overlap': () =>
    zip([
      { name: 'a/data.pkl', data: good },
      { name: 'a/data/0', data: sixteen, headerOffset: 8 },
    ]).bytes,
  'zip-member-beyond': () =>
    zip([{ name: 'a/data.pkl', data: good, bytes: 9_000_000, compressedBytes: 9_000_000 }]).bytes,
  'zip-no-local-header': () =>
    zip([
      { name: 'a/data.pkl', data: concat(good, new Uint8Array(60)), headerOffset: 5, bytes: 10, compressedBytes: 10 },
    ]).bytes,
  'zip-encrypted': () => zip([{ name: 'a/data.pkl', data: good, flags: 1 }]).bytes,
  'zip-method': () => zip([{ name: 'a/data.pkl', data: good, method: 12 }]).bytes,
  'zip-bomb': () => bomb(1000),
  'zip-bomb-promise': () => bomb(200_000_000),
  'zip-bomb-giant': () => bomb(4_000_000_000),
  'zip-bad-deflate': () => zip([{ name: 'a/data.pkl', method: 8, data: [0xff, 0xff, 0xff, 0xff], bytes: 100 }]).bytes,
  'zip-short-deflate': () =>
    zip([{ name: 'a/data.pkl', method: 8, data: deflateSync(good), bytes: good.length + 1 }]).bytes,
  'zip-two-sizes': () =>
    zip([
      { name: 'a/data.pkl', data: good },
      { name: 'a/data/0', data: sixteen, bytes: 64 },
    ]).bytes,
  'zip-byteorder': () =>
    zip([
      { name: 'a/data.pkl', data: good },
      { name: 'a/data/0', data: sixteen },
      { name: 'a/byteorder', data: 'middle' },
    ]).bytes,
  'zip-storage-missing': () => torchZip(good),
  'zip-storage-short': () => torchZip(good, { '0': [1, 2, 3, 4] }),
  // pickles
  'pkl-cut': () => torchZip(good.subarray(0, 40), { '0': sixteen }),
  'pkl-opcode': () => zipOf([0xfe]),
  'pkl-protocol': () => torchZip([0x80, 9, 0x4e, 0x2e]),
  'pkl-underflow': () => zipOf('0'),
  'pkl-no-mark': () => zipOf('t'),
  'pkl-memo': () => zipOf('h', [7]),
  'pkl-string-2e63': () => zipOf([0x8d], u64(2n ** 63n)),
  'pkl-string-4gb': () => zipOf('X', u32(0xffffffff), 'abc'),
  'pkl-long-4gb': () => zipOf([0x8b], u32(0x7fffffff)),
  'pkl-digits': () => zipOf('L', '9'.repeat(2_000_000), '\n'),
  'pkl-append-to-none': () => zipOf('NNa'),
  'pkl-setitem-on-list': () => zipOf(']NNs'),
  'pkl-out-of-band': () => zipOf([0x97]),
  'pkl-persistent-id': () => zipOf('NQ'),
  'pkl-storage-2e63': () => zipOf(storage('0', long([0, 0, 0, 0, 0, 0, 0, 0x80, 0]))),
  'pkl-storage-too-many': () => torchZip(pickle(tensor('0', 2 ** 31 - 1, 0, [2], [1])), { '0': sixteen }),
  'pkl-shape-overflow': () => zipOf(tensor('0', 4, 0, [2 ** 30, 2 ** 30, 2 ** 30], [1, 1, 1])),
  'pkl-shape-beyond': () => zipOf(tensor('0', 4, 0, [5], [1])),
  'pkl-stride-beyond': () => zipOf(dict(text('w'), tensor('0', 4, 0, [2, 2], [1_000_000, 1]))),
  'pkl-offset-beyond': () => zipOf(dict(text('w'), tensor('0', 4, 2, [3], [1]))),
  'pkl-negative-offset': () => zipOf(tensor('0', 4, -1, [2], [1])),
  'pkl-laughs': () => torchZip(laughs()),
  'pkl-memo-flood': () => zipOf('N', repeat('\x94', 9_000_000)),
  'pkl-dict-flood': () => zipOf(repeat('}0', 1_100_000), 'N'),
  'pkl-mark-flood': () => zipOf(repeat('(', 9_000_000)),
  'pkl-copy-flood': () => torchZip(copies()),
  'pkl-deep': () => torchZip(pickle(repeat(']', 100_000), repeat('a', 99_999))),
  'pkl-long-name': () => zipOf(global('a'.repeat(5_000_000), 'b')),
  'pkl-os-system': () => zipOf(global('os', 'system'), tuple(text('touch gramlens-canary')), 'R'),
  'pkl-uncalled': () => zipOf(global('subprocess', 'Popen')),
  'pkl-stack-global': () => torchZip(concat([0x80, 4], text('torch.serialization'), text('os.system'), [0x93, 0x2e])),
  'pkl-getattr': () =>
    zipOf(global('builtins', 'getattr'), tuple(global('builtins', 'object'), text('__subclasses__')), 'R'),
  'pkl-inst': () => zipOf('(', text('id'), 'i', 'posix\nsystem\n'),
  'pkl-obj': () => zipOf('(', global('runpy', 'run_path'), text('x.py'), 'o'),
  'pkl-importlib': () => zipOf(global('importlib', 'import_module'), tuple(text('os')), 'R'),
  'pkl-torch-load': () => zipOf(global('torch', 'load'), tuple(text('other.pt')), 'R'),
  // legacy
  'legacy-cut-magic': () => legacyHead.subarray(0, 14),
  'legacy-cut-version': () => legacyHead.subarray(0, 17),
  'legacy-version': () => concat(legacyHead.subarray(0, 15), pickle(int(1002))),
  'legacy-cut-system': () => legacyHead.subarray(0, legacyHead.length - 1),
  'legacy-cut-object': () => goodLegacy.subarray(0, legacyHead.length + 30),
  'legacy-cut-keys': () => goodLegacy.subarray(0, legacyHead.length + good.length + 3),
  'legacy-keys-no-list': () => concat(legacyHead, good, pickle('N')),
  'legacy-keys-unknown': () => concat(legacyHead, good, pickle(']', text('9'), 'a')),
  'legacy-keys-missing': () => concat(legacyHead, good, pickle(']')),
  'legacy-cut-count': () => concat(legacyHead, good, legacyKeys, [4, 0, 0]),
  'legacy-count-2e63': () => concat(legacyHead, good, legacyKeys, u64(2n ** 63n), sixteen),
  'legacy-cut-storage': () => goodLegacy.subarray(0, goodLegacy.length - 4),
  'legacy-string-beyond': () => concat(legacyHead, pickle('X', u32(0x7fffffff), 'abc')),
  'legacy-unknown-storage': () =>
    concat(legacyHead, pickle(storage('0', int(4), 'QuaternionStorage')), legacyKeys, u64(4), sixteen),
};

/** Those whose name fits. */
export function checkpointTable(names: RegExp): HostileTable {
  const found = Object.entries(hostileFiles).filter(([name]) => names.test(name));
  return singleFiles(
    Object.fromEntries(
      found.map(([name, make]) => {
        const [reason, message] = checkpointErrors[name] ?? ['', 'has no expected sentence'];
        return [name, { make, reason, message }];
      }),
    ),
  );
}
