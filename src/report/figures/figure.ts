// The view models of every picture, as plain data. Panels and report draw the same figures with the same draw
// functions (webview/charts), so that they cannot disagree.

export interface Axis {
  readonly label: string;
  /** '' where the quantity has no dimension. */
  readonly unit: string;
  readonly scale: 'linear' | 'log10';
  /** Fixed ends; absent: from the data. */
  readonly domain?: readonly [number, number];
  /** Ticks on whole numbers only (indexes, iterations). */
  readonly integer?: boolean;
}

/** Colour role of a series; the theme decides the colour, so softmax looks the same everywhere. */
export type SeriesRole = 'softmax' | 'rpc' | 'difference' | 'data' | 'data2' | 'chance' | 'reference';

export interface Series {
  readonly name: string;
  readonly role: SeriesRole;
  readonly x: readonly number[];
  /** null: a gap. */
  readonly y: readonly (number | null)[];
  /** Confidence or chance band around the series. */
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
  readonly draw: 'line' | 'points' | 'line+points' | 'band' | 'bars';
}

interface FigureBase {
  /** Stable within a page: 'spectrum', 'noise-key_gauss'. */
  readonly id: string;
  readonly title: string;
  /** One sentence: what it shows. */
  readonly shows: string;
  /** One sentence: what it does not prove. */
  readonly caution: string;
  /** Formula in plain text with its source, shown on demand. */
  readonly formula: string;
}

export interface LineFigure extends FigureBase {
  readonly kind: 'lines';
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** Horizontal reference lines with their names, e.g. chance level. */
  readonly levels: readonly { readonly y: number; readonly name: string; readonly role: SeriesRole }[];
  /** Vertical reference lines with their names, e.g. the numerical rank. */
  readonly marks?: readonly { readonly x: number; readonly name: string; readonly role: SeriesRole }[];
}

/** A cell that is something besides its number. */
export interface CellSign {
  readonly row: number;
  readonly column: number;
  readonly shape: 'ring' | 'cross' | 'dot';
}

/** The cells of a heatmap in blocks of `side` x `side`: of each the cell furthest from 0 (diverging) or the largest. */
export interface CoarserCells {
  /** A power of 2. */
  readonly side: number;
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns]; NaN where no cell of the block has a number. */
  readonly values: Float32Array;
}

export interface HeatmapFigure extends FigureBase {
  readonly kind: 'heatmap';
  readonly rows: number;
  readonly columns: number;
  /** Word for a cell without a number that has no business having one; absent: 'not measured', marked by a cross. */
  readonly blank?: string;
  /** [rows, columns] row-major; NaN = not measured (drawn hatched/neutral). */
  readonly values: Float32Array | Float64Array;
  /** Ever coarser, for pages that show millions of cells at once; absent: there are not so many. */
  readonly coarser?: readonly CoarserCells[];
  readonly rowAxis: Axis;
  readonly columnAxis: Axis;
  /** Tick labels where plain indexes do not do. */
  readonly rowLabels?: readonly string[];
  readonly columnLabels?: readonly string[];
  readonly value: { readonly label: string; readonly unit: string; readonly scale: 'linear' | 'log10' };
  /** 'diverging' only where zero means something. */
  readonly palette: 'sequential' | 'diverging';
  readonly domain: readonly [number, number];
  /** Signs on cells, with what each means below the plot's words: 'ring' around it, 'cross' and 'dot' in its corners. */
  readonly signs?: readonly CellSign[];
  /** Cells that recede, [rows * columns], because a reader looks for others; absent: none. */
  readonly dimmed?: readonly boolean[];
  /** Words for the tooltip of a cell [rows * columns] in place of its number (with chance level, verdict); '' where it has none. */
  readonly cellNote?: (cell: number) => string;
}

export type Figure = LineFigure | HeatmapFigure;
