// `heads.csv` of the contract: one row a head, dotted names of the scalars as in result.json. Columns are the union
// over all heads, so that a file of a run with RPC in one layer still has its columns. Over several inputs each number
// is followed by the half width of its interval, each word by its counts.

import type { HeadResult } from '../diagnostics/headResult';
import type { InspectionResult } from '../inspection/inspectionResult';
import { csvText } from './csvCell';
import { halfWidth } from './overInputs';

type Scalar = number | string | boolean | null;

/** Scalars below an object, dotted; arrays are left to result.json, except lists of named objects (noise by kind). */
function scalarsOf(value: unknown, prefix: string, into: Map<string, Scalar>): void {
  if (value === undefined) return;
  if (value === null || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') {
    into.set(prefix, value);
    return;
  }
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) {
      if (typeof item === 'object' && item !== null && 'kind' in item && typeof item.kind === 'string') {
        const { kind, ...rest } = item;
        scalarsOf(rest, `${prefix}.${kind}`, into);
      }
    }
    return;
  }
  if (typeof value !== 'object') return;
  for (const [key, item] of Object.entries(value)) scalarsOf(item, prefix === '' ? key : `${prefix}.${key}`, into);
}

/** Every scalar of one head under its dotted name, as the columns of `heads.csv` are called. */
export function headScalars(head: HeadResult): Readonly<Record<string, Scalar>> {
  return Object.fromEntries(ownScalars(head));
}

function ownScalars(head: HeadResult): Map<string, Scalar> {
  const scalars = new Map<string, Scalar>();
  scalarsOf({ ...head, index: undefined, ci: undefined, over: undefined }, '', scalars);
  return scalars;
}

interface Row {
  readonly layer: number;
  readonly head: HeadResult;
  readonly scalars: ReadonlyMap<string, Scalar>;
}

/** What stands in the columns of a name: the value, over several inputs with its interval or its counts. */
function columnsOf(name: string, rows: readonly Row[]): [string, (row: Row) => Scalar][] {
  const value: [string, (row: Row) => Scalar] = [name, ({ scalars }) => scalars.get(name) ?? null];
  if (rows.some(({ head }) => halfWidth(head, name) !== null))
    return [value, [`${name}.ci`, ({ head }) => halfWidth(head, name)]];
  const counts = ({ head }: Row): Scalar => {
    const words = head.over?.words[name];
    return words === undefined
      ? null
      : Object.entries(words)
          .map(([word, count]) => `${word}: ${count}`)
          .join('; ');
  };
  return rows.some((row) => counts(row) !== null) ? [value, [`${name}.counts`, counts]] : [value];
}

/** Text of `heads.csv`: `layer`, `head`, then every scalar; undefined numbers are empty. */
export function headsCsv(result: InspectionResult): string {
  const rows = result.layers.flatMap((layer) =>
    layer.heads.map((head): Row => ({ layer: layer.index, head, scalars: ownScalars(head) })),
  );
  // A branch that is null in one head (`rpc`) and an object in others has columns only as the object.
  const seen = new Set(rows.flatMap((row) => [...row.scalars.keys()]));
  const columns = [...seen]
    .filter((name) => ![...seen].some((other) => other.startsWith(`${name}.`)))
    .flatMap((name) => columnsOf(name, rows));
  const counted = rows.some(({ head }) => head.over !== undefined);
  return csvText([
    ['layer', 'head', ...(counted ? ['inputs'] : []), ...columns.map(([name]) => name)],
    ...rows.map((row) => [
      row.layer,
      row.head.index,
      ...(counted ? [row.head.over?.inputs ?? null] : []),
      ...columns.map(([, cell]) => cell(row)),
    ]),
  ]);
}
