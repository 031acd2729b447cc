// What the family files work with while a spec is being inferred: the tensors of one state, the settings beside
// them, the person's overrides, and the growing lists of facts and notes.

import type { TensorEntry, TensorIndex } from '../checkpoint/tensorIndex';
import { ModelSpecError, type LinearRole, type SpecFact } from './modelSpec';
import type { ParsedOverrides } from './overrides';
import type { Settings } from './settings';

/** An expected axis: its length and, for messages, what it stands for. */
export interface Axis {
  readonly name: string;
  readonly length: number;
}

export class SpecContext {
  readonly facts: SpecFact[];
  /** Names (without prefix) that got a role. */
  readonly used = new Set<string>();

  constructor(
    readonly index: TensorIndex,
    readonly prefix: string,
    readonly settings: Settings,
    readonly overrides: ParsedOverrides,
    facts: SpecFact[],
    readonly notes: string[],
    /** What the tensors are expected to be, for messages. */
    readonly layout = "a vision transformer in timm's layout",
  ) {
    this.facts = facts;
  }

  get fileName(): string {
    return this.index.fileName;
  }

  fact(fact: string, value: string | number | boolean, source: string): void {
    this.facts.push({ fact, value: String(value), source });
  }

  has(name: string): boolean {
    return this.index.entries.has(this.prefix + name);
  }

  /** Names of this state, without its prefix. */
  *names(): Generator<string> {
    for (const name of this.index.entries.keys()) {
      if (name.startsWith(this.prefix)) yield name.slice(this.prefix.length);
    }
  }

  /** The tensor, marked as used; throws 'missingTensor'. `name` is without prefix. */
  need(name: string): TensorEntry {
    const entry = this.index.entries.get(this.prefix + name);
    if (entry === undefined) {
      throw new ModelSpecError(
        'missingTensor',
        `${this.fileName} has no tensor "${this.prefix}${name}", which ${this.layout} needs. ` +
          'Check that the file holds the whole model, not a part of it.',
      );
    }
    this.used.add(name);
    return entry;
  }

  /** The shape without leading axes of length 1 (down to one axis). */
  shapeOf(name: string): readonly number[] {
    return squeezeFront(this.need(name).shape);
  }

  /** Checks a tensor's shape (leading 1s aside) and returns its full name. */
  tensor(name: string, axes: readonly Axis[]): string {
    const entry = this.need(name);
    const expected = squeezeFront(axes.map((axis) => axis.length));
    const actual = squeezeFront(entry.shape);
    if (actual.length !== expected.length || actual.some((length, i) => length !== expected[i])) {
      throw this.mismatch(
        name,
        `expected [${axes.map((axis) => axis.length).join(', ')}] (${axes.map((axis) => axis.name).join(' x ')})`,
      );
    }
    if (entry.problem !== undefined) this.notes.push(`Tensor "${entry.name}" cannot be read: ${entry.problem}`);
    return entry.name;
  }

  optionalTensor(name: string, axes: readonly Axis[]): string | null {
    return this.has(name) ? this.tensor(name, axes) : null;
  }

  /** `name`.weight [out, in] and `name`.bias [out]; a missing bias is null. */
  linear(name: string, out: Axis, input: Axis): LinearRole {
    return { weight: this.tensor(`${name}.weight`, [out, input]), bias: this.optionalTensor(`${name}.bias`, [out]) };
  }

  /** `name`.weight and `name`.bias, both [width]. */
  norm(name: string, width: Axis): LinearRole {
    return { weight: this.tensor(`${name}.weight`, [width]), bias: this.optionalTensor(`${name}.bias`, [width]) };
  }

  mismatch(name: string, expectation: string): ModelSpecError {
    const entry = this.need(name);
    return new ModelSpecError(
      'shapeMismatch',
      `${this.fileName}: tensor "${entry.name}" has shape [${entry.shape.join(', ')}], ${expectation}. ` +
        'Check that the file holds one whole model.',
    );
  }
}

function squeezeFront(shape: readonly number[]): readonly number[] {
  let from = 0;
  while (from < shape.length - 1 && shape[from] === 1) from++;
  return shape.slice(from);
}
