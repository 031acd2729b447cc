// |cos| of value directions and eigenvectors, against plain sums, a case that is known, and the principal angles.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { alignmentCoefficients } from '../../../src/diagnostics/alignment';
import { createRandom } from '../../../src/diagnostics/random';
import { keySpectrum } from '../../../src/diagnostics/spectrum';
import { chanceCosine, valueDirections } from '../../../src/diagnostics/valueDirections';
import { exampleDetail, exampleResult } from '../report/exampleResult';
import { headFigures } from '../../../src/report/figures/headFigures';
import { headPictures } from '../../../src/report/figures/patternCells';
import { kernels, randomHead } from './heads';

const [tokens, headDim] = [14, 4];
/** Sums of 14 products of float64. */
const tolerance = 1e-13;

describe('value directions against eigenvectors', () => {
  const { k, v } = randomHead('directions', tokens, headDim);
  const spectrum = keySpectrum(k, tokens, headDim, kernels);
  const { vectors, size } = spectrum.eigen;

  it('are |cos| of each column of B and each leading eigenvector, in both readings', () => {
    const found = valueDirections(spectrum, v, headDim, kernels)!;
    assert.equal(found.rank, spectrum.rank);
    for (const mode of ['theory', 'plain'] as const) {
      const b = alignmentCoefficients(mode, spectrum, v);
      for (let j = 0; j < headDim; j++) {
        for (let i = 0; i < spectrum.rank; i++) {
          let [dot, norm] = [0, 0];
          for (let n = 0; n < tokens; n++) {
            dot += b[n * headDim + j]! * vectors[i * size + n]!;
            norm += b[n * headDim + j]! ** 2;
          }
          const cosine = found[mode][j * spectrum.rank + i]!;
          assert.ok(Math.abs(cosine - Math.abs(dot) / Math.sqrt(norm)) < tolerance, `${mode} ${j} ${i}: ${cosine}`);
        }
      }
    }
  });

  it('are a single 1 a row where the values are eigenvectors, and not known where a column is constant', () => {
    // plain: the eigenvectors themselves, turned round and scaled; they are centred already.
    const order = [2, 0, 3, 1];
    const values = Float64Array.from({ length: tokens * headDim }, (_, at) => {
      const [n, j] = [Math.floor(at / headDim), at % headDim];
      return j === 3 ? 0.9 : (j + 1) * (j % 2 === 0 ? 1 : -1) * vectors[order[j]! * size + n]!;
    });
    const { rank, plain } = valueDirections(spectrum, values, headDim, kernels)!;
    for (let j = 0; j < 3; j++) {
      for (let i = 0; i < rank; i++) {
        const expected = i === order[j] ? 1 : 0;
        assert.ok(Math.abs(plain[j * rank + i]! - expected) < 1e-7, `row ${j}, eigenvector ${i}`);
      }
    }
    const last = plain.subarray(3 * rank);
    assert.ok(last.every(Number.isNaN), `nothing is said of it: ${last.join()}`);
    const same = keySpectrum(new Float64Array(tokens * headDim), tokens, headDim, kernels);
    assert.equal(valueDirections(same, v, headDim, kernels), null, 'equal keys have no eigenvector');
  });

  it('have the mean of a random direction beside them', () => {
    assert.deepEqual([chanceCosine(1), chanceCosine(2), chanceCosine(3)], [1, 2 / Math.PI, 0.5]);
    const random = createRandom('directions/chance');
    const [draws, dimensions] = [4000, 13];
    let sum = 0;
    for (let draw = 0; draw < draws; draw++) {
      const direction = random.normals(dimensions);
      sum += Math.abs(direction[0]!) / Math.sqrt(direction.reduce((total, one) => total + one * one, 0));
    }
    // Three standard errors; |cos| of 13 dimensions has a standard deviation of 0.16.
    assert.ok(Math.abs(sum / draws - chanceCosine(dimensions)) < (3 * 0.17) / Math.sqrt(draws));
  });

  it('are a figure of the head that says mean, largest and chance', () => {
    const result = exampleResult({ layers: 2, heads: 3 });
    const head = result.layers[1]!.heads[2]!;
    const { headDim: d, tokens: n, prefixTokens, grid } = result.model;
    const context = { layer: 1, tokens: n, prefixTokens, grid, headDim: d, trainedWith: 'softmax' } as const;
    const detail = {
      ...exampleDetail(result, 1, 2),
      directions: { rank: 2, theory: Float64Array.of(0.1, 0.9, 0.3, 0.3), plain: Float64Array.of(NaN, NaN, 0, 0.5) },
    };
    const figures = headFigures(head, context, headPictures(detail));
    const at = figures.findIndex(({ id }) => id === 'directions-theory');
    const [theory, angles] = figures.slice(at);
    assert.ok(theory?.kind === 'heatmap' && angles?.id === 'angles-theory');
    assert.deepEqual([theory.rows, theory.columns, theory.columnLabels, theory.domain], [2, 2, ['1', '2'], [0, 1]]);
    assert.match(theory.shows, /mean 0\.400, largest 0\.900; a random direction has 0\.11\d on average/);
    const plain = figures.find(({ id }) => id === 'directions-plain');
    assert.match(plain?.shows ?? '', /mean 0\.250, largest 0\.500/);
    const without = headFigures(head, context, headPictures(exampleDetail(result, 1, 2)));
    assert.ok(!without.some(({ id }) => id.startsWith('directions')), 'heads of earlier builds have none');
  });
});
