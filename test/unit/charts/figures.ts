// Small figures for the tests of the draw functions.

import type { HeatmapFigure, LineFigure } from '../../../src/report/figures/figure';

export function lineFigure(change: Partial<LineFigure> = {}): LineFigure {
  return {
    kind: 'lines',
    id: 'test',
    title: 'A line figure',
    shows: 'Something.',
    caution: 'Proves nothing.',
    formula: 'y = x',
    x: { label: 'noise level', unit: 'x rms', scale: 'linear' },
    y: { label: 'deviation', unit: 'relative', scale: 'linear' },
    series: [
      {
        name: 'softmax',
        role: 'softmax',
        x: [0, 1, 2, 3],
        y: [0, 1, 2, 3],
        low: [0, 0.5, 1.5, 2.5],
        high: [0, 1.5, 2.5, 3.5],
        draw: 'line',
      },
      { name: 'RPC', role: 'rpc', x: [0, 1, 2, 3], y: [0, 2, null, 4], draw: 'line+points' },
    ],
    levels: [{ y: 2.2, name: 'chance', role: 'chance' }],
    ...change,
  };
}

export function heatmapFigure(rows: number, columns: number, change: Partial<HeatmapFigure> = {}): HeatmapFigure {
  return {
    kind: 'heatmap',
    id: 'test-heatmap',
    title: 'A heatmap',
    shows: 'Something.',
    caution: 'Proves nothing.',
    formula: 'z',
    rows,
    columns,
    values: Float64Array.from({ length: rows * columns }, (_, index) => index / Math.max(1, rows * columns - 1)),
    rowAxis: { label: 'layer', unit: '', scale: 'linear', integer: true },
    columnAxis: { label: 'head', unit: '', scale: 'linear', integer: true },
    value: { label: 'entropy', unit: 'nats', scale: 'linear' },
    palette: 'sequential',
    domain: [0, 1],
    ...change,
  };
}
