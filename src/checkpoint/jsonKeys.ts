// Finds a key that stands twice in one object of a JSON text. JSON.parse silently keeps the last one, which lets a
// crafted header show one tensor here and another in a different reader.

/** The header has an object, in it a tensor, in it a list: 3. One more is allowed for `__metadata__` oddities. */
const maxDepth = 4;

export interface KeyScan {
  readonly duplicate: string | null;
  readonly tooDeep: boolean;
}

/** Scans a JSON text once. Broken JSON may give any answer; the caller parses it as well. */
export function duplicateJsonKey(text: string): KeyScan {
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
  let i = from;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x5c) i++;
    else if (c === 0x22) return i;
  }
  return text.length;
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
