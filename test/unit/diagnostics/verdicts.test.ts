import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { benjaminiHochberg } from '../../../src/diagnostics/benjaminiHochberg';
import type { AlignmentMode, NullResult, NullSummary } from '../../../src/diagnostics/headResult';
import { areaUnderCurve, noiseVerdict } from '../../../src/diagnostics/noise';
import { rankAmong, summariseNull } from '../../../src/diagnostics/nulls';
import { halfWidth95, twoSidedQuantile } from '../../../src/diagnostics/studentT';
import { alignmentVerdict } from '../../../src/diagnostics/verdict';

function near(actual: number, expected: number, tolerance = 1e-12): void {
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${actual}, expected ${expected}`,
  );
}

describe('diagnostics statistics', () => {
  it('quantiles of Student t, against the inverse incomplete beta function of scipy', () => {
    // sqrt(df (1 - x) / x), x = betaincinv(df / 2, .5, .05); stats.t.ppf of scipy 1.10 is off by up to 1e-10.
    const known: Record<number, number> = {
      1: 12.706204736174707,
      2: 4.302652729749464,
      3: 3.18244630528371,
      4: 2.7764451051977943,
      7: 2.364624251592785,
      10: 2.228138851986275,
      31: 2.0395134463964086,
      100: 1.983971518523551,
    };
    for (const [df, value] of Object.entries(known)) near(twoSidedQuantile(0.95, Number(df)), value, 1e-13);
    near(halfWidth95(2, 8), (2.364624251592785 * 2) / Math.sqrt(8));
  });

  it('area under the curve is the mean relative deviation', () => {
    near(areaUnderCurve([1, 2, 4], [1, 1, 1]), (0.5 + 1 + 2) / 4);
    near(areaUnderCurve([0.5], [3]), 1.5);
  });

  it('Benjamini-Hochberg, with a tie and in the order given', () => {
    const qs = benjaminiHochberg([0.04, 0.01, 0.03, 0.02, 0.5, 0.02]);
    [0.048, 0.04, 0.045, 0.04, 0.5, 0.04].forEach((q, i) => near(qs[i]!, q));
    assert.deepEqual(benjaminiHochberg([]), []);
    assert.deepEqual(benjaminiHochberg([1, 0.9]), [1, 1]);
  });

  it('p is one-sided and counts the observation itself; a null without spread has no z', () => {
    const null3 = summariseNull(2, [1, 2, 3])!;
    assert.deepEqual([null3.mean, null3.sd, null3.z, null3.p], [2, 1, 0, 3 / 4]);
    assert.deepEqual(summariseNull(1, [1 + 1e-15, 1, 1 - 1e-15])!.p, 1);
    assert.equal(summariseNull(1, [1, 1, 1])!.z, null);
    assert.equal(summariseNull(1, [1]), null);
  });

  it('rank among heads', () => {
    assert.deepEqual(rankAmong(0.5, [0.4, 0.6, 0.5]), { rank: 2, of: 4 });
  });
});

describe('diagnostics verdicts', () => {
  const summary = (p: number): NullSummary => ({ mean: 0.3, sd: 0.1, z: 1, p });
  const against = (p: number, draws = 200): NullResult => ({
    draws,
    overlap: summary(p),
    energy: summary(1),
    rayleigh: summary(1),
  });
  const mode = (changes: Partial<AlignmentMode['nulls']>, chance = 0.3): AlignmentMode => ({
    cosines: [0.5],
    overlap: 0.5,
    overlapChance: chance,
    energy: 0.5,
    energyChance: 0.3,
    rayleigh: 0.5,
    informative: chance <= 0.8,
    cosineBand: { low: [], mean: [], high: [] },
    nulls: { random: null, permuted: null, untrained: null, otherHeads: null, ...changes },
  });

  it('says the four words of spec section 5 and nothing where a null is missing', () => {
    const beaten = { permuted: against(0.01) };
    assert.equal(
      alignmentVerdict(mode({ ...beaten, untrained: against(0.03, 20) }), 64, 64).verdict,
      'above token-shared baseline',
    );
    assert.equal(
      alignmentVerdict(mode({ ...beaten, untrained: against(0.2, 20) }), 64, 64).verdict,
      'explained by shared tokens',
    );
    assert.equal(
      alignmentVerdict(mode({ permuted: against(0.05), untrained: against(0.01) }), 64, 64).verdict,
      'no evidence',
    );
    assert.equal(alignmentVerdict(mode(beaten, 0.81), 64, 64).verdict, 'not measurable');
    assert.equal(alignmentVerdict(mode(beaten), 31, 64).verdict, 'not measurable');
    for (const nulls of [beaten, { ...beaten, untrained: against(0.1, 5) }, {}, { permuted: against(0.06, 10) }]) {
      const { verdict, reason } = alignmentVerdict(mode(nulls), 64, 64);
      assert.equal(verdict, null);
      assert.match(reason ?? '', /untrained|permuted/);
    }
  });

  it('noise: only an interval that excludes 0, and no collapse, is "less"', () => {
    const alive = { softmax: 0.8, rpc: 0.4 };
    const collapsed = { softmax: 0.8, rpc: 0.39 };
    assert.equal(noiseVerdict(0.1, 0.09, alive), 'RPC deviates less');
    assert.equal(noiseVerdict(0.1, 0.09, collapsed), 'collapsed');
    assert.equal(noiseVerdict(0.1, 0.1, alive), 'no difference');
    assert.equal(noiseVerdict(-0.1, 0.1, alive), 'no difference');
    assert.equal(noiseVerdict(-0.1, 0.09, collapsed), 'RPC deviates more');
    assert.equal(noiseVerdict(0.1, null, alive), 'not measured');
    assert.equal(noiseVerdict(0.1, 0.01, null), 'not measured');
    assert.equal(noiseVerdict(0.1, 0.01, { softmax: 0.8, rpc: null }), 'not measured');
  });
});
