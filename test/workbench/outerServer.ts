// The outside of the workbench tests: listens on 127.0.0.1 for the suite's calls and acts on the window through Playwright.
// The address carries a random token, so nothing else on the machine can drive the browser.
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import type { Frame, Locator, Page } from 'playwright-core';
import type { OuterCall, OuterCalls, PageProblem, Place } from './outerCalls';

const defaultTimeoutMs = 15_000;

export type OuterHandlers = {
  [Name in OuterCall]: (params: OuterCalls[Name]['params']) => Promise<OuterCalls[Name]['result']>;
};
export type SuiteHandlers = Pick<OuterHandlers, 'plan' | 'outcome' | 'note'>;

/** A frame is visible when every iframe element on the way up is. Webviews behind other tabs are not. */
async function isFrameVisible(frame: Frame): Promise<boolean> {
  for (let at: Frame | null = frame; at !== null; at = at.parentFrame()) {
    if (at.parentFrame() === null) return true;
    const element = await at.frameElement().catch(() => null);
    if (element === null || !(await element.isVisible())) return false;
  }
  return true;
}

/** Waits for the webview that holds an element matching `inside`; a visible one is preferred to a hidden one. */
async function findFrame(page: Page, inside: string | undefined, timeoutMs: number): Promise<Frame> {
  if (inside === undefined) return page.mainFrame();
  const end = Date.now() + timeoutMs;
  for (;;) {
    let hidden: Frame | undefined;
    for (const frame of page.frames().slice(1).reverse()) {
      const holds = await frame
        .locator(inside)
        .count()
        .then((count) => count > 0)
        .catch(() => false);
      if (!holds) continue;
      if (await isFrameVisible(frame)) return frame;
      hidden = frame;
    }
    if (hidden !== undefined && Date.now() > end - timeoutMs / 2) return hidden;
    if (Date.now() > end) {
      const urls = page.frames().map((frame) => frame.url().slice(0, 120));
      throw new Error(`no webview holds "${inside}" after ${timeoutMs / 1000} s. Frames: ${urls.join(' | ')}`);
    }
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Collects console errors and uncaught exceptions from now on. */
function watchProblems(page: Page): PageProblem[] {
  const problems: PageProblem[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error')
      problems.push({ kind: 'console', text: message.text(), url: message.location().url });
  });
  page.on('pageerror', (error) => {
    problems.push({ kind: 'exception', text: error.stack ?? error.message, url: page.url() });
  });
  return problems;
}

/** What acts on the window. `getPage` may still be opening it when the first call comes. */
function pageHandlers(getPage: () => Promise<Page>): Omit<OuterHandlers, keyof SuiteHandlers> {
  let opened: Promise<{ page: Page; problems: PageProblem[] }> | undefined;
  const open = (): Promise<{ page: Page; problems: PageProblem[] }> =>
    (opened ??= getPage().then((page) => ({ page, problems: watchProblems(page) })));
  void open().catch(() => undefined);
  const locate = async (place: Place): Promise<{ target: Locator; timeout: number }> => {
    const timeout = place.timeoutMs ?? defaultTimeoutMs;
    const frame = await findFrame((await open()).page, place.inside, timeout);
    return { target: frame.locator(place.selector).first(), timeout };
  };
  return {
    async screenshot({ name, place }) {
      if (!/^[\w.-]+$/.test(name))
        throw new Error(`a screenshot's name has letters, digits, dots and dashes only, not "${name}"`);
      const path = resolve('out', 'screenshots', `${name}.png`);
      mkdirSync(join(path, '..'), { recursive: true });
      if (place === undefined) await (await open()).page.screenshot({ path });
      else await (await locate(place)).target.screenshot({ path });
      return path;
    },
    async click({ button = 'left', count = 1, position, ...place }) {
      const { target, timeout } = await locate(place);
      await target.click({ button, clickCount: count, timeout, ...(position === undefined ? {} : { position }) });
      return null;
    },
    async hover({ position, ...place }) {
      const { target, timeout } = await locate(place);
      await target.hover({ timeout, ...(position === undefined ? {} : { position }) });
      return null;
    },
    async press({ key, place }) {
      if (place === undefined) await (await open()).page.keyboard.press(key);
      else {
        const { target, timeout } = await locate(place);
        await target.press(key, { timeout });
      }
      return null;
    },
    async type(text) {
      await (await open()).page.keyboard.type(text);
      return null;
    },
    async fill({ value, ...place }) {
      const { target, timeout } = await locate(place);
      const isSelect = await target.evaluate((element) => element instanceof HTMLSelectElement, undefined, { timeout });
      if (isSelect) await target.selectOption(value, { timeout });
      else await target.fill(value, { timeout });
      return null;
    },
    async waitFor({ state = 'visible', ...place }) {
      const { target, timeout } = await locate(place);
      await target.waitFor({ state, timeout });
      return null;
    },
    async text(place) {
      const { target, timeout } = await locate(place);
      return target.innerText({ timeout });
    },
    async attribute({ name, ...place }) {
      const { target, timeout } = await locate(place);
      return target.getAttribute(name, { timeout });
    },
    async count(place) {
      const frame = await findFrame((await open()).page, place.inside, place.timeoutMs ?? defaultTimeoutMs);
      return frame.locator(place.selector).count();
    },
    async evaluate({ inside, source, argument, timeoutMs = defaultTimeoutMs }) {
      const frame = await findFrame((await open()).page, inside, timeoutMs);
      return frame.evaluate(`(${source})(${argument === undefined ? '' : JSON.stringify(argument)})`);
    },
    async frames() {
      const { page } = await open();
      return Promise.all(
        page.frames().map(async (frame) => ({
          url: frame.url(),
          visible: await isFrameVisible(frame),
          title: await frame.title().catch(() => ''),
        })),
      );
    },
    async problems() {
      return (await open()).problems;
    },
    async resize(size) {
      await (await open()).page.setViewportSize(size);
      return null;
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Starts to listen. `getPage` is asked once, `suite` receives what the suite says about itself.
 * @returns the address for the suite's environment, and close()
 */
export async function startOuterServer(
  getPage: () => Promise<Page>,
  suite: SuiteHandlers,
): Promise<{ address: string; close: () => void }> {
  const handlers: OuterHandlers = { ...suite, ...pageHandlers(getPage) };
  const token = randomBytes(16).toString('hex');
  const answer = async (request: IncomingMessage): Promise<unknown> => {
    const [, given, name = ''] = (request.url ?? '').split('/');
    if (given !== token || request.method !== 'POST' || !Object.hasOwn(handlers, name))
      throw new Error(`unknown call ${name}`);
    // The type of the parameters follows from the name on the sender's side; both ends are this repository's tests.
    const handler = handlers[name as OuterCall] as (params: unknown) => Promise<unknown>;
    return handler(JSON.parse(await readBody(request)));
  };
  const server = createServer((request, response) => {
    void answer(request).then(
      (ok) => response.end(JSON.stringify({ ok })),
      (error: unknown) =>
        response.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) })),
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}/${token}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
