// dist/cli.js against a numpy float64 implementation that shares no code with it (test/fixtures/independent): from the
// bytes of a checkpoint to the numbers of every head. A disagreement is an error of one of the two, never of rounding.

import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildCheckpoint, buildImage, readGolden } from './goldenCases';
import type { GoldenCase } from './goldenCases';
import { Comparison, type Json } from './comparison';
import { full } from '../../setup/full';

const golden = readGolden();
const referenceCases = ['symmetric', 'scaled-alpha'];
const noiseKinds = 'token_gauss,key_gauss,key_sparse,token_replace,token_drop';

interface Result {
  readonly layers: readonly { readonly index: number; readonly heads: readonly { readonly [name: string]: Json }[] }[];
  readonly output: { readonly logitsTop: readonly { readonly index: number; readonly logit: number }[] };
}

function inspect(folder: string, name: string, wanted: GoldenCase, backend: string): Result {
  const out = join(folder, `${name}-${backend}`);
  let checkpoint = join('media', 'samples', name);
  let image = join('media', 'samples', 'digit-3.npy');
  if (wanted.file !== undefined) {
    const { bytes, sha256 } = buildCheckpoint(name, wanted.file.tensors);
    assert.equal(
      sha256,
      wanted.file.sha256,
      'the checkpoint made here is not the one that the golden numbers belong to',
    );
    checkpoint = join(folder, `${name}.safetensors`);
    image = join(folder, `${name}.npy`);
    writeFileSync(checkpoint, bytes);
    writeFileSync(image, buildImage(name, wanted.file.image));
  }
  const { variant, iterations, lambda } = wanted.rpc;
  const run = spawnSync(
    process.execPath,
    [
      ...['dist/cli.js', 'inspect', checkpoint, '--input', `npy:${image}`, '--backend', backend],
      ...['--rpc', `variant=${variant},iterations=${iterations},lambda=${lambda},layers=all`],
      ...['--layers', Object.keys(wanted.layers).join(','), '--noise', noiseKinds],
      ...['--nulls', '20', '--twins', '0', '--repeats', '3', '--seed', '0'],
      ...(wanted.set === undefined ? [] : ['--set', wanted.set]),
      ...['--out', out, '--format', 'json', '--quiet'],
    ],
    { encoding: 'utf8' },
  );
  assert.equal(run.status, 0, run.stderr);
  return JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as Result;
}

describe('independent implementation', () => {
  let folder = '';

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gramlens-independent-'));
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [name, wanted] of Object.entries(golden)) {
    // The other cases hold the cpu backend to it every time.
    const both = full ? ['cpu', 'reference'] : ['reference'];
    for (const backend of referenceCases.includes(name) ? both : ['cpu']) {
      it(`agrees with every head of ${name} (${backend})`, () => {
        const result = inspect(folder, name, wanted, backend);
        const comparison = new Comparison();
        const logits = [...result.output.logitsTop].sort((a, b) => a.index - b.index).map(({ logit }) => logit);
        comparison.value('output', 'logits', logits, wanted.logits);
        const layers = Object.entries(wanted.layers);
        assert.deepEqual(
          result.layers.map(({ index }) => String(index)),
          layers.map(([index]) => index),
        );
        for (const [index, heads] of layers) {
          const found = result.layers.find((layer) => String(layer.index) === index)?.heads ?? [];
          assert.equal(found.length, heads.length);
          heads.forEach(({ exactTheory, ...expected }, h) => {
            const head = found[h] ?? {};
            comparison.value(`layer ${index} head ${h}`, '', head, expected);
            if (exactTheory !== undefined) {
              const { theory } = head['alignment'] as { readonly theory: Json };
              comparison.value(`layer ${index} head ${h}`, 'exactTheory', theory, exactTheory);
            }
          });
        }
        assert.ok(comparison.compared > 200, `${comparison.compared} numbers compared`);
        assert.deepEqual(
          comparison.wrong.slice(0, 10),
          [],
          `${comparison.wrong.length} of ${comparison.compared} numbers`,
        );
      });
    }
  }
});
