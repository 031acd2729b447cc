// `gramlens selftest`: every control with value and bound, and that a kernel which is wrong is found out.

import { before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chanceControls, chanceRows } from '../../../src/diagnostics/controls/chanceTable';
import { kpcaControls } from '../../../src/diagnostics/controls/kpcaControls';
import { rpcControls } from '../../../src/diagnostics/controls/rpcControls';
import { createCpuKernels } from '../../../src/engine/cpu/kernels';
import type { HeadKernels } from '../../../src/engine/headKernels';

function selftest(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli.js', 'selftest', ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('gramlens selftest', () => {
  it('prints every control with its value and bound, and exits with 0', () => {
    const { status, stdout, stderr } = selftest('--draws', '10');
    assert.equal(status, 0, stdout + stderr);
    const lines = stdout.split('\n').filter((line) => line.startsWith('holds  '));
    assert.equal(lines.length, 54);
    assert.ok(!stdout.includes('FAILS'), stdout);
    for (const name of [
      '1 - overlap',
      'eigen-residual',
      'largest eigenvalue',
      'F1',
      'F2',
      'F3 (code)',
      'F3 (admm)',
      'F4',
    ])
      assert.ok(
        lines.some((line) => line.includes(name)),
        name,
      );
    for (const line of lines) assert.match(line, /^holds {2}\S.* +\S+ +(<= \S+|\S+ \+- \S+) +\S/);
    assert.match(stdout, /\n54 controls hold, 0 do not\.\n$/);
  });

  it('refuses draws that give no standard error', () => {
    const { status, stderr } = selftest('--draws', '9');
    assert.equal(status, 2);
    assert.equal(stderr, 'gramlens: --draws 9: must be a whole number from 10 to 10000.\n');
  });
});

describe('controls find a kernel that is wrong', () => {
  let kernels: HeadKernels;
  before(async () => {
    kernels = await createCpuKernels();
  });
  const failing = (controls: readonly { readonly name: string; readonly holds: boolean }[]): string[] =>
    controls.filter(({ holds }) => !holds).map(({ name }) => name);

  it('RPC with a threshold that is 1 % too high, and with an output that leaves the values', () => {
    const blurred: HeadKernels = {
      ...kernels,
      rpc: (q, k, v, tokens, headDim, parameters) => {
        const right = kernels.rpc(q, k, v, tokens, headDim, { ...parameters, lambda: 1.01 * parameters.lambda });
        return { ...right, numbers: { ...right.numbers, tau: right.numbers.tau / 1.01 } };
      },
    };
    assert.deepEqual(failing(rpcControls(blurred)), ['F1']);
    const larger: HeadKernels = {
      ...kernels,
      rpc: (...args) => {
        const right = kernels.rpc(...args);
        return { ...right, out: right.out.map((value) => 10 * value) };
      },
    };
    assert.deepEqual(failing(rpcControls(larger)), ['F1', 'F2', 'F3 (code)', 'F3 (admm)', 'F4']);
  });

  it('products that are wrong in the tenth digit', () => {
    const rough: HeadKernels = {
      ...kernels,
      matmul: (...args) => kernels.matmul(...args).map((value, i) => value * (1 + (i % 2) * 1e-10)),
    };
    assert.deepEqual(failing(kpcaControls(rough, 3)), ['eigen-residual']);
  });

  it('the chance table with 20 draws', function () {
    if (process.env['GRAMLENS_FULL'] !== '1') this.skip();
    for (const row of chanceRows) assert.deepEqual(failing(chanceControls(kernels, row, 20)), [], row.keys);
  });
});
