// dist/cli.js on causal models with grouped queries and rotary positions against numpy (test/fixtures/independent/
// make_causal.py): the Gram matrix of all keys, of a prefix, in a sliding window, and of keys before their rotation.

import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Comparison, type Json } from './comparison';
import { buildCheckpoint } from './goldenCases';
import type { GoldenCase, GoldenValue } from './goldenCases';

interface CausalCase {
  readonly file: Omit<NonNullable<GoldenCase['file']>, 'image'>;
  readonly config: Readonly<Record<string, Json>>;
  readonly ids: readonly number[];
  /** Query heads that are inspected. */
  readonly heads: readonly number[];
  /** The ten largest, by token. */
  readonly logits: Readonly<Record<string, number>>;
  readonly runs: readonly {
    readonly name: string;
    readonly prefix: number | null;
    readonly keys: 'post-rope' | 'pre-rope';
    readonly standardise: boolean;
    readonly layers: readonly (readonly GoldenValue[])[];
  }[];
}

interface Result {
  readonly provenance: { readonly gram?: string; readonly keys?: string; readonly standardised?: true };
  readonly layers: readonly { readonly heads: readonly Json[] }[];
  readonly output: { readonly logitsTop: readonly { readonly index: number; readonly logit: number }[] };
}

const cases = JSON.parse(readFileSync('test/fixtures/independent/causal.json', 'utf8')) as Record<string, CausalCase>;

function inspect(folder: string, args: readonly string[]): { status: number | null; stderr: string; result(): Result } {
  const out = join(folder, 'out');
  const run = spawnSync(
    process.execPath,
    [
      ...['dist/cli.js', 'inspect', folder, '--backend', 'cpu', '--rpc', 'layers=none', '--noise', 'none'],
      ...['--nulls', '20', '--twins', '0', '--seed', '0', '--out', out, '--format', 'json', '--quiet', ...args],
    ],
    { encoding: 'utf8' },
  );
  return {
    ...run,
    result: () => JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as Result,
  };
}

describe('independent implementation of causal models', () => {
  let folder = '';
  const folderOf = (name: string): string => join(folder, name);

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gramlens-causal-'));
    for (const [name, wanted] of Object.entries(cases)) {
      const { bytes, sha256 } = buildCheckpoint(name, wanted.file.tensors);
      assert.equal(sha256, wanted.file.sha256, 'not the checkpoint that the golden numbers belong to');
      mkdirSync(folderOf(name));
      writeFileSync(join(folderOf(name), 'model.safetensors'), bytes);
      writeFileSync(join(folderOf(name), 'config.json'), JSON.stringify(wanted.config));
    }
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [name, wanted] of Object.entries(cases)) {
    for (const run of wanted.runs) {
      it(`agrees with every head of ${name}, ${run.name}`, () => {
        const found = inspect(folderOf(name), [
          ...['--input', `tokens:${wanted.ids.join(',')}`, '--heads', wanted.heads.join(',')],
          ...['--gram', run.prefix === null ? 'full' : `prefix:${run.prefix}`, '--keys', run.keys],
          ...(run.standardise ? ['--standardise-keys'] : []),
        ]);
        assert.equal(found.status, 0, found.stderr);
        const { provenance, layers, output } = found.result();
        assert.deepEqual(
          [provenance.gram, provenance.keys, provenance.standardised ?? false],
          [run.prefix === null ? 'full-Gram' : `prefix-${run.prefix}`, run.keys, run.standardise],
        );
        const comparison = new Comparison();
        for (const { index, logit } of output.logitsTop)
          comparison.value('output', 'logits', logit, wanted.logits[String(index)] ?? null, 1);
        assert.equal(layers.length, run.layers.length);
        run.layers.forEach((heads, index) => {
          assert.equal(layers[index]!.heads.length, heads.length);
          heads.forEach((head, h) => {
            comparison.value(`layer ${index} head ${wanted.heads[h]}`, '', layers[index]!.heads[h], head);
          });
        });
        assert.ok(comparison.compared > 100, `${comparison.compared} numbers compared`);
        assert.deepEqual(
          comparison.wrong.slice(0, 10),
          [],
          `${comparison.wrong.length} of ${comparison.compared} numbers`,
        );
      });
    }
  }

  it('refuses a prefix that is longer than the input, naming the option', () => {
    const { status, stderr } = inspect(folderOf('causal-window'), ['--input', 'tokens:1,2,3,4', '--gram', 'prefix:5']);
    assert.equal(status, 2);
    assert.equal(
      stderr,
      'gramlens: --gram prefix:5: The input has 4 tokens, so there is no prefix of 5. Choose a prefix from 1 to 4, or full.\n',
    );
  });
});
