// WebGPU in Node through the optional package `webgpu` (Dawn). It is not part of the extension: where it is not
// installed, `auto` says so and takes cpu.

import { createRequire } from 'node:module';
import { EngineError } from '../engine/backend';
import type { Backend, BackendKind } from '../engine/backend';
import { probeWebGpu, requestDevice } from '../engine/webgpu/probe';
import { createWebGpuBackend } from '../engine/webgpu/webgpuBackend';

interface DawnModule {
  create(options: string[]): GPU;
  readonly globals: object;
}

function isDawn(module: unknown): module is DawnModule {
  return typeof module === 'object' && module !== null && 'create' in module && 'globals' in module;
}

/** The GPU object must outlive its devices, or the process ends in native code. */
let keptGpu: GPU | null = null;

async function loadDawn(): Promise<GPU | null> {
  if (keptGpu !== null) return keptGpu;
  try {
    const loaded: unknown = await import('webgpu');
    if (!isDawn(loaded)) return null;
    Object.assign(globalThis, loaded.globals);
    keptGpu = loaded.create([]);
    return keptGpu;
  } catch {
    return null;
  }
}

/** Whether the package is there at all, without loading 100 MB of it. */
function dawnInstalled(): boolean {
  try {
    createRequire(__filename).resolve('webgpu');
    return true;
  } catch {
    return false;
  }
}

const notInstalled = 'Node has no WebGPU (the optional package `webgpu` is not installed), so the cpu backend is used.';

export async function chooseNodeBackend(wanted: 'auto' | BackendKind): Promise<{ kind: BackendKind; reason: string }> {
  if (wanted === 'cpu' || wanted === 'reference') return { kind: wanted, reason: 'chosen with --backend' };
  const gpu = dawnInstalled() ? await loadDawn() : null;
  if (gpu === null) {
    if (wanted === 'webgpu') {
      throw new EngineError(
        'noWebGpu',
        'Node has no WebGPU: install the package `webgpu` beside gramlens, or use --backend cpu.',
      );
    }
    return { kind: 'cpu', reason: notInstalled };
  }
  const { status, message } = await probeWebGpu(gpu);
  if (wanted === 'webgpu') {
    if (status === 'noAdapter' || status === 'noApi')
      throw new EngineError('noAdapter', `${message} Without --backend webgpu it would be.`);
    return { kind: 'webgpu', reason: 'chosen with --backend' };
  }
  return { kind: status === 'hardware' ? 'webgpu' : 'cpu', reason: message };
}

/** The WebGPU backend on Dawn's best adapter. */
export async function openDawn(): Promise<Backend> {
  const gpu = await loadDawn();
  const probe = await probeWebGpu(gpu ?? undefined);
  if (probe.adapter === null) throw new EngineError('noAdapter', probe.message);
  const device = await requestDevice(probe.adapter);
  const backend = await createWebGpuBackend(device, {
    description: probe.description ?? 'an adapter without a name',
    isFallback: probe.isFallback,
    info: probe.adapter.info,
  });
  return {
    ...backend,
    dispose: () => {
      backend.dispose();
      device.destroy();
    },
  };
}
