// Three steps of a training that never was: the softmax sample, and twice the same with its weights moved further.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const stepNames = ['step-0.safetensors', 'step-100.safetensors', 'step-200.safetensors'] as const;
/** Largest relative change of a weight from step to step. */
const moved = 0.15;

/** Writes the files into a folder and names it. */
export function writeTrainingSteps(folder: string): string {
  const steps = join(folder, 'steps');
  mkdirSync(steps);
  const sample = readFileSync(resolve('media/samples/digits-softmax.safetensors'));
  // A header of JSON behind its length, then float32 alone.
  const start = 8 + Number(sample.readBigUInt64LE(0));
  for (const [step, name] of stepNames.entries()) {
    const bytes = Buffer.from(sample);
    for (let at = start; at < bytes.length; at += 4)
      bytes.writeFloatLE(bytes.readFloatLE(at) * (1 + step * moved * Math.sin(at)), at);
    writeFileSync(join(steps, name), bytes);
  }
  return steps;
}
