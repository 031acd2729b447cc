// What a guess is: a value, one sentence on why, and how sure it is.

import * as l10n from '@vscode/l10n';
import type { Architecture, FactName } from './architecture';
import type { Mapping } from './mappingFile';

/** 'sure': name and shape agree; 'likely': one of them says it; 'weak': only the order, or a habit. */
export type Sureness = 'sure' | 'likely' | 'weak';

export interface RoleGuess {
  readonly tensor: string;
  readonly reason: string;
  readonly sureness: Sureness;
}

export interface FactGuess {
  readonly value: Architecture[FactName];
  readonly reason: string;
  readonly sureness: Sureness;
}

export interface MappingGuess {
  readonly mapping: Mapping;
  readonly roles: Readonly<Partial<Record<string, RoleGuess>>>;
  readonly facts: Readonly<Partial<Record<FactName, FactGuess>>>;
  /** Sentences: other networks in the file, tensors that could not be placed. */
  readonly notes: readonly string[];
}

/** A tensor that may get a role: its name or pattern, its words and its shape. */
export interface Candidate {
  readonly name: string;
  readonly words: string;
  readonly shape: readonly number[];
}

/** Roles while they are being guessed: each tensor once, biases beside their weights. */
export class Assigned {
  readonly roles: Partial<Record<string, RoleGuess>> = {};
  private readonly used = new Set<string>();

  isFree({ name }: Candidate): boolean {
    return !this.used.has(name);
  }

  has(role: string): boolean {
    return this.roles[role] !== undefined;
  }

  set(role: string, { name }: Candidate, reason: string, sureness: Sureness): void {
    this.roles[role] = { tensor: name, reason, sureness };
    this.used.add(name);
  }

  /** A weight and, where one of `beside` is there with `length` entries, its bias. */
  module(module: string, weight: Candidate, bias: Candidate | null, reason: string, sureness: Sureness): void {
    this.set(`${module}.weight`, weight, reason, sureness);
    if (bias !== null)
      this.set(`${module}.bias`, bias, l10n.t('It stands beside the weight and is as long as its rows.'), sureness);
  }
}

/** Shape without leading axes of length 1. */
export function plainShape(shape: readonly number[]): readonly number[] {
  let from = 0;
  while (from < shape.length - 1 && shape[from] === 1) from += 1;
  return shape.slice(from);
}

export const shapeText = (shape: readonly number[]): string => `[${shape.join(', ')}]`;
