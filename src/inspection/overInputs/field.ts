// One quantity of a head over the inputs, whatever its kind: a number, an array of them, a word, a group of quantities,
// groups by kind (noise). Grows with the head, not with the inputs.

import type { IntervalTree } from '../../diagnostics/headResult';
import { Running, RunningArray, type Interval } from './running';

/** What was asked for or is the model's own: the same in every input, so that an interval would say nothing. */
const settings: ReadonlySet<string> = new Set(
  'index kvHead kind levels repeats draws of iterations lambda lambdas gramKeys weights'.split(' '),
);
/** Sentences of which the first few stand in the result; their wording may have an input's numbers in it. */
const sentences: ReadonlySet<string> = new Set(['reason', 'warning']);
const shownSentences = 3;
/** Different sentences that are counted; an input's numbers in the wording must not make memory grow. */
const countedSentences = 16;
/** Below it a p or q counts into the share that stands in its place. */
const level = 0.05;

export const tooFewInputs =
  'An interval over inputs needs two inputs that measured it, and a spread that a double can hold.';
const noMeanOfP = 'A mean of p-values is no p-value: pBelow05 and qBelow05 are the shares of inputs below 0.05.';
const beyondDouble = 'The mean over the inputs is beyond what a double can hold.';

type Group = Readonly<Record<string, unknown>>;

/** What a field has become; `ci`: the half width of its interval, absent where it has none. */
interface Outcome {
  readonly value: unknown;
  readonly ci?: IntervalTree;
}

/** Counts that stand beside the head's numbers. */
export interface Notes {
  readonly measured: Record<string, number | number[]>;
  readonly words: Record<string, Record<string, number>>;
}

const isGroup = (value: unknown): value is Group =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export class Field {
  private number: Running | null = null;
  private array: RunningArray | null = null;
  private group: Map<string, Field> | null = null;
  private kinds: Map<string, Field> | null = null;
  private readonly words = new Map<string, number>();
  private flag = false;
  private low = 0;
  private kept: unknown = null;

  /** `name`: of the quantity within its group. */
  constructor(private readonly name: string) {}

  add(value: unknown): void {
    if (value === null || value === undefined) return;
    if (settings.has(this.name)) {
      if (this.kept === null || (Array.isArray(this.kept) && this.kept.length === 0)) this.kept = value;
    } else if (typeof value === 'number') {
      (this.number ??= new Running()).add(value);
      if (value < level) this.low += 1;
    } else if (typeof value === 'string' || typeof value === 'boolean') {
      this.flag ||= typeof value === 'boolean';
      const word = String(value);
      if (this.words.has(word) || this.words.size < countedSentences)
        this.words.set(word, (this.words.get(word) ?? 0) + 1);
    } else if (Array.isArray(value)) this.addArray(value);
    else if (isGroup(value)) addGroup((this.group ??= new Map<string, Field>()), value);
  }

  private addArray(values: readonly unknown[]): void {
    if (!values.some(isGroup)) {
      (this.array ??= new RunningArray()).add(values as readonly (number | null)[]);
      return;
    }
    this.kinds ??= new Map();
    for (const [place, value] of values.entries()) {
      if (!isGroup(value)) continue;
      const kind = 'kind' in value ? String(value['kind']) : String(place);
      if (!this.kinds.has(kind)) this.kinds.set(kind, new Field(''));
      this.kinds.get(kind)!.add(value);
    }
  }

  /** `path`: dotted name within the head; `inputs`: how many were added to the head. */
  outcome(path: string, inputs: number, notes: Notes): Outcome {
    if (settings.has(this.name)) return { value: this.kept };
    if (this.number !== null) return numberOutcome(this.number.interval(), path, inputs, notes);
    if (this.array !== null) return arrayOutcome(this.array.intervals(), path, inputs, notes);
    if (this.kinds !== null) {
      const each = [...this.kinds].map(([kind, field]) => ({
        kind,
        ...field.outcome(`${path}.${kind}`, inputs, notes),
      }));
      return {
        value: each.map((one) => one.value),
        ci: each.map(({ kind, ci, value }) => ({
          ...(isGroup(value) && 'kind' in value ? { kind } : {}),
          ...(isGroup(ci) ? ci : {}),
        })),
      };
    }
    if (this.group !== null) return groupOutcome(this.group, path, inputs, notes);
    return { value: this.words.size === 0 ? null : this.wordOutcome(path, inputs, notes) };
  }

  /** Whether it was measured and its mean is no double. */
  get overflows(): boolean {
    const places = this.number === null ? (this.array?.intervals() ?? []) : [this.number.interval()];
    return places.some((place) => place.count > 0 && place.mean === null);
  }

  /** The share of inputs below 0.05, of a p or q; null: not measured. */
  share(): number | null {
    const count = this.number?.interval().count ?? 0;
    return count === 0 ? null : this.low / count;
  }

  /** A word is kept where every input says it, a flag where every input raises it; sentences say in how many. */
  private wordOutcome(path: string, inputs: number, notes: Notes): string | boolean | null {
    const counts = [...this.words];
    const [first, times] = counts[0]!;
    const unanimous = counts.length === 1 && times === inputs;
    if (sentences.has(this.name)) {
      if (unanimous) return first;
      const shown = counts.slice(0, shownSentences).map(([text, count]) => `In ${count} of ${inputs} inputs: ${text}`);
      return [...shown, ...(counts.length > shownSentences ? ['In others: see inputs.'] : [])].join(' ');
    }
    if (!unanimous) notes.words[path] = Object.fromEntries(counts);
    if (this.flag) return unanimous && first === 'true';
    return unanimous ? first : null;
  }
}

/** Adds one input's group; names that only some inputs have are fields like all others. */
export function addGroup(fields: Map<string, Field>, value: Group): void {
  for (const [name, item] of Object.entries(value)) {
    if (!fields.has(name)) fields.set(name, new Field(name));
    fields.get(name)!.add(item);
  }
}

function numberOutcome({ count, mean, half }: Interval, path: string, inputs: number, notes: Notes): Outcome {
  if (count < inputs) notes.measured[path] = count;
  return { value: mean, ci: half };
}

function arrayOutcome(places: readonly Interval[], path: string, inputs: number, notes: Notes): Outcome {
  const counts = places.map((place) => place.count);
  if (counts.some((count) => count < inputs)) notes.measured[path] = counts;
  return { value: places.map((place) => place.mean), ci: places.map((place) => place.half) };
}

const hasNull = (value: unknown): boolean => value === null || (Array.isArray(value) && value.includes(null));

/** The group with its intervals; `ci` in it was over an input's own draws and becomes the one over inputs. */
export function groupOutcome(fields: ReadonlyMap<string, Field>, path: string, inputs: number, notes: Notes): Outcome {
  const value: Record<string, unknown> = {};
  const ci: Record<string, IntervalTree> = {};
  const isTest = fields.has('p') && fields.has('z');
  const why = new Set<string>();
  for (const [name, field] of fields) {
    if (name === 'ci' || name === 'gainCi') continue;
    if (isTest && (name === 'p' || name === 'q')) {
      if (name === 'p') value['p'] = null;
      value[`${name}Below05`] = field.share();
      why.add(noMeanOfP);
      continue;
    }
    const at = path === '' ? name : `${path}.${name}`;
    const outcome = field.outcome(at, inputs, notes);
    value[name] = outcome.value;
    if (outcome.ci !== undefined) ci[name] = outcome.ci;
    const counted = notes.words[at];
    if (outcome.value === null && counted !== undefined) why.add(`Over the inputs: ${countsText(counted)}.`);
    if (field.overflows) why.add(beyondDouble);
  }
  // Of a cell of a sweep.
  if (fields.has('gainCi')) value['gainCi'] = ci['gain'] ?? null;
  if (fields.has('ci')) {
    const own = ownInterval(ci);
    value['ci'] = own;
    if (ci['mean'] !== undefined) {
      // The reason of a curve is why its own draws gave no interval.
      delete value['reason'];
      if (hasNull(own)) why.add(tooFewInputs);
    }
  }
  if (typeof value['reason'] === 'string') why.add(value['reason']);
  if (why.size > 0) value['reason'] = [...why].join(' ');
  if (Object.values(ci).some(hasNull)) ci['reason'] = tooFewInputs;
  return Object.keys(ci).length === 0 ? { value } : { value, ci };
}

/** Under `ci` of a noise curve the half widths of `mean`, of its AUC those of each. */
function ownInterval(ci: Readonly<Record<string, IntervalTree>>): IntervalTree {
  const { mean } = ci;
  if (mean !== undefined) return mean;
  return Object.values(ci).some(hasNull) ? { ...ci, reason: tooFewInputs } : { ...ci };
}

/** 'no evidence 3, not measurable 1', the most frequent first. */
export function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([word, count]) => `${word} ${count}`)
    .join(', ');
}
