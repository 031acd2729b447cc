// The best one-to-one matching of rows to columns, which the reproduction study's metric `optimal` needs: the algorithm of
// Jonker and Volgenant (Computing 38, 1987). Cheap steps match most rows, shortest augmenting paths the rest; O(n^3).

/** Rounds of the row reduction; a third one leaves hardly fewer rows. */
const reductionRounds = 2;
/** Steps of a round: long chains of prices that hardly fall are slower than paths. Measured on values of trained heads. */
const stepsPerRow = 8;

/** A matching under way; every reduced cost is non-negative, and zero along the matching (up to round-off). */
interface Matching {
  readonly cost: Float64Array;
  readonly n: number;
  readonly columnPrice: Float64Array;
  /** Row matched to a column, column matched to a row; -1: free. */
  readonly rowOf: Int32Array;
  readonly columnOf: Int32Array;
}

/** Assignment of the rows of cost [n, n] to columns with the least total cost; entry i is the column of row i. */
export function linearAssignment(cost: Float64Array, n: number): Int32Array {
  const matching: Matching = {
    cost,
    n,
    columnPrice: new Float64Array(n),
    rowOf: new Int32Array(n).fill(-1),
    columnOf: new Int32Array(n).fill(-1),
  };
  reduceColumns(matching);
  let free = Array.from({ length: n }, (_, row) => row).filter((row) => matching.columnOf[row] === -1);
  for (let round = 0; round < reductionRounds && n > 1; round++) free = reduceRows(matching, free);
  augment(matching, free);
  return matching.columnOf;
}

/** Each column's least row takes it where that row is free; a row that was least but once gives up its advantage. */
function reduceColumns({ cost, n, columnPrice, rowOf, columnOf }: Matching): void {
  const least = new Int32Array(n);
  columnPrice.set(cost.subarray(0, n));
  for (let i = 1; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const here = cost[i * n + j]!;
      if (here >= columnPrice[j]!) continue;
      columnPrice[j] = here;
      least[j] = i;
    }
  }
  const times = new Int32Array(n);
  for (let j = n - 1; j >= 0; j--) {
    const row = least[j]!;
    times[row]! += 1;
    if (columnOf[row] !== -1) continue;
    columnOf[row] = j;
    rowOf[j] = row;
  }
  for (let row = 0; row < n; row++) {
    if (times[row] !== 1) continue;
    const own = columnOf[row]!;
    let second = Infinity;
    for (let j = 0; j < n; j++) {
      const reduced = cost[row * n + j]! - columnPrice[j]!;
      if (j !== own && reduced < second) second = reduced;
    }
    if (second !== Infinity) columnPrice[own]! -= second;
  }
}

/** Each free row takes its cheapest column, at the price that makes its second choice as good; who had it is free. */
function reduceRows({ cost, n, columnPrice, rowOf, columnOf }: Matching, free: readonly number[]): number[] {
  const left: number[] = [];
  const waiting = [...free].reverse();
  for (let steps = 0; waiting.length > 0 && steps < stepsPerRow * n; steps++) {
    const row = waiting.pop()!;
    let [first, second] = [0, -1];
    let [least, next] = [cost[row * n]! - columnPrice[0]!, Infinity];
    for (let j = 1; j < n; j++) {
      const reduced = cost[row * n + j]! - columnPrice[j]!;
      if (reduced >= next) continue;
      if (reduced >= least) [second, next] = [j, reduced];
      else {
        [second, next] = [first, least];
        [first, least] = [j, reduced];
      }
    }
    const lowered = columnPrice[first]! - (next - least);
    const cheaper = lowered < columnPrice[first]!;
    if (cheaper) columnPrice[first] = lowered;
    else if (rowOf[first] !== -1) first = second;
    const before = rowOf[first]!;
    columnOf[row] = first;
    rowOf[first] = row;
    if (before === -1) continue;
    columnOf[before] = -1;
    (cheaper ? waiting : left).push(before);
  }
  return [...left, ...waiting];
}

/** Shortest augmenting paths with dual prices for the rows that are free. */
function augment({ cost, n, columnPrice, rowOf, columnOf }: Matching, free: readonly number[]): void {
  const rowPrice = Float64Array.from(columnOf, (column, row) =>
    column === -1 ? 0 : cost[row * n + column]! - columnPrice[column]!,
  );
  const distance = new Float64Array(n);
  const cameFrom = new Int32Array(n);
  /** Columns, those that are done first. */
  const columns = Int32Array.from({ length: n }, (_, j) => j);
  for (const start of free) {
    distance.fill(Infinity);
    let row = start;
    let travelled = 0;
    let last = -1;
    let done = 0;
    for (;;) {
      const base = travelled - rowPrice[row]!;
      const offset = row * n;
      let nearest = done;
      let least = Infinity;
      for (let at = done; at < n; at++) {
        const j = columns[at]!;
        const through = base + cost[offset + j]! - columnPrice[j]!;
        if (through < distance[j]!) {
          distance[j] = through;
          cameFrom[j] = last;
        }
        if (distance[j]! < least) {
          least = distance[j]!;
          nearest = at;
        }
      }
      last = columns[nearest]!;
      columns[nearest] = columns[done]!;
      columns[done] = last;
      travelled = least;
      if (rowOf[last] === -1) break;
      done += 1;
      row = rowOf[last]!;
    }
    // Prices keep every reduced cost non-negative, and zero along the matching.
    rowPrice[start]! += travelled;
    for (let at = 0; at < done; at++) {
      const j = columns[at]!;
      rowPrice[rowOf[j]!]! += travelled - distance[j]!;
      columnPrice[j]! -= travelled - distance[j]!;
    }
    for (let j = last; j >= 0;) {
      const previous = cameFrom[j]!;
      const owner = previous < 0 ? start : rowOf[previous]!;
      rowOf[j] = owner;
      columnOf[owner] = j;
      j = previous;
    }
  }
}
