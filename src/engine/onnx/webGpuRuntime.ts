// ONNX Runtime's WebGPU provider as a GraphRuntime on a device of ours. The module (of the build that has this provider)
// and the GPU object are handed in: the inspector's worker has the browser's, the command line Dawn's.

import { EngineError } from '../backend';
import { DeviceGuard } from '../webgpu/deviceGuard';
import { probeWebGpu, requestDevice } from '../webgpu/probe';
import type { GraphRuntime } from './graphTensor';
import { ortRuntime, type OrtModule } from './ortRuntime';

/** A module that carries both providers. */
export interface WebGpuGraphs {
  readonly runtime: GraphRuntime;
  /** The WebAssembly provider of the same module, which the first block is run by as well. */
  readonly check: GraphRuntime;
  /** Description of the adapter. */
  readonly adapter: string;
  dispose(): void;
}

/** What `ortRuntime` is called with for a provider, for people. */
export const describeOrt = (version: string | undefined, provider: string): string =>
  `ONNX Runtime Web ${version ?? ''}, ${provider}`;

/**
 * The device has no 'subgroups': on the small subgroups of software adapters ONNX Runtime's MultiHeadAttention computes
 * garbage with them. It has 'shader-f16' where there is some, without which no float16 graph runs.
 * `prepare`: what this place's device needs before ONNX Runtime may use it.
 * @throws EngineError noWebGpu, noAdapter.
 */
export async function openWebGpuGraphs(
  ort: OrtModule,
  version: string | undefined,
  gpu: GPU | undefined,
  prepare: (device: GPUDevice) => void = () => undefined,
): Promise<WebGpuGraphs> {
  const { adapter, message, description } = await probeWebGpu(gpu);
  if (adapter === null) throw new EngineError('noAdapter', message);
  const device = await requestDevice(adapter, ['shader-f16']);
  prepare(device);
  const guard = new DeviceGuard(device);
  const name = describeOrt(version, 'WebGPU');
  const plain = ortRuntime(ort, name, [{ name: 'webgpu', device } as const]);
  return {
    adapter: description ?? 'an adapter without a name',
    check: ortRuntime(ort, describeOrt(version, 'WebAssembly'), ['wasm']),
    runtime: {
      description: name,
      open: async (model) => {
        const session = await guard.run('opening a part of the graph', () => plain.open(model));
        return {
          run: (feeds, fetches) => guard.run('a part of the graph', () => session.run(feeds, fetches)),
          release: () => session.release(),
        };
      },
    },
    dispose: () => {
      guard.dispose(() => {
        device.destroy();
      });
    },
  };
}
