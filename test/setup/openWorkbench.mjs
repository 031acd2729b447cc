// npm run workbench: a real VS Code in the browser, with the extension under development and the samples as its folder.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { chromiumArgs, findChromium } from './system.mjs';
import { startWorkbench } from './workbench.mjs';

const built = spawnSync(process.execPath, ['esbuild.mjs'], { stdio: 'inherit' });
if (built.status !== 0) process.exit(1);
const folder = 'media/samples';
mkdirSync(folder, { recursive: true });

const workbench = await startWorkbench();
const url = workbench.url({ folder, extension: '.' });
console.log(
  `\nVS Code with Gramlens is open at\n\n  ${url}\n\nTry "Gramlens: Inspect Sample Checkpoint" from the command palette (F1). Ctrl-C here ends it.`,
);

const hasDisplay = process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
const chromium = hasDisplay ? findChromium() : null;
// A person's browser keeps its own GPU: only the sandbox flag (as root) is taken over from the tests.
if (chromium !== null)
  spawn(chromium, [...chromiumArgs.filter((arg) => arg === '--no-sandbox'), url], { stdio: 'ignore', detached: true })
    .on('error', () => undefined)
    .unref();

const end = async () => {
  await workbench.stop();
  process.exit(0);
};
process.once('SIGINT', end);
process.once('SIGTERM', end);
setInterval(() => undefined, 60_000);
