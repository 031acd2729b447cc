// No family without independent numbers: each has a case of PyTorch that is recognised as this family, and one on webgpu.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { wishes } from '../../kernels/geometries';
import { everyTimeOnWebGpu, familyNumbers, textEveryTime } from './familyNumbers';
import { imageCases, imageFile } from './imageCases';
import { loadCase, textCases } from './textCases';

const { cases: forward } = JSON.parse(readFileSync('test/fixtures/engine/forward.json', 'utf8')) as {
  cases: readonly { readonly name: string }[];
};

describe('engine: every family has numbers that are not ours', () => {
  for (const [family, row] of Object.entries(familyNumbers)) {
    it(`${family}: ${'numbers' in row ? row.numbers : `${row.forward}, ${row.wish}`}`, () => {
      if (!('numbers' in row)) {
        assert.ok(forward.some(({ name }) => name === row.forward));
        assert.ok(wishes.some(({ name }) => name === row.wish));
        return;
      }
      const text = textCases.find(({ name }) => name === row.numbers);
      if (text !== undefined) {
        assert.equal(loadCase(text).spec.family, family);
        assert.ok(textEveryTime(text.name), 'runs on webgpu every time');
        return;
      }
      const image = imageCases.find(({ name }) => name === row.numbers)!;
      const spec = inferModelSpec(imageFile(image).index, image.config, image.overrides);
      assert.equal(spec.family, family);
      // Embedding, every layer, the last pattern; the output where the file has a head.
      assert.equal(image.expected.layers.length, spec.layers);
      const always = row.like ?? row.numbers;
      assert.ok(Object.hasOwn(everyTimeOnWebGpu, always), `${always} runs on webgpu every time`);
    });
  }

  it('names only cases that there are', () => {
    const names = new Set(imageCases.map(({ name }) => name));
    for (const name of Object.keys(everyTimeOnWebGpu)) assert.ok(names.has(name), name);
  });
});
