// What a person waits for on our pages in Chromium: the first paint and the first heatmap after a page is gone to, and the longest task of the
// page's main thread in each step. Table to stdout, JSON to out/bench.  --repeats R --only WORD
//   node esbuild.mjs --tests && node out/test/bench/page.bench.cjs

import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import type { CheckpointHostCalls, CheckpointPageCalls } from '../../src/protocol/checkpointMessages';
import type { ComparisonHostCalls, ComparisonPageCalls } from '../../src/protocol/comparisonMessages';
import type { HeadAddress } from '../../src/protocol/messages';
import { availableMetrics } from '../../src/report/figures/metrics';
import { startPageLab, until } from '../webview/openPage';
import type { OpenOptions, OpenPage, PageLab } from '../webview/openPage';
import { runSample, type SampleRun } from '../webview/sampleRun';
import { opened, opening, prepareTrace, recorded, step, type Recorded, type Task } from './mainThread';
import { median } from './median';
import { comparisonOf, finished, longCheckpoint, randomHead, resultOf, type Grid } from './pageMaterial';
import { machine, machineLine } from './peer';

const paintBar = 300;
const taskBar = 50;
const moves = 200;
const address: HeadAddress = { layer: 1, head: 1 };
const [small, large]: readonly Grid[] = [
  { rows: 14, columns: 14 },
  { rows: 27, columns: 37 },
] as const;

interface Scene {
  readonly name: string;
  readonly steps: readonly string[];
  /** Opens the page and takes the steps. */
  readonly play: (prepare: (page: Page) => Promise<void>) => Promise<Page>;
}

const painted = (page: Page, figure: string): Promise<unknown> =>
  page.waitForFunction(
    (id) => document.querySelector(`[data-figure="${id}"] canvas[data-painted="true"]`) !== null,
    figure,
  );

/** Along a zigzag over an element. */
async function movesOver(page: Page, selector: string): Promise<() => Promise<void>> {
  const target = page.locator(selector).first();
  await target.scrollIntoViewIfNeeded();
  const box = await target.boundingBox();
  if (box === null) throw new Error(`${selector} is not to be seen`);
  return async () => {
    for (let i = 0; i < moves; i++) {
      const part = (i + 0.5) / moves;
      await page.mouse.move(box.x + box.width * ((7 * part) % 1), box.y + box.height * part);
    }
  };
}

async function focus(page: Page, selector: string): Promise<void> {
  await page.locator(selector).first().focus();
}

function presses(page: Page, ...keys: readonly string[]): () => Promise<void> {
  return async () => {
    for (const key of keys) {
      await page.keyboard.press(key);
      await page.waitForTimeout(60);
    }
  };
}

async function overviewSteps({ page }: OpenPage): Promise<void> {
  await opened(page);
  await step(page, `${moves} moves over a map`, await movesOver(page, '[data-figure^="overview-"] canvas'));
  await focus(page, 'vscode-dropdown[aria-label="Show heads"]');
  await step(page, 'another filter', presses(page, 'ArrowDown', 'ArrowDown'));
  await focus(page, 'vscode-dropdown[aria-label="Sort by"]');
  await step(page, 'another order', presses(page, 'ArrowDown', 'ArrowDown'));
}

async function headSteps(view: OpenPage, settings: string): Promise<void> {
  const { page, remote } = view;
  const whole = async (): Promise<void> => {
    await painted(page, 'pattern-softmax');
    await painted(page, 'pattern-rpc');
  };
  await opened(page);
  await step(page, 'opening the head', async () => {
    await remote.select(address);
    await whole();
  });
  await step(page, `${moves} moves over the pattern`, await movesOver(page, '[data-figure="pattern-softmax"] canvas'));
  await focus(page, '[data-figure="pattern-softmax"] .stage');
  await step(page, 'zooming the patterns', presses(page, '+', '+', 'ArrowDown', '-', 'Escape'));
  await focus(page, '[data-figure="pattern-softmax"] [aria-label="Save"]');
  await step(page, 'saving the pattern as CSV', async () => {
    await presses(page, 'Enter', 'c', 'Enter')();
    await until(() => view.saved.length === 1, 'the file');
  });
  const shown = (text: string): Promise<unknown> =>
    page.waitForFunction(
      (wanted) => document.querySelector<HTMLElement>('.laboratory')?.dataset['shown'] === wanted,
      text,
    );
  await focus(page, '.laboratory > vscode-button');
  await step(page, 'opening the laboratory', async () => {
    await page.keyboard.press('Enter');
    await shown(settings);
  });
  await focus(page, '.laboratory [aria-label="Iterations n"]');
  await step(page, 'a knob of the laboratory', async () => {
    await page.keyboard.press('ArrowLeft');
    await shown(settings.replace(/(\d+)\/\d+$/, (_, passes: string) => `${Number(passes) - 1}/${Number(passes) - 1}`));
  });
  await step(page, 'going back to the overview', () => remote.select(null));
  await step(page, 'opening another head', async () => {
    await remote.select({ ...address, head: address.head + 1 });
    await whole();
  });
  await step(page, 'going to the next head', async () => {
    await remote.select({ ...address, head: address.head + 2 });
    await whole();
  });
}

function inspectorScenes(lab: PageLab, run: SampleRun): Scene[] {
  const overviewNames = [opening, `${moves} moves over a map`, 'another filter', 'another order'];
  const headNames = [
    'opening the head',
    `${moves} moves over the pattern`,
    'zooming the patterns',
    'saving the pattern as CSV',
    'opening the laboratory',
    'a knob of the laboratory',
    'going back to the overview',
    'opening another head',
    'going to the next head',
  ];
  const many = resultOf(32, 32, { rows: 7, columns: 7 });
  const overviews = [
    { name: 'overview, 6 x 4 heads', snapshot: run.done },
    { name: 'overview, 32 x 32 heads', snapshot: finished(run.empty, many) },
  ].map(({ name, snapshot }) => ({ name, snapshot, run, steps: overviewNames, play: overviewSteps }));
  const heads = [small!, large!].map((grid) => {
    const tokens = 1 + grid.rows * grid.columns;
    return {
      name: `head, ${tokens} tokens`,
      snapshot: finished(run.empty, resultOf(6, 4, grid)),
      run: {
        ...run,
        keptHead: (layer: number, head: number) => Promise.resolve(randomHead({ layer, head }, tokens)),
      },
      steps: headNames,
      play: (view: OpenPage) => headSteps(view, 'code/4/4/4'),
    };
  });
  const metrics = availableMetrics(many.layers.flatMap((layer) => layer.heads)).slice(0, 6);
  const panel: OpenOptions = { page: 'heatmap', run, snapshot: finished(run.empty, many), width: 300 };
  return [
    ...[...overviews, ...heads].map(({ name, steps, play, ...options }) => ({
      name,
      steps,
      play: async (prepare: (page: Page) => Promise<void>) => {
        const view = await lab.open({ page: 'inspector', ...options, prepare });
        await play(view);
        return view.page;
      },
    })),
    {
      name: 'side panel, 32 x 32 heads',
      steps: [opening, `${moves} moves over the map`, 'another metric'],
      play: async (prepare) => {
        const view = await lab.open({ ...panel, prepare });
        const { page, remote } = view;
        await opened(page);
        await step(page, `${moves} moves over the map`, await movesOver(page, 'canvas'));
        await step(page, 'another metric', async () => {
          for (const { id } of metrics) await remote.setMetric(id);
        });
        return view.page;
      },
    },
  ];
}

function comparisonScene(lab: PageLab, layers: number, heads: number): Scene {
  const wire = comparisonOf(resultOf(layers, heads, small!));
  const done = (): Promise<void> => Promise.resolve();
  const handlers: ComparisonHostCalls = {
    compare: () => Promise.resolve(wire),
    ...{
      openHead: done,
      exportReport: done,
      openInReport: done,
      copyText: done,
      writeFigureFile: done,
      closeFigureFile: done,
      log: done,
    },
    openFigureFile: () => Promise.resolve(null),
  };
  return {
    name: `comparison, ${layers} x ${heads} heads`,
    steps: [opening, `${moves} moves over a map`, 'another metric', 'choosing a head'],
    play: async (prepare) => {
      const { page } = await lab.show<ComparisonHostCalls, ComparisonPageCalls>(
        { page: 'comparison', prepare },
        handlers,
        [],
      );
      await page.waitForFunction(() => document.getElementById('app')?.dataset['phase'] === 'done');
      await opened(page);
      await step(page, `${moves} moves over a map`, await movesOver(page, '.figure canvas'));
      await focus(page, 'vscode-dropdown[aria-label="Metric of the large map"]');
      await step(page, 'another metric', presses(page, 'ArrowDown', 'ArrowDown'));
      await focus(page, '.figure .stage');
      await step(page, 'choosing a head', presses(page, 'Home', 'Enter', 'ArrowDown', 'Enter'));
      return page;
    },
  };
}

async function checkpointScene(lab: PageLab, tensors: number): Promise<Scene> {
  const wire = await longCheckpoint(tensors);
  const done = (): Promise<void> => Promise.resolve();
  const handlers: CheckpointHostCalls = {
    open: () => Promise.resolve(wire),
    statistics: () => Promise.reject(new Error('nobody asks')),
    ...{ cancelStatistics: done, copyName: done, inspect: done, map: done, log: done },
  };
  return {
    name: `checkpoint, ${tensors.toLocaleString('en-US')} tensors`,
    steps: [opening, 'typing a search', 'scrolling'],
    play: async (prepare) => {
      const { page } = await lab.show<CheckpointHostCalls, CheckpointPageCalls>(
        { page: 'checkpoint', prepare },
        handlers,
        [],
      );
      await page.waitForFunction(() => document.getElementById('app')?.dataset['phase'] === 'done');
      await opened(page);
      await focus(page, '.search');
      await step(
        page,
        'typing a search',
        presses(page, 'e', 'x', 'p', 'e', 'r', 't', ...Array.from({ length: 6 }, () => 'Backspace')),
      );
      const box = await page.locator('.tensors').boundingBox();
      await page.mouse.move(box!.x + 50, box!.y + 200);
      await step(page, 'scrolling', async () => {
        for (let i = 0; i < 40; i++) await page.mouse.wheel(0, 400 + 5000 * (i % 4));
      });
      return page;
    },
  };
}

/**
 * Milliseconds from the beginning of the navigation, without the time that the lab takes to bring the host's answer as
 * text; the editor brings it as it is.
 */
interface Paint {
  /** The page's script has run. */
  readonly loading: number;
  /** The first frame with something to read: the model's cards. */
  readonly cards: number;
  /** The frame with the first heatmap. */
  readonly map: number;
}

async function firstPaint(lab: PageLab, options: OpenOptions): Promise<Paint> {
  const watch = (): void => {
    const times = { loaded: 0, arrived: 0, cards: 0, painted: 0 };
    (window as unknown as { paintTimes: typeof times }).paintTimes = times;
    // Behind the page's script, whose first question may have been answered meanwhile.
    document.addEventListener('DOMContentLoaded', () => {
      times.loaded = performance.now();
    });
    window.addEventListener(
      'message',
      () => {
        times.arrived ||= performance.now();
      },
      { capture: true },
    );
    // A message sent in a frame comes behind what the frame shows.
    const { port1, port2 } = new MessageChannel();
    let isFrame = false;
    let hasCards = false;
    let isDrawn = false;
    port2.onmessage = () => {
      isFrame = false;
      if (hasCards) times.cards ||= performance.now();
      if (isDrawn) times.painted ||= performance.now();
    };
    const frame = (): void => {
      isFrame = true;
      isDrawn ||= document.querySelector('canvas.cells[data-painted="true"]') !== null;
      port1.postMessage(null);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    new MutationObserver(() => {
      if (isFrame) isDrawn ||= document.querySelector('canvas.cells[data-painted="true"]') !== null;
    }).observe(document, { subtree: true, attributeFilter: ['data-painted'] });
    const cards = new MutationObserver(() => {
      hasCards = isFrame && document.querySelector('.card') !== null;
      if (hasCards) cards.disconnect();
    });
    cards.observe(document, { subtree: true, childList: true });
  };
  const view = await lab.open({
    ...options,
    prepare: async (fresh) => {
      await fresh.addInitScript(watch);
    },
  });
  const times = await view.page.waitForFunction(() => {
    const { paintTimes } = window as unknown as {
      paintTimes: { loaded: number; arrived: number; cards: number; painted: number };
    };
    return paintTimes.painted > 0 ? paintTimes : null;
  });
  const { loaded, arrived, cards, painted: map } = (await times.jsonValue())!;
  await view.close();
  const after = (seen: number): number => loaded + seen - Math.max(loaded, arrived);
  return { loading: loaded, cards: after(cards), map: after(map) };
}

interface StepTimes {
  readonly scene: string;
  readonly step: string;
  readonly thread: number;
  readonly wall: number;
  readonly parts: string;
}

function summary(scene: string, name: string, tasks: readonly Task[]): StepTimes {
  const thread = median(tasks.map((task) => task.thread));
  return {
    ...{ scene, step: name, thread, wall: median(tasks.map((task) => task.wall)) },
    parts: tasks.find((task) => task.thread === thread)!.parts,
  };
}

async function measured(scene: Scene, repeats: number): Promise<StepTimes[]> {
  const runs: Recorded[] = [];
  for (let i = 0; i < repeats; i++) {
    const page = await scene.play(prepareTrace);
    runs.push(await recorded(page));
    await page.close();
  }
  return [
    summary(
      scene.name,
      'loading',
      runs.map((one) => one.loading()),
    ),
    ...scene.steps.map((name) =>
      summary(
        scene.name,
        name,
        runs.map((one) => one.longest(name)),
      ),
    ),
  ];
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { repeats: { type: 'string' }, only: { type: 'string' } } });
  const repeats = Number(values.repeats ?? 5);
  const lab = await startPageLab();
  const run = await runSample();
  try {
    const paints: { name: string; times: Paint }[] = [];
    const steps: StepTimes[] = [];
    const many = finished(run.empty, resultOf(32, 32, { rows: 7, columns: 7 }));
    for (const [name, snapshot] of [
      ['6 x 4 heads', run.done],
      ['32 x 32 heads', many],
    ] as const) {
      if (values.only !== undefined && !name.includes(values.only)) continue;
      const times: Paint[] = [];
      for (let i = 0; i < repeats; i++) times.push(await firstPaint(lab, { page: 'inspector', run, snapshot }));
      const each = (of: keyof Paint): number => median(times.map((one) => one[of]));
      paints.push({ name, times: { loading: each('loading'), cards: each('cards'), map: each('map') } });
    }
    const scenes = [
      ...inspectorScenes(lab, run),
      comparisonScene(lab, 6, 4),
      comparisonScene(lab, 32, 32),
      await checkpointScene(lab, 100_000),
    ].filter(({ name }) => values.only === undefined || name.includes(values.only));
    for (const scene of scenes) steps.push(...(await measured(scene, repeats)));
    const where = machine();
    mkdirSync('out/bench', { recursive: true });
    writeFileSync(
      'out/bench/page.json',
      JSON.stringify({ machine: where, repeats, paintBar, taskBar, paints, steps }, null, 2),
    );
    const ms = (time: number): string => time.toFixed(1);
    console.log(
      [
        `${machineLine(where)}; medians of ${repeats}, milliseconds`,
        '',
        `| after the navigation | the script has run | first paint (bar ${paintBar}) | first heatmap |`,
        '|---|---|---|---|',
        ...paints.map(
          ({ name, times }) => `| ${name} | ${ms(times.loading)} | ${ms(times.cards)} | ${ms(times.map)} |`,
        ),
        '',
        `| longest task of the main thread (bar ${taskBar}) | step | thread time | clock | its parts, ms |`,
        '|---|---|---|---|---|',
        ...steps.map(
          ({ scene, step: name, thread, wall, parts }) =>
            `| ${scene} | ${name} | ${ms(thread)}${thread > taskBar ? ' (!)' : ''} | ${ms(wall)} | ${parts} |`,
        ),
      ].join('\n'),
    );
  } finally {
    await lab.close();
    await run.stop();
  }
}

void main();
