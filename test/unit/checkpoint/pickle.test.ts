// The pickle interpreter by itself: text protocols, the closed list, the refused names, calls that nest in themselves.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isRefused } from '../../../src/checkpoint/pickle/refusedNames';
import { runPickle } from '../../../src/checkpoint/pickle/runPickle';
import type { PickleValue } from '../../../src/checkpoint/pickle/values';
import { buildTensorTree } from '../../../src/checkpoint/tensorTree';
import { type Bytes, concat, dict, global, int, pickle, text, tuple } from './crafted';

const run = (...parts: readonly Bytes[]): PickleValue =>
  runPickle('x', 'the pickle', concat(...parts), 0, () => null).value;
const tree = (...parts: readonly Bytes[]) => buildTensorTree('x', run(...parts), new Map());

describe('checkpoint: pickle', () => {
  it('reads protocol 0', () => {
    // pickle.dumps({'a': [1, True, 2.5, None, 12345678901234567890], 'b': (u'\xfc', -3)}, 0)
    const source =
      '(dp0\nVa\np1\n(lp2\nI1\naI01\naF2.5\naNaL12345678901234567890L\nasVb\np3\n(V\u00c3\u00bc\np4\nI-3\ntp5\ns.';
    assert.deepEqual(tree(source).tree, { a: [1, true, 2.5, null, 12345678901234567890n], b: ['\u00fc', -3] });
  });

  it('reads protocol 1 with classes made by copy_reg', () => {
    // argparse.Namespace(lr=0.5) in protocol 1
    const lr = concat('G', [0x3f, 0xe0, 0, 0, 0, 0, 0, 0]);
    const namespace = concat(
      global('copy_reg', '_reconstructor'),
      '(',
      global('argparse', 'Namespace'),
      global('__builtin__', 'object'),
      'NtR',
      '}',
      text('lr'),
      lr,
      'sb',
    );
    assert.deepEqual(tree(dict(text('args'), namespace), '.').tree, { args: { lr: 0.5 } });
  });

  it('reads the closed list', () => {
    const call = (module: string, name: string, ...args: Bytes[]): Uint8Array =>
      concat(global(module, name), tuple(...args), 'R');
    const { tree: read, notes } = tree(
      pickle(
        dict(
          text('ordered'),
          call('collections', 'OrderedDict', concat('](', tuple(text('k'), int(1)), 'e')),
          text('counter'),
          call('collections', 'Counter', dict(text('k'), int(2))),
          text('deque'),
          call('collections', 'deque', concat('](', int(1), int(2), 'e'), int(5)),
          text('set'),
          call('builtins', 'set', concat('](', int(1), 'e')),
          text('path'),
          call('pathlib', 'PosixPath', text('/'), text('a'), text('b')),
          text('windows'),
          call('pathlib', 'PureWindowsPath', text('C:\\'), text('b')),
          text('size'),
          call('torch', 'Size', tuple(int(2), int(3))),
          text('device'),
          call('torch', 'device', text('cuda'), int(1)),
          text('dtype'),
          global('torch', 'bfloat16'),
          text('scalar'),
          call(
            'numpy.core.multiarray',
            'scalar',
            concat(call('numpy', 'dtype', text('i4'), int(0), int(1)), tuple(int(3), text('>'), 'N'), 'b'),
            call('_codecs', 'encode', text('\u0000\u0000\u0001\u0000'), text('latin1')),
          ),
          text('unknown'),
          call('my.code', 'Thing', int(1)),
          tuple(int(1), text('x')),
          int(9),
        ),
      ),
    );
    assert.deepEqual(read, {
      ordered: { k: 1 },
      counter: { k: 2 },
      deque: [1, 2],
      set: [1],
      path: '/a/b',
      windows: 'C:\\b',
      size: [2, 3],
      device: 'cuda:1',
      dtype: 'torch.bfloat16',
      scalar: 256,
      unknown: { kind: 'opaque', className: 'my.code.Thing' },
      '(1, x)': 9,
    });
    assert.deepEqual(notes, [
      '"unknown": "my.code.Thing" is shown by name only; Gramlens builds no objects from a file.',
    ]);
  });

  it('does not follow calls that nest in themselves', () => {
    const self = concat(global('torch._tensor', '_rebuild_from_type_v2'), 'q\x000]q\x01(h\x00Nh\x01Ne0h\x00h\x01R');
    assert.equal(tree(pickle(self)).entries.size, 0);
    const copyreg = concat(global('copyreg', '__newobj__'), 'q\x000(', 'h\x00'.repeat(50_000), 'tq\x010h\x00h\x01R');
    assert.equal(tree(pickle(copyreg)).entries.size, 0);
  });

  const refused = [
    ['os', 'system'],
    ['posix', 'popen'],
    ['nt', 'system'],
    ['subprocess', 'Popen'],
    ['builtins', 'eval'],
    ['builtins', 'exec'],
    ['__builtin__', 'execfile'],
    ['builtins', '__import__'],
    ['builtins', 'open'],
    ['importlib', 'import_module'],
    ['importlib._bootstrap', '_load'],
    ['runpy', 'run_path'],
    ['socket', 'create_connection'],
    ['types', 'FunctionType'],
    ['types', 'CodeType'],
    ['pickle', 'loads'],
    ['ctypes', 'CDLL'],
    ['torch', 'load'],
    ['torch.hub', 'load'],
    ['torch.utils.cpp_extension', 'load_inline'],
    ['torch.serialization', 'os.system'],
    ['my.module', 'os.system'],
    ['x', 'a.subprocess.run'],
    ['builtins', 'object.__subclasses__'],
    ['numpy.testing._private.utils', 'runstring'],
    ['operator', 'attrgetter'],
    ['webbrowser', 'open'],
    ['code', 'interact'],
    ['sys', 'exit'],
    ['shutil', 'rmtree'],
  ] as const;
  it('refuses names that run code', () => {
    for (const [module, name] of refused) assert.equal(isRefused(module, name), true, `${module}.${name}`);
  });

  const harmless = [
    ['collections', 'OrderedDict'],
    ['argparse', 'Namespace'],
    ['torch', 'FloatStorage'],
    ['torch._utils', '_rebuild_tensor_v2'],
    ['code.models', 'Config'],
    ['profile.net', 'Net'],
    ['__main__', 'Trainer.Config'],
    ['builtins', 'set'],
    ['builtins', 'getattr'],
    ['types', 'SimpleNamespace'],
    ['os', 'stat_result'],
    ['posixlike', 'system'],
    ['timm.models', 'eval'],
    ['functools', 'partial'],
  ] as const;
  it('lets harmless names pass', () => {
    for (const [module, name] of harmless) assert.equal(isRefused(module, name), false, `${module}.${name}`);
  });
});
