// What a segmentation network answers, in a few numbers: which classes win in how many patches.

import type { FloatArray } from '../checkpoint/tensorIndex';
import type { MaskSummary } from './inspectionResult';

const mostClasses = 10;

/** Of logits [classes, rows, columns]; `grid`: rows and columns of patches. */
export function maskSummary(logits: FloatArray, grid: readonly [number, number]): MaskSummary {
  const patches = grid[0] * grid[1];
  const classes = logits.length / patches;
  const wins = new Map<number, number>();
  for (let patch = 0; patch < patches; patch += 1) {
    let best = 0;
    for (let c = 1; c < classes; c += 1) {
      if (logits[c * patches + patch]! > logits[best * patches + patch]!) best = c;
    }
    wins.set(best, (wins.get(best) ?? 0) + 1);
  }
  const top = [...wins].map(([index, count]) => ({ index, label: String(index), share: count / patches }));
  top.sort((a, b) => b.share - a.share || a.index - b.index);
  return { classes, grid, top: top.slice(0, mostClasses) };
}
