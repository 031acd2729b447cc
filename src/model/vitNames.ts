// How a family spells the parts of a pre-LN vision transformer. A part may have several spellings (transformers 4 on
// disk, transformers 5 in memory); the first that the file has is taken, so mixed files are read as well.

import type { LinearRole } from './modelSpec';
import type { Axis, SpecContext } from './specContext';

/** Spellings of one part, the usual one first; none: the family has no such part. */
export type Spellings = readonly string[];

/** Modules of one block, behind its prefix. Modules end in nothing (`fc1` has `fc1.weight`) or in `_` (`in_proj_`). */
export interface BlockNames {
  readonly norm1: Spellings;
  /** Query, key and value in one matrix. */
  readonly qkv: Spellings;
  /** Separate matrices; looked for where there is no `qkv`. */
  readonly query: Spellings;
  readonly key: Spellings;
  readonly value: Spellings;
  readonly queryNorm: Spellings;
  readonly keyNorm: Spellings;
  readonly proj: Spellings;
  /** Whole tensor names. */
  readonly layerScale1: Spellings;
  readonly norm2: Spellings;
  readonly fc1: Spellings;
  /** Gate and up of a gated MLP in one matrix, gate rows first. */
  readonly gateUp: Spellings;
  readonly gate: Spellings;
  readonly up: Spellings;
  readonly fc2: Spellings;
  readonly layerScale2: Spellings;
}

export interface VitNames {
  /** In messages: "a vision transformer in timm's layout". */
  readonly layout: string;
  /** Whole tensor names. */
  readonly classToken: Spellings;
  readonly distToken: Spellings;
  readonly registers: Spellings;
  readonly position: Spellings;
  /** Module of the patch convolution. */
  readonly patch: Spellings;
  /** Norm between positions and the first block. */
  readonly embedNorm: Spellings;
  /** Prefix of block i, ending in a dot. */
  readonly blockAt: (i: number) => string;
  readonly block: BlockNames;
  readonly norm: Spellings;
}

export function moduleWeight(module: string): string {
  return module.endsWith('_') ? `${module}weight` : `${module}.weight`;
}

export function moduleBias(module: string): string {
  return module.endsWith('_') ? `${module}bias` : `${module}.bias`;
}

/** The spelling whose weight the file has; null when it has none of them. */
export function presentModule(context: SpecContext, spellings: Spellings, at = ''): string | null {
  return spellings.map((name) => at + name).find((name) => context.has(moduleWeight(name))) ?? null;
}

/** As `presentModule`, or the usual spelling: asking for its tensors then says what is missing. */
export function neededModule(context: SpecContext, spellings: Spellings, at = ''): string {
  return presentModule(context, spellings, at) ?? at + (spellings[0] ?? '');
}

/** The tensor name that the file has; null when it has none of them. */
export function presentTensor(context: SpecContext, spellings: Spellings, at = ''): string | null {
  return spellings.map((name) => at + name).find((name) => context.has(name)) ?? null;
}

/** Weight [out, in] and bias [out] of a module; a missing bias is null. */
export function linearRole(context: SpecContext, module: string, out: Axis, input: Axis): LinearRole {
  return {
    weight: context.tensor(moduleWeight(module), [out, input]),
    bias: context.optionalTensor(moduleBias(module), [out]),
  };
}

/** Weight and bias [width]; null when the file has no such module. */
export function optionalNorm(context: SpecContext, spellings: Spellings, width: Axis, at = ''): LinearRole | null {
  const module = presentModule(context, spellings, at);
  return module === null ? null : context.norm(module, width);
}

/** First matrix with the others as rows below it (q, k, v or gate, up). */
export function stacked(first: LinearRole, ...rest: readonly LinearRole[]): LinearRole {
  return { ...first, then: rest };
}

/** Finds the block number (group 1) in a name behind the place. */
export function blockPattern(names: VitNames): RegExp {
  const container = names.blockAt(0).replace(/0\.$/, '').replaceAll('.', '\\.');
  return new RegExp(`^${container}(\\d{1,9})\\.`);
}
