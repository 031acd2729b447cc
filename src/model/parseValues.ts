// Turning loose values (command-line strings, JSON, pickled arguments) into numbers and flags. Pure functions;
// null means "this does not say it", and the caller decides whether that is an error.

const integerText = /^[+-]?\d{1,15}$/;
const numberText = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/;

/** A whole number, also from '4', '4.0' being refused; null otherwise. */
export function asInteger(value: unknown): number | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : null;
  if (typeof value === 'bigint') return asInteger(Number(value));
  if (typeof value === 'string' && integerText.test(value.trim())) return Number(value.trim());
  return null;
}

/** A finite number; null otherwise. */
export function asNumber(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string' && numberText.test(value.trim())) return Number(value.trim());
  return null;
}

/** true/false, also as Python and the command line spell them; null otherwise. */
export function asBoolean(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  if (value === 1 || value === 0) return value === 1;
  if (typeof value !== 'string') return null;
  const text = value.trim().toLowerCase();
  if (['true', 'yes', 'on', '1'].includes(text)) return true;
  if (['false', 'no', 'off', '0'].includes(text)) return false;
  return null;
}

export function asText(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

/** One or several numbers: 0.5, [0.485, 0.456, 0.406], '0.485/0.456/0.406', '[0.1, 0.2]'. */
export function asNumbers(value: unknown): number[] | null {
  const parts = Array.isArray(value) ? (value as unknown[]) : typeof value === 'string' ? splitList(value) : [value];
  const numbers = parts.map(asNumber);
  return numbers.length > 0 && numbers.every((n): n is number => n !== null) ? numbers : null;
}

/** Height and width: 28, '28x20', [28, 20], or [channels, height, width] as timm writes `input_size`. */
export function asSize(value: unknown): { height: number; width: number } | null {
  const list = Array.isArray(value)
    ? (value as unknown[])
    : typeof value === 'string'
      ? splitList(value.replace(/x/gi, '/'))
      : [value];
  const numbers = list.map(asInteger);
  if (!numbers.every((n): n is number => n !== null && n > 0)) return null;
  if (numbers.length === 1) return { height: numbers[0]!, width: numbers[0]! };
  if (numbers.length === 2) return { height: numbers[0]!, width: numbers[1]! };
  if (numbers.length === 3) return { height: numbers[1]!, width: numbers[2]! };
  return null;
}

/** 'all', 'none', -1 (all, as the released code has it), '0', '0/2', '0-2'. Sorted, each once. */
export function asLayers(value: unknown): 'all' | 'none' | number[] | null {
  const single = asInteger(value);
  if (single !== null) return single < 0 ? 'all' : [single];
  if (Array.isArray(value)) {
    const list = (value as unknown[]).map(asInteger);
    return list.every((n): n is number => n !== null && n >= 0) ? sortedUnique(list) : null;
  }
  if (typeof value !== 'string') return null;
  const text = value.trim().toLowerCase();
  if (text === 'all' || text === 'none') return text;
  const layers: number[] = [];
  for (const part of splitList(text)) {
    const range = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part);
    if (range === null) return null;
    const first = Number(range[1]);
    const last = range[2] === undefined ? first : Number(range[2]);
    if (last < first) return null;
    for (let layer = first; layer <= last; layer++) layers.push(layer);
  }
  return layers.length > 0 ? sortedUnique(layers) : null;
}

/** `value` when it is a plain map, null for arrays, null and everything else. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function splitList(text: string): string[] {
  return text
    .trim()
    .replace(/^[[(]|[\])]$/g, '')
    .split(/[\s,;:/+]+/)
    .filter((part) => part !== '');
}

function sortedUnique(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
