// The pickle virtual machine, protocols 0 to 5, over plain nodes. It imports nothing and calls nothing: a GLOBAL is
// a name, a REDUCE asks `calls.ts` what the closed list makes of that name. Every budget is checked before growth.

import { grouped } from '../nextSteps';
import { buildState, callGlobal } from './calls';
import { PickleFault, type PickleReader } from './pickleReader';
import { isRefused } from './refusedNames';
import {
  type PickleDict,
  type PickleGlobal,
  type PickleList,
  type PickleStorage,
  type PickleValue,
  isNode,
  itemsOf,
} from './values';

/**
 * Values one pickle may push. A checkpoint of 100,000 tensors pushes 4 million; beyond lies only a bomb. A value costs
 * 8 bytes here, 20 while its list grows.
 */
export const maxPickleValues = 5_000_000;
/** Lists, dicts, tuples and objects one pickle may hold; each costs 50 to 300 bytes here, a tensor takes about 7. */
export const maxPickleContainers = 1_000_000;
/** Marks that stand open at once. A pickler nests as deep as its values do, and Python stops at 1,000 levels. */
export const maxPickleMarks = 100_000;

/** Module and class name together; Python's longest are below 200. */
const maxNameChars = 2000;

/** The pickle names something that runs code. */
export class PickleUnsafe extends Error {
  constructor(
    readonly globalName: string,
    readonly offset: number,
  ) {
    super(globalName);
  }
}

/** A budget above is used up. */
export class PickleTooLarge extends Error {}

/** Turns a persistent id (torch: a tuple that names a storage) into a value. */
export type PersistentLoad = (id: PickleValue) => PickleValue | PickleStorage;

export class PickleMachine {
  private stack: PickleValue[] = [];
  private readonly marks: number[] = [];
  /** Entries as every pickler numbers them, 0, 1, 2, …; out-of-order ones lie in the map. */
  private readonly memo: PickleValue[] = [];
  private readonly scattered = new Map<number, PickleValue>();
  private values = 0;
  private containers = 0;
  private opcodeAt = 0;

  constructor(
    private readonly reader: PickleReader,
    private readonly persistentLoad: PersistentLoad,
  ) {}

  /** Runs to STOP and returns the value; the reader then stands behind the pickle. */
  run(): PickleValue {
    for (;;) {
      this.opcodeAt = this.reader.offset;
      const opcode = this.reader.uint8();
      if (opcode === 0x2e) return this.pop();
      this.step(opcode);
    }
  }

  fault(what: string): never {
    throw new PickleFault(this.opcodeAt, what);
  }

  /** Counts work that copies: without it one opcode over a memoised list could be made to copy it a million times. */
  charge(values: number): void {
    this.values += values;
    if (this.values > maxPickleValues) throw new PickleTooLarge(`more than ${grouped(maxPickleValues)} values`);
  }

  chargeContainer(): void {
    if (++this.containers > maxPickleContainers)
      throw new PickleTooLarge(`more than ${grouped(maxPickleContainers)} lists, maps and objects`);
  }

  list(kind: PickleList['kind'], items: PickleValue[]): PickleList {
    this.chargeContainer();
    return { kind, items };
  }

  dict(namespace = false): PickleDict {
    this.chargeContainer();
    return { kind: 'dict', entries: new Map(), namespace };
  }

  private push(value: PickleValue): void {
    this.charge(1);
    this.stack.push(value);
  }

  private pop(): PickleValue {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) this.fault('an instruction that finds the stack empty');
    return this.stack.pop()!;
  }

  private top(): PickleValue {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) this.fault('an instruction that finds the stack empty');
    return this.stack.at(-1)!;
  }

  private mark(): void {
    this.charge(1);
    if (this.marks.length >= maxPickleMarks)
      throw new PickleTooLarge(`more than ${grouped(maxPickleMarks)} open levels`);
    this.marks.push(this.stack.length);
  }

  private popMark(): PickleValue[] {
    const mark = this.marks.pop();
    if (mark === undefined) return this.fault('an instruction that finds no mark');
    return this.stack.splice(mark);
  }

  /** A name, refused when Python would run code through it. */
  global(module: string, name: string): PickleGlobal {
    if (module.length + name.length > maxNameChars) this.fault('a class name longer than any real one');
    if (isRefused(module, name)) throw new PickleUnsafe(`${module}.${name}`, this.opcodeAt);
    this.chargeContainer();
    return { kind: 'global', module, name };
  }

  private text(): string {
    const value = this.pop();
    return typeof value === 'string' ? value : this.fault('a class whose name is not text');
  }

  private put(index: number | bigint): void {
    if (typeof index === 'bigint' || index < 0) return this.fault('a memo index that is no count');
    const value = this.top();
    if (index < this.memo.length) this.memo[index] = value;
    else {
      this.charge(1);
      if (index === this.memo.length) this.memo.push(value);
      else this.scattered.set(index, value);
    }
  }

  private get(index: number | bigint): void {
    const at = Number(index);
    const value = at < this.memo.length ? this.memo[at] : this.scattered.get(at);
    if (value === undefined) return this.fault(`a reference to memo entry ${index.toString()}, which was never stored`);
    this.push(value);
  }

  private call(callee: PickleValue, args: PickleValue): void {
    this.push(callGlobal(this, callee, args));
  }

  private append(target: PickleValue, items: readonly PickleValue[]): void {
    if (isNode(target) && target.kind === 'object') target.items ??= [];
    const list = isNode(target) && target.kind === 'object' ? target.items : itemsOf(target);
    if (list === null) return this.fault('an APPEND to something that is no list');
    for (const item of items) list.push(item);
  }

  private setItems(target: PickleValue, pairs: readonly PickleValue[]): void {
    if (isNode(target) && target.kind === 'object') target.entries ??= new Map();
    const entries = isNode(target) && (target.kind === 'object' || target.kind === 'dict') ? target.entries : null;
    if (entries === null || pairs.length % 2 !== 0) return this.fault('a SETITEM on something that is no dict');
    for (let i = 0; i < pairs.length; i += 2) entries.set(pairs[i]!, pairs[i + 1]!);
  }

  private step(opcode: number): void {
    const r = this.reader;
    // prettier-ignore
    switch (opcode) {
      case 0x80: { // PROTO
        const protocol = r.uint8();
        if (protocol > 5) this.fault(`pickle protocol ${protocol}, newer than the 5 known ones`);
        return;
      }
      case 0x95: r.length8(); return; // FRAME: a hint for buffered readers
      case 0x28: this.mark(); return; // MARK
      case 0x30: // POP, which may drop a mark
        if (this.marks.length > 0 && this.marks.at(-1) === this.stack.length) this.marks.pop();
        else this.pop();
        return;
      case 0x31: this.popMark(); return;
      case 0x32: this.push(this.top()); return; // DUP
      // memo
      case 0x70: this.put(r.integerLine()); return;
      case 0x71: this.put(r.uint8()); return;
      case 0x72: this.put(r.uint32()); return;
      case 0x94: this.put(this.memo.length + this.scattered.size); return;
      case 0x67: this.get(r.integerLine()); return;
      case 0x68: this.get(r.uint8()); return;
      case 0x6a: this.get(r.uint32()); return;
      // None, booleans, numbers
      case 0x4e: this.push(null); return;
      case 0x88: this.push(true); return;
      case 0x89: this.push(false); return;
      case 0x49: this.push(this.integerOrBoolean()); return;
      case 0x4c: this.push(r.integerLine()); return;
      case 0x4a: this.push(r.int32()); return;
      case 0x4b: this.push(r.uint8()); return;
      case 0x4d: this.push(r.uint16()); return;
      case 0x8a: this.push(r.long(r.uint8())); return;
      case 0x8b: this.push(r.long(r.uint32())); return;
      case 0x46: this.push(Number(r.textLine().replace('inf', 'Infinity'))); return;
      case 0x47: this.push(r.float64()); return;
      // text and bytes
      case 0x53: this.push(unquoted(r.textLine()) ?? this.fault('a text without its quotes')); return;
      case 0x54: this.push(r.latin1(r.uint32())); return;
      case 0x55: this.push(r.latin1(r.uint8())); return;
      case 0x56: this.push(r.textLine()); return;
      case 0x58: this.push(r.text(r.uint32())); return;
      case 0x8c: this.push(r.text(r.uint8())); return;
      case 0x8d: this.push(r.text(r.length8())); return;
      case 0x42: this.push(r.take(r.uint32())); return;
      case 0x43: this.push(r.take(r.uint8())); return;
      case 0x8e: case 0x96: this.push(r.take(r.length8())); return;
      case 0x97: return this.fault('data kept outside the file (out-of-band buffers)');
      case 0x98: return; // READONLY_BUFFER
      // containers
      case 0x29: this.push(this.list('tuple', [])); return;
      case 0x85: this.push(this.list('tuple', [this.pop()])); return;
      case 0x86: { const b = this.pop(); this.push(this.list('tuple', [this.pop(), b])); return; }
      case 0x87: { const c = this.pop(), b = this.pop(); this.push(this.list('tuple', [this.pop(), b, c])); return; }
      case 0x74: this.push(this.list('tuple', this.popMark())); return;
      case 0x5d: this.push(this.list('list', [])); return;
      case 0x6c: this.push(this.list('list', this.popMark())); return;
      case 0x61: { const item = this.pop(); this.append(this.top(), [item]); return; }
      case 0x65: case 0x90: { const items = this.popMark(); this.append(this.top(), items); return; }
      case 0x8f: this.push(this.list('set', [])); return;
      case 0x91: this.push(this.list('set', this.popMark())); return;
      case 0x7d: this.push(this.dict()); return;
      case 0x64: { const pairs = this.popMark(), dict = this.dict(); this.setItems(dict, pairs); this.push(dict); return; }
      case 0x73: { const value = this.pop(), key = this.pop(); this.setItems(this.top(), [key, value]); return; }
      case 0x75: { const pairs = this.popMark(); this.setItems(this.top(), pairs); return; }
      // classes, calls, state
      case 0x63: { const module = r.textLine(); this.push(this.global(module, r.textLine())); return; }
      case 0x93: { const name = this.text(); this.push(this.global(this.text(), name)); return; }
      case 0x52: case 0x81: { const args = this.pop(); this.call(this.pop(), args); return; }
      case 0x92: { this.pop(); const args = this.pop(); this.call(this.pop(), args); return; }
      case 0x69: { const module = r.textLine(), name = r.textLine(); const args = this.popMark(); this.call(this.global(module, name), this.list('tuple', args)); return; }
      case 0x6f: { const [callee = null, ...args] = this.popMark(); this.call(callee, this.list('tuple', args)); return; }
      case 0x62: { const state = this.pop(); buildState(this, this.top(), state); return; }
      case 0x82: this.push(this.global('copyreg', `extension ${r.uint8()}`)); return;
      case 0x83: this.push(this.global('copyreg', `extension ${r.uint16()}`)); return;
      case 0x84: this.push(this.global('copyreg', `extension ${r.uint32()}`)); return;
      case 0x50: this.push(this.persistentLoad(r.textLine())); return;
      case 0x51: this.push(this.persistentLoad(this.pop())); return;
      default: return this.fault(`0x${opcode.toString(16).padStart(2, '0')} where an instruction should stand`);
    }
  }

  private integerOrBoolean(): PickleValue {
    const at = this.reader.offset;
    const line = this.reader.line();
    if (line.length === 2 && line[0] === 0x30) return line[1] === 0x31;
    this.reader.offset = at;
    return this.reader.integerLine();
  }
}

/** Protocol 0 text is a Python literal; only its quotes matter for the names that stand in it. */
function unquoted(literal: string): string | null {
  const quote = literal.charAt(0);
  if (literal.length < 2 || (quote !== "'" && quote !== '"') || !literal.endsWith(quote)) return null;
  return literal.slice(1, -1);
}
