// The repeated part of a network: names that differ in one integer, in one list or taking turns in it (attention,
// MLP, attention, ...). From names and shapes alone.

import { indexText } from './blockPattern';
import type { Shapes } from './checkMapping';

/** A tensor that every block has. */
export interface BlockTensor {
  /** "layers.{i}.attn.q.weight" */
  readonly pattern: string;
  /** What stands behind the index. */
  readonly rest: string;
  /** In the first block. */
  readonly shape: readonly number[];
}

export interface FoundBlocks {
  /** What stands before the index. */
  readonly before: string;
  readonly layers: number;
  readonly tensors: readonly BlockTensor[];
  /** Other lists of blocks in the file, by what stands before their index. */
  readonly others: readonly string[];
}

/** Lists that take turns: attention and MLP, or attention, cross attention and MLP. */
const periods = [1, 2, 3];
/** More lists than any network has; against crafted names that are nothing but numbers. */
const maxLists = 20_000;
/** Numbers of one name that may count the blocks. */
const maxNumbers = 6;
/** A list that explains this share of what the best one does, with fewer turns, is the simpler reading. */
const nearlyAll = 0.95;

interface List {
  readonly before: string;
  /** Rest of the name to the indexes it is there for, with the shape of the first. */
  readonly rests: Map<string, { readonly indexes: Set<number>; readonly shape: readonly number[]; even: boolean }>;
}

/** The blocks of the file; null where nothing repeats and no list has an attention in it. */
export function findBlocks(shapes: Shapes): FoundBlocks | null {
  const found = [...listsOf(shapes).values()].flatMap((list) =>
    periods.flatMap((period) => reading(list, period) ?? []),
  );
  found.sort((a, b) => b.explained - a.explained || a.period - b.period || a.before.length - b.before.length);
  const best = found[0];
  if (best === undefined || best.tensors.length < 4) return null;
  const simplest = found.find(
    ({ before, period, explained }) =>
      before === best.before && period <= best.period && explained >= nearlyAll * best.explained,
  );
  const chosen = simplest ?? best;
  const others = found
    .filter(({ before, explained }) => !nested(before, chosen.before) && explained >= chosen.explained / 4)
    .map(({ before }) => before);
  return { before: chosen.before, layers: chosen.layers, tensors: chosen.tensors, others: [...new Set(others)] };
}

const nested = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a);

function listsOf(shapes: Shapes): ReadonlyMap<string, List> {
  const lists = new Map<string, List>();
  for (const [name, shape] of shapes) {
    let numbers = 0;
    for (const { 0: digits, index } of name.matchAll(/(?<!\d)\d{1,5}(?!\d)/g)) {
      if ((numbers += 1) > maxNumbers) break;
      const before = name.slice(0, index);
      if (!lists.has(before) && lists.size >= maxLists) continue;
      const list: List = lists.get(before) ?? { before, rests: new Map() };
      lists.set(before, list);
      const rest = name.slice(index + digits.length);
      const known = list.rests.get(rest);
      if (known === undefined) list.rests.set(rest, { indexes: new Set([Number(digits)]), shape, even: true });
      else {
        known.indexes.add(Number(digits));
        known.even &&= known.shape.join() === shape.join();
      }
    }
  }
  return lists;
}

interface Reading extends Omit<FoundBlocks, 'others'> {
  readonly period: number;
  /** Tensors of the file that this reading covers. */
  readonly explained: number;
}

/** The list read as blocks of `period` entries each; null where its numbers do not run without a gap. */
function reading({ before, rests }: List, period: number): Reading | null {
  const all = new Set([...rests.values()].flatMap(({ indexes }) => [...indexes]));
  const first = all.has(0) ? 0 : 1;
  const count = all.size;
  for (let i = first; i < first + count; i += 1) if (!all.has(i)) return null;
  if (count === 0 || count % period !== 0) return null;
  const layers = count / period;
  const tensors: BlockTensor[] = [];
  for (const [rest, { indexes, shape, even }] of rests) {
    if (!even || indexes.size % layers !== 0) continue;
    const offsets = Array.from({ length: period }, (_, k) => first + k).filter((offset) => indexes.has(offset));
    // Every turn that the name takes must be there for all layers.
    const full = offsets.every((offset) => {
      for (let i = 0; i < layers; i += 1) if (!indexes.has(period * i + offset)) return false;
      return true;
    });
    if (!full || offsets.length * layers !== indexes.size) continue;
    for (const offset of offsets) {
      tensors.push({ pattern: `${before}${indexText(period, offset)}${rest}`, rest, shape });
    }
  }
  return tensors.length === 0 ? null : { before, period, layers, tensors, explained: tensors.length * layers };
}
