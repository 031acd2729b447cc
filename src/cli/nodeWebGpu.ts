// WebGPU in Node through the optional package `webgpu` (Dawn). It is not part of the extension: where it is not
// installed, `auto` says so and takes cpu.

import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { EngineError } from '../engine/backend';
import type { Backend, BackendKind } from '../engine/backend';
import { kernelFeatures, probeWebGpu, requestDevice } from '../engine/webgpu/probe';
import type { WebGpuStatus } from '../engine/webgpu/probe';
import { createWebGpuBackend } from '../engine/webgpu/webgpuBackend';
import type { OrtModule } from '../engine/onnx/ortRuntime';
import { openWebGpuGraphs, type WebGpuGraphs } from '../engine/onnx/webGpuRuntime';
import { loadNodeOrt } from '../inspection/node/nodeOnnx';

/** Not for people: `gramlens probe-webgpu` answers what the CLI asks of itself. */
export const probeCommand = 'probe-webgpu';

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
    Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { gpu: keptGpu, userAgent: 'node' } });
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

interface ProbeAnswer {
  readonly status: WebGpuStatus;
  readonly message: string;
}

/** Hidden command of the CLI: what WebGPU there is, as one line of JSON. */
export async function printProbe(): Promise<void> {
  const { status, message } = await probeWebGpu((await loadDawn()) ?? undefined);
  process.stdout.write(`${JSON.stringify({ status, message } satisfies ProbeAnswer)}\n`);
}

/** A driver may print, hang or crash while it is asked: that happens in a process of its own. */
async function probeApart(): Promise<ProbeAnswer> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [__filename, probeCommand], { timeout: 15_000 });
    const answer: unknown = JSON.parse(stdout);
    if (typeof answer === 'object' && answer !== null && 'status' in answer && 'message' in answer) {
      return answer as ProbeAnswer;
    }
  } catch {
    // Told below: whatever went wrong, there is no adapter to use.
  }
  return { status: 'noAdapter', message: 'Asking the graphics driver for WebGPU failed, so the cpu backend is used.' };
}

/** `auto` takes hardware only; what was demanded and is missing is an error of this machine. */
export async function chooseNodeBackend(wanted: 'auto' | BackendKind): Promise<{ kind: BackendKind; reason: string }> {
  if (wanted === 'cpu' || wanted === 'reference') return { kind: wanted, reason: 'chosen with --backend' };
  if (!dawnInstalled()) {
    if (wanted === 'auto') return { kind: 'cpu', reason: notInstalled };
    throw new EngineError(
      'noWebGpu',
      'Node has no WebGPU: install the package `webgpu` beside gramlens, or use --backend cpu.',
    );
  }
  const { status, message } = await probeApart();
  if (wanted === 'auto') return { kind: status === 'hardware' ? 'webgpu' : 'cpu', reason: message };
  if (status === 'hardware' || status === 'software') return { kind: 'webgpu', reason: 'chosen with --backend' };
  throw new EngineError('noAdapter', `${message.replace(/, so the cpu backend is used\.$/, '.')} Use --backend cpu.`);
}

/** The WebGPU backend on Dawn's best adapter. */
export async function openDawn(): Promise<Backend> {
  const gpu = await loadDawn();
  // tfjs looks for a browser's worker before it believes in WebGPU; ONNX Runtime would take itself to be in one.
  const scope = globalThis as Record<string, unknown>;
  scope['WorkerGlobalScope'] ??= Object;
  const probe = await probeWebGpu(gpu ?? undefined);
  if (probe.adapter === null) throw new EngineError('noAdapter', probe.message);
  const device = await requestDevice(probe.adapter, kernelFeatures(probe));
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

/** ONNX Runtime on Dawn's best adapter. */
export async function openDawnGraphs(): Promise<WebGpuGraphs> {
  const gpu = await loadDawn();
  const ort = await loadNodeOrt(__dirname, 'webgpu');
  await startUntiered(ort);
  return openWebGpuGraphs(ort, ort.env.versions.web, gpu ?? undefined, dawnForOrt);
}

/**
 * Compiles the module once and for all: Node optimises its large functions for a minute, most of it behind the end of the
 * run, which waits for it. Modules compiled before and after are not touched.
 */
async function startUntiered(ort: OrtModule): Promise<void> {
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
  try {
    const session = await ort.InferenceSession.create(identityModel, { executionProviders: ['wasm'] });
    await session.release();
  } finally {
    setFlagsFromString('--wasm-tier-up');
    setFlagsFromString('--wasm-dynamic-tiering');
  }
}

/** A ModelProto of IR 7, opset 13, with the graph y = Identity(x) of one float32. */
const identityModel = new Uint8Array(
  Buffer.from('CAdCAhANOisKEAoBeBIBeSIISWRlbnRpdHkSAWdaDwoBeBIKCggIARIECgIIAWIDCgF5', 'base64'),
);

/**
 * Dawn in Node takes no views of shared memory, which ONNX Runtime's is, and pipelines that it makes asynchronously are
 * ready only when the thread is idle, which it is not while ONNX Runtime waits for them.
 */
function dawnForOrt(device: GPUDevice): void {
  const { queue } = device;
  const write = queue.writeBuffer.bind(queue);
  queue.writeBuffer = (buffer, offset, data, ...part) => {
    const shared = ArrayBuffer.isView(data) && data.buffer instanceof SharedArrayBuffer;
    write(
      buffer,
      offset,
      shared ? new Uint8Array(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) : data,
      ...part,
    );
  };
  device.createComputePipelineAsync = (descriptor) => Promise.resolve(device.createComputePipeline(descriptor));
}
