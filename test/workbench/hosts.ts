// The two places the suite runs in: the workbench in Chromium (default), and a desktop VS Code (test/setup/desktop.mjs).
import { runTests } from '@vscode/test-electron';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { chromiumArgs, requireChromium } from '../setup/system.mjs';
import { baseSettings, startWorkbench } from '../setup/workbench.mjs';

export interface Host {
  name: string;
  page: Page | Promise<Page>;
  /** Resolves when the suite has ended, with its exit code (0: nothing failed). */
  exitCode: Promise<number>;
  /** Everything worth reading when something failed. */
  log: () => string;
  stop: () => Promise<void>;
}

/** Same for both hosts: what is opened, what is tested. */
const folder = resolve('media/samples');
const tests = resolve('out/test/workbench/index.cjs');
const extension = resolve('.');
const windowSize = { width: 1440, height: 900 };

/** The workbench from the npm registry in headless Chromium, WebGPU on SwiftShader. */
export async function openInBrowser(env: Record<string, string>): Promise<Host> {
  const executablePath = requireChromium();
  const workbench = await startWorkbench({ env });
  let browser: Browser | undefined;
  try {
    browser = await chromium.launch({ executablePath, args: chromiumArgs, headless: true });
    const page = await browser.newPage({ viewport: windowSize });
    const lines: string[] = [];
    const keep = (line: string): void => {
      lines.push(line);
      if (lines.length > 2000) lines.shift();
    };
    let exit: (code: number) => void = () => undefined;
    const exitCode = new Promise<number>((done) => (exit = done));
    await page.exposeFunction('codeAutomationLog', (type: string, args: unknown[]) => {
      keep(
        `[extension host ${type}] ${args.map((arg) => (typeof arg === 'string' ? arg : JSON.stringify(arg))).join(' ')}`,
      );
    });
    await page.exposeFunction('codeAutomationExit', (code: number) => {
      exit(code);
    });
    page.on('crash', () => {
      keep('the page crashed');
      exit(1);
    });
    page.on('console', (message) => {
      if (message.type() === 'error') keep(`[page] ${message.text()}`);
    });
    page.on('pageerror', (error) => {
      keep(`[page] ${error.stack ?? error.message}`);
    });
    await page.goto(workbench.url({ folder, extension, tests }));
    const running = browser;
    return {
      name: `VS Code workbench in Chromium ${browser.version()}`,
      page,
      exitCode,
      log: () => [...lines, workbench.log().slice(-4000)].join('\n'),
      stop: async () => {
        await running.close();
        await workbench.stop();
      },
    };
  } catch (error) {
    await browser?.close();
    await workbench.stop();
    throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** The window of a desktop VS Code, through its debugging port, once it is there. */
async function connect(port: number): Promise<{ browser: Browser; page: Page }> {
  for (const end = Date.now() + 60_000; ;) {
    try {
      const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
      const page = browser
        .contexts()
        .flatMap((context) => context.pages())
        .find((candidate) => candidate.url().includes('workbench'));
      if (page !== undefined) return { browser, page };
      await browser.close();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    if (Date.now() > end) throw new Error('the desktop VS Code showed no window within 60 s');
    await new Promise((done) => setTimeout(done, 250));
  }
}

/** A desktop VS Code, driven over its debugging port. */
export async function openOnDesktop(vscodeExecutablePath: string, env: Record<string, string>): Promise<Host> {
  const port = await freePort();
  const home = mkdtempSync(join(tmpdir(), 'gramlens-desktop-'));
  mkdirSync(join(home, 'User'), { recursive: true });
  writeFileSync(join(home, 'User', 'settings.json'), JSON.stringify(baseSettings, null, 2));
  const exitCode = runTests({
    vscodeExecutablePath,
    extensionDevelopmentPath: extension,
    extensionTestsPath: tests,
    extensionTestsEnv: env,
    launchArgs: [
      folder,
      `--remote-debugging-port=${port}`,
      `--user-data-dir=${home}`,
      `--extensions-dir=${join(home, 'extensions')}`,
      '--disable-workspace-trust',
      '--skip-welcome',
      '--disable-updates',
      ...chromiumArgs,
    ],
  });
  let failure = '';
  const ended = exitCode.catch((error: unknown) => {
    failure = String(error);
    return 1;
  });
  const opened = connect(port);
  opened.catch(() => undefined);
  return {
    name: `desktop VS Code (${vscodeExecutablePath})`,
    page: opened.then(({ page }) => page),
    exitCode: ended,
    log: () => failure,
    stop: async () => {
      // The window ends with the suite; when it does not, closing the connection over CDP closes it.
      await Promise.race([ended, new Promise((done) => setTimeout(done, 5000))]);
      await opened.then(({ browser }) => browser.close()).catch(() => undefined);
      rmSync(home, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
