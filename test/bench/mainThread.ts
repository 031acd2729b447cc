// Tasks of a page's main thread, from a Chromium trace. What the page lab itself does there (text of a message to the
// message) runs in tasks of its own, which are marked and left out.

import type { Page } from 'playwright-core';

/** One task, milliseconds. */
export interface Task {
  readonly wall: number;
  /** What the thread had of the processor; a busy machine makes `wall` longer, not this. */
  readonly thread: number;
  /** Longest parts of it, as the browser names them. */
  readonly parts: string;
}

export interface Recorded {
  /** The longest by thread time while a step ran. */
  longest(step: string): Task;
  /** The same of the page's start, until the host's first answer is there. */
  loading(): Task;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
}

const categories = [
  'toplevel',
  'devtools.timeline',
  'disabled-by-default-devtools.timeline',
  'blink.user_timing',
  'v8',
  'disabled-by-default-v8.gc',
];
/** Name of the mark in the lab's own tasks. */
const labMark = 'lab';
/** The step from the host's first answer until the page is at rest; its beginning marks itself. */
export const opening = 'opening';

const begins = (step: string): string => `begins ${step}`;
const ends = (step: string): string => `ends ${step}`;

/**
 * Runs in the page, before all else: a message crosses as a structured clone, as in the editor, and what the lab does to
 * bring it runs in tasks of its own.
 */
function messagesByClone([lab, arrived]: readonly [string, string]): void {
  const wide = window as unknown as { toHost(message: unknown): void };
  const [inwards, outwards] = [new MessageChannel(), new MessageChannel()];
  const toHost = wide.toHost.bind(window);
  const dispatch = window.dispatchEvent.bind(window);
  wide.toHost = (message) => {
    outwards.port1.postMessage(message);
  };
  outwards.port2.onmessage = ({ data }: MessageEvent<unknown>) => {
    performance.mark(lab);
    toHost(data);
  };
  window.dispatchEvent = (event) => {
    if (!(event instanceof MessageEvent)) return dispatch(event);
    performance.mark(lab);
    inwards.port1.postMessage(event.data);
    return true;
  };
  inwards.port2.onmessage = ({ data }: MessageEvent<unknown>) => {
    performance.mark(arrived);
    dispatch(new MessageEvent('message', { data }));
  };
}

export async function prepareTrace(page: Page): Promise<void> {
  await page.addInitScript(messagesByClone, [labMark, begins(opening)] as const);
  await page.context().browser()!.startTracing(page, { categories });
}

const mark = (page: Page, text: string): Promise<void> =>
  page.evaluate((given) => {
    performance.mark(given);
  }, text);

/** Marks where a step begins and ends. Nothing but the step itself may ask the page for anything meanwhile. */
export async function step(page: Page, name: string, run: () => Promise<void>): Promise<void> {
  await mark(page, begins(name));
  await run();
  await opened(page, name);
}

/** The page is open and at rest, or what was begun is done. */
export async function opened(page: Page, name = opening): Promise<void> {
  await rest(page);
  await mark(page, ends(name));
}

/** Frames and timers behind a step: what it has begun is done. */
async function rest(page: Page): Promise<void> {
  await page.evaluate(
    () =>
      new Promise((resolve) => {
        requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 250)));
      }),
  );
}

/** Ends the trace that `prepareTrace` began. */
export async function recorded(page: Page): Promise<Recorded> {
  const { traceEvents } = JSON.parse((await page.context().browser()!.stopTracing()).toString()) as {
    traceEvents: TraceEvent[];
  };
  const first = traceEvents.find(({ name }) => name === begins(opening));
  if (first === undefined) throw new Error('the trace has no mark of the page');
  const own = traceEvents.filter(({ pid, tid }) => pid === first.pid && tid === first.tid).sort((a, b) => a.ts - b.ts);
  const timed = own.filter(({ ph, dur }) => ph === 'X' && dur !== undefined);
  const tasks = timed.filter(({ name }) => name === 'RunTask' || name === 'ThreadControllerImpl::RunTask');
  const labs = own.filter(({ name }) => name === labMark);
  const holds = (task: TraceEvent, { ts }: TraceEvent): boolean => ts >= task.ts && ts <= task.ts + (task.dur ?? 0);
  const ms = (microseconds = 0): number => microseconds / 1000;
  const partsOf = (task: TraceEvent): string => {
    const times = new Map<string, number>();
    for (const event of timed) {
      if (event === task || tasks.includes(event) || !holds(task, event)) continue;
      times.set(event.name, (times.get(event.name) ?? 0) + ms(event.dur));
    }
    const longest = [...times].sort((a, b) => b[1] - a[1]).slice(0, 6);
    return longest.map(([name, time]) => `${name} ${time.toFixed(0)}`).join(', ');
  };
  const at = (text: string): number => {
    const found = own.find(({ name }) => name === text);
    if (found === undefined) throw new Error(`the trace has no mark '${text}'`);
    return found.ts;
  };
  const thread = (task: TraceEvent): number => ms(task.tdur ?? task.dur);
  const longest = (from: number, to: number): Task => {
    const within = tasks.filter(
      (task) => task.ts + (task.dur ?? 0) >= from && task.ts <= to && !labs.some((lab) => holds(task, lab)),
    );
    const [most] = within.sort((a, b) => thread(b) - thread(a));
    return most === undefined
      ? { wall: 0, thread: 0, parts: '' }
      : { wall: ms(most.dur), thread: thread(most), parts: partsOf(most) };
  };
  return {
    longest: (name) => longest(at(begins(name)), at(ends(name))),
    loading: () => longest(0, at(begins(opening))),
  };
}
