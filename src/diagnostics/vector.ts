// Small float64 arithmetic on typed arrays that several diagnostics share. Matrices are row-major.

import type { Measured } from './headResult';

/** The number, or null where it is NaN or infinite; -0, which JSON would turn into 0, is 0. */
export function measured(value: number): Measured {
  return Number.isFinite(value) ? value + 0 : null;
}

export function sum(x: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i]!;
  return total;
}

/** Arithmetic mean; NaN of nothing. */
export function mean(x: ArrayLike<number>): number {
  return sum(x) / x.length;
}

/** Standard deviation with ddof 1; NaN for fewer than two. */
export function sampleSd(x: ArrayLike<number>): number {
  const centre = mean(x);
  let total = 0;
  for (let i = 0; i < x.length; i++) total += (x[i]! - centre) ** 2;
  return Math.sqrt(total / (x.length - 1));
}

/** Sum of squares. */
export function squaredNorm(x: Float64Array): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i]! * x[i]!;
  return total;
}

/** Frobenius norm. */
export function norm(x: Float64Array): number {
  return Math.sqrt(squaredNorm(x));
}

export function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

/** Root of the mean square entry; 0 of nothing. */
export function rms(x: Float64Array): number {
  return x.length === 0 ? 0 : Math.sqrt(squaredNorm(x) / x.length);
}

/** ||a - b|| */
export function distance(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(total);
}

/** Quantile by linear interpolation between order statistics (numpy's default); NaN of nothing. */
export function quantile(x: ArrayLike<number>, fraction: number): number {
  const sorted = Float64Array.from(x).sort();
  if (sorted.length === 0) return NaN;
  const at = (sorted.length - 1) * fraction;
  const below = Math.floor(at);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  // Equal neighbours are taken as they are: infinity minus infinity would be NaN.
  return low === high ? low : low + (at - below) * (high - low);
}

/** Mean of the two middle values when the count is even. */
export function median(x: ArrayLike<number>): number {
  return quantile(x, 0.5);
}

/** The value that would stand at (length - 1) / 2, rounded down, if x were sorted; NaN of nothing. Reorders x. */
export function lowerMedian(x: Float64Array): number {
  const wanted = Math.floor((x.length - 1) / 2);
  let low = 0;
  let high = x.length - 1;
  // Quickselect, pivot in the middle: sorting would cost as much as everything else that a draw of a null needs.
  while (low < high) {
    const pivot = x[(low + high) >> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (x[i]! < pivot) i += 1;
      while (x[j]! > pivot) j -= 1;
      if (i <= j) {
        const held = x[i]!;
        x[i] = x[j]!;
        x[j] = held;
        i += 1;
        j -= 1;
      }
    }
    if (wanted <= j) high = j;
    else if (wanted >= i) low = i;
    else break;
  }
  return x[wanted] ?? NaN;
}

/** x [rows, columns] with every column's mean taken off: P x. */
export function centreColumns(x: Float64Array, rows: number, columns: number): Float64Array {
  const means = columnMeans(x, rows, columns);
  const out = new Float64Array(x.length);
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < columns; c++) out[i * columns + c] = x[i * columns + c]! - means[c]!;
  }
  return out;
}

/** Mean of every column of x [rows, columns]. */
export function columnMeans(x: Float64Array, rows: number, columns: number): Float64Array {
  const means = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < columns; c++) means[c]! += x[i * columns + c]!;
  }
  for (let c = 0; c < columns; c++) means[c]! /= rows;
  return means;
}

/** x [rows, columns] as [columns, rows]. */
export function transpose(x: Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(x.length);
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < columns; c++) out[c * rows + i] = x[i * columns + c]!;
  }
  return out;
}

/** ||h - 1_N h|| / ||h|| of h [rows, columns]: 0 when all rows are the same; null for h = 0. Spec section 6. */
export function dispersion(h: Float64Array, rows: number, columns: number): Measured {
  return measured(norm(centreColumns(h, rows, columns)) / norm(h));
}
