// A result against independent numbers of the same shape: every number that is further away than its tolerance, by name.

import type { GoldenValue } from './goldenCases';
import { toleranceOf } from './tolerances';

export type Json = number | string | boolean | null | readonly Json[] | { readonly [name: string]: Json };

function isArray(value: GoldenValue | Json | undefined): value is readonly (GoldenValue & Json)[] {
  return Array.isArray(value);
}

/** Collects a sentence for every number further away than its tolerance. */
export class Comparison {
  readonly wrong: string[] = [];
  compared = 0;

  value(place: string, path: string, actual: Json | undefined, expected: GoldenValue, scale = 0, sd = 1): void {
    if (isArray(expected)) {
      this.array(place, path, actual, expected);
    } else if (typeof expected === 'object' && expected !== null) {
      const found = typeof actual === 'object' && actual !== null && !isArray(actual) ? actual : {};
      const spread = typeof expected['sd'] === 'number' ? expected['sd'] : 1;
      for (const [name, inner] of Object.entries(expected)) {
        this.value(place, path === '' ? name : `${path}.${name}`, found[name], inner, 0, spread);
      }
    } else if (typeof expected === 'number') {
      this.compared += 1;
      const allowed = toleranceOf(path, expected, scale, sd);
      const error = typeof actual === 'number' ? Math.abs(actual - expected) : Infinity;
      if (!(error <= allowed)) {
        this.wrong.push(
          `${place} ${path}: ${JSON.stringify(actual)}, expected ${expected}, off by ${error.toExponential(1)}, allowed ${allowed.toExponential(1)}`,
        );
      }
    } else {
      this.compared += 1;
      if (actual !== expected) this.wrong.push(`${place} ${path}: ${JSON.stringify(actual)}, expected ${expected}`);
    }
  }

  private array(place: string, path: string, actual: Json | undefined, expected: readonly GoldenValue[]): void {
    const found = isArray(actual) ? actual : [];
    const scale = expected.reduce<number>((most, x) => (typeof x === 'number' ? Math.max(most, Math.abs(x)) : most), 0);
    expected.forEach((inner, i) => {
      this.value(`${place}[${i}]`, path, found[i], inner, scale);
    });
  }
}
