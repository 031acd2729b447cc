// The page of draw.bench.ts: patterns of N tokens through the view models, the figure view and the rows of single queries,
// as the head page puts them together.

import { createRandom } from '../../src/diagnostics/random';
import type { HeatmapFigure } from '../../src/report/figures/figure';
import type { HeadContext } from '../../src/report/figures/headFigures';
import { patternFigures } from '../../src/report/figures/patternFigures';
import { FigureView } from '../../webview/ui/figureView';
import { registerComponents } from '../../webview/ui/toolkit';
import { QueryRows } from '../../webview/inspector/queryRows';
import '../../webview/inspector/inspector.css';

export interface Grid {
  readonly prefixTokens: number;
  readonly rows: number;
  readonly columns: number;
}

/** Milliseconds. */
export interface PaintTimes {
  /** Pattern figures of the head, softmax alone. */
  readonly model: number;
  /** From the figure to the last cell on the canvas: layout, axes, legend and cells. */
  readonly paint: number;
  /** Longest task of the page meanwhile, 0 where none was above 50 ms. */
  readonly longest: number;
}

export interface HoverTimes {
  /** Of each frame from its beginning to the end of its painting: mark, tooltip, row, style, layout. */
  readonly frames: readonly number[];
  readonly longest: number;
}

export interface DrawPage {
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

function figureOf(grid: Grid): HeatmapFigure {
  const context = contextOf(grid);
  const softmaxPattern = patternOf(context.tokens);
  return patternFigures({ layer: 0, head: 0, tokens: context.tokens, softmaxPattern, rpcPattern: null }, context)[0];
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
  const place = emptyPlace();
  const view = new FigureView(figure, { height, ...options });
  place.append(view.element);
  view.draw(true);
  await painted(view);
  return view;
}

const page: DrawPage = {
  paint: async (grid) => {
    patternOf(contextOf(grid).tokens);
    const start = performance.now();
    const figure = figureOf(grid);
    const model = performance.now() - start;
    await longestTask();
    longest = 0;
    const begin = performance.now();
    await show(figure);
    const paint = performance.now() - begin;
    return { model, paint, longest: await longestTask() };
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
    await painted(view);
    const paint = performance.now() - begin;
    return { model: 0, paint, longest: await longestTask() };
  },
  hover: async (grid, moves) => {
    const figure = figureOf(grid);
    const rows = new QueryRows(() => undefined);
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
