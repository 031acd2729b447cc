import type { Figure } from '../../src/report/figures/figure';
import type { ChartTheme, Size } from './theme';

/** A datum of a figure: what the pointer is nearest to, or where the keyboard stands. */
export type Cursor =
  | { readonly kind: 'lines'; readonly series: number; readonly index: number }
  | { readonly kind: 'heatmap'; readonly row: number; readonly column: number };

export interface Hit {
  readonly cursor: Cursor;
  /** Tooltip text, same as `describeCursor`; lines separated by \n. */
  readonly text: string;
  /** Anchor of the tooltip in the figure's pixels. */
  readonly x: number;
  readonly y: number;
}

/** Nearest datum to a pointer at (px, py) in the figure's pixels; null outside the plot. */
export function hitTest(figure: Figure, size: Size, px: number, py: number): Hit | null {
  void [figure, size, px, py];
  return null;
}

/**
 * Where the keyboard cursor goes. Keys as in KeyboardEvent.key: arrows, Home, End, PageUp/PageDown (previous/next
 * series or first/last row), Escape. From null any of them starts at the first datum; Escape gives null.
 * `undefined`: not a key of ours, leave the event alone.
 */
export function moveCursor(figure: Figure, cursor: Cursor | null, key: string): Cursor | null | undefined {
  void [figure, key];
  return cursor;
}

/** The words for the live region and the tooltip. */
export function describeCursor(figure: Figure, cursor: Cursor): string {
  void cursor;
  return figure.title;
}

/** Where the datum lies in the figure's pixels (centre of the point or cell). */
export function cursorPosition(figure: Figure, size: Size, cursor: Cursor): { readonly x: number; readonly y: number } {
  void [figure, cursor];
  return { x: size.width / 2, y: size.height / 2 };
}

/** An `<svg>` of the figure's size with only the mark of the cursor; lay it over the figure. */
export function cursorMark(figure: Figure, size: Size, cursor: Cursor, theme: ChartTheme): string {
  void [figure, cursor, theme];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}"></svg>`;
}
