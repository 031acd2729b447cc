// The closed list: what Python and PyTorch names stand for when a pickle calls them. Everything else becomes an
// object node that keeps its name, arguments and state, and is never built. Numpy and torch have files of their own.

import { buildArray, callNumpy } from './numpyCalls';
import type { PickleMachine } from './pickleMachine';
import { callTorch } from './torchCalls';
import { type PickleGlobal, type PickleValue, isDict, isNode, itemsOf } from './values';

/** Classes whose instances are only a bag of attributes: shown as plain maps. */
const namespaces: ReadonlySet<string> = new Set([
  'argparse.Namespace',
  'types.SimpleNamespace',
  'optparse.Values',
  'easydict.EasyDict',
  'yacs.config.CfgNode',
  'munch.Munch',
]);

const builtins = /^(builtins|__builtin__)\./;

export function globalName(global: PickleGlobal): string {
  return `${global.module}.${global.name}`;
}

/** The name a value is shown under when it is called or built. */
function nameOf(callee: PickleValue): string {
  if (!isNode(callee)) return 'a call of a plain value';
  if (callee.kind === 'global') return globalName(callee);
  return callee.kind === 'object' ? callee.className : `a call of a ${callee.kind}`;
}

function opaque(machine: PickleMachine, className: string, args: PickleValue): PickleValue {
  machine.chargeContainer();
  return { kind: 'object', className, args, state: null, items: null, entries: null };
}

/** What `callee(*args)` stands for. `args` is the tuple of a REDUCE, NEWOBJ, INST or OBJ. */
export function callGlobal(machine: PickleMachine, callee: PickleValue, args: PickleValue): PickleValue {
  const list = itemsOf(args);
  if (list === null) return machine.fault('a call whose arguments are no tuple');
  if (!isNode(callee) || callee.kind !== 'global') return opaque(machine, nameOf(callee), args);
  const name = globalName(callee)
    .replace(builtins, 'builtins.')
    .replace(/^copy_reg\./, 'copyreg.');
  return (
    callPython(machine, name, list) ??
    callTorch(machine, name, list) ??
    callNumpy(machine, name, list) ??
    opaque(machine, globalName(callee), args)
  );
}

/** Python's own names; undefined where the name is not on the list (null is None). */
function callPython(machine: PickleMachine, name: string, args: readonly PickleValue[]): PickleValue | undefined {
  const first = args[0];
  if (namespaces.has(name)) {
    const map = machine.dict(true);
    if (isDict(first)) copyEntries(machine, first.entries, map.entries);
    return map;
  }
  switch (name) {
    case 'collections.OrderedDict':
    case 'collections.Counter':
    case 'builtins.dict':
      return dictOf(machine, first);
    case 'collections.defaultdict':
      return dictOf(machine, args[1]);
    case 'collections.deque':
    case 'builtins.list':
      return copied(machine, 'list', first);
    case 'builtins.tuple':
      return copied(machine, 'tuple', first);
    case 'builtins.set':
    case 'builtins.frozenset':
      return copied(machine, 'set', first);
    case 'builtins.str':
    case 'builtins.int':
    case 'builtins.float':
    case 'builtins.bool':
      return first !== undefined && !isNode(first) && args.length === 1 ? first : undefined;
    case 'builtins.bytearray':
    case 'builtins.bytes':
      if (first instanceof Uint8Array) return first;
      return args.length === 0 ? new Uint8Array(0) : encoded(machine, first, args[1]);
    case '_codecs.encode':
      return encoded(machine, first, args[1]);
    case 'builtins.getattr':
      return attribute(machine, first, args[1]);
    case 'copyreg._reconstructor':
      // (class, base, base state): what protocols 0 and 1 write for every plain object.
      if (isCopyreg(first)) return undefined;
      return callGlobal(
        machine,
        first ?? null,
        machine.list('tuple', args[2] === null || args[2] === undefined ? [] : [args[2]]),
      );
    case 'copyreg.__newobj__':
      if (isCopyreg(first)) return undefined;
      machine.charge(args.length);
      return callGlobal(machine, first ?? null, machine.list('tuple', args.slice(1)));
    default:
      return /^pathlib(\._local)?\.(Pure)?(Posix|Windows)?Path$/.test(name) ? path(machine, args, name) : undefined;
  }
}

/** These two call a class; handed each other they would only nest without end. */
function isCopyreg(callee: PickleValue | undefined): boolean {
  return isNode(callee) && callee.kind === 'global' && /^copy_?reg$/.test(callee.module);
}

function copyEntries(
  machine: PickleMachine,
  from: ReadonlyMap<PickleValue, PickleValue>,
  to: Map<PickleValue, PickleValue>,
): void {
  machine.charge(from.size);
  for (const [key, value] of from) to.set(key, value);
}

function dictOf(machine: PickleMachine, content: PickleValue | undefined): PickleValue {
  const dict = machine.dict();
  if (isDict(content)) copyEntries(machine, content.entries, dict.entries);
  for (const pair of itemsOf(content) ?? []) {
    machine.charge(1);
    const [key, value] = itemsOf(pair) ?? [];
    if (key === undefined || value === undefined)
      return machine.fault('a dict made of something that is no list of pairs');
    dict.entries.set(key, value);
  }
  return dict;
}

function copied(
  machine: PickleMachine,
  kind: 'list' | 'tuple' | 'set',
  content: PickleValue | undefined,
): PickleValue | undefined {
  if (content === undefined) return machine.list(kind, []);
  const items = itemsOf(content);
  if (items === null) return undefined;
  machine.charge(items.length);
  return machine.list(kind, items.slice());
}

/** `_codecs.encode(text, 'latin1')`: how protocol 2 spells bytes. */
function encoded(
  machine: PickleMachine,
  text: PickleValue | undefined,
  encoding: PickleValue | undefined,
): PickleValue | undefined {
  if (typeof text !== 'string') return undefined;
  machine.charge(Math.ceil(text.length / 8));
  if (typeof encoding === 'string' && /^utf-?8$/i.test(encoding)) return new TextEncoder().encode(text);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** `getattr(class, name)`: how protocols below 4 name a nested class. Of an object it is an opaque bound method. */
function attribute(
  machine: PickleMachine,
  owner: PickleValue | undefined,
  name: PickleValue | undefined,
): PickleValue | undefined {
  if (typeof name !== 'string') return undefined;
  if (isNode(owner) && owner.kind === 'global') return machine.global(owner.module, `${owner.name}.${name}`);
  // Judges dunder names and the like with the same rules as a dotted global.
  machine.global('getattr', `object.${name}`);
  return undefined;
}

function path(machine: PickleMachine, parts: readonly PickleValue[], name: string): PickleValue | undefined {
  machine.charge(parts.length);
  if (!parts.every((part) => typeof part === 'string')) return undefined;
  const separator = name.includes('Windows') ? '\\' : '/';
  machine.charge(Math.ceil(parts.reduce((sum, part) => sum + part.length, 0) / 8));
  const whole = parts.reduce(
    (path, part) => (path === '' || path.endsWith(separator) ? path + part : path + separator + part),
    '',
  );
  return whole === '' ? '.' : whole;
}

/** BUILD: what the pickle sets on an object it has just made. */
export function buildState(machine: PickleMachine, target: PickleValue, state: PickleValue): void {
  if (!isNode(target)) return;
  if (target.kind === 'dict' && target.namespace) {
    // (attributes, slots) or the attributes alone.
    for (const part of itemsOf(state)?.slice(0, 2) ?? [state])
      if (isDict(part)) copyEntries(machine, part.entries, target.entries);
  } else if (target.kind === 'object') {
    target.state = state;
  } else if (target.kind === 'array' || target.kind === 'dtype') {
    buildArray(machine, target, state);
  }
  // Attributes of real dicts (`_metadata` of a state dict), tensors and classes carry nothing we show.
}
