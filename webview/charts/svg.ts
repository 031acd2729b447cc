// Small helpers for writing SVG as text: escaping, numbers, measured and shortened labels. No style attributes
// (a page's CSP forbids them), no ids (many figures share one document).

export const fontSize = { title: 13, label: 11, tick: 10.5 } as const;

/** For element text and attribute values; characters that XML forbids become U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** A coordinate with two decimals. Throws on NaN and infinities: a gap must be decided, never drawn by accident. */
export function coord(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`Cannot draw the coordinate ${String(value)}.`);
  return String(Math.round(value * 100) / 100);
}

type AttributeValue = string | number;

/** `<name a="b">content</name>`; attribute values are escaped, content is not. */
export function element(name: string, attributes: Readonly<Record<string, AttributeValue>>, content = ''): string {
  const text = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? coord(value) : escapeXml(value)}"`)
    .join('');
  return content === '' ? `<${name}${text}/>` : `<${name}${text}>${content}</${name}>`;
}

export interface TextLook {
  readonly fill: string;
  readonly size: number;
  readonly font: string;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly weight?: '600';
  /** Degrees around (x, y). */
  readonly rotate?: number;
}

export function textElement(x: number, y: number, text: string, look: TextLook): string {
  return element(
    'text',
    {
      x,
      y,
      fill: look.fill,
      'font-size': look.size,
      'font-family': look.font,
      ...(look.anchor === undefined ? {} : { 'text-anchor': look.anchor }),
      ...(look.weight === undefined ? {} : { 'font-weight': look.weight }),
      ...(look.rotate === undefined ? {} : { transform: `rotate(${look.rotate} ${coord(x)} ${coord(y)})` }),
    },
    escapeXml(text),
  );
}

/** Outer element of a figure: named for screen readers, keyboard and pointer belong to the page. */
export function svgRoot(width: number, height: number, label: string, content: string): string {
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${coord(width)} ${coord(height)}`,
      role: 'img',
      'aria-label': label,
    },
    content,
  );
}

/** Estimated width in pixels of text in a usual sans-serif face; errs on the wide side so that labels keep apart. */
export function textWidth(text: string, size: number, bold = false): number {
  let ems = 0;
  for (const character of text) {
    // Widths of DejaVu Sans, the widest of the usual faces.
    if (/[iljtfrI.,:;'|!()[\] ⁰¹²³⁴⁵⁶⁷⁸⁹⁻]/u.test(character)) ems += 0.4;
    else if (/[mwMW@%—]/u.test(character)) ems += 0.95;
    else if (/[A-Z±−=+<>≤~]/u.test(character)) ems += 0.76;
    else ems += 0.625;
  }
  return ems * size * (bold ? 1.06 : 1);
}

/** Cut with an ellipsis to fit. */
export function fitText(text: string, width: number, size: number, bold = false): string {
  if (textWidth(text, size, bold) <= width) return text;
  const characters = Array.from(text);
  while (characters.length > 1 && textWidth(`${characters.join('')}…`, size, bold) > width) characters.pop();
  return `${characters.join('').trimEnd()}…`;
}

/** Break at spaces into at most `maxLines` lines; the last one is cut to fit. */
export function wrapText(text: string, width: number, size: number, maxLines: number, bold = false): string[] {
  const lines: string[] = [];
  let line = '';
  const words = text.split(' ');
  for (const [index, word] of words.entries()) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line === '' || textWidth(longer, size, bold) <= width) {
      line = longer;
    } else if (lines.length === maxLines - 1) {
      line = [line, ...words.slice(index)].join(' ');
      break;
    } else {
      lines.push(line);
      line = word;
    }
  }
  lines.push(line);
  return lines.map((one) => fitText(one, width, size, bold));
}

/** `label [unit]`, or the label alone. */
export function axisTitle(axis: { readonly label: string; readonly unit: string }): string {
  return axis.unit === '' ? axis.label : `${axis.label} [${axis.unit}]`;
}
