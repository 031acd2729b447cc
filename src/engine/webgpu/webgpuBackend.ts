// The `webgpu` backend: float32 on one shared GPUDevice that is handed in. tfjs does the generic operations, our
// kernels attention and RPC. Nothing of a layer stays on the device after its trace is read.

import type { FloatArray } from '../../checkpoint/tensorIndex';
import type { ModelInput, ModelSpec } from '../../model/modelSpec';
import { EngineError, type Backend, type LayerOptions, type LayerTrace, type Residual } from '../backend';
import type { BlockWeights, EmbedWeights, HeadWeights } from '../../model/weights';
import { BufferPool, BufferScope } from './bufferPool';
import { DeviceGuard } from './deviceGuard';
import { embedSteps, unembedSteps } from './ends';
import { familyFor, HeadAttention, type HeadLimits, type KernelFamily } from './headAttention';
import { runLayerSteps } from './layerSteps';
import { Pipelines, type KernelSources } from './pipelines';
import { selfCheck, type SelfCheckEntry } from './selfCheck';
import { TensorFlow } from './tensorFlow';

export interface WebGpuAdapter {
  /** As results print it. */
  readonly description: string;
  /** A software adapter: chooses the kernels without workgroup memory. */
  readonly isFallback: boolean;
  /** The adapter's own info where there is one; tfjs tunes by vendor. */
  readonly info?: GPUAdapterInfo;
}

export interface WebGpuOptions {
  /** Default: 'quads' on software adapters, 'registers' where their device has no subgroups, 'tiles' on hardware. */
  readonly kernels?: KernelFamily;
  readonly limits?: HeadLimits;
  /** false leaves the self-check at creation out (benchmarks). */
  readonly check?: boolean;
  /** Other WGSL for a kernel: tests break kernels with it. */
  readonly sources?: Partial<KernelSources>;
}

/** Bytes and tensors alive; all zero between calls, `freeBytes` apart. */
export interface WebGpuMemory {
  readonly liveBytes: number;
  readonly freeBytes: number;
  readonly tensors: number;
  readonly tensorBytes: number;
}

export interface WebGpuBackend extends Backend {
  readonly kind: 'webgpu';
  readonly device: GPUDevice;
  readonly kernels: KernelFamily;
  /** Every kernel against float64 on small inputs. @throws EngineError selfCheck */
  selfCheck(): Promise<SelfCheckEntry[]>;
  memory(): WebGpuMemory;
}

/**
 * Builds the backend on `device` (which the caller keeps, and destroys after `dispose`) and checks its kernels.
 * @throws EngineError shader, selfCheck, deviceLost, outOfMemory, internal
 */
export async function createWebGpuBackend(
  device: GPUDevice,
  adapter: WebGpuAdapter,
  options: WebGpuOptions = {},
): Promise<WebGpuBackend> {
  const family = options.kernels ?? familyFor(device.features, adapter.isFallback);
  try {
    return await openBackend(device, adapter, family, options);
  } catch (error) {
    const wrong = error instanceof EngineError && (error.reason === 'selfCheck' || error.reason === 'shader');
    // Subgroups are a second path: a driver that gets them wrong runs what does without.
    if (!wrong || family !== 'quads' || options.kernels !== undefined) throw error;
    return openBackend(device, adapter, 'registers', options);
  }
}

async function openBackend(
  device: GPUDevice,
  adapter: WebGpuAdapter,
  family: KernelFamily,
  options: WebGpuOptions,
): Promise<WebGpuBackend> {
  const guard = new DeviceGuard(device);
  const pool = new BufferPool(device);
  const attention = new HeadAttention(device, new Pipelines(device, options.sources), family, options.limits);
  const flow = new TensorFlow(device, adapter.info ?? namelessInfo(adapter));
  let disposed = false;

  const run = <T>(what: string, body: (scope: BufferScope) => Promise<T>): Promise<T> => {
    let close: () => void = () => undefined;
    return guard.run(
      what,
      () => {
        if (disposed) throw new EngineError('internal', 'This WebGPU backend was closed. Start a new inspection.');
        const scope = new BufferScope(device, pool);
        const closeTensors = flow.openScope(what);
        close = () => {
          closeTensors();
          scope.end();
        };
        return body(scope);
      },
      () => {
        close();
      },
    );
  };

  const backend: WebGpuBackend = {
    kind: 'webgpu',
    precision: 'float32',
    adapter: adapter.description,
    device,
    kernels: family,
    embed: (spec: ModelSpec, weights: EmbedWeights, input: ModelInput): Promise<Residual> =>
      run('the patch embedding', () => embedSteps(spec, weights, input)),
    runLayer: (spec: ModelSpec, weights: BlockWeights, x: Residual, layer: LayerOptions): Promise<LayerTrace> =>
      run(`layer ${layer.layer}`, (scope) => runLayerSteps({ flow, attention }, scope, spec, weights, x, layer)),
    unembed: (spec: ModelSpec, weights: HeadWeights, x: Residual): Promise<FloatArray | null> =>
      run('the classifier', () => unembedSteps(spec, weights, x)),
    selfCheck: () => run('the self-check', (scope) => selfCheck(flow, attention, scope)),
    memory: () => {
      const { tensors, bytes } = flow.memory();
      return { liveBytes: pool.bytes.live, freeBytes: pool.bytes.free, tensors, tensorBytes: bytes };
    },
    dispose: () => {
      if (disposed) return;
      disposed = true;
      guard.dispose(() => {
        pool.dispose();
        flow.dispose();
      });
    },
  };

  try {
    await flow.start();
    if (options.check !== false) await backend.selfCheck();
  } catch (error) {
    backend.dispose();
    throw error;
  }
  return backend;
}

function namelessInfo({ description, isFallback }: WebGpuAdapter): GPUAdapterInfo {
  return {
    __brand: 'GPUAdapterInfo',
    vendor: '',
    architecture: '',
    device: '',
    description,
    subgroupMinSize: 4,
    subgroupMaxSize: 128,
    isFallbackAdapter: isFallback,
  };
}
