// Names with a layer index in them: "layers.{i}.attn.q.weight", "layers.{2i+1}.ff.weight" where attention and MLP
// take turns in one list, "layer{i+1}" where counting starts at 1.

/** `{i}`, `{2i}`, `{i+1}`, `{2i+1}`; groups: factor, offset. */
const index = /\{([1-9]\d{0,3})?i(?:\+(\d{1,6}))?\}/;
const indexes = new RegExp(index, 'g');

export function isPattern(name: string): boolean {
  return index.test(name);
}

/** The tensor name of block `layer`. */
export function expand(pattern: string, layer: number): string {
  return pattern.replace(indexes, (_, factor: string | undefined, offset: string | undefined) =>
    String(Number(factor ?? '1') * layer + Number(offset ?? '0')),
  );
}

/** The pattern's text around its first index, and how it counts; null for a plain name. */
export function parsePattern(
  pattern: string,
): { readonly before: string; readonly after: string; readonly factor: number; readonly offset: number } | null {
  const match = index.exec(pattern);
  if (match === null) return null;
  return {
    before: pattern.slice(0, match.index),
    after: pattern.slice(match.index + match[0].length),
    factor: Number(match[1] ?? '1'),
    offset: Number(match[2] ?? '0'),
  };
}

/** `{i}`, `{2i+1}`. */
export function indexText(factor: number, offset: number): string {
  return `{${factor === 1 ? '' : factor}i${offset === 0 ? '' : `+${offset}`}}`;
}
