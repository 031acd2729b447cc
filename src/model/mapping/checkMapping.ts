// Does a mapping fit the tensors of a file? From names and shapes alone, so that the page can say it with every
// keystroke and the spec is never built on something that does not fit.

import * as l10n from '@vscode/l10n';
import type { Architecture } from './architecture';
import { expand, parsePattern } from './blockPattern';
import type { Mapping, Roles } from './mappingFile';
import { didYouMean } from './nearestNames';
import { describeShapes, fits, roleRow, roleTable, type RoleRow, type Sizes } from './roleTable';

/** Tensor name to shape. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** 'empty': no tensor is named, and none is needed. */
export type RoleState = 'fine' | 'missing' | 'wrong' | 'empty';

export interface RoleReport {
  readonly role: string;
  readonly state: RoleState;
  /** Whether the network cannot run without it. */
  readonly needed: boolean;
  /** Of a role in the blocks: layers in which its tensor is there and fits. */
  readonly layers: number | null;
  /** '[3C, C] = [36, 12]' */
  readonly expected: string;
  /** What is wrong, with what was expected and what was found; null: nothing. */
  readonly sentence: string | null;
}

export interface MappingReport {
  readonly layers: number;
  readonly sizes: Sizes;
  /** In the order of the table. */
  readonly roles: readonly RoleReport[];
  /** Tensors in the blocks that have no role and are not ignored: the forward pass would be another one. */
  readonly left: readonly string[];
}

/** Blocks that are counted; against crafted files that are one endless list. */
const maxLayers = 100_000;

export function checkMapping(mapping: Mapping, shapes: Shapes): MappingReport {
  const { architecture, roles } = mapping;
  // No more blocks than tensors: a mistyped number must not be looked through.
  const layers = Math.min(architecture.layers ?? countLayers(roles, shapes), shapes.size + 1);
  const sizes = sizesOf(mapping, shapes);
  const needed = neededRoles(mapping);
  return {
    layers,
    sizes,
    roles: roleTable.map((row) =>
      check(row, roles[row.role], needed.has(row.role), { layers, sizes, architecture, shapes }),
    ),
    left: leftTensors(mapping, shapes),
  };
}

/** As many blocks as the role that most of them have. */
function countLayers(roles: Roles, shapes: Shapes): number {
  let most = 0;
  for (const { role, place } of roleTable) {
    const pattern = roles[role];
    if (place !== 'block' || pattern === undefined) continue;
    let count = 0;
    while (count < maxLayers && shapes.has(expand(pattern, count))) count += 1;
    most = Math.max(most, count);
  }
  return most;
}

/** The sizes as the first block and the embedding say them. */
export function sizesOf({ architecture, roles }: Mapping, shapes: Shapes): Sizes {
  const shapeOf = (role: string): readonly number[] | null => {
    const name = roles[role];
    return name === undefined ? null : (shapes.get(expand(name, 0)) ?? null);
  };
  const axis = (role: string, which: 'out' | 'in'): number | null => {
    const shape = shapeOf(role);
    if (shape?.length !== 2) return null;
    return shape[(which === 'out') === (architecture.stored === 'out-in') ? 0 : 1] ?? null;
  };
  const last = (role: string): number | null => shapeOf(role)?.at(-1) ?? null;
  const width =
    last('norm1.weight') ??
    last('norm2.weight') ??
    last('finalNorm.weight') ??
    last('words') ??
    shapeOf('patch.weight')?.[0] ??
    axis('fc2.weight', 'out');
  const inner = axis('proj.weight', 'in');
  return { width, inner, narrow: narrowOf(axis, inner), mlp: axis('fc2.weight', 'in') };
}

function narrowOf(axis: (role: string, which: 'out' | 'in') => number | null, inner: number | null): number | null {
  const rows = axis('k.weight', 'out') ?? axis('v.weight', 'out');
  const kv = axis('kv.weight', 'out');
  const qkv = axis('qkv.weight', 'out');
  const half = kv !== null ? kv / 2 : qkv !== null && inner !== null ? (qkv - inner) / 2 : null;
  if (rows !== null) return rows;
  // Rows that are no whole heads are said to be wrong, not taken for grouped keys.
  return half !== null && inner !== null && Number.isInteger(half) && half > 0 && inner % half === 0 ? half : inner;
}

/** Roles without which the network cannot run. */
function neededRoles({ architecture, roles }: Mapping): ReadonlySet<string> {
  const has = (role: string): boolean => roles[role] !== undefined;
  const needed = ['norm1.weight', 'norm2.weight', 'proj.weight', 'fc2.weight'];
  needed.push(architecture.input === 'words' ? 'words' : 'patch.weight');
  if (architecture.positions === 'learned') needed.push('position');
  if (has('k.weight') || has('v.weight')) needed.push('q.weight', 'k.weight', 'v.weight');
  else if (!has('kv.weight')) needed.push(has('q.weight') ? 'kv.weight' : 'qkv.weight');
  if (architecture.mlp === 'gated' && !has('fc1.weight')) needed.push('gate.weight', 'up.weight');
  else needed.push('fc1.weight');
  return new Set(needed);
}

/** Roles that exclude each other, as the person would say it. */
function conflict(role: string, roles: Roles, { mlp }: Architecture): string | null {
  const given = (other: string): boolean => roles[`${other}.weight`] !== undefined;
  const [part = ''] = role.split('.');
  if (part === 'qkv' && ['q', 'k', 'v', 'kv'].some(given))
    return l10n.t('queries, keys and values are mapped apart as well');
  if (part === 'kv' && ['k', 'v'].some(given)) return l10n.t('keys and values are mapped apart as well');
  if ((part === 'gate' || part === 'up') && mlp === 'plain') return l10n.t('the MLP is plain, it has no gate');
  if (part === 'fc1' && given('gate')) return l10n.t('gate and up are mapped apart as well');
  return null;
}

interface Around {
  readonly layers: number;
  readonly sizes: Sizes;
  readonly architecture: Architecture;
  readonly shapes: Shapes;
}

function check(row: RoleRow, name: string | undefined, needed: boolean, around: Around): RoleReport {
  const { layers, sizes, architecture, shapes } = around;
  const dims = row.shapes(sizes, architecture);
  const expected = describeShapes(dims);
  const inBlocks = row.place === 'block';
  const base = { role: row.role, needed, expected };
  if (name === undefined) {
    const sentence = needed ? l10n.t('No tensor is named; {0} is needed.', expected) : null;
    return { ...base, state: needed ? 'missing' : 'empty', layers: inBlocks ? 0 : null, sentence };
  }
  let fine = 0;
  let fault: { readonly state: RoleState; readonly sentence: string } | null = null;
  for (let layer = 0; layer < (inBlocks ? Math.max(1, layers) : 1); layer += 1) {
    const tensor = expand(name, layer);
    const shape = shapes.get(tensor);
    if (shape !== undefined && fits(shape, dims)) fine += 1;
    else if (shape === undefined) {
      fault ??= {
        state: 'missing',
        sentence: `${l10n.t('There is no tensor "{0}".', tensor)}${didYouMean(tensor, shapes.keys())}`,
      };
    } else {
      fault ??= {
        state: 'wrong',
        sentence: l10n.t('"{0}" has shape [{1}], expected {2}.', tensor, shape.join(', '), expected),
      };
    }
  }
  return {
    ...base,
    state: fault?.state ?? 'fine',
    layers: inBlocks ? fine : null,
    sentence: fault?.sentence ?? null,
  };
}

/** What keeps two roles from standing beside each other; null: nothing. */
export function conflictOf({ roles, architecture }: Mapping, role: string): string | null {
  return roles[role] === undefined ? null : conflict(role, roles, architecture);
}

/** Tensors between a block's first and last letter that no role names; nobody knows what they would do. */
export function leftTensors({ roles, ignore }: Mapping, shapes: Shapes): readonly string[] {
  const lists = new Set<string>();
  const used = new Set<string>();
  for (const [role, name] of Object.entries(roles)) {
    const pattern = name === undefined || roleRow(role)?.place !== 'block' ? null : parsePattern(name);
    if (pattern !== null) lists.add(pattern.before);
    else if (name !== undefined) used.add(name);
  }
  const patterns = [...Object.values(roles), ...ignore].flatMap((name) => (name === undefined ? [] : [matcher(name)]));
  return [...shapes.keys()].filter(
    (name) =>
      !used.has(name) &&
      [...lists].some((before) => name.startsWith(before) && /^\d/.test(name.slice(before.length))) &&
      !patterns.some((matches) => matches(name)),
  );
}

/** Whether a name is the pattern's for some layer. */
export function matcher(pattern: string): (name: string) => boolean {
  const parsed = parsePattern(pattern);
  if (parsed === null) return (name) => name === pattern;
  const { before, factor, offset } = parsed;
  return (name) => {
    if (!name.startsWith(before)) return false;
    const digits = /^\d{1,9}/.exec(name.slice(before.length))?.[0];
    if (digits === undefined) return false;
    const layer = (Number(digits) - offset) / factor;
    return Number.isInteger(layer) && layer >= 0 && expand(pattern, layer) === name;
  };
}
