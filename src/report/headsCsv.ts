// `heads.csv` of the contract: one row a head, dotted names of the scalars as in result.json. Columns are the union
// over all heads, so that a file of a run with RPC in one layer still has its columns.

import type { HeadResult } from '../diagnostics/headResult';
import type { InspectionResult } from '../inspection/inspectionResult';
import { csvText } from './csvCell';

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
  const scalars = new Map<string, Scalar>();
  scalarsOf(head, '', scalars);
  scalars.delete('index');
  return Object.fromEntries(scalars);
}

/** Text of `heads.csv`: `layer`, `head`, then every scalar; undefined numbers are empty. */
export function headsCsv(result: InspectionResult): string {
  const rows = result.layers.flatMap((layer) =>
    layer.heads.map((head) => {
      const scalars = new Map<string, Scalar>();
      const { index, ...rest } = head;
      scalarsOf(rest, '', scalars);
      return { layer: layer.index, head: index, scalars };
    }),
  );
  // A branch that is null in one head (`rpc`) and an object in others has columns only as the object.
  const seen = new Set(rows.flatMap((row) => [...row.scalars.keys()]));
  const columns = [...seen].filter((name) => ![...seen].some((other) => other.startsWith(`${name}.`)));
  return csvText([
    ['layer', 'head', ...columns],
    ...rows.map((row) => [row.layer, row.head, ...columns.map((name) => row.scalars.get(name) ?? null)]),
  ]);
}
