// Finds a key that stands twice in one object of a JSON text. JSON.parse silently keeps the last one, which lets a
// crafted header show one tensor here and another in a different reader.

/** The header has an object, in it a tensor, in it a list: 3. One more is allowed for `__metadata__` oddities. */
const maxDepth = 4;

interface KeyScan {
  readonly duplicate: string | null;
  readonly tooDeep: boolean;
}

/**
 * What `JSON.parse(text)` hides: a key that stands twice in one object, or nesting that no header has (then nothing is
 * parsed). Keys are counted in the text and in what it parses to; names are compared only where the counts differ, since
 * a header has half a million of them. Broken JSON throws as JSON.parse does.
 */
export function parseJsonKeys(text: string): KeyScan & { readonly value: unknown } {
  const { keys, tooDeep } = countKeys(text);
  if (tooDeep) return { duplicate: null, tooDeep, value: undefined };
  const value: unknown = JSON.parse(text);
  return { duplicate: keys === parsedKeys(value) ? null : duplicateJsonKey(text).duplicate, tooDeep, value };
}

/** Strings before a colon, in one pass without a copy. */
function countKeys(text: string): { readonly keys: number; readonly tooDeep: boolean } {
  let keys = 0;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) {
      i = stringEnd(text, i + 1);
      if (isKey(text, i + 1)) keys += 1;
    } else if (c === 0x7b || c === 0x5b) {
      if (depth === maxDepth) return { keys, tooDeep: true };
      depth += 1;
    } else if (c === 0x7d || c === 0x5d) depth -= 1;
  }
  return { keys, tooDeep: false };
}

/** Keys of an object and of the objects in it; lists are not looked into, so that one more is never counted. */
function parsedKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 0;
  let keys = 0;
  for (const key in value) keys += 1 + parsedKeys((value as Record<string, unknown>)[key]);
  return keys;
}

/** Scans a JSON text once. Broken JSON may give any answer; the caller parses it as well. */
function duplicateJsonKey(text: string): KeyScan {
  const open: (Set<string> | null)[] = [];
  let duplicate: string | null = null;
  let i = 0;
  while (i < text.length) {
    const c = text.charCodeAt(i);
    if (c === 0x7b || c === 0x5b) {
      if (open.length === maxDepth) return { duplicate, tooDeep: true };
      open.push(c === 0x7b ? new Set() : null);
    } else if (c === 0x7d || c === 0x5d) {
      open.pop();
    } else if (c === 0x22) {
      const end = stringEnd(text, i + 1);
      const keys = open.at(-1);
      if (keys && isKey(text, end + 1)) {
        const key = unescapeKey(text.slice(i, end + 1));
        if (keys.has(key)) duplicate ??= key;
        keys.add(key);
      }
      i = end;
    }
    i++;
  }
  return { duplicate, tooDeep: false };
}

/** Index of the quote that closes the string whose first character is at `from`. */
function stringEnd(text: string, from: number): number {
  let end = text.indexOf('"', from);
  // An odd number of backslashes before it: the quote is part of the string.
  while (end > 0 && isEscaped(text, end, from)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

function isEscaped(text: string, at: number, from: number): boolean {
  let backslashes = 0;
  while (at - 1 - backslashes >= from && text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes += 1;
  return backslashes % 2 === 1;
}

function isKey(text: string, from: number): boolean {
  let i = from;
  while (i < text.length && text.charCodeAt(i) <= 0x20) i++;
  return text.charCodeAt(i) === 0x3a;
}

function unescapeKey(raw: string): string {
  if (!raw.includes('\\')) return raw.slice(1, -1);
  try {
    return String(JSON.parse(raw));
  } catch {
    // Broken escape: JSON.parse of the whole header will report it.
    return raw;
  }
}
