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
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    entries.sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0));
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

/** Text of `result.json`, ending in a newline. Throws on NaN and infinities: they must be null with a reason. */
export function resultJson(result: InspectionResult): string {
  return sortedJson(result, 'result');
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
