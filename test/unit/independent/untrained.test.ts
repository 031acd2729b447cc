// dist/cli.js on both samples beside 20 untrained twins against numpy (test/fixtures/independent/make_untrained.py):
// the null `untrained`, Benjamini-Hochberg q of every null, and the verdict word of every head.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Comparison, type Json } from './comparison';
import type { GoldenValue } from './goldenCases';

interface Result {
  readonly layers: readonly { readonly index: number; readonly heads: readonly { readonly alignment: Json }[] }[];
}
type Golden = Readonly<Record<string, readonly (readonly { readonly alignment: GoldenValue }[])[]>>;

/** Two modes: 3 observed, 3 x 5 of `untrained`, 2 x 3 x 2 of the others; and the verdict. */
const numbersOfHead = 2 * (3 + 15 + 12) + 1;

function inspect(sample: string): Result {
  const out = mkdtempSync(join(tmpdir(), 'gramlens-untrained-'));
  try {
    const run = spawnSync(
      process.execPath,
      [
        ...['dist/cli.js', 'inspect', join('media', 'samples', sample)],
        ...['--input', `npy:${join('media', 'samples', 'digit-3.npy')}`, '--backend', 'cpu', '--seed', '0'],
        ...['--nulls', '20', '--twins', '20', '--study-nulls', '0', '--rpc', 'layers=none', '--noise', 'none'],
        ...['--out', out, '--format', 'json', '--quiet'],
      ],
      { encoding: 'utf8' },
    );
    assert.equal(run.status, 0, run.stderr);
    return JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as Result;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

describe('independent implementation of untrained twins', () => {
  const golden = JSON.parse(readFileSync('test/fixtures/independent/untrained.json', 'utf8')) as Golden;

  for (const [sample, layers] of Object.entries(golden)) {
    it(`agrees with null, q and verdict of every head of ${sample}`, () => {
      const { layers: found } = inspect(sample);
      assert.equal(found.length, layers.length);
      const comparison = new Comparison();
      layers.forEach((heads, layer) => {
        heads.forEach(({ alignment }, head) => {
          const actual = found[layer]?.heads[head]?.alignment;
          comparison.value(`layer ${layer} head ${head}`, 'alignment', actual, alignment);
        });
      });
      assert.deepEqual(
        comparison.wrong.slice(0, 10),
        [],
        `${comparison.wrong.length} of ${comparison.compared} numbers`,
      );
      assert.equal(comparison.compared, layers.flat().length * numbersOfHead);
    });
  }
});
