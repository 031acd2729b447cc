// `result.json` of the contract: keys in the order the engine builds them would depend on code paths, so objects are
// written with sorted keys (`schema` first); two equal results are equal bytes.

import type { InspectionResult } from '../inspection/inspectionResult';

function write(value: unknown, path: string, indent: string): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value))
      throw new TypeError(
        `The result holds ${String(value)} at ${path}; undefined numbers are null with a reason. This is a fault of Gramlens, please report it.`,
      );
    return JSON.stringify(value);
  }
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const items = (value as readonly unknown[]).map((item, index) => write(item, `${path}[${index}]`, deeper));
    const flat = items.every((item) => !item.includes('\n') && !item.startsWith('{'));
    return flat ? `[${items.join(', ')}]` : `[\n${items.map((item) => deeper + item).join(',\n')}\n${indent}]`;
  }
  if (typeof value === 'object') {
    const entries = sortedEntries(value);
    if (entries.length === 0) return '{}';
    const lines = entries.map(
      ([key, item]) => `${deeper}${JSON.stringify(key)}: ${write(item, `${path}.${key}`, deeper)}`,
    );
    return `{\n${lines.join(',\n')}\n${indent}}`;
  }
  throw new TypeError(
    `The result holds a ${typeof value} at ${path}, which JSON cannot say. This is a fault of Gramlens, please report it.`,
  );
}

function sortedEntries(value: object): [string, unknown][] {
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return entries.sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0));
}

/** Names that a reader looks for first; the rest is alphabetical. */
const firstKeys = ['schema', 'provenance', 'model', 'index', 'kvHead', 'kind', 'layers', 'heads'];

function rank(key: string): number {
  const at = firstKeys.indexOf(key);
  return at === -1 ? firstKeys.length : at;
}

/** Any contract's file: sorted keys, a newline at the end. `name` stands for the whole in messages. Throws as `resultJson`. */
export function sortedJson(value: object, name: string): string {
  return `${write(value, name, '')}\n`;
}

/**
 * Text of `result.json` in pieces, ending in a newline: of the layers one at a time. Throws on NaN and infinities: they must
 * be null with a reason.
 */
export function* resultJsonPieces(result: InspectionResult): Generator<string> {
  let before = '{\n';
  for (const [key, item] of sortedEntries(result)) {
    yield `${before}  ${JSON.stringify(key)}: `;
    before = ',\n';
    if (key !== 'layers' || result.layers.length === 0) yield write(item, `result.${key}`, '  ');
    else yield* layerPieces(result);
  }
  yield '\n}\n';
}

function* layerPieces({ layers }: InspectionResult): Generator<string> {
  let before = '[\n';
  for (const [index, layer] of layers.entries()) {
    yield `${before}    ${write(layer, `result.layers[${index}]`, '    ')}`;
    before = ',\n';
  }
  yield '\n  ]';
}

/** The same at once. */
export function resultJson(result: InspectionResult): string {
  return [...resultJsonPieces(result)].join('');
}

/**
 * The same of a result over several inputs with `inputs` in it, piece by piece: `texts` are the `result.json` of each,
 * and one of them at a time is in memory.
 */
export async function* resultJsonOver(mean: InspectionResult, texts: AsyncIterable<string>): AsyncGenerator<string> {
  const own = resultJson(mean);
  const at = own.lastIndexOf('\n  "output": ') + 1;
  yield `${own.slice(0, at)}  "inputs": [\n`;
  let before = '';
  for await (const text of texts) {
    yield `${before}${text.trimEnd().replace(/^/gm, '    ')}`;
    before = ',\n';
  }
  yield `\n  ],\n${own.slice(at)}`;
}
