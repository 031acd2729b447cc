// Comparing results: exactly what was asked, without what differs from run to run.
import type { InspectionResult } from '../../../src/inspection/inspectionResult';

/** Below this a difference is round-off, whatever the number is. */
const roundOff = 1e-12;
/** Made of round-off alone: eigenvalues past the numerical rank (and whether one is 0), residuals of eigenvectors. */
const onlyRoundOff = /\.spectrum\.((log10E|e)igenvalues\.|reason)|\.gamma\.eig\./;

/** A result as its JSON, without its times. */
export function withoutTimes(result: InspectionResult): Record<string, unknown> {
  const copy = JSON.parse(JSON.stringify(result)) as { provenance: Record<string, unknown> };
  delete copy.provenance['elapsedMs'];
  return copy;
}

/** The largest relative difference of any number, and where; a different text, null or length counts as infinite. */
export function worstDifference(got: unknown, want: unknown, path = ''): { at: string; error: number } {
  if (onlyRoundOff.test(path)) return { at: path, error: 0 };
  if (typeof got === 'number' && typeof want === 'number') {
    const difference = Math.abs(got - want);
    return { at: path, error: difference <= roundOff ? 0 : difference / Math.abs(want) };
  }
  if (typeof got === 'object' && got !== null && typeof want === 'object' && want !== null) {
    const [left, right] = [got as Record<string, unknown>, want as Record<string, unknown>];
    return [...new Set([...Object.keys(left), ...Object.keys(right)])]
      .map((key) => worstDifference(left[key], right[key], `${path}.${key}`))
      .reduce((worst, one) => (one.error > worst.error ? one : worst), { at: path, error: 0 });
  }
  return { at: path, error: got === want ? 0 : Infinity };
}
