// Names that no checkpoint needs and that run code, start programs or open files when Python loads them. Nothing is
// executed here in any case; a file that names one is refused because the next program that opens it may be Python.

/** Modules (no packages: a user's own package `code` has submodules) that run code, start programs or reach out. */
const refusedModules: ReadonlySet<string> = new Set(
  (
    'subprocess _posixsubprocess commands popen2 pty runpy imp zipimport pkgutil code codeop pdb bdb timeit cProfile ' +
    'profile trace _ctypes marshal pickle _pickle cPickle shelve webbrowser socket _socket shutil tempfile fileinput ' +
    'urllib2 httplib ftplib smtplib telnetlib doctest site sys atexit nturl2path _osx_support _aix_support antigravity ' +
    'pydoc sched rlcompleter cgitb py_compile compileall'
  ).split(' '),
);

/** Packages of the same kind, with everything below them. */
const refusedPackages: ReadonlySet<string> = new Set(
  (
    'importlib ctypes cffi dill cloudpickle urllib http requests aiohttp httpx xmlrpc multiprocessing asyncio pip ' +
    'ensurepip venv setuptools distutils idlelib lib2to3'
  ).split(' '),
);

/** Harmless classes in modules that are otherwise refused. */
const excepted: ReadonlySet<string> = new Set([
  'os.stat_result',
  'os.terminal_size',
  'os.uname_result',
  'os.times_result',
  'posix.uname_result',
  'posix.times_result',
  'urllib.parse.ParseResult',
  'urllib.parse.SplitResult',
  'subprocess.CompletedProcess',
]);

const builtinNames: ReadonlySet<string> = new Set(
  (
    'eval exec execfile compile open file input raw_input __import__ breakpoint apply reload setattr delattr ' +
    'globals locals vars help exit quit __build_class__'
  ).split(' '),
);

const refusedNames: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['builtins', builtinNames],
  ['__builtin__', builtinNames],
  ['__builtins__', builtinNames],
  ['types', new Set(['FunctionType', 'LambdaType', 'CodeType', 'ModuleType'])],
  ['io', new Set(['open', 'open_code', 'FileIO'])],
  ['_io', new Set(['open', 'open_code', 'FileIO'])],
  ['codecs', new Set(['open'])],
  ['platform', new Set(['popen', '_syscmd_ver', '_syscmd_file'])],
  ['operator', new Set(['attrgetter', 'methodcaller'])],
  ['_operator', new Set(['attrgetter', 'methodcaller'])],
  ['functools', new Set(['reduce'])],
  ['_functools', new Set(['reduce'])],
  ['threading', new Set(['Thread', 'Timer'])],
  ['_thread', new Set(['start_new_thread'])],
  ['torch', new Set(['load', 'compile'])],
  ['torch.serialization', new Set(['load', '_load', '_legacy_load'])],
  ['torch.jit', new Set(['load'])],
  ['numpy', new Set(['load', 'fromfile', 'loadtxt', 'genfromtxt', 'memmap'])],
  ['joblib', new Set(['load'])],
  ['pandas', new Set(['eval', 'read_pickle'])],
]);

/** Module beginnings with the same fate; the name after them does not matter. */
const refusedPrefixes = [
  'torch.hub',
  'torch.fx.graph_module',
  'torch.utils.cpp_extension',
  'torch.utils._config_module',
  'torch.utils.collect_env',
  'torch.distributed.rpc',
  'torch._inductor.codecache',
  'numpy.testing._private.utils',
  'numpy.f2py',
  'numpy.distutils',
  'concurrent.futures',
  'test.support',
];

/** Modules that are all operating system: refused but for the excepted names. */
const systemModules: ReadonlySet<string> = new Set(['os', 'posix', 'nt', 'ntpath', 'posixpath']);

/**
 * True when Python would run code, start a program or touch files through this name. Dotted names (protocol 4 walks
 * attributes: `torch.serialization` + `os.system`) are judged at every dot.
 */
export function isRefused(module: string, name: string): boolean {
  const parts = name.split('.').slice(0, 64);
  const lookups: [string, string][] = [[module, name]];
  for (let i = 1; i < parts.length; i++) {
    lookups.push([parts.slice(0, i).join('.'), parts.slice(i).join('.')]);
    lookups.push([parts.slice(i - 1, i).join('.'), parts.slice(i).join('.')]);
  }
  if (parts.length > 1 && parts.some((part) => /^__(?!init__$).*__$/.test(part))) return true;
  return lookups.some(([m, n]) => isRefusedLookup(m, n));
}

function isRefusedLookup(module: string, name: string): boolean {
  const whole = `${module}.${name}`;
  if (excepted.has(whole)) return false;
  const first = module.split('.', 1)[0] ?? '';
  if (refusedModules.has(module) || refusedPackages.has(first) || systemModules.has(first)) return true;
  if (refusedPrefixes.some((prefix) => module === prefix || module.startsWith(`${prefix}.`))) return true;
  const names = refusedNames.get(module);
  return names !== undefined && (names.has(name) || names.has(name.split('.', 1)[0] ?? ''));
}
