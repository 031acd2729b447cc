// A pickle's value -> entries and tree of a TensorIndex: walks the nodes once, gives every tensor its full path and
// byte range, and leaves plain data for args and epochs. Knows nothing of zip or legacy files.

import { CheckpointError } from './checkpointError';
import { copyAgain, grouped, quoted } from './nextSteps';
import { arrayElements } from './pickle/numpyCalls';
import type { PickleNode, PickleObject, PickleTensor, PickleValue } from './pickle/values';
import { isDict, isNode } from './pickle/values';
import type { StorageRanges } from './storageRanges';
import { tensorEntry } from './tensorPlacement';
import type { PlainValue, TensorEntry } from './tensorIndex';

/** Levels of nesting we follow. Module trees reach 20; deeper lies only a bomb against the call stack. */
const maxDepth = 200;
/** Values the unfolded tree may have: a pickle that names one list many times unfolds exponentially. */
const maxTreeValues = 4_000_000;
/** Containers and tensors likewise; each costs some hundred bytes with its path. */
const maxTreeContainers = 1_000_000;
/** Items of a list among a module's facts; cutoffs of a softmax have four. */
const maxFactItems = 64;
/** Elements of a numpy array that are shown as numbers; larger ones are data, not settings. */
const maxArrayElements = 1024;
/** Characters of one key in a tensor's name, and of the whole name: longer ones are text, not names. */
const maxKeyChars = 1000;
const maxNameChars = 4000;
/** Sentences about single classes before the rest is counted. */
const maxNotes = 40;

export interface TensorTree {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  readonly tree: { readonly [key: string]: PlainValue };
  readonly notes: readonly string[];
}

/**
 * Walks the value of a checkpoint's pickle.
 * @throws CheckpointError when a tensor reaches beyond its storage, or the tree unfolds past the limits above.
 */
export function buildTensorTree(fileName: string, root: PickleValue, ranges: StorageRanges): TensorTree {
  const walk = new Walk(fileName, ranges);
  const plain = walk.toPlain(root, '', 0);
  const tree = isPlainMap(plain)
    ? plain
    : Array.isArray(plain)
      ? Object.fromEntries(plain.entries())
      : { value: plain };
  return { entries: walk.entries, tree: tree as TensorTree['tree'], notes: walk.notes() };
}

function isPlainMap(value: PlainValue): boolean {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(isOpaque(value) || isTensorRef(value))
  );
}
const isOpaque = (value: object): boolean => 'kind' in value && value.kind === 'opaque' && 'className' in value;
const isTensorRef = (value: object): boolean => 'kind' in value && value.kind === 'tensor' && 'name' in value;

/** A number, a text or a short list of them: what a module was built with. */
function isPlainFact(value: PickleValue): boolean {
  const plain = (one: PickleValue): boolean => one !== null && !isNode(one) && !(one instanceof Uint8Array);
  if (!isNode(value)) return plain(value);
  return (
    (value.kind === 'list' || value.kind === 'tuple') && value.items.length <= maxFactItems && value.items.every(plain)
  );
}

class Walk {
  readonly entries = new Map<string, TensorEntry>();
  private readonly opaqueClasses = new Map<string, { path: string; count: number }>();
  private readonly sentences: string[] = [];
  private moreNotes = 0;
  private sawModule = false;
  private readonly namesakes = new Map<string, number>();
  private readonly inside = new Set<PickleNode>();
  private values = 0;
  private containers = 0;

  constructor(
    private readonly fileName: string,
    private readonly ranges: StorageRanges,
  ) {}

  toPlain(value: PickleValue, path: string, depth: number): PlainValue {
    if (++this.values > maxTreeValues) this.tooLarge(`more than ${grouped(maxTreeValues)} values`);
    if (value instanceof Uint8Array) return { kind: 'opaque', className: 'builtins.bytes' };
    if (!isNode(value)) return value;
    if (++this.containers > maxTreeContainers)
      this.tooLarge(`more than ${grouped(maxTreeContainers)} lists, maps and tensors`);
    if (depth > maxDepth) this.tooLarge(`more than ${maxDepth} levels of nesting`);
    if (value.kind === 'tensor') return this.tensor(value, path);
    if (this.inside.has(value)) return this.opaque('a value that contains itself', path);
    this.inside.add(value);
    const plain = this.node(value, path, depth + 1);
    this.inside.delete(value);
    return plain;
  }

  private node(node: Exclude<PickleNode, PickleTensor>, path: string, depth: number): PlainValue {
    switch (node.kind) {
      case 'list':
      case 'tuple':
      case 'set':
        return node.items.map((item, i) => this.toPlain(item, joined(path, String(i)), depth));
      case 'dict':
        return this.map(node.entries, path, depth);
      case 'object':
        return this.object(node, path, depth);
      case 'global':
        return node.module === 'torch' && /^[a-z]/.test(node.name)
          ? `torch.${node.name}`
          : this.opaque(`${node.module}.${node.name}`, path);
      case 'array': {
        const elements = arrayElements(node, maxArrayElements);
        if (elements === null) return this.opaque('numpy.ndarray', path);
        this.values += elements.length;
        return node.shape.length === 0 ? (elements[0] ?? null) : elements;
      }
      case 'dtype':
        return node.code;
      case 'storage':
        return this.opaque(node.typeName, path);
    }
  }

  private map(entries: ReadonlyMap<PickleValue, PickleValue>, path: string, depth: number): PlainValue {
    const pairs: [string, PlainValue][] = [];
    for (const [key, value] of entries) {
      const name = keyText(key);
      if (name === null) this.note(`${place(path)}: a key that is neither text nor number is left out.`);
      else pairs.push([name, this.toPlain(value, joined(path, name), depth)]);
    }
    return Object.fromEntries(pairs);
  }

  /** An unknown class. Its tensors are listed all the same; of modules (pickled whole) the parameter tree is shown. */
  private object(object: PickleObject, path: string, depth: number): PlainValue {
    const state = isDict(object.state) ? object.state.entries : null;
    if (state !== null && (state.has('_modules') || object.className.startsWith('__torch__')))
      return this.module(object, state, path, depth);
    if (object.entries !== null) this.map(object.entries, path, depth);
    for (const [i, item] of (object.items ?? []).entries()) this.toPlain(item, joined(path, String(i)), depth);
    if (isNode(object.state)) this.toPlain(object.state, path, depth);
    if (isNode(object.args)) this.toPlain(object.args, path, depth);
    return this.opaque(object.className, path);
  }

  private module(
    object: PickleObject,
    state: ReadonlyMap<PickleValue, PickleValue>,
    path: string,
    depth: number,
  ): PlainValue {
    if (!this.sawModule)
      this.note(
        `${place(path)} is a pickled module (${quoted(object.className)}): its parameters are listed, its code is not run.`,
      );
    this.sawModule = true;
    if (!state.has('_modules')) return this.map(state, path, depth);
    const children = new Map<PickleValue, PickleValue>();
    for (const group of ['_parameters', '_buffers', '_modules']) {
      const part = state.get(group);
      if (isDict(part)) for (const [key, value] of part.entries) if (value !== null) children.set(key, value);
    }
    // Layers of PyTorch itself have no facts that their tensors do not tell; those of the file's own classes may.
    if (!object.className.startsWith('torch.')) {
      for (const [key, value] of state) {
        const ownFact = typeof key === 'string' && !key.startsWith('_') && key !== 'training' && !children.has(key);
        if (ownFact && isPlainFact(value)) children.set(key, value);
      }
    }
    this.values += children.size;
    return this.map(children, path, depth);
  }

  private tensor(tensor: PickleTensor, path: string): PlainValue {
    if (path.length > maxNameChars)
      this.tooLarge(`a tensor whose name has more than ${grouped(maxNameChars)} characters`);
    const base = path === '' ? 'tensor' : path;
    let name = base;
    while (this.entries.has(name)) {
      const again = (this.namesakes.get(base) ?? 1) + 1;
      this.namesakes.set(base, again);
      name = `${base}#${again}`;
    }
    if (name !== base) this.note(`${quoted(base)} names two tensors; the second is shown as ${quoted(name)}.`);
    this.entries.set(name, tensorEntry(this.fileName, name, tensor, this.ranges));
    return { kind: 'tensor', name };
  }

  private opaque(className: string, path: string): PlainValue {
    const seen = this.opaqueClasses.get(className);
    if (seen !== undefined) seen.count++;
    else if (this.opaqueClasses.size < maxNotes) this.opaqueClasses.set(className, { path, count: 1 });
    else this.moreNotes++;
    return { kind: 'opaque', className };
  }

  private note(sentence: string): void {
    if (this.sentences.length < maxNotes) this.sentences.push(sentence);
    else this.moreNotes++;
  }

  notes(): string[] {
    const classes = [...this.opaqueClasses].map(([className, { path, count }]) => {
      const more = count > 1 ? ` and ${grouped(count - 1)} more` : '';
      return `${place(path)}${more}: ${quoted(className)} is shown by name only; Gramlens builds no objects from a file.`;
    });
    const all = [...this.sentences, ...classes];
    return this.moreNotes === 0 ? all : [...all, `${grouped(this.moreNotes)} more notes of these kinds.`];
  }

  private tooLarge(what: string): never {
    throw new CheckpointError(
      'tooLarge',
      `${this.fileName}: the checkpoint unfolds to ${what}; real ones stay far below, so the file is damaged or crafted. ${copyAgain}`,
    );
  }
}

function joined(path: string, key: string): string {
  const part = key.length > maxKeyChars ? `${key.slice(0, maxKeyChars)}…` : key;
  return path === '' ? part : `${path}.${part}`;
}
const place = (path: string): string => (path === '' ? 'the top level' : quoted(path));

/** Keys of any plain type as text; tuples as Python prints them. */
function keyText(key: PickleValue): string | null {
  if (key === null) return 'None';
  if (!isNode(key)) return key instanceof Uint8Array ? null : String(key);
  if (key.kind === 'global') return `${key.module}.${key.name}`;
  if (key.kind !== 'tuple' || key.items.length > 8) return null;
  const parts = key.items.map((item) => (isNode(item) && item.kind !== 'global' ? null : keyText(item)));
  return parts.includes(null) ? null : `(${parts.join(', ')})`;
}
