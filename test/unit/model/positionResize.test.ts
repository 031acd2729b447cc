// Pictures of another size than the trained one: every rule against the function that the family's code calls
// (make_positions.py), which family has which rule, and what is said of it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { npyInput } from '../../../src/model/image/npyInput';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { ModelSpecError, type ModelSpec } from '../../../src/model/modelSpec';
import { resizePositions, type PositionRule } from '../../../src/model/positionResize';
import { imageCases, imageFile } from '../engine/imageCases';
import { relativeError } from '../engine/portableNormals';
import { timmIndex } from './syntheticIndex';

/** Float64 sums of at most some dozen terms. */
const tolerance = 1e-12;

const { cases } = JSON.parse(readFileSync('test/fixtures/model/positions.json', 'utf8')) as {
  cases: readonly {
    rule: PositionRule;
    from: [number, number];
    to: [number, number];
    table: number[];
    expected: number[];
  }[];
};

const ruleFact = (spec: ModelSpec): string | undefined => {
  const fact = spec.facts.find((entry) => entry.fact === 'positions resized');
  return fact === undefined ? undefined : `${fact.value}; ${fact.source}`;
};

describe('model: positions for another picture size', () => {
  for (const { rule, from, to, table, expected } of cases) {
    it(`${rule}: ${from.join(' x ')} to ${to.join(' x ')} patches`, () => {
      const size = ([height, width]: [number, number]) => ({ height, width });
      const actual = resizePositions(Float64Array.from(table), 2, { rule, from: size(from), to: size(to) });
      assert.equal(actual.length, expected.length);
      const error = relativeError(actual, expected);
      assert.ok(error <= tolerance, `relative error ${error}, allowed ${tolerance}`);
    });
  }

  for (const [name, words] of [
    ['timm-registers', /bicubic, antialiased; timm's resample_abs_pos_embed/],
    ['dino-teacher', /bicubic by a scale factor, 0.1 added to the new size; interpolate_pos_encoding of DINO$/],
    ['dinov2-original', /bicubic by a scale factor, 0.1 added to the new size; .* DINOv2/],
    ['dinov2-chunks-registers-swiglu', /bicubic, antialiased; .* DINOv2/],
    ['hf-dinov2-v4', /patches, bicubic; .* transformers/],
    ['hf-dinov2-registers-v5', /bicubic, antialiased; .* transformers/],
    ['hf-vit-v4', /patches, bicubic; .* transformers/],
    ['hf-clip-gelu', /patches, bicubic; .* transformers/],
    ['openai-clip', /bicubic, antialiased; resize_pos_embed of open_clip/],
    ['flax-augreg', /linear between the corners; scipy/],
    ['mae-encoder', /patches, bicubic; interpolate_pos_embed of MAE/],
    ['segmenter-linear', /bilinear; resize_pos_embed of the family/],
  ] as const) {
    it(`follows the code of the family: ${name}`, () => {
      const model = imageCases.find((one) => one.name === name)!;
      const spec = inferModelSpec(imageFile(model).index, model.config, { ...model.overrides, image: '12x16' });
      assert.match(ruleFact(spec) ?? '', words);
      assert.deepEqual([spec.image?.gridHeight, spec.image?.gridWidth, spec.tokens - spec.prefixTokens], [3, 4, 12]);
    });
  }

  it('leaves the trained size alone, and keeps the grid that --set grid says for the trained one', () => {
    assert.equal(ruleFact(inferModelSpec(timmIndex(), null, { heads: '2', image: '16x16' })), undefined);
    const index = timmIndex({ positions: 7 });
    const spec = inferModelSpec(index, null, { heads: '2', grid: '2x3', image: '16x16' });
    assert.match(ruleFact(spec) ?? '', /^from 2 x 3 to 4 x 4 patches/);
  });

  it('scales the crop with the picture, and resizes straight to one that is not square', () => {
    const at = (image: string) =>
      inferModelSpec(timmIndex({ channels: 3, positions: 401 }), null, { heads: '2', image });
    assert.deepEqual(
      [at('80x80').preprocessing?.resizeShortSide, at('160x160').preprocessing?.resizeShortSide],
      [88, 176],
    );
    assert.equal(at('80x160').preprocessing?.resizeShortSide, null);
  });

  it('refuses Scaled Attention at another size, and sizes without whole patches', () => {
    const scaled = timmIndex({ extra: { 'blocks.0.attn.s': [1], 'blocks.1.attn.s': [1] } });
    for (const [work, sentence] of [
      [
        () => inferModelSpec(scaled, null, { heads: '2', image: '24x24' }),
        /Scaled Attention is made for the 17 tokens/,
      ],
      [() => inferModelSpec(timmIndex(), null, { heads: '2', image: '18x16' }), /both sides must be multiples of 4/],
    ] as const) {
      assert.throws(work, (error) => error instanceof ModelSpecError && sentence.test(error.message));
    }
  });

  it('says how to inspect an array of another size', () => {
    const spec = inferModelSpec(timmIndex(), null, { heads: '2' });
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 24, 20), }".padEnd(117) + '\n';
    const bytes = new Uint8Array(10 + header.length + 4 * 480);
    bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
    bytes.set(new TextEncoder().encode(header), 10);
    assert.throws(
      () => npyInput(bytes, 'large.npy', spec, () => ''),
      /the network takes \[1, 16, 16\].*To inspect it at that size, with resized positions, give --set image=24x20\./,
    );
    const larger = inferModelSpec(timmIndex(), null, { heads: '2', image: '24x20' });
    assert.equal(npyInput(bytes, 'large.npy', larger, () => '').height, 24);
  });
});
