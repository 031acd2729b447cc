// Drawing in Chromium: first paint of patterns of 197, 1000 and 4096 tokens, the way back from a zoom, and 200 pointer moves
// over 1000 x 1000 cells with the row of each query beside. Table to stdout, JSON to out/bench.  --repeats R
//   node esbuild.mjs --tests && node out/test/bench/draw.bench.cjs

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { chromiumArgs, requireChromium } from '../setup/system.mjs';
import type { DrawPage, Grid, HoverTimes, PaintTimes } from './draw.entry';
import { machine, machineLine } from './peer';

declare global {
  // Of the page.
  var drawPage: DrawPage;
}

const cases: readonly { readonly grid: Grid; readonly bar: number }[] = [
  { grid: { prefixTokens: 1, rows: 14, columns: 14 }, bar: 10 },
  { grid: { prefixTokens: 1, rows: 27, columns: 37 }, bar: 50 },
  { grid: { prefixTokens: 0, rows: 64, columns: 64 }, bar: 400 },
];
const hovered = cases[1]!.grid;
const moves = 200;
const panned = cases[2]!.grid;
const panSteps = 60;
const frameBar = 16;
const taskBar = 50;

function middle(values: readonly number[], part = 0.5): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(part * (sorted.length - 1))]!;
}

function medians(times: readonly PaintTimes[]): PaintTimes {
  const of = (name: keyof PaintTimes): number => middle(times.map((one) => one[name]));
  return {
    model: of('model'),
    paint: of('paint'),
    exact: of('exact'),
    longest: Math.max(...times.map(({ longest }) => longest)),
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { repeats: { type: 'string' } } });
  const repeats = Number(values.repeats ?? 7);
  const browser = await chromium.launch({ executablePath: requireChromium(), args: [...chromiumArgs] });
  try {
    const page = await browser.newPage();
    await page.setContent(`<style>${readFileSync('out/test/bench/draw.entry.css', 'utf8')}</style>`);
    await page.addScriptTag({ path: 'out/test/bench/draw.entry.js' });
    const rows = [];
    for (const { grid, bar } of cases) {
      const first = await page.evaluate((given) => globalThis.drawPage.paint(given), grid);
      const paints: PaintTimes[] = [];
      const zooms: PaintTimes[] = [];
      for (let i = 0; i < repeats; i++) {
        paints.push(await page.evaluate((given) => globalThis.drawPage.paint(given), grid));
        zooms.push(await page.evaluate((given) => globalThis.drawPage.zoom(given), grid));
      }
      const tokens = grid.prefixTokens + grid.rows * grid.columns;
      rows.push({ tokens, bar, cold: first.paint, ...medians(paints), zoomOut: medians(zooms) });
    }
    // Of a busy machine the time that the page's thread had says more than the clock.
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
    const threadMs = async (): Promise<number> => {
      const { metrics } = await devtools.send('Performance.getMetrics');
      return 1000 * metrics.find(({ name }) => name === 'TaskDuration')!.value;
    };
    const before = await threadMs();
    const hover: HoverTimes = await page.evaluate(([grid, count]) => globalThis.drawPage.hover(grid, count), [
      hovered,
      moves,
    ] as const);
    const cpu = ((await threadMs()) - before) / moves;
    const pan = await page.evaluate(([grid, count]) => globalThis.drawPage.pan(grid, count), [
      panned,
      panSteps,
    ] as const);
    const panFrame = { median: middle(pan.frames), most: middle(pan.frames, 0.99), longest: pan.longest };
    const frame = { median: middle(hover.frames), most: middle(hover.frames, 0.99), longest: hover.longest, cpu };
    const where = machine();
    mkdirSync('out/bench', { recursive: true });
    writeFileSync(
      'out/bench/draw.json',
      JSON.stringify(
        {
          machine: where,
          repeats,
          rows,
          hover: { moves, frameBar, taskBar, ...frame },
          pan: { steps: panSteps, ...panFrame },
        },
        null,
        2,
      ),
    );
    const ms = (time: number): string => time.toFixed(1);
    const task = (time: number): string => (time === 0 ? `below ${taskBar}` : ms(time));
    console.log(
      [
        `${machineLine(where)}; Chromium ${browser.version()}; medians of ${repeats}, milliseconds`,
        '',
        '| N x N cells | first paint (bar) | every pixel exact | the first of all | back from a zoom | longest task | view model |',
        '|---|---|---|---|---|---|---|',
        ...rows.map(
          ({ tokens, bar, paint, exact, cold, zoomOut, longest, model }) =>
            `| ${tokens} | ${ms(paint)} (${bar}) | ${ms(exact)} | ${ms(cold)} | ${ms(zoomOut.paint)} | ${task(Math.max(longest, zoomOut.longest))} | ${ms(model)} |`,
        ),
        '',
        `${moves} moves over 1000 x 1000: median frame ${ms(frame.median)} (bar ${frameBar}), 99 % below ${ms(frame.most)}, ${ms(frame.cpu)} of CPU a move, longest task ${task(frame.longest)} (bar ${taskBar})`,
        `${panSteps} steps over 4096 x 4096, moved and zoomed: median frame ${ms(panFrame.median)} (bar ${frameBar}), 99 % below ${ms(panFrame.most)}, longest task ${task(panFrame.longest)} (bar ${taskBar})`,
      ].join('\n'),
    );
  } finally {
    await browser.close();
  }
}

void main();
