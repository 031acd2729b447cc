// One page in headless Chromium, and an extension host that is only a notebook: it writes down what the page asks
// and answers from a sample run.

import assert from 'node:assert/strict';
import { it } from 'mocha';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { bytesSource } from '../../src/checkpoint/byteSource';
import type { HostCalls, PageCalls, RunnerEvent, SessionSnapshot } from '../../src/protocol/messages';
import type { ReportHostCalls, ReportPageCalls } from '../../src/protocol/reportMessages';
import type { InspectionResult, LayerResult } from '../../src/inspection/inspectionResult';
import type { InputsDone } from '../../src/inspection/overInputs/liveMeans';
import { withHead } from '../../src/inspection/withHead';
import { connect } from '../../src/protocol/rpc';
import type { Calls } from '../../src/protocol/rpc';
import { packLayers } from '../../src/protocol/wireLayers';
import { ArrivingResult } from '../../src/protocol/wireResult';
import { headNumbers } from '../../src/report/figures/headNumbers';
import type { PageName } from '../../src/vscode/pageMarkup';
import { fullIt } from '../setup/full';
import { chromiumArgs, requireChromium } from '../setup/system.mjs';
import { startPageServer } from './pageServer';
import type { SampleRun } from './sampleRun';
import type { ThemeName } from './themeColours';

export interface SavedFigure {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface WorkerEvent {
  readonly runId: number;
  readonly event: RunnerEvent;
}

/** How a run of the page's worker came to its end, as the extension host puts it together. */
export type WorkerEnd =
  { readonly kind: 'done'; readonly result: InspectionResult } | Extract<RunnerEvent, { kind: 'failed' }>;

/** null: the run goes on. */
export function workerEnd(events: readonly WorkerEvent[], run: number): WorkerEnd | null {
  const arriving = new ArrivingResult();
  for (const { runId, event } of events) {
    if (runId !== run) continue;
    if (event.kind === 'failed') return event;
    const result = event.kind === 'layerResult' || event.kind === 'done' ? arriving.receive(event) : null;
    if (result !== null) return { kind: 'done', result };
  }
  return null;
}

/** Calls to the page of a host that has whole layers. */
export interface SessionCalls extends Omit<PageCalls, 'snapshot' | 'means'> {
  snapshot(state: SessionSnapshot): Promise<void>;
  means(inputs: InputsDone, layers: readonly LayerResult[]): Promise<void>;
}

export interface OpenPage {
  readonly page: Page;
  readonly remote: SessionCalls;
  /** [method, ...arguments] of what the page asked, except the calls below. */
  readonly asked: unknown[][];
  readonly saved: SavedFigure[];
  readonly events: WorkerEvent[];
  /** Hears every event of the page's worker from now on. */
  onEvent(listener: (runId: number, event: RunnerEvent) => void): void;
  readonly reads: { readonly offset: number; readonly length: number }[];
  /** Console errors and warnings, uncaught errors, violations of the policy, log calls of the page. */
  problems(): Promise<string[]>;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly page: PageName;
  readonly run: Pick<SampleRun, 'request' | 'bytes' | 'headDetail' | 'keptHead'>;
  readonly snapshot: SessionSnapshot;
  readonly theme?: ThemeName;
  readonly width?: number;
  readonly height?: number;
  /** Name of the server, where it must not be a secure context. */
  readonly host?: string;
  /** Default English; see pseudoTexts.ts. */
  readonly language?: string;
  /** Follow selectHead and setMetric as the extension host does; default true. */
  readonly follow?: boolean;
  /** Runs before the page is gone to. */
  readonly prepare?: (page: Page) => Promise<void>;
}

/** Where and how large a page is shown. */
export type PagePlace = Pick<OpenOptions, 'page' | 'theme' | 'width' | 'height' | 'host' | 'language' | 'prepare'>;

/** A page that runs, and what can be asked of it; generic over the two sides' calls. */
export interface ShownPage<Remote> {
  readonly page: Page;
  readonly remote: Remote;
  problems(): Promise<string[]>;
  close(): Promise<void>;
}

export interface PageLab {
  open(options: OpenOptions): Promise<OpenPage>;
  /** Any page with a host of the test's own; `found` receives what the page complains of. */
  show<Host extends Calls<Host>, Remote extends Calls<Remote>>(
    place: PagePlace,
    handlers: Host,
    found: string[],
  ): Promise<ShownPage<Remote>>;
  /** The tab of a report, which is this HTML. */
  showReport(
    html: string,
    place: Omit<PagePlace, 'page'>,
    handlers: ReportHostCalls,
    found: string[],
  ): Promise<ShownPage<ReportPageCalls>>;
  /** Any text of HTML in a page of its own. */
  plain(html: string): Promise<Page>;
  close(): Promise<void>;
}

/** Said of what the tests do (reading pixels back), not of the pages. */
const harmless = [/Canvas2D: Multiple readback operations/];

export async function startPageLab(args: readonly string[] = chromiumArgs): Promise<PageLab> {
  const browser: Browser = await chromium.launch({ executablePath: requireChromium(), args: [...args] });
  // One for all pages: starting another costs more than most tests.
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  const server = await startPageServer();
  const show = <Host extends Calls<Host>, Remote extends Calls<Remote>>(
    place: PagePlace,
    handlers: Host,
    found: string[],
  ): Promise<ShownPage<Remote>> => {
    const address = server.address(place.page, place.theme ?? 'dark', place.host, place.language);
    return showPage<Host, Remote>(context, address, place, handlers, found);
  };
  return {
    show,
    open: (options) => openPage(show, options),
    showReport: (html, place, handlers, found) =>
      showPage<ReportHostCalls, ReportPageCalls>(
        context,
        server.reportAddress(html, place.theme ?? 'dark'),
        place,
        handlers,
        found,
      ),
    plain: async (html) => {
      const page = await context.newPage();
      await page.setContent(html);
      return page;
    },
    close: async () => {
      await browser.close();
      await server.close();
    },
  };
}

async function openPage(show: PageLab['show'], options: OpenOptions): Promise<OpenPage> {
  const { run, follow = true } = options;
  const found: string[] = [];
  const asked: unknown[][] = [];
  const saved: SavedFigure[] = [];
  const writing: SavedFigure[] = [];
  const events: WorkerEvent[] = [];
  let listen: (runId: number, event: RunnerEvent) => void = () => undefined;
  let { layers } = options.snapshot;
  const reads: { offset: number; length: number }[] = [];
  const note = (...call: unknown[]): Promise<void> => {
    asked.push(call);
    return Promise.resolve();
  };
  const handlers: HostCalls = {
    ready: (name) => {
      asked.push(['ready', name]);
      return Promise.resolve({ ...options.snapshot, layers: packLayers(layers) });
    },
    getHead: ({ layer, head }) =>
      Promise.resolve(layers.find(({ index }) => index === layer)?.heads.find(({ index }) => index === head) ?? null),
    getKeptHead: (where) => {
      asked.push(['getKeptHead', where]);
      return run.keptHead(where.layer, where.head);
    },
    selectHead: async (where, reveal) => {
      await note('selectHead', where, reveal);
      if (follow) await remote.select(where);
    },
    setMetric: async (metric) => {
      await note('setMetric', metric);
      if (follow) await remote.setMetric(metric);
    },
    runCommand: (command) => note('runCommand', command),
    openInReport: (head, figure) => note('openInReport', head, figure),
    copyText: (text) => note('copyText', text),
    openFigureFile: (name) => Promise.resolve(writing.push({ name, bytes: new Uint8Array() }) - 1),
    writeFigureFile: (file, bytes) => {
      const { name, bytes: before } = writing[file]!;
      writing[file] = { name, bytes: Buffer.concat([before, bytes]) };
      return Promise.resolve();
    },
    closeFigureFile: (file, whole) => {
      if (whole) saved.push(writing[file]!);
      return Promise.resolve();
    },
    readBytes: (_runId, _shard, offset, length) => {
      reads.push({ offset, length });
      return bytesSource(run.request.index.fileName, run.bytes).read(offset, length);
    },
    workerEvent: (runId, event) => {
      events.push({ runId, event });
      listen(runId, event);
      return Promise.resolve();
    },
    log: (level, message) => {
      found.push(`log ${level}: ${message}`);
      return Promise.resolve();
    },
  };
  const shown = await show<HostCalls, PageCalls>(options, handlers, found);
  const { remote: plain } = shown;
  // Pages get numbers without lists, a layer a text, and ask for a whole head, as from the extension host.
  const asHost: Pick<SessionCalls, 'snapshot' | 'headDone' | 'means'> = {
    snapshot: (state) => {
      ({ layers } = state);
      return plain.snapshot({ ...state, layers: packLayers(layers) });
    },
    headDone: (layer, head) => {
      layers = withHead(layers, layer, head);
      return plain.headDone(layer, headNumbers(head));
    },
    means: (inputs, means) => {
      layers = means;
      return plain.means(inputs, packLayers(layers));
    },
  };
  const remote = new Proxy<object>(plain, {
    get: (target, method) => Reflect.get(Object.hasOwn(asHost, method) ? asHost : target, method) as unknown,
  }) as SessionCalls;
  await until(() => asked.some(([method]) => method === 'ready'), 'the page says ready');
  await settle(shown.page);
  const onEvent = (listener: typeof listen): void => {
    listen = listener;
  };
  return { ...shown, remote, asked, saved, events, onEvent, reads };
}

async function showPage<Host extends Calls<Host>, Remote extends Calls<Remote>>(
  context: BrowserContext,
  address: string,
  { width = 1280, height = 900, prepare }: Pick<PagePlace, 'width' | 'height' | 'prepare'>,
  handlers: Host,
  found: string[],
): Promise<ShownPage<Remote>> {
  const page = await context.newPage();
  await page.setViewportSize({ width, height });
  page.on('console', (message) => {
    const text = message.text();
    if (!['error', 'warning'].includes(message.type()) || harmless.some((pattern) => pattern.test(text))) return;
    found.push(`console ${message.type()}: ${text}`);
  });
  page.on('pageerror', (error) => found.push(`uncaught: ${error.message}`));
  let receive: (message: unknown) => void = () => undefined;
  const endpoint = connect<Host, Remote>(
    {
      post: (message) => {
        page.evaluate(deliver, packed(message)).catch((error: unknown) => {
          // A page that is gone answers nobody.
          if (!page.isClosed()) found.push(`a message was lost: ${String(error)}`);
        });
      },
      onMessage: (listener) => {
        receive = listener;
      },
    },
    handlers,
  );
  await page.exposeFunction('toHost', (message: unknown) => {
    receive(message);
  });
  await prepare?.(page);
  await page.goto(address);
  return {
    page,
    remote: endpoint.remote,
    problems: async () => {
      const violations = await page.evaluate(() => (window as unknown as { cspViolations: string[] }).cspViolations);
      return [...found, ...violations.map((violation) => `policy: ${violation}`)];
    },
    close: async () => {
      endpoint.close('the test is over');
      await page.close();
    },
  };
}

/** What stands for a typed array in the text of a message. */
interface PackedArray {
  readonly $array: 'Uint8Array' | 'Uint8ClampedArray' | 'Int32Array' | 'Uint32Array' | 'Float32Array' | 'Float64Array';
  readonly base64: string;
}

/** A message as text: the browser's protocol takes a second for the objects of a finished inspection, and none for one string. */
function packed(message: unknown): string {
  return JSON.stringify(message, function (this: Record<string, unknown>, key, value: unknown) {
    // The value before toJSON, which a Buffer has.
    const raw = this[key];
    if (!ArrayBuffer.isView(raw)) return value;
    const $array = raw instanceof Uint8Array ? 'Uint8Array' : raw.constructor.name;
    return { $array, base64: Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('base64') };
  });
}

/** Runs in the page: the text of `packed` arrives as the message that it was. */
function deliver(text: string): void {
  const kinds = { Uint8Array, Uint8ClampedArray, Int32Array, Uint32Array, Float32Array, Float64Array };
  const data: unknown = JSON.parse(text, (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('$array' in value)) return value;
    const { $array, base64 } = value as PackedArray;
    return new kinds[$array](Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0)).buffer);
  });
  window.dispatchEvent(new MessageEvent('message', { data }));
}

/** Tests of one page each: the test must pass, and nothing on the page may have complained. `view`: what the test opened. */
export function pageTests(
  view: () => Pick<ShownPage<PageCalls>, 'problems' | 'close'>,
  test: typeof fullIt = it,
): (title: string, body: () => Promise<void>) => void {
  return (title, body) => {
    test(title, async () => {
      try {
        await body();
        assert.deepEqual(await view().problems(), []);
      } finally {
        await view().close();
      }
    });
  };
}

/** The same where each test opens a page of its own kind and is handed it. */
export function ownPageTests<View extends Pick<ShownPage<unknown>, 'problems' | 'close'>>(): (
  title: string,
  make: () => Promise<View>,
  body: (view: View) => Promise<void>,
  test?: typeof fullIt,
) => void {
  return (title, make, body, test = it) => {
    test(title, async () => {
      const view = await make();
      try {
        await body(view);
        assert.deepEqual(await view.problems(), []);
      } finally {
        await view.close();
      }
    });
  };
}

/** Two frames and the timers behind them, and what waits for later ones: what was sent has been drawn. */
export async function settle(page: Page): Promise<void> {
  await page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const look = (): void => {
          if (document.body.dataset['drawing'] === undefined) resolve();
          else requestAnimationFrame(look);
        };
        requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(look, 30)));
      }),
  );
}

/** Waits for a condition of the test's own side. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, ms = 60_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
