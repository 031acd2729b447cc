import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { diagnoseHead } from '../../../src/diagnostics/diagnoseHead';
import { createCpuKernels } from '../../../src/engine/cpu/kernels';
import { kernels as reference, options, projectedHead } from './heads';

/** Spec section 10: 1e-7 for alignment, 1e-6 for noise; float64 on both sides does better. */
const tolerance = 1e-8;

/** Variant `eig` measures round-off and nothing else, so its spread differs by design. */
const roundOffOnly = /^\.gamma\.eig/;

function differences(a: unknown, b: unknown, path = ''): string[] {
  if (roundOffOnly.test(path)) return [];
  if (typeof a === 'number' && typeof b === 'number') {
    return Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a)) ? [] : [`${path}: ${a}, ${b}`];
  }
  if (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null) {
    const other = new Map(Object.entries(b));
    const missing = Object.keys(a).length === other.size ? [] : [`${path}: other fields`];
    return [
      ...missing,
      ...Object.entries(a).flatMap(([key, value]) => differences(value, other.get(key), `${path}.${key}`)),
    ];
  }
  return a === b ? [] : [`${path}: ${String(a)}, ${String(b)}`];
}

describe('diagnostics on the WASM kernels', () => {
  for (const symmetric of [true, false]) {
    it(`equal those on the reference kernels, ${symmetric ? 'symmetric' : 'asymmetric'} head`, async () => {
      const cpu = await createCpuKernels();
      const input = projectedHead({ name: 'parity', tokens: 37, headDim: 12, embedDim: 24, symmetric, keyScale: 1 });
      const settings = options({
        nulls: 20,
        rpc: { variant: 'code', iterations: 4, lambda: 0.5, embedDim: 24 },
        noise: { kinds: ['token_gauss', 'key_gauss', 'key_sparse', 'token_drop'], levels: {}, repeats: 2 },
      });
      const wrong = differences(diagnoseHead(input, settings, reference), diagnoseHead(input, settings, cpu));
      assert.deepEqual(wrong, []);
    });
  }
});
