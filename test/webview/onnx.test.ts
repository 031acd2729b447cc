// ONNX graphs on WebGPU: ONNX Runtime in the inspector's worker, under the webview's policy, against float64 numbers of
// PyTorch and numpy (test/fixtures/onnx-run) and against the WebAssembly provider.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { toWire } from '../../src/inspection/inspectionRequest';
import type { InspectionResult } from '../../src/inspection/inspectionResult';
import { graphRequest, inspectGraph } from '../unit/onnx/graphs';
import { fullIt } from '../setup/full';
import { startPageLab, until, workerEnd } from './openPage';
import type { OpenPage, PageLab } from './openPage';
import { emptySnapshot } from '../../src/vscode/emptySnapshot';

/** Float32 on a graphics adapter against float64, relative to the largest value. */
const float32Tolerance = 2e-4;

const folder = join(process.cwd(), 'test', 'fixtures', 'onnx-run');
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<
  string,
  { readonly logits: readonly number[]; readonly patterns: readonly (readonly number[])[] }
>;

describe('ONNX graphs in the worker of the inspector page', () => {
  let lab: PageLab;
  let view: OpenPage | null = null;
  before(async () => {
    lab = await startPageLab();
  });
  after(() => lab.close());
  afterEach(async () => {
    await view?.close();
    view = null;
  });

  async function start(name: string, input: string): Promise<{ page: OpenPage; runId: number }> {
    const path = join(folder, `${name}.onnx`);
    const { request } = await graphRequest({ path, input, backend: 'webgpu' });
    const bytes = new Uint8Array(await readFile(path));
    const headDetail = (): Promise<never> => Promise.reject(new Error('not asked for'));
    view = await lab.open({
      page: 'inspector',
      run: { request, bytes, headDetail, keptHead: headDetail },
      snapshot: emptySnapshot,
    });
    await view.remote.startWorker(1, toWire(request));
    return { page: view, runId: 1 };
  }

  async function finished(page: OpenPage): Promise<InspectionResult> {
    await until(() => workerEnd(page.events, 1) !== null, 'the run ends', 110_000);
    const end = workerEnd(page.events, 1)!;
    if (end.kind !== 'done') assert.fail(end.message);
    return end.result;
  }

  for (const [name, input, test] of [
    // Convolution and two blocks: many shaders, which a software adapter compiles for seconds.
    ['vit-17', `npy:${join(folder, 'picture.npy')}`, fullIt],
    // On a device with subgroups this node computes garbage here.
    ['fused-multi-head', 'tokens:1,5,9,2,7,3,8', it],
  ] as const) {
    test(`${name} agrees with float64 and with WebAssembly`, async () => {
      const { page, runId } = await start(name, input);
      const result = await finished(page);
      const { provenance, model } = result;
      assert.equal(provenance.backend, 'webgpu');
      assert.match(provenance.adapter ?? '', /swiftshader/i);
      const first = provenance.parity.perTensor['first block against WebAssembly'];
      assert.ok(first !== undefined && first > 0 && first < float32Tolerance, JSON.stringify(provenance.parity));

      const { logits, patterns } = expected[name]!;
      const largest = Math.max(...logits.map(Math.abs));
      for (const { index, logit } of result.output.logitsTop)
        assert.ok(Math.abs(logit - logits[index]!) < float32Tolerance * largest, `logit ${index}: ${logit}`);
      for (const [layer, pattern] of patterns.entries()) {
        for (let head = 0; head < model.heads; head += 1) {
          const { softmaxPattern } = await page.remote.workerHeadDetail(runId, { layer, head });
          const size = model.tokens ** 2;
          pattern.slice(head * size, (head + 1) * size).forEach((weight, i) => {
            assert.ok(Math.abs(weight - softmaxPattern[i]!) < float32Tolerance);
          });
        }
      }
      const wasm = await inspectGraph({ path: join(folder, `${name}.onnx`), input });
      const entropies = ({ layers }: InspectionResult): readonly (number | null)[] =>
        layers.flatMap(({ heads }) => heads.map(({ attention }) => attention.entropy));
      const [got, want] = [entropies(result), entropies(wasm.result)];
      assert.equal(got.length, model.layers * model.heads);
      for (const [i, entropy] of want.entries())
        assert.ok(Math.abs(entropy! - got[i]!) < float32Tolerance * entropy!, `entropy of head ${i}: ${got[i]}`);
      assert.deepEqual(await page.problems(), []);
    });
  }
});
