// Everything about looks that a draw function is handed. Colour strings are opaque here: a page passes what it read
// from `--vscode-*` (or `var(...)` itself, which SVG attributes do not resolve, so read them first), reports pass hex.

import type { SeriesRole } from '../../src/report/figures/figure';
import { blueToYellow, divergingOnDark, divergingOnLight, type Colormap, type Rgb } from './colormap';

export interface ChartTheme {
  readonly foreground: string;
  /** Axis numbers, captions. */
  readonly muted: string;
  readonly grid: string;
  /** Ground of the figure. */
  readonly background: string;
  /** Keyboard cursor. */
  readonly focus: string;
  readonly series: Readonly<Record<SeriesRole, string>>;
  readonly sequential: Colormap;
  readonly diverging: Colormap;
  /** Cells without a number. */
  readonly notMeasured: Rgb;
  /** CSS font-family list. */
  readonly font: string;
}

/** Outer size of a figure in CSS pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Light, for paper and the HTML report. */
export const reportTheme: ChartTheme = {
  foreground: '#1b1b1b',
  muted: '#555555',
  grid: '#dddddd',
  background: '#ffffff',
  focus: '#005fb8',
  series: {
    softmax: '#0b5cad',
    rpc: '#c25100',
    difference: '#6b3fa0',
    data: '#0b5cad',
    data2: '#11806a',
    chance: '#8a8a8a',
    reference: '#444444',
  },
  sequential: blueToYellow,
  diverging: divergingOnLight,
  notMeasured: [200, 200, 200],
  font: 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif',
};

/** Dark, the fallback of pages whose variables are missing, and what the tests look at. */
export const darkTheme: ChartTheme = {
  foreground: '#e4e4e4',
  muted: '#a5a5a5',
  grid: '#3a3a3a',
  background: '#1f1f1f',
  focus: '#3794ff',
  series: {
    softmax: '#59a4f9',
    rpc: '#f2a25c',
    difference: '#c39bf0',
    data: '#59a4f9',
    data2: '#4ec9a8',
    chance: '#9a9a9a',
    reference: '#c8c8c8',
  },
  sequential: blueToYellow,
  diverging: divergingOnDark,
  notMeasured: [80, 80, 80],
  font: reportTheme.font,
};
