// The best one-to-one matching of rows to columns, which the reproduction study's metric `optimal` needs. Shortest
// augmenting paths with dual prices (Jonker and Volgenant); O(n^3), 10 ms at n = 197.

/** Assignment of the rows of cost [n, n] to columns with the least total cost; entry i is the column of row i. */
export function linearAssignment(cost: Float64Array, n: number): Int32Array {
  const rowPrice = new Float64Array(n);
  const columnPrice = new Float64Array(n);
  /** Row matched to a column, -1: free. */
  const rowOf = new Int32Array(n).fill(-1);
  const distance = new Float64Array(n);
  const cameFrom = new Int32Array(n);
  const done = new Uint8Array(n);

  for (let start = 0; start < n; start++) {
    distance.fill(Infinity);
    cameFrom.fill(-1);
    done.fill(0);
    let row = start;
    let reached = -1;
    let travelled = 0;
    let last = -1;
    while (reached < 0) {
      let nearest = -1;
      const base = travelled - rowPrice[row]!;
      for (let j = 0; j < n; j++) {
        if (done[j] === 1) continue;
        const through = base + cost[row * n + j]! - columnPrice[j]!;
        if (through < distance[j]!) {
          distance[j] = through;
          cameFrom[j] = last;
        }
        if (nearest < 0 || distance[j]! < distance[nearest]!) nearest = j;
      }
      travelled = distance[nearest]!;
      done[nearest] = 1;
      last = nearest;
      if (rowOf[nearest] === -1) reached = nearest;
      else row = rowOf[nearest]!;
    }
    // Prices keep every reduced cost non-negative, and zero along the matching.
    rowPrice[start]! += travelled;
    for (let j = 0; j < n; j++) {
      if (done[j] === 0 || j === reached) continue;
      rowPrice[rowOf[j]!]! += travelled - distance[j]!;
      columnPrice[j]! -= travelled - distance[j]!;
    }
    for (let j = reached; j >= 0;) {
      const previous = cameFrom[j]!;
      rowOf[j] = previous < 0 ? start : rowOf[previous]!;
      j = previous;
    }
  }
  const columnOf = new Int32Array(n);
  rowOf.forEach((row, column) => (columnOf[row] = column));
  return columnOf;
}
