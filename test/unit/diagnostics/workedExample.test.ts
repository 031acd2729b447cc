import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { alignmentNumbers } from '../../../src/diagnostics/alignment';
import { gammaNumbers } from '../../../src/diagnostics/gamma';
import { centringResidual, kpcaValues } from '../../../src/diagnostics/kpcaValues';
import { nullResult, permutedNull } from '../../../src/diagnostics/nulls';
import { projectionNumbers } from '../../../src/diagnostics/projectionLoss';
import { reproductionNumbers } from '../../../src/diagnostics/reproduction';
import { keySpectrum, spectrumNumbers } from '../../../src/diagnostics/spectrum';
import { subspaceStatistics, subspaceTarget } from '../../../src/diagnostics/subspace';
import { centreColumns, norm } from '../../../src/diagnostics/vector';
import { demo, headInput, kernels, noTwins, options } from './heads';

/** Asserts that `actual` prints as `text` with as many digits as `text` has. */
function prints(actual: number | null | undefined, text: string): void {
  assert.ok(actual !== null && actual !== undefined, `expected ${text}, got ${String(actual)}`);
  const [mantissa] = text.split('e');
  const digits = mantissa!.split('.')[1]?.length ?? 0;
  assert.equal(text.includes('e') ? actual.toExponential(digits) : actual.toFixed(digits), text);
}

describe('diagnostics worked example (spec section 9), to the printed digits', () => {
  const { tokens, headDim, q, k, v } = demo;
  const spectrum = keySpectrum(k, tokens, headDim, kernels);

  it('Gram matrix and spectrum', () => {
    ['2.475110285', '2.878911995', '3.135561780', '5.939923123', '2.648824985', '2.130455732'].forEach((text, i) =>
      prints(spectrum.gram.logG[i], text),
    );
    prints(spectrum.gram.shift, '-2.945933625685');
    const numbers = spectrumNumbers(spectrum, headDim);
    ['5.057390158e-2', '4.484564695e-2', '2.117499379e-2', '1.173903128e-2', '7.551766696e-3'].forEach((text, i) =>
      prints(numbers.eigenvalues[i], text),
    );
    assert.ok(Math.abs(numbers.eigenvalues[5]!) < 1e-16, `smallest eigenvalue ${numbers.eigenvalues[5]!}`);
    ['0.508321099', '-0.334829310', '-0.334266341', '-0.091911080', '0.614908240', '-0.362222607'].forEach((text, i) =>
      prints(spectrum.eigen.vectors[i], text),
    );
    assert.equal(numbers.numericalRank, 5);
    assert.equal(numbers.rank, 3);
  });

  it('KPCA values and centring residual', () => {
    prints(norm(kpcaValues(spectrum, 3, 'unit')), '0.138245922774');
    prints(centringResidual(spectrum.gram, v), '0.387511072898');
  });

  it('gamma of the first recovered column', () => {
    const { learned } = gammaNumbers(spectrum, v, kernels, { seed: 0, layer: 0, head: 0 });
    prints(learned.meanAbsDiff[0], '8.029823329e-3');
    prints(learned.sdAbsDiff[0], '5.835534256e-3');
    prints(learned.meanRelDiff[0], '1.144094095');
    prints(learned.sdRelDiff[0], '0.593169153');
    prints(learned.mean[0], '-1.930006938e-3');
    // The section prints ...271; in 80-bit arithmetic it is 0.51245727048561.
    prints(learned.eigenResidual[0], '0.512457270');
  });

  it('projection loss of the asymmetric head', () => {
    const h = kernels.attention(q, k, v, tokens, headDim);
    const numbers = projectionNumbers(q, k, h, tokens, headDim, kernels);
    prints(numbers.signed, '-0.833973518672');
    prints(numbers.abs, '0.833973518672');
    prints(numbers.relH, '0.870419518783');
    prints(numbers.relPhi, '18.682016354848');
    assert.equal(numbers.besselViolation, 1);
  });

  it('metrics of the reproduction study as coded', () => {
    const noDraws = { draws: 0, streamKey: () => '' };
    const { asCoded, warning } = reproductionNumbers(spectrum, v, headDim, kernels, noDraws);
    assert.equal(warning, undefined);
    prints(asCoded.direct, '-0.171472601787');
    prints(asCoded.optimal, '0.760162245087');
    prints(asCoded.pearson, '-0.230945644014');
    prints(asCoded.relFrobenius, '1.009125796522');
    prints(asCoded.linearCka, '0.443044578288');
    prints(asCoded.kernelCka, '0.536579289327');
  });

  it('alignment in both modes', () => {
    const { plain, theory } = alignmentNumbers(
      headInput(tokens, headDim, { q, k, v }),
      options(),
      spectrum,
      noTwins,
      kernels,
    );
    ['1.000000000', '0.611579110', '0.052095159'].forEach((text, i) => prints(plain.cosines[i], text));
    prints(plain.overlap, '0.458914304426');
    prints(plain.energy, '0.504566880275');
    prints(plain.rayleigh, '0.653713370336');
    prints(theory.overlap, '0.366746213012');
    prints(theory.energy, '0.045345313794');
    prints(theory.rayleigh, '0.475450834120');
  });

  it('null of 50 shuffles', () => {
    const target = subspaceTarget(spectrum, kernels);
    const observed = subspaceStatistics(target, centreColumns(v, tokens, headDim))!;
    for (const basis of [observed.basis, null]) {
      const draws = permutedNull(target, { tokenWeights: null }, v, basis, 'demo/permuted', 50);
      const result = nullResult(observed.statistics, draws)!;
      prints(result.overlap.mean, '0.579637648');
      prints(result.overlap.sd, '0.100879874');
      prints(result.overlap.z, '-1.19670395');
      prints(result.overlap.p, '0.843137255');
    }
  });
});
