// The mapping while a person works on it: what is chosen, what was guessed, what fits. Knows no page, so that it can
// be tested with any file.

import type { Architecture, FactName } from '../../src/model/mapping/architecture';
import { checkMapping, matcher } from '../../src/model/mapping/checkMapping';
import type { MappingReport, RoleReport, Shapes } from '../../src/model/mapping/checkMapping';
import { findBlocks } from '../../src/model/mapping/guessBlocks';
import { guessMapping } from '../../src/model/mapping/guessMapping';
import type { MappingGuess } from '../../src/model/mapping/guessTypes';
import { mappingJson, parseMappingText } from '../../src/model/mapping/mappingFile';
import type { Mapping } from '../../src/model/mapping/mappingFile';
import { fits, roleRow } from '../../src/model/mapping/roleTable';

/** A row of the tensor list: one tensor, or one a block under its pattern. */
export interface TensorRow {
  readonly name: string;
  readonly shape: readonly number[];
  /** Tensors it stands for. */
  readonly count: number;
  readonly inBlocks: boolean;
}

/** Choices of one role; more are found by typing a name into the file itself. */
const maxChoices = 60;

export class Draft {
  readonly rows: readonly TensorRow[];
  readonly guess: MappingGuess;
  mapping: Mapping;
  overrides: Record<string, string> = {};
  report: MappingReport;

  constructor(private readonly shapes: Shapes) {
    this.rows = rowsOf(shapes);
    this.guess = guessMapping(shapes);
    this.mapping = this.guess.mapping;
    this.report = checkMapping(this.mapping, shapes);
  }

  /** Takes a mapping file's text over. @throws ModelSpecError with a sentence where it is wrong */
  load(text: string, name: string): void {
    const file = parseMappingText(text, name);
    this.overrides = { ...file.overrides };
    if (file.mapping !== null) this.update(file.mapping);
  }

  text(): string {
    return mappingJson(this.mapping, this.overrides);
  }

  reset(): void {
    this.update(this.guess.mapping);
  }

  /** `tensor` null: none. */
  setRole(role: string, tensor: string | null): void {
    const roles: Record<string, string> = {};
    for (const [name, value] of Object.entries(this.mapping.roles)) {
      if (value !== undefined && name !== role) roles[name] = value;
    }
    if (tensor !== null) roles[role] = tensor;
    this.update({ ...this.mapping, roles });
  }

  setFact(fact: FactName, value: Architecture[FactName]): void {
    const architecture = { ...this.mapping.architecture, [fact]: value };
    this.update({ ...this.mapping, architecture, said: new Set([...this.mapping.said, fact]) });
  }

  setOverride(option: string, text: string): void {
    this.overrides = Object.fromEntries(Object.entries(this.overrides).filter(([name]) => name !== option));
    if (text.trim() !== '') this.overrides[option] = text.trim();
  }

  ignoreLeft(): void {
    const left = new Set(this.report.left);
    const patterns = this.rows.filter(({ name }) => {
      const matches = matcher(name);
      return [...left].some((tensor) => matches(tensor));
    });
    this.update({ ...this.mapping, ignore: [...this.mapping.ignore, ...patterns.map(({ name }) => name)] });
  }

  /** Rows that could play a role: of the right place and shape, the chosen one first. */
  choices({ role }: RoleReport): readonly string[] {
    const row = roleRow(role)!;
    const dims = row.shapes(this.report.sizes, this.mapping.architecture);
    const chosen = this.mapping.roles[role];
    const fitting = this.rows
      .filter(
        ({ shape, inBlocks, name }) => name !== chosen && inBlocks === (row.place === 'block') && fits(shape, dims),
      )
      .map(({ name }) => name);
    return (chosen === undefined ? fitting : [chosen, ...fitting]).slice(0, maxChoices);
  }

  private update(mapping: Mapping): void {
    this.mapping = mapping;
    this.report = checkMapping(mapping, this.shapes);
  }
}

function rowsOf(shapes: Shapes): readonly TensorRow[] {
  const blocks = findBlocks(shapes);
  const patterns = (blocks?.tensors ?? []).map(({ pattern, shape }) => ({
    name: pattern,
    shape,
    count: blocks?.layers ?? 1,
    inBlocks: true,
  }));
  const matchers = patterns.map(({ name }) => matcher(name));
  const single = [...shapes]
    .filter(([name]) => !matchers.some((matches) => matches(name)))
    .map(([name, shape]) => ({ name, shape, count: 1, inBlocks: false }));
  return [...single, ...patterns];
}
