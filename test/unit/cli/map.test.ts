// From a checkpoint that no family knows to a finished inspection, as a terminal does it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { unknownCheckpoint } from '../model/unknownCheckpoint';

function gramlens(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli.js', ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('gramlens map', () => {
  let folder: string;
  let file: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gramlens-map-'));
    file = join(folder, 'ours.safetensors');
    writeFileSync(file, unknownCheckpoint());
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const inspect = (...more: readonly string[]) =>
    gramlens(
      'inspect',
      file,
      '--input',
      'tokens:1,2,3,4,5',
      '--nulls',
      '2',
      '--twins',
      '0',
      '--noise',
      'none',
      '--backend',
      'reference',
      '--out',
      join(folder, 'out'),
      '--format',
      'json',
      ...more,
    );

  it('goes from the error to the mapping to the result', () => {
    const unknown = inspect();
    assert.equal(unknown.status, 2);
    assert.match(
      unknown.stderr,
      /no transformer blocks under a name Gramlens knows .* From names and shapes Gramlens guesses 2 layers \(such as "stack\.\{i\}\.mixer\.out\.weight"\) and 8 of 8 needed roles\. gramlens map CHECKPOINT writes the guess/,
    );
    const mapped = gramlens('map', file);
    assert.equal(mapped.status, 0, mapped.stderr);
    assert.match(mapped.stdout, /^qkv\.weight +stack\.\{i\}\.mixer\.qkv\.weight +sure +Its name says/m);
    assert.match(mapped.stderr, /Written: .*ours\.safetensors\.gramlens\.json\./);
    const question = inspect();
    assert.match(question.stderr, /does not say how many attention heads/);
    const done = inspect('--set', 'heads=2');
    assert.equal(done.status, 0, done.stderr);
    const result = JSON.parse(readFileSync(join(folder, 'out', 'result.json'), 'utf8')) as {
      model: { family: string; causal: boolean };
      provenance: { overrides: Record<string, string> };
    };
    assert.deepEqual([result.model.family, result.model.causal], ['mapped', true]);
    assert.equal(result.provenance.overrides['heads'], '2');
    assert.equal(result.provenance.overrides['family'], 'mapped');
  });

  it('never writes over a file, and says what a wrong --mapping is', () => {
    const again = gramlens('map', file);
    assert.equal(again.status, 2);
    assert.match(again.stderr, /is there already and is left as it is\. Give another file with --out FILE/);
    const result = inspect('--mapping', join(folder, 'out', 'result.json'));
    assert.equal(result.status, 2);
    assert.match(
      result.stderr,
      /result\.json is the result of an inspection \("schema": "gramlens\.inspection\/1"\), not a mapping/,
    );
  });
});
