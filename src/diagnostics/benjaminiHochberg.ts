// False discovery rate over all heads of a run (spec section 5). Works on plain p-values, after the heads are done.

/**
 * Benjamini-Hochberg q-values in the order of `ps`: q_(i) = min over j >= i of m p_(j) / j, at most 1. Under q <= a
 * no more than the share a of the heads picked is expected to be picked by chance.
 */
export function benjaminiHochberg(ps: readonly number[]): number[] {
  const order = ps.map((_, i) => i).sort((a, b) => ps[b]! - ps[a]!);
  const qs = new Array<number>(ps.length).fill(1);
  let lowest = 1;
  order.forEach((at, step) => {
    lowest = Math.min(lowest, (ps.length * ps[at]!) / (ps.length - step));
    qs[at] = lowest;
  });
  return qs;
}
