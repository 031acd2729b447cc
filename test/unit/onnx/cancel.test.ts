// Ctrl-C while ONNX Runtime is at work: its call cannot be interrupted, its thread can.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { svtrPath } from './graphs';

/** Wide enough that the first block runs for seconds. */
const wide = ['--input', 'random', '--set', 'image=48x6400'];

describe('gramlens inspect on a graph', () => {
  const parent = mkdtempSync(join(tmpdir(), 'gramlens-cancel-'));
  after(() => {
    rmSync(parent, { recursive: true });
  });

  it('ends with 130 when interrupted in the middle of a block, and writes nothing', async () => {
    const target = join(parent, 'out');
    const child = spawn(
      process.execPath,
      ['dist/cli.js', 'inspect', svtrPath, ...wide, '--backend', 'cpu', '--out', target],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    let interrupted = false;
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (!interrupted && said.includes('Graph\n')) {
        interrupted = true;
        setTimeout(() => child.kill('SIGINT'), 300);
      }
    });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    assert.equal(code, 130, said);
    assert.match(said, /Cancelled; nothing was written\./);
    assert.doesNotMatch(said, /Layer 1 of 2/);
    assert.equal(existsSync(target), false);
  });
});
