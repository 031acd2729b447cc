// Compiles our shaders once a device and dispatches them. A WGSL error throws nothing by itself, so the compiler's
// messages are read here before a pipeline is used.

import { EngineError } from '../backend';
import common from './kernels/common.wgsl';
import rpcShrink from './kernels/rpcShrink.wgsl';
import scoresQuads from './kernels/scoresQuads.wgsl';
import scoresRegisters from './kernels/scoresRegisters.wgsl';
import scoresTile from './kernels/scoresTile.wgsl';
import softmaxRows from './kernels/softmaxRows.wgsl';
import softmaxWorkgroup from './kernels/softmaxWorkgroup.wgsl';
import weighQuads from './kernels/weighQuads.wgsl';
import weighRegisters from './kernels/weighRegisters.wgsl';
import weighTile from './kernels/weighTile.wgsl';

const shippedSources = {
  scoresQuads,
  weighQuads,
  scoresRegisters,
  softmaxRows,
  weighRegisters,
  scoresTile,
  softmaxWorkgroup,
  weighTile,
  rpcShrink,
};
export type KernelName = keyof typeof shippedSources;
export type KernelSources = Readonly<Record<KernelName, string>>;

export class Pipelines {
  private readonly cache = new Map<string, Promise<GPUComputePipeline>>();
  private readonly sources: KernelSources;

  constructor(
    private readonly device: GPUDevice,
    replaced: Partial<KernelSources> = {},
  ) {
    this.sources = { ...shippedSources, ...replaced };
  }

  /** @throws EngineError shader with the compiler's message. */
  get(name: KernelName, constants: Readonly<Record<string, number>> = {}): Promise<GPUComputePipeline> {
    const key = `${name} ${JSON.stringify(Object.entries(constants).sort())}`;
    let pipeline = this.cache.get(key);
    if (pipeline === undefined) {
      pipeline = this.compile(name, key, constants);
      this.cache.set(key, pipeline);
    }
    return pipeline;
  }

  private async compile(
    name: KernelName,
    label: string,
    constants: Readonly<Record<string, number>>,
  ): Promise<GPUComputePipeline> {
    const { device } = this;
    // Behind the source: directives stand first, and the compiler counts the lines of the source as its file does.
    const module = device.createShaderModule({ label, code: this.sources[name] + common });
    const { messages } = await module.getCompilationInfo();
    const errors = messages.filter((message) => message.type === 'error');
    if (errors.length > 0) {
      const { lineNum, message } = errors[0]!;
      throw new EngineError(
        'shader',
        `The shader "${name}" does not compile on this graphics device (line ${lineNum}: ${message}). Use the cpu backend and report this message.`,
      );
    }
    try {
      return await device.createComputePipelineAsync({
        label,
        layout: 'auto',
        compute: { module, entryPoint: 'main', constants: { ...constants } },
      });
    } catch (error) {
      throw new EngineError(
        'shader',
        `The shader "${name}" gives no pipeline on this graphics device (${error instanceof Error ? error.message : String(error)}). Use the cpu backend and report this message.`,
      );
    }
  }
}

/**
 * Encodes one dispatch of `foldDispatch` workgroups; kernels count them `group.x + group.y * groups.x`. Buffers are
 * bound in order of their binding number.
 */
export function dispatch(
  device: GPUDevice,
  encoder: GPUCommandEncoder,
  pipeline: GPUComputePipeline,
  buffers: readonly GPUBuffer[],
  [x, y]: readonly [number, number],
  label: string,
): void {
  const pass = encoder.beginComputePass({ label });
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({
      label,
      layout: pipeline.getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    }),
  );
  pass.dispatchWorkgroups(x, y);
  pass.end();
}

/** [x, y] with x * y >= count and both within the limit. */
export function foldDispatch(count: number, limit: number): [number, number] {
  if (count <= limit) return [count, 1];
  const y = Math.ceil(count / limit);
  if (y > limit)
    throw new EngineError('internal', `A kernel of ${count} workgroups passes the limits of this graphics device.`);
  return [Math.ceil(count / y), y];
}
