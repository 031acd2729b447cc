// What the tests need from the machine, found or installed: Chromium, its software Vulkan driver, a compiler for the
// workbench's native parts, ripgrep. On Debian as root through apt, and only what is missing; elsewhere a sentence names it.
// Tests bundle this file into CommonJS, so it knows no import.meta. The script that runs it is prepare.mjs.
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** Tools the workbench's native parts are built with and its search runs on; command -> Debian package. */
const workbenchTools = { 'g++': 'g++', make: 'make', python3: 'python3', rg: 'ripgrep', tar: 'tar' };

/** Full path of a command on PATH, or null. */
export function findCommand(name) {
  const suffixes = process.platform === 'win32' ? ['.exe', '.cmd', ''] : [''];
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const suffix of suffixes) {
      const file = join(folder, name + suffix);
      if (folder !== '' && existsSync(file)) return file;
    }
  }
  return null;
}

/** A Chromium (or Chrome, or Edge) executable: GRAMLENS_CHROMIUM first, then the usual places. Null when there is none. */
export function findChromium() {
  const asked = process.env.GRAMLENS_CHROMIUM;
  if (asked) {
    if (existsSync(asked)) return asked;
    throw new Error(`GRAMLENS_CHROMIUM names ${asked}, which does not exist. Correct it or unset it.`);
  }
  for (const name of ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge']) {
    const command = findCommand(name);
    if (command !== null) return command;
  }
  const programs = [process.env.PROGRAMFILES, process.env['PROGRAMFILES(X86)'], process.env.LOCALAPPDATA].filter(
    Boolean,
  );
  const places = [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    join(homedir(), 'Applications/Google Chrome.app/Contents/MacOS/Google Chrome'),
    ...programs.flatMap((folder) => [
      join(folder, 'Google/Chrome/Application/chrome.exe'),
      join(folder, 'Microsoft/Edge/Application/msedge.exe'),
    ]),
  ];
  return places.find((place) => existsSync(place)) ?? null;
}

/** The ICD file of SwiftShader, the software Vulkan driver that Chromium brings along. Null when there is none. */
export function findSoftwareVulkan() {
  const name = 'vk_swiftshader_icd.json';
  const folders = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome', '/opt/microsoft/msedge'];
  const chromium = findChromium();
  if (chromium !== null) folders.unshift(dirname(realpathSync(chromium)));
  const found = folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
  if (found !== undefined) return found;
  const listed = spawnSync('dpkg', ['-L', 'chromium-common', 'chromium'], { encoding: 'utf8' });
  return (listed.stdout ?? '').split('\n').find((line) => line.endsWith(name)) ?? null;
}

/**
 * Lets Dawn (the `webgpu` package) find an adapter on a machine without a GPU: sets VK_DRIVER_FILES to SwiftShader
 * unless the variable, or a real Vulkan driver's choice by the user, is there already. Call before importing `webgpu`.
 */
export function useSoftwareVulkan() {
  if (process.platform !== 'linux' || process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES) return;
  const icd = findSoftwareVulkan();
  if (icd === null) return;
  process.env.VK_DRIVER_FILES = icd;
  process.env.VK_ICD_FILENAMES = icd;
}

/** Which parts are missing, as {what, debian} in the order they are needed. */
function missingParts(needs) {
  const parts = [];
  if (needs.chromium && findChromium() === null) parts.push({ what: 'Chromium', debian: 'chromium' });
  else if (needs.vulkan && process.platform === 'linux' && findSoftwareVulkan() === null)
    parts.push({
      what: 'the SwiftShader Vulkan driver (vk_swiftshader_icd.json, part of Chromium)',
      debian: 'chromium',
    });
  if (needs.workbench)
    for (const [tool, debian] of Object.entries(workbenchTools))
      if (findCommand(tool) === null) parts.push({ what: tool, debian });
  return parts;
}

function canUseApt() {
  return process.getuid?.() === 0 && findCommand('apt-get') !== null;
}

function apt(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const done = spawnSync('apt-get', ['-qq', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env });
  if (done.status === 0) return;
  const tail = `${done.stdout}\n${done.stderr}`.trim().split('\n').slice(-12).join('\n');
  throw new Error(`apt-get ${args.join(' ')} failed (exit ${done.status}). Its last lines:\n${tail}`);
}

/**
 * Finds what is asked for and installs what is missing where that is possible (Debian, as root).
 * @param needs which of {chromium, vulkan, workbench} are needed; all by default
 * @throws Error with one sentence that names everything still missing
 */
export function ensureSystem(needs = { chromium: true, vulkan: true, workbench: true }) {
  let missing = missingParts(needs);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((part) => part.debian))];
  if (canUseApt()) {
    console.log(
      `Installing ${packages.join(', ')} with apt-get (the tests need ${missing.map((part) => part.what).join(', ')})...`,
    );
    apt(['update']);
    apt(['install', '-y', '--no-install-recommends', ...packages]);
    missing = missingParts(needs);
    if (missing.length === 0) return;
  }
  const names = missing.map((part) => part.what).join(', ');
  const browser = missing.some((part) => part.debian === 'chromium')
    ? ', or set GRAMLENS_CHROMIUM to the executable of a Chromium or Chrome'
    : '';
  throw new Error(
    `This machine lacks ${names}. On Debian or Ubuntu: sudo apt-get install ${packages.join(' ')}. Elsewhere install the same by your own means${browser}.`,
  );
}

/** Like findChromium, but installs one where that is possible and throws a sentence when there is none. */
export function requireChromium() {
  ensureSystem({ chromium: true });
  return findChromium();
}

/** Chromium flags for headless tests: WebGPU on SwiftShader, no sandbox as root, no talk to the network. */
export const chromiumArgs = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];
