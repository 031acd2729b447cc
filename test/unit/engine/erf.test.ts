// erf and erfc of `reference` against SciPy 1.10.1 scipy.special.erf / erfc (values by make_goldens.py).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { erf, erfc } from '../../../src/engine/reference/erf';

/** SciPy itself is good to about 1e-16; ours is stated as 1e-15. */
const tolerance = 2e-15;
/** erfc in the tail carries the rounding of x^2: up to x^2 * 1e-16. */
const tailTolerance = 2e-14;

interface ErfGoldens {
  readonly x: readonly number[];
  readonly erf: readonly number[];
  readonly erfc: readonly number[];
}

describe('engine: erf', () => {
  const goldens = JSON.parse(readFileSync('test/fixtures/engine/erf.json', 'utf8')) as ErfGoldens;

  it('agrees with SciPy from -7 to 7', () => {
    goldens.x.forEach((x, i) => {
      const error = Math.abs(erf(x) - goldens.erf[i]!) / Math.max(Math.abs(goldens.erf[i]!), Number.MIN_VALUE);
      assert.ok(error <= tolerance, `erf(${x}): relative error ${error}`);
      const tail = Math.abs(erfc(x) - goldens.erfc[i]!) / goldens.erfc[i]!;
      assert.ok(tail <= tailTolerance, `erfc(${x}): relative error ${tail}`);
    });
  });

  it('is odd, 0 at 0, 1 far out, NaN at NaN', () => {
    assert.equal(erf(0), 0);
    assert.equal(erf(30), 1);
    assert.equal(erf(-30), -1);
    assert.equal(erf(Infinity), 1);
    assert.equal(erfc(Infinity), 0);
    assert.ok(Number.isNaN(erf(NaN)));
  });
});
