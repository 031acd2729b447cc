// A GPU that goes away in the middle of a run: the heads that are done are kept and cpu finishes; where the GPU was
// demanded the run ends with the code of the machine. The device is a real one, and is destroyed.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { failureOf, exitCodes } from '../../src/cli/exitCodes';
import type { HeadResult } from '../../src/diagnostics/headResult';
import { createWebGpuBackend } from '../../src/engine/webgpu/webgpuBackend';
import { noiseSettings } from '../../src/inspection/defaults';
import { isDeviceLoss, onCpu, runOrFallBack } from '../../src/inspection/gpuFallback';
import type { AttemptHost, Fallback } from '../../src/inspection/gpuFallback';
import type { InspectionRequest, KnownHead } from '../../src/inspection/inspectionRequest';
import type { InspectionResult } from '../../src/inspection/inspectionResult';
import { createLocalRunner } from '../../src/inspection/node/localRunner';
import { startThreadRunner } from '../../src/inspection/node/threadRunner';
import { samplePath, sampleRequest, silentHost } from '../unit/inspection/sampleRun';
import { openDawn } from './dawn';

const sample = 'digits-softmax.safetensors';
const script = join(process.cwd(), 'dist', 'runner.js');
const threads = 2;

interface Heard {
  readonly heads: { readonly layer: number; readonly head: HeadResult }[];
  readonly attempts: InspectionRequest[];
  known: readonly KnownHead[];
}

/** Runs `request` as the command line does, and destroys the GPU's device with the first head. */
async function runAndLose(
  request: InspectionRequest,
  heard: Heard,
  fallback: Fallback | null,
): Promise<InspectionResult> {
  const { device, description, isFallback, adapter } = await openDawn();
  const host: AttemptHost = {
    progress: () => Promise.resolve(),
    head: (layer, head) => {
      heard.heads.push({ layer, head });
      device.destroy();
      return Promise.resolve();
    },
    warn: () => Promise.resolve(),
  };
  const file = { path: samplePath(sample) };
  return runOrFallBack(
    request,
    host,
    (attempt, calls) => {
      heard.attempts.push(attempt);
      if (attempt.backend === 'webgpu') {
        const runner = createLocalRunner(script, calls, {
          openBackend: () => createWebGpuBackend(device, { description, isFallback, info: adapter.info }),
          openGraphs: () => Promise.reject(new Error('this is no graph')),
        });
        return Promise.resolve({ run: (r) => runner.run(r, file, threads), stop: () => Promise.resolve() });
      }
      const runner = startThreadRunner(script, calls);
      return Promise.resolve({
        run: (r) => runner.run(r, file, threads).finally(() => runner.stop()),
        stop: () => runner.stop(),
      });
    },
    fallback,
  );
}

describe('a GPU that is lost half-way', () => {
  const onGpu = (): Promise<InspectionRequest> =>
    sampleRequest(sample, 'webgpu', {
      layers: [0, 1],
      noise: noiseSettings(['key_gauss'], null, 2),
      nulls: 2,
      twins: 1,
      keepTensors: false,
    });
  const nothing = (): Heard => ({ heads: [], attempts: [], known: [] });

  it('goes on with cpu, and keeps the heads that are done', async () => {
    const request = await onGpu();
    const heard = nothing();
    const result = await runAndLose(request, heard, (known, error) => {
      assert.ok(isDeviceLoss(error), error.message);
      heard.known = [...known];
      return onCpu(request, 'the WebGPU device was lost half-way; finished on cpu', known);
    });
    assert.deepEqual(
      heard.attempts.map(({ backend }) => backend),
      ['webgpu', 'cpu'],
    );
    const { length: kept } = heard.known;
    const total = request.layers.length * request.heads.length;
    assert.ok(kept > 0 && kept < total, `${kept} of ${total} heads were done on the GPU`);
    assert.equal(heard.heads.length, total, 'no head is computed twice');
    const { provenance, layers } = result;
    assert.equal(provenance.backend, 'cpu');
    assert.equal(provenance.backendReason, 'the WebGPU device was lost half-way; finished on cpu');
    for (const { layer, head } of heard.known) {
      const own = layers[layer]!.heads[head.index]!;
      assert.deepEqual(own.noise, head.noise);
      assert.deepEqual(own.spectrum, head.spectrum);
    }
    // The metrics are float64 on both: the result is that of a run that never saw a GPU.
    const runner = startThreadRunner(script, silentHost);
    const whole = await runner
      .run({ ...request, backend: 'cpu' }, { path: samplePath(sample) }, threads)
      .finally(() => runner.stop());
    assert.deepEqual(layers, whole.layers);
  });

  it('ends with the code of the machine where the GPU was demanded', async () => {
    const heard = nothing();
    const failure = await runAndLose(await onGpu(), heard, null).then(() => assert.fail('the run went on'), failureOf);
    assert.equal(failure.code, exitCodes.machine);
    assert.match(failure.sentence, /^The graphics device was lost \(.*Go on with the cpu backend, or start again\.$/);
    assert.equal(heard.attempts.length, 1);
  });
});
