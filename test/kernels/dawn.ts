// A real WebGPU device in Node: Dawn through the `webgpu` package, on SwiftShader where there is no graphics card.
// Missing parts fail with what to install; no test is skipped.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { describeAdapter, isSoftware, kernelFeatures, requestDevice } from '../../src/engine/webgpu/probe';

export interface Dawn {
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
  readonly device: GPUDevice;
  readonly description: string;
  readonly isFallback: boolean;
}

const driverVariables = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'] as const;
/** Where packages put SwiftShader's Vulkan driver, beside what dpkg says. */
const knownDrivers = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];

// Dawn crashes when its GPU object is collected while devices of it live.
const held: GPU[] = [];

/** A fresh device; the caller destroys it in `after`. */
export async function openDawn(): Promise<Dawn> {
  const gpu = await dawnGpu();
  const adapter = await gpu.requestAdapter();
  if (adapter === null) {
    throw new Error(
      'Dawn found no WebGPU adapter. Install a Vulkan driver and loader, or Debian\'s "chromium" package for its SwiftShader (apt-get install chromium libvulkan1), or set VK_DRIVER_FILES to a vk_swiftshader_icd.json.',
    );
  }
  // Kernels for software adapters are tested on hardware, too.
  const device = await requestDevice(adapter, kernelFeatures({ isFallback: true }));
  return { gpu, adapter, device, description: describeAdapter(adapter.info), isFallback: isSoftware(adapter) };
}

/** Dawn's GPU object, with the globals that tfjs expects of a browser's worker. */
export async function dawnGpu(): Promise<GPU> {
  if (held[0] !== undefined) return held[0];
  chooseDriver();
  // Loaded only now: the Vulkan loader reads the variables when the native module starts.
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = create([]);
  held.push(gpu);
  const scope = globalThis as Record<string, unknown>;
  scope['WorkerGlobalScope'] ??= Object;
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { gpu, userAgent: 'node' } });
  return gpu;
}

function chooseDriver(): void {
  if (driverVariables.some((name) => process.env[name] !== undefined)) return;
  if (process.platform !== 'linux' || existsSync('/dev/dri')) return;
  const listed = spawnSync('dpkg', ['-L', 'chromium-common', 'chromium'], { encoding: 'utf8' }).stdout as string | null;
  const paths = (listed ?? '').split('\n').filter((path) => path.endsWith('vk_swiftshader_icd.json'));
  const driver = [...paths, ...knownDrivers].find((path) => existsSync(path));
  if (driver === undefined) {
    throw new Error(
      'There is no graphics card and no SwiftShader Vulkan driver. Install Debian\'s "chromium" package (apt-get install chromium), or set VK_DRIVER_FILES to a vk_swiftshader_icd.json.',
    );
  }
  for (const name of driverVariables) process.env[name] = driver;
  const loader = join(dirname(driver), 'libvulkan.so.1');
  if (existsSync(loader)) keepLoaded(loader);
}

/**
 * Loads Chromium's own Vulkan loader for good, so that Dawn's dlopen("libvulkan.so.1") finds it by name where Debian's
 * libvulkan1 is not installed. Node then complains that it is no Node module, which it is not.
 */
function keepLoaded(library: string): void {
  const noDelete = 0x1000;
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | noDelete);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('did not self-register')) throw error;
  }
}
