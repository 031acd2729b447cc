// The middle of measured times; alone in its file because benchmarks in a page use it, too.

export function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
}
