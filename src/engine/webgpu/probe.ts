// Asks the machine for a graphics adapter and says in a sentence what there is. The GPU object is handed in
// (`navigator.gpu` in a worker, Dawn in Node); nothing here decides which backend runs.

import { EngineError } from '../backend';

export type WebGpuStatus = 'hardware' | 'software' | 'noApi' | 'noAdapter';

export interface WebGpuProbe {
  readonly status: WebGpuStatus;
  readonly adapter: GPUAdapter | null;
  readonly description: string | null;
  readonly isFallback: boolean;
  /** A sentence for the person: what was found, and what runs instead where it is not enough. */
  readonly message: string;
}

/** Names under which CPU implementations of Vulkan, Direct3D and OpenGL appear. */
const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i;

/** Never throws: a failing request is the state `noAdapter` with the reason in its message. */
export async function probeWebGpu(gpu: GPU | undefined): Promise<WebGpuProbe> {
  if (gpu === undefined) {
    return nothing('noApi', 'WebGPU is not available here (there is no navigator.gpu), so the cpu backend is used.');
  }
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return nothing('noAdapter', `Asking for a WebGPU adapter failed (${why}), so the cpu backend is used.`);
  }
  if (adapter === null) {
    return nothing(
      'noAdapter',
      'WebGPU is there but offers no adapter (no supported graphics card, or hardware acceleration is switched off), so the cpu backend is used.',
    );
  }
  const description = describeAdapter(adapter.info);
  const isFallback = isSoftware(adapter);
  return {
    status: isFallback ? 'software' : 'hardware',
    adapter,
    description,
    isFallback,
    message: isFallback
      ? `The only WebGPU adapter is a software one (${description}), which is slower than the cpu backend; auto uses cpu.`
      : `WebGPU runs on ${description}.`,
  };
}

/** Whether the adapter computes on the CPU, by its flag or by its name. */
export function isSoftware(adapter: Pick<GPUAdapter, 'info'>): boolean {
  const { info } = adapter;
  return (
    info.isFallbackAdapter ||
    softwareNames.test(`${info.description} ${info.device} ${info.architecture} ${info.vendor}`)
  );
}

/** One line: description, or vendor and architecture where the browser hides it. */
export function describeAdapter(info: GPUAdapterInfo): string {
  const named = [info.vendor, info.architecture, info.device].filter((part) => part !== '').join(' ');
  if (info.description === '') return named === '' ? 'an adapter without a name' : named;
  return named === '' ? info.description : `${info.description} (${named})`;
}

/** Optional features that our own kernels use; a device for another library must not have them. */
export function kernelFeatures({ isFallback }: Pick<WebGpuProbe, 'isFallback'>): readonly GPUFeatureName[] {
  return isFallback ? ['subgroups'] : [];
}

/**
 * A device with the limits that the adapter grants (defaults stop at 128 MB a binding) and no optional features but
 * those of `wanted` that it has: without 'subgroups' no library takes paths that are wrong on small subgroups.
 * @throws EngineError noAdapter when the adapter gives no device.
 */
export async function requestDevice(adapter: GPUAdapter, wanted: readonly GPUFeatureName[] = []): Promise<GPUDevice> {
  const { limits, features } = adapter;
  try {
    return await adapter.requestDevice({
      label: 'gramlens',
      requiredFeatures: wanted.filter((feature) => features.has(feature)),
      requiredLimits: {
        maxBufferSize: limits.maxBufferSize,
        maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
        maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
        maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
        maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
        maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
        maxComputeWorkgroupSizeY: limits.maxComputeWorkgroupSizeY,
        maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      },
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new EngineError(
      'noAdapter',
      `The WebGPU adapter ${describeAdapter(adapter.info)} gave no device (${why}). Use the cpu backend.`,
    );
  }
}

function nothing(status: 'noApi' | 'noAdapter', message: string): WebGpuProbe {
  return { status, adapter: null, description: null, isFallback: false, message };
}
