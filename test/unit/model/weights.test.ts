// Loading weights by role and drawing an untrained twin of them.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { bytesSource } from '../../../src/checkpoint/byteSource';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { lengthsOf, matrixRoom, untrainedBlockWeights, untrainedEmbedWeights } from '../../../src/model/initialise';
import { createWeightLoader, layerByteLength, type ReadTensor } from '../../../src/model/loadWeights';
import type { BlockWeights } from '../../../src/model/weights';
import { timmIndex, type Synthetic } from './syntheticIndex';

/** Relative tolerance of a sample standard deviation over the thousands of draws used here (about 4 sd). */
const sdTolerance = 0.06;

/** A file of 0, 1, 2, ...: every value says where in the file it stood. */
function loaded(options: Synthetic, overrides: Record<string, string> = { heads: '4' }) {
  const index = timmIndex(options);
  const spec = inferModelSpec(index, null, overrides);
  const file = Float32Array.from({ length: index.byteLength / 4 }, (_, i) => i);
  const source = bytesSource('tiny.safetensors', new Uint8Array(file.buffer));
  return { index, spec, source, loader: createWeightLoader(index, source, spec), file };
}

/** Deterministic stand-ins for the generator of spec section 8. */
function generator(): { uniform: () => number; normal: () => number } {
  let state = 12345;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return { uniform, normal: () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()) };
}

const sd = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum / values.length);
};

describe('model: weight loader', () => {
  it('loads every part of a block, the embedding and the head from its own range', async () => {
    const extra = { 'blocks.0.ls1.gamma': [16], 'blocks.0.ls2.gamma': [16] };
    const { index, spec, loader, file } = loaded({ distilled: true, positions: 18, extra });
    const at = (name: string): number[] => {
      const { byteOffset, byteLength } = index.entries.get(name)!;
      return [...file.subarray(byteOffset / 4, (byteOffset + byteLength) / 4)];
    };
    const embed = await loader.embed();
    assert.deepEqual([...embed.position!], at('pos_embed'));
    assert.equal(embed.position!.length, 18 * 16);
    assert.deepEqual([...embed.classToken!], at('cls_token'));
    assert.deepEqual([...embed.distToken!], at('dist_token'));
    assert.deepEqual([...embed.patch!.weight], at('patch_embed.proj.weight'));
    const block = await loader.block(0);
    assert.deepEqual([...block.qkv.weight], at('blocks.0.attn.qkv.weight'));
    assert.deepEqual([...block.qkv.bias!], at('blocks.0.attn.qkv.bias'));
    assert.deepEqual([...block.fc2.weight], at('blocks.0.mlp.fc2.weight'));
    assert.deepEqual([...block.layerScale2!], at('blocks.0.ls2.gamma'));
    assert.deepEqual([block.queryNorm, block.scale], [null, null]);
    const head = await loader.head();
    assert.deepEqual([...head.norm!.bias!], at('norm.bias'));
    assert.deepEqual([...head.distClassifier!.weight], at('head_dist.weight'));
    const engine: BlockWeights = block;
    assert.equal(engine.norm1.weight.length, spec.embedDim);
  });

  it('counts the bytes of a layer', () => {
    const { index, spec } = loaded({});
    const numbers = 4 * 16 + (48 * 16 + 48) + (16 * 16 + 16) + (32 * 16 + 32) + (16 * 32 + 16);
    assert.equal(layerByteLength(index, spec, 1), 4 * numbers);
    assert.throws(() => layerByteLength(index, spec, 2), /there is no layer 2; layers are 0 to 1/);
  });

  it('rejects a layer that is not there and tensors of the wrong length', async () => {
    const { index, spec, source, loader } = loaded({});
    await assert.rejects(loader.block(-1), /there is no layer -1/);
    const short: ReadTensor = () => Promise.resolve(new Float32Array(3));
    await assert.rejects(
      createWeightLoader(index, source, spec, short).head(),
      /tiny\.safetensors: tensor "norm\.weight" of shape \[16\] has 3 values instead of 16\. The file may have changed since it was opened; open it again\./,
    );
  });
});

describe('model: untrained twin', () => {
  const twin = async (
    options: Synthetic,
    overrides: Record<string, string> = { heads: '4' },
  ): Promise<BlockWeights> => {
    const { spec, loader } = loaded(options, overrides);
    return untrainedBlockWeights(spec, await loader.block(0), generator());
  };

  it('draws timm weights from N(0, 0.02), biases 0, norms 1 and 0', async () => {
    const block = await twin({ width: 32, mlp: 128 });
    for (const part of [block.qkv, block.proj, block.fc1, block.fc2]) {
      const spread = sd(part.weight);
      assert.ok(Math.abs(spread / 0.02 - 1) < sdTolerance, `standard deviation ${spread}, expected 0.02`);
      assert.ok(part.bias!.every((value) => value === 0));
    }
    assert.ok(block.norm1.weight.every((value) => value === 1) && block.norm2.bias!.every((value) => value === 0));
    assert.deepEqual([block.layerScale1, block.scale], [null, null]);
  });

  it('draws qkv of the KPCA families uniformly within 1/sqrt(C)', async () => {
    const kpca: readonly (readonly [Synthetic, Record<string, string>])[] = [
      [{ projections: 2 }, { heads: '4' }],
      [
        { projections: 2 },
        { heads: '4', attention: 'rpc', 'rpc.iterations': '1', 'rpc.lambda': '4', 'rpc.layers': 'all' },
      ],
      [{ extra: { 'blocks.0.attn.s': [1], 'blocks.1.attn.s': [1] } }, { heads: '4' }],
      [{}, { heads: '4', attention: 'reconstruction' }],
    ];
    for (const [options, overrides] of kpca) {
      const block = await twin({ ...options, width: 64 }, overrides);
      const bound = 1 / 8;
      assert.ok(block.qkv.weight.every((value) => Math.abs(value) <= bound));
      const spread = sd(block.qkv.weight);
      assert.ok(
        Math.abs((spread / bound) * Math.sqrt(3) - 1) < sdTolerance,
        `standard deviation ${spread}, expected ${bound / Math.sqrt(3)}`,
      );
      assert.ok(Math.abs(sd(block.proj.weight) / 0.02 - 1) < sdTolerance);
      if (block.scale !== null) assert.deepEqual([...block.scale], [0]);
    }
  });

  it('keeps shapes, starts layer scale at 1e-5, and repeats with the same numbers', async () => {
    const extra = { 'blocks.0.ls1.gamma': [16], 'blocks.0.ls2.gamma': [16] };
    const { spec, loader } = loaded({ extra, qkvBias: false });
    const trained = await loader.block(0);
    const first = untrainedBlockWeights(spec, trained, generator());
    assert.equal(first.qkv.bias, null);
    assert.equal(first.qkv.weight.length, trained.qkv.weight.length);
    assert.deepEqual(first, untrainedBlockWeights(spec, trained, generator()));
    assert.ok(first.layerScale1!.every((value) => value === Math.fround(1e-5)));
  });

  it('draws the same numbers matrix by matrix, in the room of one of them', async () => {
    const { spec, loader } = loaded({});
    const trained = await loader.block(0);
    const whole = untrainedBlockWeights(spec, trained, generator());
    const asked: number[] = [];
    const room = matrixRoom();
    const lengths = lengthsOf(trained);
    const pieces = untrainedBlockWeights(spec, lengths, generator(), (length) => {
      asked.push(length);
      return room(length);
    });
    assert.deepEqual(asked, []);
    const largest = pieces.fc1.weight;
    assert.deepEqual(asked, [48 * 16, 16 * 16, 32 * 16]);
    assert.throws(() => pieces.qkv, /drawn in order/);
    assert.deepEqual(largest, whole.fc1.weight);
    assert.deepEqual(pieces.fc2, whole.fc2);
    assert.equal(pieces.fc2.weight.buffer, largest.buffer);
    assert.ok(!JSON.stringify(lengths).includes('0.'), 'no number of the trained block is kept');
  });

  it('draws the embedding: patches within 1/sqrt(channels p p), tokens and positions N(0, 0.02)', async () => {
    const { spec, loader } = loaded({ width: 64, distilled: true, positions: 18 });
    const embed = untrainedEmbedWeights(spec, await loader.embed(), generator());
    assert.ok(embed.patch!.weight.every((value) => Math.abs(value) <= 1 / 4));
    assert.ok(sd(embed.patch!.weight) > 0.13 && embed.distToken!.length === 64);
    assert.ok(Math.abs(sd(embed.position!) / 0.02 - 1) < 2 * sdTolerance);
  });
});
