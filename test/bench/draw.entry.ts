// The page of draw.bench.ts: patterns of N tokens through the view models, the figure view and the rows of single queries,
// as the head page puts them together.

import type { FigureCalls } from '../../src/protocol/messages';
import { createRandom } from '../../src/diagnostics/random';
import type { HeatmapFigure } from '../../src/report/figures/figure';
import type { HeadContext } from '../../src/report/figures/headFigures';
import { withCoarserCells } from '../../src/report/figures/coarserCells';
import { patternCells, type PatternCells } from '../../src/report/figures/patternCells';
import { patternFigures } from '../../src/report/figures/patternFigures';
import { FigureView } from '../../webview/ui/figureView';
import { registerComponents } from '../../webview/ui/toolkit';
import { QueryRows } from '../../webview/inspector/queryRows';
import '../../webview/inspector/inspector.css';

/** Saves and copies nothing. */
const nobody: FigureCalls = {
  copyText: () => Promise.resolve(),
  openFigureFile: () => Promise.resolve(null),
  writeFigureFile: () => Promise.resolve(),
  closeFigureFile: () => Promise.resolve(),
};

export interface Grid {
  readonly prefixTokens: number;
  readonly rows: number;
  readonly columns: number;
}

/** Milliseconds. */
export interface PaintTimes {
  /** Pattern figures of the head, softmax alone. */
  readonly model: number;
  /** From the figure to a picture of all cells, coarse where they are millions: layout, axes, legend and cells. */
  readonly paint: number;
  /** From the figure to the last exact pixel. */
  readonly exact: number;
  /** Longest task of the page meanwhile, 0 where none was above 50 ms. */
  readonly longest: number;
}

export interface HoverTimes {
  /** Of each frame from its beginning to the end of its painting: mark, tooltip, row, style, layout. */
  readonly frames: readonly number[];
  readonly longest: number;
}

export interface DrawPage {
  /** Moves a window of three quarters of the cells, and zooms, step by step. */
  pan(grid: Grid, steps: number): Promise<HoverTimes>;
  paint(grid: Grid): Promise<PaintTimes>;
  zoom(grid: Grid): Promise<PaintTimes>;
  hover(grid: Grid, moves: number): Promise<HoverTimes>;
}

const stageWidth = 560;
const height = (width: number): number => Math.min(width * 0.86, 520);

let longest = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
}).observe({ type: 'longtask' });
registerComponents();

const patterns = new Map<number, Float32Array>();
const cells = new Map<number, PatternCells>();

/** A pattern with a diagonal, a column and noise, rows that sum to 1. */
function patternOf(tokens: number): Float32Array {
  const known = patterns.get(tokens);
  if (known !== undefined) return known;
  const random = createRandom(`draw/${tokens}`);
  const noise = Float32Array.from({ length: 4096 }, () => random.uniform());
  const values = new Float32Array(tokens * tokens);
  for (let i = 0; i < tokens; i++) {
    let sum = 0;
    for (let j = 0; j < tokens; j++) {
      const weight = Math.exp(-0.02 * Math.abs(i - j) + 2 * noise[(i * 31 + j * 17) % 4096]! + (j === 0 ? 2 : 0));
      values[i * tokens + j] = weight;
      sum += weight;
    }
    for (let j = 0; j < tokens; j++) values[i * tokens + j]! /= sum;
  }
  patterns.set(tokens, values);
  return values;
}

function contextOf({ prefixTokens, rows, columns }: Grid): HeadContext {
  const tokens = prefixTokens + rows * columns;
  const tokenNames = Array.from(
    { length: tokens },
    (_, i) => `${i} patch (${Math.floor(i / columns)}, ${i % columns})`,
  );
  return { layer: 0, tokens, prefixTokens, grid: [rows, columns], headDim: 64, trainedWith: 'softmax', tokenNames };
}

/** As the page's worker makes them of q, k and v. */
function cellsOf(tokens: number): PatternCells {
  const known = cells.get(tokens);
  if (known !== undefined) return known;
  const made = withCoarserCells(patternCells({ tokens, softmaxPattern: patternOf(tokens), rpcPattern: null }));
  cells.set(tokens, made);
  return made;
}

function figureOf(grid: Grid): HeatmapFigure {
  const context = contextOf(grid);
  return patternFigures(cellsOf(context.tokens), context)[0];
}

/** After everything that is due now, without a timer's delay. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** The time at which the next frame began. */
function nextFrame(): Promise<number> {
  return new Promise(requestAnimationFrame);
}

async function painted(view: FigureView): Promise<void> {
  const canvas = view.element.querySelector('canvas')!;
  while (canvas.dataset['painted'] !== 'true') await nextTask();
}

function emptyPlace(): HTMLElement {
  const place = document.createElement('div');
  place.style.width = `${stageWidth}px`;
  document.body.replaceChildren(place);
  return place;
}

/** Long tasks are told some time after they end. */
async function longestTask(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 60));
  return longest;
}

async function show(
  figure: HeatmapFigure,
  options: Partial<ConstructorParameters<typeof FigureView>[1]> = {},
): Promise<FigureView> {
  const view = place(figure, options);
  await painted(view);
  return view;
}

function place(figure: HeatmapFigure, options: Partial<ConstructorParameters<typeof FigureView>[1]> = {}): FigureView {
  const parent = emptyPlace();
  const view = new FigureView(figure, { height, ...options });
  parent.append(view.element);
  view.draw(true);
  return view;
}

/** Every pixel shows cells, whether they are exact yet or not. */
async function filled(view: FigureView): Promise<void> {
  const canvas = view.element.querySelector('canvas')!;
  while (canvas.dataset['filled'] !== 'true') await nextTask();
}

const page: DrawPage = {
  paint: async (grid) => {
    cellsOf(contextOf(grid).tokens);
    const start = performance.now();
    const figure = figureOf(grid);
    const model = performance.now() - start;
    await longestTask();
    longest = 0;
    const begin = performance.now();
    const view = place(figure);
    await filled(view);
    const paint = performance.now() - begin;
    await painted(view);
    return { model, paint, exact: performance.now() - begin, longest: await longestTask() };
  },
  zoom: async (grid) => {
    const figure = figureOf(grid);
    const view = await show(figure, { onZoom: () => undefined });
    const { rows, columns } = figure;
    view.showWindow({ row: rows >> 2, column: columns >> 2, rows: rows >> 1, columns: columns >> 1 });
    await painted(view);
    await longestTask();
    longest = 0;
    const begin = performance.now();
    view.showWindow(null);
    await filled(view);
    const paint = performance.now() - begin;
    await painted(view);
    return { model: 0, paint, exact: performance.now() - begin, longest: await longestTask() };
  },
  pan: async (grid, steps) => {
    const figure = figureOf(grid);
    const view = await show(figure, { onZoom: () => undefined });
    await longestTask();
    longest = 0;
    const frames: number[] = [];
    for (let step = 0; step < steps; step++) {
      const begin = await nextFrame();
      // A quarter of the way along, a little larger with each step.
      const rows = Math.round(figure.rows * (0.75 + (0.25 * step) / steps));
      const from = Math.round(((figure.rows - rows) * step) / steps);
      view.showWindow({ row: from, column: from, rows, columns: rows });
      await nextTask();
      frames.push(performance.now() - begin);
    }
    await painted(view);
    return { frames, longest: await longestTask() };
  },
  hover: async (grid, moves) => {
    const figure = figureOf(grid);
    const rows = new QueryRows(nobody);
    const view = await show(figure, {
      onZoom: () => undefined,
      onCursor: (cursor) => {
        if (cursor?.kind === 'heatmap') rows.point({ pattern: figure.id, query: cursor.row });
      },
    });
    document.body.append(rows.element);
    rows.show([figure], contextOf(grid), null);
    const stage = view.element.querySelector<HTMLElement>('.stage')!;
    const plot = view.element.querySelector('canvas')!.getBoundingClientRect();
    await longestTask();
    longest = 0;
    const frames: number[] = [];
    for (let move = 0; move < moves; move++) {
      const begin = await nextFrame();
      // Across all rows, in steps that no cache has seen. The row of the move before is drawn in this frame, too.
      const clientX = plot.left + plot.width * ((0.5 + move * 0.618) % 1);
      const clientY = plot.top + plot.height * ((move * 0.382) % 1);
      stage.dispatchEvent(new PointerEvent('pointermove', { clientX, clientY, bubbles: true }));
      await nextTask();
      frames.push(performance.now() - begin);
    }
    return { frames, longest: await longestTask() };
  },
};

(globalThis as unknown as { drawPage: DrawPage }).drawPage = page;
