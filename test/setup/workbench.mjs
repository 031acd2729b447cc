// A real VS Code workbench (1.100.3) from the npm registry: the web server of code-server, kept in .vscode-test/.
// Only its inner server is used, so the outer wrapper's packages are never installed. Linux and macOS.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ensureSystem, findCommand } from './system.mjs';

const version = '4.100.3';
/** As published; another archive under the same version is refused. */
const integrity = 'sha512-q/Fh2DOxCRNhC/WiG/6sAhSKnj7ZACTVBaeeZ+rWjol//0FCbl/qg1ln5ecZ99jYcfqMxZZAyWcN+YBIo0DgpA==';
/** Native parts that are compiled here: log files, orphan watchdog, terminal. The rest comes prebuilt or is never loaded. */
const nativeParts = ['@vscode/spdlog', 'native-watchdog', 'node-pty'];
/** A server that has not bound its port by then will not. */
const startTimeoutMs = 60_000;

/** Where the workbench is installed; the name carries Node's ABI because native parts are compiled for it. */
function workbenchFolder() {
  return resolve('.vscode-test', `code-server-${version}-abi${process.versions.modules}`);
}

/** True once an install was completed: the folder gets its name as the last step. */
export function isWorkbenchInstalled() {
  return existsSync(workbenchFolder());
}

function run(command, args, cwd) {
  const env = { ...process.env };
  // Settings of an outer `npm test` must not reach the inner npm: they name another prefix and forbid scripts.
  for (const name of Object.keys(env))
    if (/^npm_(config_(?!registry|cache|userconfig|proxy|https|cafile|strict)|package_|lifecycle_)/i.test(name))
      delete env[name];
  const done = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  });
  if (done.status === 0) return done.stdout;
  const tail = `${done.stdout ?? ''}\n${done.stderr ?? ''}\n${done.error ?? ''}`
    .trim()
    .split('\n')
    .slice(-15)
    .join('\n');
  throw new Error(
    `Installing the VS Code workbench failed at "${command} ${args.join(' ')}". Its last lines:\n${tail}`,
  );
}

/** Compiles the native parts with the node-gyp that npm brings; `npm run` puts it on PATH whatever npm's version is. */
function buildNativeParts(folder, modules) {
  const prefix = dirname(dirname(process.execPath));
  const headers = existsSync(join(prefix, 'include/node/node.h')) ? ` --nodedir=${JSON.stringify(prefix)}` : '';
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, scripts: { gyp: `node-gyp rebuild${headers}` } }),
  );
  for (const part of nativeParts) run('npm', ['run', '--silent', 'gyp', '--', '-C', join(modules, part)], folder);
}

/**
 * Installs the workbench unless it is there. About half a minute on two cores; quiet when there is nothing to do.
 * @returns the folder of VS Code's server (with out/server-main.js in it)
 */
export function installWorkbench() {
  const folder = workbenchFolder();
  if (isWorkbenchInstalled()) return join(folder, 'package/lib/vscode');
  if (process.platform === 'win32')
    throw new Error('The VS Code workbench for tests runs on Linux and macOS. On Windows use `npm run test:desktop`.');
  ensureSystem({ workbench: true });
  console.log(`Installing the VS Code workbench (code-server ${version}) into .vscode-test, once...`);
  const partial = `${folder}.partial-${process.pid}`;
  mkdirSync(partial, { recursive: true });
  for (const name of readdirSync(dirname(folder)))
    if (/\.partial-\d+$/.test(name) && !isAlive(Number(name.split('-').pop())))
      rmSync(join(dirname(folder), name), { recursive: true, force: true });
  try {
    run('npm', ['pack', `code-server@${version}`, '--silent', '--ignore-scripts'], partial);
    const archive = join(partial, `code-server-${version}.tgz`);
    const digest = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (digest !== integrity)
      throw new Error(
        `The archive of code-server ${version} is not the published one (${digest}). Check the npm registry that npm is configured with.`,
      );
    run('tar', ['xzf', archive], partial);
    rmSync(archive);
    const server = join(partial, 'package/lib/vscode');
    const modules = join(server, 'node_modules');
    run('npm', ['install', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], server);
    buildNativeParts(partial, modules);
    // The package's own install step downloads ripgrep from elsewhere; the machine's is as good.
    mkdirSync(join(modules, '@vscode/ripgrep/bin'), { recursive: true });
    symlinkSync(findCommand('rg'), join(modules, '@vscode/ripgrep/bin/rg'));
    symlinkSync('node_modules', join(server, 'node_modules.asar'));
    if (!isWorkbenchInstalled()) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return join(folder, 'package/lib/vscode');
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Settings every workbench of ours starts with. In test mode dialogs are refused, so what would ask is off. */
export const baseSettings = {
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.colorTheme': 'Default Dark Modern',
  'window.autoDetectColorScheme': false,
  'workbench.enableExperiments': false,
  'workbench.settings.enableNaturalLanguageSearch': false,
  'chat.commandCenter.enabled': false,
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  'git.enabled': false,
  'git.openRepositoryInParentFolders': 'never',
  'npm.autoDetect': 'off',
};

/**
 * Starts the workbench's server on a free port, with folders of its own that are removed at the end.
 * @param options.settings settings beside the base ones; options.userSettings those that can be changed in the window
 *   (the machine's own would win); options.env variables for the extension host
 * @returns {origin, port, url(folder, payload), log(), stop()}; stop ends the server and all its children
 */
export async function startWorkbench(options = {}) {
  const server = installWorkbench();
  const home = mkdtempSync(join(tmpdir(), 'gramlens-workbench-'));
  const settings = { ...baseSettings, ...options.settings };
  for (const [scope, own] of Object.entries({ User: options.userSettings, Machine: {} })) {
    mkdirSync(join(home, 'data', scope), { recursive: true });
    writeFileSync(join(home, 'data', scope, 'settings.json'), JSON.stringify({ ...settings, ...own }, null, 2));
  }
  const args = [
    'out/server-main.js',
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--without-connection-token',
    '--accept-server-license-terms',
  ];
  args.push('--telemetry-level', 'off', '--disable-websocket-compression');
  args.push(
    '--server-data-dir',
    join(home, 'data'),
    '--user-data-dir',
    join(home, 'data'),
    '--extensions-dir',
    join(home, 'extensions'),
  );
  // Its own process group: the extension host and its workers end with it, whatever they are doing.
  const child = spawn(process.execPath, args, {
    cwd: server,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, EXTENSIONS_GALLERY: '{}', ...options.env },
  });
  let log = '';
  let ended = false;
  const gone = new Promise((done) => child.once('exit', () => done((ended = true))));
  const kill = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // The group is gone already.
    }
  };
  const killAtExit = () => {
    kill('SIGKILL');
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once('exit', killAtExit);
  const stop = async () => {
    kill('SIGTERM');
    await Promise.race([gone, new Promise((done) => setTimeout(done, 3000).unref())]);
    kill('SIGKILL');
    await gone;
    process.removeListener('exit', killAtExit);
    killAtExit();
  };
  const port = await new Promise((done, fail) => {
    const failed = (why) =>
      fail(new Error(`The VS Code workbench did not start: ${why}. Its output:\n${log.slice(-3000)}`));
    const timer = setTimeout(() => failed(`no port within ${startTimeoutMs / 1000} s`), startTimeoutMs);
    const listen = (chunk) => {
      log = (log + chunk).slice(-200_000);
      const bound = /Extension host agent listening on (\d+)/.exec(log);
      if (bound !== null) {
        clearTimeout(timer);
        done(Number(bound[1]));
      }
    };
    child.stdout.setEncoding('utf8').on('data', listen);
    child.stderr.setEncoding('utf8').on('data', listen);
    child.once('error', (error) => failed(error.message));
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      failed(`it ended with ${signal ?? `exit code ${code}`}`);
    });
  }).catch(async (error) => {
    if (!ended && child.pid !== undefined) await stop();
    throw error;
  });
  const authority = `127.0.0.1:${port}`;
  const remote = (path) => `vscode-remote://${authority}${resolve(path)}`;
  return {
    origin: `http://${authority}`,
    port,
    pid: child.pid,
    /** The page that opens a folder with an extension under development, and its tests where they are given. */
    url({ folder, extension, tests }) {
      const payload = [['skipWelcome', 'true']];
      if (extension !== undefined) payload.push(['extensionDevelopmentPath', remote(extension)]);
      if (tests !== undefined) payload.push(['extensionTestsPath', remote(tests)]);
      const query = [`payload=${encodeURIComponent(JSON.stringify(payload))}`];
      if (folder !== undefined) query.unshift(`folder=${encodeURIComponent(resolve(folder))}`);
      return `http://${authority}/?${query.join('&')}`;
    },
    log: () => log,
    stop,
  };
}
