// `gramlens selftest`: positive and negative controls with the code that measures checkpoints. Each is printed with
// its value and its bound as soon as it is known.

import { chanceControls, chanceRows } from '../diagnostics/controls/chanceTable';
import type { Control } from '../diagnostics/controls/control';
import { kpcaControls } from '../diagnostics/controls/kpcaControls';
import { rpcControls } from '../diagnostics/controls/rpcControls';
import { createCpuKernels } from '../engine/cpu/kernels';
import { createReferenceKernels } from '../engine/reference/kernels';
import { exitCodes } from './exitCodes';
import { parseWhole } from './options';

export interface SelftestFlags {
  readonly draws: string;
  readonly backend: 'cpu' | 'reference';
  readonly json?: boolean;
}

/** The bounds are 3 standard errors; estimated from fewer draws those are no bounds. */
const fewestDraws = 10;

export async function runSelftest(flags: SelftestFlags): Promise<void> {
  const draws = parseWhole(flags.draws, '--draws', fewestDraws, 10_000);
  const kernels = flags.backend === 'cpu' ? await createCpuKernels() : createReferenceKernels();
  const all: Control[] = [];
  let group = '';
  const tell = (controls: readonly Control[]): void => {
    all.push(...controls);
    if (flags.json === true) return;
    for (const control of controls) {
      if (control.group !== group) process.stdout.write(`${group === '' ? '' : '\n'}${control.group}\n`);
      group = control.group;
      process.stdout.write(`${line(control)}\n`);
    }
  };
  tell(kpcaControls(kernels, draws));
  tell(rpcControls(kernels));
  for (const row of chanceRows) tell(chanceControls(kernels, row, draws));

  const failed = all.filter((control) => !control.holds).length;
  if (flags.json === true) {
    const controls = all.map((control) => ({
      ...control,
      value: Number.isFinite(control.value) ? control.value : null,
    }));
    process.stdout.write(`${JSON.stringify({ backend: kernels.name, draws, controls }, null, 2)}\n`);
  } else process.stdout.write(`\n${all.length - failed} controls hold, ${failed} do not.\n`);
  if (failed === 0) return;
  process.stderr.write(
    'gramlens: a control does not hold, so numbers from this machine are not to be trusted. This is a defect of Gramlens or of its JavaScript engine; please report it with the lines marked FAILS.\n',
  );
  process.exitCode = exitCodes.machine;
}

function line({ name, what, value, bound, holds }: Control): string {
  return `${holds ? 'holds' : 'FAILS'}  ${name.padEnd(26)} ${number(value).padStart(10)}  ${bound.padEnd(18)}  ${what}`;
}

function number(value: number): string {
  return value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e4)
    ? String(Number(value.toPrecision(4)))
    : value.toExponential(2);
}
