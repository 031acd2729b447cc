// What is known of a graph before it runs: its work, and sizes that it leaves open.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { planInspection } from '../../../src/inspection/plan';
import { describeSpec } from '../../../src/model/describeSpec';
import { specOfLayer } from '../../../src/model/blockShape';
import { graphRequest, root, svtrPath } from './graphs';

const folder = join(root, 'test', 'fixtures', 'onnx-run');

describe('the plan of a graph', () => {
  it('counts every product and convolution', async () => {
    const { request } = await graphRequest({ path: join(folder, 'vit-17.onnx'), input: 'random' });
    const [n, c, patches, patch, classes] = [10, 24, 9, 3 * 4 * 4, 5];
    const block = 2 * n * c * (3 * c) + 4 * n * n * c + 2 * n * c * c + 4 * n * c * (2 * c);
    const { forwardFlops } = planInspection(request, 0, 1, '');
    assert.equal(forwardFlops, 2 * patches * c * patch + 2 * block + 2 * c * classes);
  });

  it('takes a line of text long enough to be measured where its width is open, and says so', async () => {
    const { request } = await graphRequest({ path: svtrPath, input: 'random' });
    assert.ok('pixels' in request.input);
    assert.deepEqual([request.input.height, request.input.width, request.spec.tokens], [48, 384, 48]);
    assert.ok(request.spec.notes.some((note) => /48 x 384 was chosen\. Say others with --set image=/.test(note)));
    const { request: said } = await graphRequest({ path: svtrPath, input: 'random', set: { image: '48x320' } });
    assert.ok(!said.spec.notes.some((note) => /was chosen/.test(note)));
  });

  it('says how many tokens were chosen for a text', async () => {
    const { request } = await graphRequest({ path: join(folder, 'gpt-17.onnx'), input: 'random' });
    assert.ok(request.spec.notes.some((note) => /leaves the number of tokens open; \d+ was chosen/.test(note)));
  });

  it('has the sizes of each block where they differ', async () => {
    const { request } = await graphRequest({ path: join(folder, 'vit-17.onnx'), input: 'random' });
    const { spec } = request;
    const [first, second] = spec.onnx!.sites;
    const uneven = { ...spec, onnx: { ...spec.onnx!, sites: [first!, { ...second!, heads: 2, headDim: 12 }] } };
    assert.equal(describeSpec(uneven), 'ONNX graph, 2 layers x 4, 2 heads, d 6, 12, N 10');
    assert.deepEqual([specOfLayer(uneven, 1).heads, specOfLayer(uneven, 1).headDim], [2, 12]);
  });
});
