// The worker that runs WebGPU inspections, in the inspector page under the webview's policy, against the cpu runner.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'mocha';
import { isDeviceLoss, onCpu, runOrFallBack } from '../../src/inspection/gpuFallback';
import { toWire } from '../../src/inspection/inspectionRequest';
import type { InspectionRequest, KnownHead, WireRequest } from '../../src/inspection/inspectionRequest';
import type { InspectionResult } from '../../src/inspection/inspectionResult';
import { pageRunner } from '../../src/vscode/runners';
import { fullIt } from '../setup/full';
import { chromiumArgs } from '../setup/system.mjs';
import { startPageLab, until, workerEnd } from './openPage';
import type { OpenPage, PageLab, WorkerEnd } from './openPage';
import { silentHost } from '../unit/inspection/sampleRun';
import { runSample } from './sampleRun';
import type { SampleRun } from './sampleRun';

/** Spec section 10: q, k, v, attention, h, logits of a float32 forward pass, relative to max |.|. */
const float32Tolerance = 2e-4;
/** Spec section 10, alignment and CKA, as a relative error; metrics are float64 on both sides, only libm differs. */
const metricTolerance = 1e-7;
/** Spec section 10: eigenvalues, relative to the largest. */
const eigenvalueTolerance = 1e-9;
/** Below this a difference is round-off, whatever the number is. */
const roundOff = 1e-12;
/** Made of round-off alone: eigenvalues past the numerical rank, and how far an eigenvector is from being one. */
const onlyRoundOff = /\.spectrum\.((log10E|e)igenvalues\.|reason$)|\.gamma\.eig\./;

function worstDifference(got: unknown, want: unknown, path: string, worst: { at: string; error: number }): void {
  if (onlyRoundOff.test(path)) return;
  if (typeof want === 'number' && typeof got === 'number') {
    const difference = Math.abs(got - want);
    const error = difference <= roundOff ? 0 : difference / Math.abs(want);
    if (!(error <= worst.error)) Object.assign(worst, { at: path, error });
    return;
  }
  if (typeof want === 'object' && want !== null && typeof got === 'object' && got !== null) {
    const [left, right] = [got as Record<string, unknown>, want as Record<string, unknown>];
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)]))
      worstDifference(left[key], right[key], `${path}.${key}`, worst);
    return;
  }
  assert.equal(got, want, path);
}

/** Largest error of any eigenvalue of a head, relative to that head's first. */
function eigenvalueError(got: InspectionResult, want: InspectionResult): number {
  const errors = want.layers.flatMap(({ heads }, layer) =>
    heads.flatMap(({ spectrum }, head) => {
      const other = got.layers[layer]?.heads[head]?.spectrum.eigenvalues ?? [];
      assert.equal(other.length, spectrum.eigenvalues.length);
      return spectrum.eigenvalues.map((value, i) => Math.abs(value - other[i]!) / spectrum.eigenvalues[0]!);
    }),
  );
  return Math.max(...errors);
}

describe('the worker of the inspector page', () => {
  let run: SampleRun;
  let lab: PageLab;
  let view: OpenPage | null = null;

  before(async () => {
    run = await runSample();
    lab = await startPageLab();
  });
  after(async () => {
    await lab.close();
    await run.stop();
  });
  afterEach(async () => {
    await view?.close();
    view = null;
  });

  const onGpu = (changes: Partial<InspectionRequest> = {}): WireRequest =>
    toWire({
      ...run.request,
      backend: 'webgpu',
      checkpointSha256: run.result.provenance.checkpoint.sha256,
      ...changes,
    });
  const open = async (): Promise<OpenPage> => {
    view = await lab.open({ page: 'inspector', run, snapshot: run.running });
    return view;
  };
  const ended = async (page: OpenPage, runId: number): Promise<WorkerEnd> => {
    await until(() => workerEnd(page.events, runId) !== null, `run ${runId} ends`, 100_000);
    return workerEnd(page.events, runId)!;
  };

  // The suite in the workbench does the same every time.
  fullIt('runs a whole inspection on WebGPU and agrees with the cpu runner', async () => {
    const page = await open();
    await page.remote.startWorker(7, onGpu());
    const event = await ended(page, 7);
    if (event.kind !== 'done') assert.fail(event.message);
    const { provenance, layers, output, model } = event.result;
    assert.equal(provenance.backend, 'webgpu');
    assert.equal(provenance.precision, 'float32');
    assert.match(provenance.adapter ?? '', /swiftshader/i);
    const { maxRelError } = provenance.parity;
    assert.ok(maxRelError !== null && maxRelError > 0 && maxRelError < float32Tolerance, `parity ${maxRelError}`);
    assert.equal(provenance.checkpoint.sha256, run.result.provenance.checkpoint.sha256);
    assert.deepEqual(model, run.result.model);

    const worst = { at: '', error: 0 };
    worstDifference(layers, run.result.layers, 'layers', worst);
    assert.ok(worst.error < metricTolerance, `${worst.at} differs by ${worst.error}`);
    const spectra = eigenvalueError(event.result, run.result);
    assert.ok(spectra < eigenvalueTolerance, `an eigenvalue differs by ${spectra} of the largest`);
    const logits = run.result.output.logitsTop;
    const largest = Math.max(...logits.map(({ logit }) => Math.abs(logit)));
    assert.equal(output.logitsTop.length, logits.length);
    for (const [i, { index, logit }] of output.logitsTop.entries()) {
      assert.equal(index, logits[i]!.index);
      const error = Math.abs(logit - logits[i]!.logit) / largest;
      assert.ok(error < float32Tolerance, `logit ${index} differs by ${error} of the largest`);
    }

    const heads = page.events.filter((one) => one.event.kind === 'head');
    assert.equal(heads.length, model.layers * model.heads);
    const fractions = page.events.flatMap(({ event: one }) => (one.kind === 'progress' ? [one.fraction] : []));
    assert.ok(fractions.length >= model.layers && fractions.every((value, i) => i === 0 || value >= fractions[i - 1]!));
    assert.ok(page.reads.length > 0 && page.reads.every(({ length }) => length <= 8 * 1024 * 1024));

    const detail = await page.remote.workerHeadDetail(7, { layer: 2, head: 1 });
    const expected = await run.headDetail(2, 1);
    for (const name of ['softmaxPattern', 'rpcPattern'] as const) {
      const [got, want] = [detail[name], expected[name]];
      assert.ok(got instanceof Float32Array && want instanceof Float32Array && got.length === want.length);
      const error = want.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i]!)), 0);
      assert.ok(error < metricTolerance, `${name} differs by ${error}`);
    }
    await assert.rejects(page.remote.workerHeadDetail(8, { layer: 0, head: 0 }), /no longer open/);
    assert.deepEqual(await page.problems(), []);
  });

  it('ends at once when cancelled, and runs again', async () => {
    const page = await open();
    await page.remote.startWorker(1, onGpu());
    await until(() => page.events.some((one) => one.event.kind === 'head'), 'the first head is done');
    await page.remote.cancelWorker(1);
    await until(() => page.page.workers().length === 0, 'the worker is gone', 5000);
    const heard = page.events.length;
    await new Promise((resolve) => setTimeout(resolve, 700));
    assert.equal(page.events.length, heard, 'events of a cancelled run');
    assert.ok(!page.events.some((one) => one.event.kind === 'done'));
    // A cancel that comes late, for a run that is gone, must not end the next one.
    await page.remote.startWorker(2, onGpu({ layers: [0], heads: [0, 1], twins: 0, nulls: 0 }));
    await page.remote.cancelWorker(1);
    const event = await ended(page, 2);
    assert.equal(event.kind, 'done', event.kind === 'failed' ? event.message : '');
    assert.deepEqual(await page.problems(), []);
  });

  // test/kernels has the same on Dawn every time.
  fullIt('goes on with cpu when its device is destroyed half-way, and keeps the heads that are done', async () => {
    const page = await open();
    await page.remote.probeWebGpu();
    const [worker] = page.page.workers();
    await worker!.evaluate(() => {
      const ask = navigator.gpu.requestAdapter.bind(navigator.gpu);
      navigator.gpu.requestAdapter = async (options) => {
        const adapter = await ask(options);
        const open = adapter?.requestDevice.bind(adapter);
        if (adapter !== null && open !== undefined)
          adapter.requestDevice = async (descriptor) => {
            const device = await open(descriptor);
            Object.assign(self, { device });
            return device;
          };
        return adapter;
      };
    });
    const heard: string[] = [];
    let known: readonly KnownHead[] = [];
    const request: InspectionRequest = { ...run.request, backend: 'webgpu' };
    const result = await runOrFallBack(
      request,
      {
        ...silentHost,
        head: async (layer, head) => {
          heard.push(`${layer}/${head.index}`);
          if (heard.length === 1)
            await worker!.evaluate(() => {
              (self as unknown as { device: GPUDevice }).device.destroy();
            });
        },
      },
      (attempt, host) => {
        if (attempt.backend === 'cpu') {
          const last = run.anotherRunner(host);
          return Promise.resolve({ ...last, run: (again) => last.run(again).finally(() => last.stop()) });
        }
        const runner = pageRunner(11, page.remote, host);
        page.onEvent((runId, event) => {
          if (runId === 11) runner.receive(event);
        });
        return Promise.resolve(runner);
      },
      (done, error) => {
        assert.ok(isDeviceLoss(error), error.message);
        known = [...done];
        return onCpu(request, 'the device was lost', done);
      },
    );
    const total = result.model.layers * result.model.heads;
    assert.ok(known.length > 0 && known.length < total, `${known.length} of ${total} heads were done on the GPU`);
    assert.equal(new Set(heard).size, heard.length, 'no head is computed twice');
    assert.equal(heard.length, total);
    assert.equal(result.provenance.backend, 'cpu');
    assert.equal(page.page.workers().length, 0, 'the worker of the lost device is gone');
    const worst = { at: '', error: 0 };
    worstDifference(result.layers, run.result.layers, 'layers', worst);
    assert.ok(worst.error < metricTolerance, `${worst.at} differs by ${worst.error}`);
  });

  it('says what went wrong when the checkpoint cannot be read', async () => {
    // The file has become shorter since its header was read.
    const short = { ...run, bytes: run.bytes.subarray(0, run.bytes.length - 1) };
    view = await lab.open({ page: 'inspector', run: short, snapshot: run.running });
    await view.remote.startWorker(3, onGpu());
    const event = await ended(view, 3);
    assert.ok(event.kind === 'failed', event.kind);
    assert.match(event.message, /digits-softmax\.safetensors: .*outside the file/);
  });

  it('says that a software adapter is one', async () => {
    const page = await open();
    const probe = await page.remote.probeWebGpu();
    assert.equal(probe.status, 'software');
    assert.match(probe.adapter ?? '', /swiftshader/i);
    assert.match(probe.message, /software.*cpu/);
    assert.deepEqual(await page.problems(), []);
  });

  // A workbench served over plain http is not a secure context, and has no navigator.gpu.
  const plainHttp = 'workbench.test';
  for (const [why, flags, host, status] of [
    ['there is no adapter', ['--disable-gpu'], undefined, 'noAdapter'],
    ['there is no WebGPU', [`--host-resolver-rules=MAP ${plainHttp} 127.0.0.1`], plainHttp, 'noApi'],
  ] as const) {
    it(`says so in a sentence when ${why}`, async () => {
      const without = await startPageLab([...chromiumArgs.filter((flag) => !flag.includes('webgpu')), ...flags]);
      try {
        const where = host === undefined ? {} : { host };
        const page = await without.open({ page: 'inspector', run, snapshot: run.empty, ...where });
        const probe = await page.remote.probeWebGpu();
        assert.equal(probe.status, status);
        assert.equal(probe.adapter, null);
        assert.match(probe.message, /WebGPU .*cpu backend is used\.$/);
        await page.remote.startWorker(4, onGpu());
        const event = await ended(page, 4);
        assert.ok(event.kind === 'failed' && event.reason === 'noAdapter', event.kind);
        assert.equal(event.message, probe.message);
      } finally {
        await without.close();
      }
    });
  }
});
