import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { diagnoseHead } from '../../../src/diagnostics/diagnoseHead';
import type { DiagnosticsOptions, HeadInput } from '../../../src/diagnostics/headInput';
import type { HeadResult } from '../../../src/diagnostics/headResult';
import { normals } from '../../../src/diagnostics/random';
import { headInput, kernels, options, projectedHead, randomHead } from './heads';

function everything(embedDim: number, changes: Partial<DiagnosticsOptions> = {}): DiagnosticsOptions {
  return options({
    nulls: 20,
    rpc: { variant: 'code', iterations: 4, lambda: 4, embedDim },
    noise: {
      kinds: ['token_gauss', 'key_gauss', 'key_sparse', 'token_replace', 'token_drop'],
      levels: {},
      repeats: 2,
    },
    ...changes,
  });
}

/** Paths of values that JSON cannot carry, and of nulls without a reason in the same object. */
function faults(value: unknown, path = '', reasoned = false): string[] {
  if (value === null) return reasoned ? [] : [`${path}: null without a reason`];
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [`${path}: ${value}`];
  if (value === undefined) return [`${path}: undefined`];
  if (typeof value !== 'object') return [];
  if (ArrayBuffer.isView(value)) return [`${path}: typed array`];
  // A list of numbers belongs to the object that holds it.
  const covered = Array.isArray(value) ? reasoned : 'reason' in value;
  return Object.entries(value).flatMap(([name, inner]) => faults(inner, `${path}.${name}`, covered));
}

function check(input: HeadInput, changes: Partial<DiagnosticsOptions> = {}): HeadResult {
  const result = diagnoseHead(input, everything(input.embedDim, changes), kernels);
  assert.deepEqual(faults(result), []);
  assert.deepEqual(JSON.parse(JSON.stringify(result)), result);
  return result;
}

const constant = (length: number, value: number): Float64Array => new Float64Array(length).fill(value);

describe('diagnostics of degenerate heads', () => {
  const n = 12;
  const d = 4;
  const recipe = { name: 'odd', tokens: n, headDim: d, embedDim: 8, symmetric: false, keyScale: 1 };

  it('one token', () => {
    const result = check(randomHead('one', 1, 3));
    assert.equal(result.alignment.verdict, 'not measurable');
    assert.equal(result.spectrum.rank, 0);
    assert.match(result.spectrum.reason ?? '', /One token/);
  });

  it('one token without a class token, and two tokens', () => {
    check({ ...randomHead('one', 1, 3), prefixTokens: 0 });
    check(randomHead('two', 2, 3));
    check({ ...randomHead('two', 2, 3), prefixTokens: 0 });
    check(randomHead('three', 3, 3));
  });

  it('head dimension 1', () => {
    check(randomHead('narrow', n, 1));
    check(headInput(n, 1, { q: normals('narrow/q', n), k: normals('narrow/k', n), v: normals('narrow/v', n) }));
  });

  it('keys that are all zero: RPC has no value, and no verdict is given', () => {
    const result = check(headInput(n, d, { k: constant(n * d, 0), v: normals('v', n * d) }));
    assert.ok(result.rpc !== null);
    assert.equal(result.rpc.mu, null);
    assert.match(result.rpc.reason ?? '', /All keys are zero/);
    assert.equal(result.alignment.verdict, 'not measurable');
    assert.ok(result.noise.every((entry) => entry.verdict === 'not measured'));
    assert.ok(Math.abs(result.attention.entropy - Math.log(n)) < 1e-12);
    check({ ...headInput(n, d, { k: constant(n * d, 0), v: normals('v', n * d) }), nativeRpc: everything(d).rpc });
  });

  it('keys that are all the same', () => {
    const result = check(headInput(n, d, { k: constant(n * d, 3), v: normals('v', n * d) }));
    assert.equal(result.spectrum.numericalRank, 0);
    assert.match(result.alignment.theory.reason ?? '', /keys are the same/);
  });

  it('values that are zero, constant, or of rank 1', () => {
    const k = normals('k', n * d);
    const zero = check(headInput(n, d, { k, v: constant(n * d, 0) }));
    assert.ok(zero.noise.every((entry) => entry.auc.softmax === null && entry.reason !== undefined));
    const same = check(headInput(n, d, { k, v: constant(n * d, 1) }));
    assert.equal(same.alignment.plain.overlap, null);
    assert.match(same.alignment.plain.reason ?? '', /same for all tokens/);
    const column = normals('column', n);
    const rankOne = check(
      headInput(n, d, {
        k,
        v: Float64Array.from({ length: n * d }, (_, i) => column[Math.floor(i / d)]! * (1 + (i % d))),
      }),
    );
    assert.equal(rankOne.alignment.plain.cosines.length, 1);
  });

  it('hostile sizes: keys of norm up to 1e3, tiny keys, one huge token, huge values', () => {
    for (const scale of [1e-12, 1e-7, 10, 100, 500]) {
      check(headInput(n, d, { k: normals('k', n * d).map((value) => value * scale), v: normals('v', n * d) }));
      check(
        headInput(n, d, {
          q: normals('q', n * d).map((value) => value * scale),
          k: normals('k', n * d).map((value) => value * scale),
          v: normals('v', n * d),
        }),
      );
    }
    const k = normals('k', n * d);
    k.fill(400, 0, d);
    check(headInput(n, d, { k, v: normals('v', n * d) }));
    check(headInput(n, d, { k: normals('k', n * d), v: normals('v', n * d).map((value) => value * 1e100) }));
    check(headInput(n, d, { k: constant(n * d, 1), v: constant(n * d, 1) }));
    const sparse = constant(n * d, 0);
    sparse[5] = 1000;
    check(headInput(n, d, { k: sparse, v: sparse }));
  });

  it('more columns than tokens', () => {
    const result = check(randomHead('wide', 5, 16));
    assert.equal(result.reproduction.asCoded.direct, null);
    assert.equal(result.alignment.verdict, 'not measurable');
  });

  it('a forced overlap of 1 gets p = 1 and no z, not a p from round-off', () => {
    const result = check(randomHead('forced', 6, 5));
    const permuted = result.alignment.plain.nulls.permuted!;
    assert.equal(permuted.overlap.p, 1);
    assert.equal(permuted.overlap.z, null);
    assert.equal(result.alignment.plain.informative, false);
  });

  it('nothing asked for', () => {
    const result = check(projectedHead(recipe), { nulls: 0, rpc: null, noise: { kinds: [], levels: {}, repeats: 0 } });
    assert.equal(result.rpc, null);
    assert.deepEqual(result.noise, []);
    assert.equal(result.alignment.plain.nulls.random, null);
    assert.deepEqual(result.alignment.plain.cosineBand, { low: [], mean: [], high: [] });
  });

  it('noise without chance in it gives no interval and no verdict', () => {
    // Dropping all tokens but the class token: every repeat leaves the same one.
    const noise = { kinds: ['token_drop' as const], levels: { token_drop: [1] }, repeats: 4 };
    const [entry] = check(projectedHead({ ...recipe, symmetric: true }), { noise }).noise;
    assert.ok(entry!.auc.difference !== null && entry!.auc.difference !== 0);
    assert.deepEqual([entry!.auc.ci.softmax, entry!.auc.ci.rpc, entry!.auc.ci.difference], [null, null, null]);
    assert.equal(entry!.verdict, 'not measured');
    assert.match(entry!.reason ?? '', /Every repeat gave the same deviation/);
  });

  it('one repeat, no level, a level that drops everything', () => {
    const kinds = ['key_gauss', 'token_drop'] as const;
    const one = check(projectedHead(recipe), { noise: { kinds, levels: {}, repeats: 1 } });
    assert.ok(
      one.noise.every((entry) => entry.verdict === 'not measured' && entry.softmax.ci.every((ci) => ci === null)),
    );
    const all = check(
      { ...projectedHead(recipe), prefixTokens: 0 },
      { noise: { kinds, levels: { token_drop: [1] }, repeats: 2 } },
    );
    assert.match(all.noise[1]?.reason ?? '', /leaves no token/);
    const none = check(projectedHead(recipe), { noise: { kinds, levels: { key_gauss: [] }, repeats: 2 } });
    assert.match(none.noise[0]?.reason ?? '', /No noise level/);
  });

  it('is the same twice', () => {
    const input = projectedHead(recipe);
    assert.deepEqual(check(input), check(input));
  });
});
