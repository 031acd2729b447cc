// The files of a run in one line: the figures of a Markdown report are counted, not listed.

/** 'report.md (with 42 figures), result.json' of paths as `writeFiles` answers them. */
export function writtenText(paths: readonly string[]): string {
  const isFigure = (path: string): boolean => /-figures[\\/][^\\/]+$/.test(path);
  const figures = paths.filter(isFigure).length;
  return paths
    .filter((path) => !isFigure(path))
    .map((path) => (path.endsWith('.md') && figures > 0 ? `${path} (with ${figures} figures)` : path))
    .join(', ');
}
