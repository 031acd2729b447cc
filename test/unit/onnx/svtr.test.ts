// A network the world knows (PP-OCRv4 recognition: SVTR blocks behind convolutions, opset 9, all weights in Constant
// nodes), end to end.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { graphInputs } from '../../../src/engine/onnx/graphInputs';
import { GraphRun } from '../../../src/engine/onnx/graphRun';
import { floatsOf } from '../../../src/engine/onnx/graphTensor';
import { wantedValues } from '../../../src/engine/onnx/siteTaps';
import { tappedHeads } from '../../../src/engine/onnx/tappedHeads';
import { openBytes } from '../../../src/inspection/node/checkpointFile';
import { openNodeOnnx } from '../../../src/inspection/node/nodeOnnx';
import { dist, graphRequest, inspectGraph, svtrPath } from './graphs';

/** Rows of a float32 softmax over its keys. */
const rowSumTolerance = 1e-6;
/** Float32 pattern and head outputs against float64 from the tapped q, k, v. */
const parityTolerance = 2e-6;

const trained = { path: svtrPath, input: 'random', set: { image: '48x320' } };
/** A fifth of the width it was trained on: the same graph with 8 tokens. */
const narrow = { ...trained, set: { image: '48x64' } };
const tokens = 8;

describe('an SVTR network as ONNX', function () {
  this.timeout(60_000);

  it('has both attention blocks, with heads and d from the shapes', async () => {
    const { request } = await graphRequest(trained);
    const { spec } = request;
    assert.deepEqual(
      [spec.family, spec.layers, spec.heads, spec.headDim, spec.tokens, spec.block?.scoreScales],
      ['onnx', 2, 8, 15, 40, []],
    );
    assert.match(spec.facts.find(({ fact }) => fact === 'layers')?.source ?? '', /^2 found by structure/);
  });

  it('taps patterns whose rows sum to 1, and leaves the outputs as they are, bit for bit', async () => {
    const { request, file } = await graphRequest(narrow);
    const { onnx } = request.spec;
    assert.ok(onnx);
    const runtime = await openNodeOnnx(dist);
    const inputs = graphInputs(onnx.inputs, request.input);
    const bytes = openBytes(file);
    const run = new GraphRun(runtime, request.index, bytes, wantedValues(onnx, [0, 1]), inputs);
    for (const site of onnx.sites) {
      assert.ok(site.kind === 'plain');
      const { pattern } = tappedHeads(site, await run.step(site.where));
      assert.equal(pattern?.length, 8 * tokens * tokens);
      for (let row = 0; row < 8 * tokens; row += 1) {
        const sum = pattern.subarray(row * tokens, (row + 1) * tokens).reduce((all, weight) => all + weight, 0);
        assert.ok(Math.abs(sum - 1) <= rowSumTolerance, `row ${row} sums to ${sum}`);
      }
    }
    const tapped = (await run.step('its output')).get(onnx.output ?? '');
    await bytes.close();

    const session = await runtime.open(new Uint8Array(await readFile(svtrPath)));
    const plain = (await session.run(inputs, [onnx.output ?? ''])).get(onnx.output ?? '');
    await session.release();
    assert.ok(tapped && plain);
    assert.deepEqual(tapped.shape, [1, tokens, 6625]);
    assert.deepEqual(Buffer.from(floatsOf(tapped).buffer), Buffer.from(floatsOf(plain).buffer));
  });

  it('is inspected with every diagnostic that needs q, k and v, and token noise through its projections', async () => {
    const { result } = await inspectGraph({ ...narrow, layers: [1], noise: true });
    const { parity, metricsPrecision, precision } = result.provenance;
    assert.deepEqual([precision, metricsPrecision], ['float32', 'float64 of float32 tensors']);
    assert.ok((parity.maxRelError ?? 1) < parityTolerance, JSON.stringify(parity));
    assert.deepEqual(
      result.layers.map(({ index, heads }) => [index, heads.length]),
      [[1, 8]],
    );
    for (const head of result.layers[0]!.heads) {
      assert.deepEqual(
        head.noise.map(({ verdict }) => verdict === 'not measured'),
        [false, false],
      );
      assert.notEqual(head.rpc, null);
      assert.equal(head.alignment.theory.nulls.untrained, null);
      assert.match(head.alignment.theory.nulls.reason ?? '', /nobody knows how the weights of an arbitrary graph/);
    }
    assert.equal(result.model.causal, false);
    assert.match(result.output.reason ?? '', /shape \[1, 8, 6625\]/);
  });
});
