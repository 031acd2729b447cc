// Which tensors are shown, and in which order: search and sorting over the columns, apart from the page so that it
// can be tested with any number of rows.

import * as l10n from '@vscode/l10n';
import type { TensorColumns, TextColumn } from '../../src/inspection/checkpointSummary';

export type SortKey = 'name' | 'dtype' | 'shape' | 'bytes' | 'problem';

/** null: the order of the file. */
export interface Sort {
  readonly key: SortKey;
  readonly descending: boolean;
}

/** What row `row` reads in a column of shared texts. */
export function textAt({ table, rows }: TextColumn, row: number): string {
  return table[rows[row] ?? -1] ?? '';
}

/** Characters that break a line or turn its direction: a name with them could look like another. */
const deceiving = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A tensor's name as it is shown: `encoder.0.query.weight (onnx::MatMul_123)` where the file has only a number. */
export function shownName(columns: TensorColumns, row: number): string {
  const name = meantName(columns, row);
  return name === '' ? l10n.t('(empty name)') : name.replace(deceiving, '\ufffd');
}

function meantName({ names, recovered }: TensorColumns, row: number): string {
  const name = names[row] ?? '';
  const meant = recovered === null ? '' : textAt(recovered, row);
  return meant === '' ? name : `${meant} (${name})`;
}

/** Rows that a step of `prepare` makes ready: a millisecond or two. */
const preparedRows = 2000;

export class TensorOrder {
  private readonly problems: ReadonlyMap<number, string>;
  /** What a row is searched in, of as many rows as it is made for. */
  private readonly searched: string[] = [];
  private readonly ranks = new Map<SortKey, Float64Array>();

  constructor(private readonly columns: TensorColumns) {
    this.problems = new Map(columns.problems);
  }

  /** Makes ready for searching, some rows a step. A search that comes before the end makes the rest itself. */
  *prepare(): Generator<undefined> {
    while (this.searched.length < this.columns.names.length) {
      this.makeSearched(this.searched.length + preparedRows);
      yield;
    }
  }

  private makeSearched(count: number): void {
    const { columns, searched } = this;
    const { dtypes, dtypeNames, shapes } = columns;
    for (let row = searched.length; row < Math.min(count, columns.names.length); row++)
      searched.push(
        [
          meantName(columns, row),
          textAt(dtypes, row),
          textAt(dtypeNames, row),
          textAt(shapes, row),
          this.problems.get(row) ?? '',
        ]
          .join(' ')
          .toLowerCase(),
      );
  }

  /** Rows that hold every word of `query` (name, dtype, shape or problem; upper and lower case alike), sorted. */
  rows(query: string, sort: Sort | null): Uint32Array {
    const words = query
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    const rows = words.length === 0 ? Uint32Array.from(this.columns.names.keys()) : this.found(words);
    if (sort === null) return rows;
    const rank = this.rank(sort.key);
    const direction = sort.descending ? -1 : 1;
    // Equal values stay in the order of the file, whichever way.
    return rows.sort((a, b) => direction * (rank[a]! - rank[b]!) || a - b);
  }

  private found(words: readonly string[]): Uint32Array {
    this.makeSearched(this.columns.names.length);
    const found: number[] = [];
    this.searched.forEach((text, row) => {
      if (words.every((word) => text.includes(word))) found.push(row);
    });
    return Uint32Array.from(found);
  }

  /** A number a row that orders like its cell; computed once. */
  private rank(key: SortKey): Float64Array {
    const known = this.ranks.get(key);
    if (known !== undefined) return known;
    const { columns } = this;
    let rank: Float64Array;
    if (key === 'bytes') rank = columns.byteLengths;
    else if (key === 'shape') rank = columns.counts.map((count) => (Number.isNaN(count) ? Infinity : count));
    else if (key === 'problem') rank = Float64Array.from(columns.names, (_, row) => (this.problems.has(row) ? 0 : 1));
    else if (key === 'name') rank = textRank(columns.names.map((_, row) => meantName(columns, row)));
    else {
      const ranks = textRank(columns.dtypes.table);
      rank = Float64Array.from(columns.dtypes.rows, (at) => ranks[at]!);
    }
    this.ranks.set(key, rank);
    return rank;
  }
}

/** Place of each text in the order a person expects: blocks.2 before blocks.10. */
function textRank(texts: readonly string[]): Float64Array {
  const collator = new Intl.Collator('en', { numeric: true });
  const order = Uint32Array.from(texts, (_, i) => i).sort((a, b) => collator.compare(texts[a]!, texts[b]!) || a - b);
  const rank = new Float64Array(texts.length);
  order.forEach((text, place) => {
    rank[text] = place;
  });
  return rank;
}

/** Browsers stop at about 33 million CSS pixels; past this the scroll bar counts in larger steps. */
export const maxScrollHeight = 15_000_000;

/** Where `count` rows of `rowHeight` pixels lie in a scrolled area that shows `viewport` pixels of them. */
export interface RowWindow {
  /** Height of the scrolled content. */
  readonly height: number;
  /** First row to draw and how many. */
  readonly first: number;
  readonly rows: number;
  /** Where the first drawn row lies in the content. */
  readonly top: number;
}

export function rowWindow(count: number, rowHeight: number, viewport: number, scrollTop: number): RowWindow {
  const whole = count * rowHeight;
  const height = Math.min(whole, maxScrollHeight);
  const travel = Math.max(0, height - viewport);
  const at = Math.max(0, Math.min(scrollTop, travel));
  // The row at the top of the viewport, as if all rows had their height.
  const offset = travel === 0 ? 0 : (at / travel) * (whole - viewport);
  const first = Math.floor(offset / rowHeight);
  const rows = Math.min(count - first, Math.ceil(viewport / rowHeight) + 1);
  return { height, first, rows, top: at - (offset - first * rowHeight) };
}

/** The scroll position that brings `row` into view; `scrollTop` itself when it is there already. */
export function scrollTo(row: number, count: number, rowHeight: number, viewport: number, scrollTop: number): number {
  const whole = count * rowHeight;
  const height = Math.min(whole, maxScrollHeight);
  const travel = Math.max(0, height - viewport);
  if (travel === 0) return 0;
  const scale = (whole - viewport) / travel;
  const offset = Math.min(scrollTop, travel) * scale;
  const top = row * rowHeight;
  if (top >= offset && top + rowHeight <= offset + viewport) return scrollTop;
  return (top < offset ? top : top + rowHeight - viewport) / scale;
}
