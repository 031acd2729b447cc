// Which columns of a projection belong to which head, found by values: a head's q, k or v are columns of x W + b in
// some order, and every export has another way of cutting them. What is not found this way is no plain projection.

/** Relative to the largest value of the projection: what scaling and its undoing round away in float32. */
const columnTolerance = 1e-5;

/**
 * For every head the column of `rows` [N, M] that holds each of its d entries. `heads` is [H, N, d]. null where an
 * entry is found in no column (a norm, a rotation or a bias lies between).
 */
export function headColumns(
  heads: Float64Array,
  rows: Float64Array,
  tokens: number,
  headDim: number,
): readonly Int32Array[] | null {
  const width = rows.length / tokens;
  const largest = rows.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const near = columnTolerance * largest;
  // Columns by their first entry, so that each search looks at a few only.
  const order = Int32Array.from({ length: width }, (_, m) => m).sort((a, b) => rows[a]! - rows[b]!);
  const count = heads.length / (tokens * headDim);
  const found: Int32Array[] = [];
  for (let h = 0; h < count; h += 1) {
    const columns = new Int32Array(headDim);
    for (let j = 0; j < headDim; j += 1) {
      const entry = (i: number): number => heads[(h * tokens + i) * headDim + j]!;
      const column = matching(order, rows, width, tokens, near, entry);
      if (column === null) return null;
      columns[j] = column;
    }
    found.push(columns);
  }
  return found;
}

function matching(
  order: Int32Array,
  rows: Float64Array,
  width: number,
  tokens: number,
  near: number,
  entry: (i: number) => number,
): number | null {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[order[middle]!]! < entry(0) - near) low = middle + 1;
    else high = middle;
  }
  let best: number | null = null;
  let gap = Infinity;
  for (let at = low; at < order.length && rows[order[at]!]! <= entry(0) + near; at += 1) {
    const column = order[at]!;
    let worst = 0;
    for (let i = 0; i < tokens && worst <= near; i += 1) {
      worst = Math.max(worst, Math.abs(rows[i * width + column]! - entry(i)));
    }
    if (worst <= near && worst < gap) [best, gap] = [column, worst];
  }
  return best;
}

/** Rows [d, C] of a weight for `columns`; the weight is [C, M], or [M, C] where `turned`. */
export function projectionRows(
  weight: { readonly [index: number]: number; readonly length: number },
  columns: Int32Array,
  width: number,
  turned: boolean,
): Float64Array {
  const channels = weight.length / width;
  const rows = new Float64Array(columns.length * channels);
  columns.forEach((column, j) => {
    for (let c = 0; c < channels; c += 1) {
      rows[j * channels + c] = turned ? weight[column * channels + c]! : weight[c * width + column]!;
    }
  });
  return rows;
}
