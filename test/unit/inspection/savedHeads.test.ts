// What an inspection keeps on disk draws the same patterns as what it kept in memory.

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { softmaxOutput } from '../../../src/diagnostics/headAttention';
import { createRandom } from '../../../src/diagnostics/random';
import { createReferenceKernels } from '../../../src/engine/reference/kernels';
import { DiskTraces } from '../../../src/inspection/node/diskTraces';
import { loadHead, saveHeads } from '../../../src/inspection/node/savedHeads';
import { headDetail, type KeptHead } from '../../../src/inspection/traceStore';
import { plainScores } from '../../../src/model/blockShape';

const tokens = 7;
const headDim = 5;

function keptHead(layer: number, head: number, change: Partial<KeptHead> = {}): KeptHead {
  const stream = createRandom(`${layer}/${head}/kept`);
  const numbers = (length: number): Float64Array => stream.normals(length);
  return {
    layer,
    head,
    tokens,
    headDim,
    q: numbers(tokens * headDim),
    k: numbers(tokens * headDim),
    v: numbers(tokens * headDim),
    rpc: { variant: 'code', iterations: 3, lambda: 4, embedDim: 10 },
    rule: plainScores,
    pattern: null,
    directions: null,
    rpcContext: { embedDim: 10, prefixTokens: 1, scaled: null },
    ...change,
  };
}

describe('kept heads on disk', () => {
  const kernels = createReferenceKernels();
  const heads = [
    keptHead(0, 0),
    keptHead(0, 1, { q: null }),
    keptHead(3, 0, { rule: { causal: true, window: 4, scale: 0.5 } }),
    keptHead(3, 1, {
      rpc: null,
      pattern: new Float64Array(tokens * tokens).fill(1 / tokens),
      rpcContext: 'The graph computes something else.',
    }),
    keptHead(3, 2, {
      directions: {
        rank: 2,
        theory: Float64Array.of(0.1, 0.2, NaN, NaN, 1, 0, 0.3, 0.4, 0.5, 0.6),
        plain: new Float64Array(10).fill(0.25),
      },
      rpcContext: { embedDim: 10, prefixTokens: 0, scaled: { alpha: 0.25 } },
    }),
    keptHead(3, 3, {
      rpcContext: { embedDim: 10, prefixTokens: 2, scaled: { matrix: new Float64Array(tokens * tokens).fill(0.5) } },
    }),
  ];
  const fetchHead = (layer: number, head: number): Promise<KeptHead> =>
    Promise.resolve(heads.find((one) => one.layer === layer && one.head === head)!);
  let root: string;
  let folder: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'gramlens-kept-'));
    folder = await mkdtemp(join(root, 'whole-'));
    assert.equal(await saveHeads(folder, heads, fetchHead, 1e6), true);
  });
  after(async () => {
    await rm(root, { recursive: true, force: true });
  });

  it('gives back every head as it was, symmetric, masked and foreign ones too', async () => {
    for (const head of heads) {
      const loaded = await loadHead(folder, head.layer, head.head);
      assert.deepEqual(loaded, head);
      assert.deepEqual(headDetail(loaded, kernels), headDetail(head, kernels));
    }
  });

  it('are in a file without a name while a run is open, and gone with it', async () => {
    const room = await mkdtemp(join(root, 'room-'));
    const traces = new DiskTraces(() => assert.fail('there is room'), room);
    for (const head of heads) await traces.keep(head);
    assert.deepEqual(await readdir(room), []);
    for (const head of [...heads].reverse()) assert.deepEqual(await traces.head(head.layer, head.head), head);
    await assert.rejects(traces.head(1, 0), /layer 1, head 0 was not inspected/);
    await traces.dispose();
    await assert.rejects(traces.head(0, 0), /layer 0, head 0 was not inspected/);
  });

  it('are kept in memory where the disk takes none, which is said once', async () => {
    const said: string[] = [];
    const traces = new DiskTraces((sentence) => said.push(sentence), join(root, 'gone'));
    for (const head of heads) await traces.keep(head);
    for (const head of heads) assert.deepEqual(await traces.head(head.layer, head.head), head);
    assert.equal(said.length, 1);
    assert.match(said[0]!, /cannot be written to .*gone \(ENOENT\) and is kept in memory, .* TMPDIR\.$/);
    await traces.dispose();
  });

  it('says of folders of earlier builds that RPC with other settings needs another inspection', async () => {
    const earlier = await mkdtemp(join(root, 'earlier-'));
    await saveHeads(earlier, heads.slice(0, 1), fetchHead, 1e6);
    const index = JSON.parse(await readFile(join(earlier, 'heads.json'), 'utf8')) as {
      heads: Record<string, unknown>[];
    };
    for (const key of ['rpcContext', 'hasScale']) Reflect.deleteProperty(index.heads[0]!, key);
    await writeFile(join(earlier, 'heads.json'), JSON.stringify(index));
    const loaded = await loadHead(earlier, 0, 0);
    assert.deepEqual({ ...loaded, rpcContext: heads[0]!.rpcContext }, heads[0]);
    assert.match(loaded.rpcContext as string, /kept by an earlier build, .* Inspect the checkpoint again\.$/);
  });

  it('leaves nothing behind where it would take too much', async () => {
    const small = await mkdtemp(join(root, 'small-'));
    assert.equal(await saveHeads(small, heads, fetchHead, 2000), false);
    assert.deepEqual(await readdir(small), []);
  });

  it('says so where a head was not kept, and where the files are damaged', async () => {
    await assert.rejects(loadHead(folder, 1, 0), /^Error: Layer 1, head 0 was not kept with this inspection\.$/);
    const damaged =
      /^Error: The kept tensors of this inspection are damaged or gone\. Inspect the checkpoint again for patterns\.$/;
    await assert.rejects(loadHead(join(root, 'gone'), 0, 0), damaged);
    const cut = await mkdtemp(join(root, 'cut-'));
    await saveHeads(cut, heads, fetchHead, 1e6);
    await truncate(join(cut, 'heads.bin'), 2 * tokens * headDim * 8);
    await assert.rejects(loadHead(cut, 0, 0), damaged);
    await writeFile(
      join(cut, 'heads.json'),
      '{"version":1,"heads":[{"layer":0,"head":0,"tokens":1e12,"headDim":1e12}]}',
    );
    await assert.rejects(loadHead(cut, 0, 0), damaged);
    await writeFile(join(cut, 'heads.json'), 'nothing');
    await assert.rejects(loadHead(cut, 0, 0), damaged);
  });

  it('give scores with the factor of their head, and the output as softmax attention mixes it', () => {
    for (const head of heads) {
      const { q, k, v, rule, pattern, rpcContext } = head;
      const { tensors } = headDetail(head, kernels);
      assert.ok(tensors !== undefined);
      const { scores, out } = tensors;
      if (pattern !== null) {
        assert.equal(scores, null, 'the pattern is the model’s own');
        assert.deepEqual(out, Float32Array.from(kernels.matmul(pattern, v, tokens, tokens, headDim)));
        continue;
      }
      let product = 0;
      for (let i = 0; i < headDim; i++) product += (q ?? k)[2 * headDim + i]! * k[4 * headDim + i]!;
      const score = product * (rule.scale ?? 1 / Math.sqrt(headDim));
      assert.ok(Math.abs(scores![2 * tokens + 4]! - score) < 1e-6 * Math.max(1, Math.abs(score)));
      assert.ok(typeof rpcContext !== 'string');
      const expected = softmaxOutput(head, headDim, rpcContext.scaled, kernels);
      for (const [i, value] of expected.entries()) assert.ok(Math.abs(out![i]! - value) < 1e-6 * (1 + Math.abs(value)));
    }
  });
});
