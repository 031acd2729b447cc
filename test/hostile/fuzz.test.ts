// Real files with random bytes changed or cut off: whatever happens, it is a CheckpointError with a sentence or an
// index whose tensors can be read or say why not, within time and memory. Seeded, so a failure repeats.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { bytesSource } from '../../src/checkpoint/byteSource';
import { CheckpointError } from '../../src/checkpoint/checkpointError';
import { readCheckpoint } from '../../src/checkpoint/readCheckpoint';
import { readTensor } from '../../src/checkpoint/readTensor';
import { safetensors } from '../unit/checkpoint/crafted';
import { initializer, onnx, raw } from '../unit/checkpoint/onnxCrafted';
import { maxMB, maxMs } from './bars';
import { cpuClock } from './measured';

const rounds = 1500;
/** Larger tensors are legal after a flip in a stride-0 shape; reading them would only cost time. */
const maxElementsRead = 1e6;

const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(join('test/fixtures', name)));

interface Damaged {
  readonly make: () => Uint8Array;
  /** Every other round hits the first bytes alone, where it hurts. */
  readonly header?: number;
}

const files: Readonly<Record<string, Damaged>> = {
  'small.zip.pt': { make: () => fixture('checkpoint/small.zip.pt') },
  'small.legacy.pt': { make: () => fixture('checkpoint/small.legacy.pt') },
  'training.legacy.pt': { make: () => fixture('checkpoint/training.legacy.pt') },
  'protocol4.zip.pt': { make: () => fixture('checkpoint/protocol4.zip.pt') },
  'deflated.zip.pt': { make: () => fixture('checkpoint/deflated.zip.pt') },
  'versions.npz': { make: () => fixture('npz/versions.npz') },
  'single.npy': { make: () => fixture('npz/single.npy') },
  'small.safetensors': {
    make: () =>
      safetensors(
        {
          a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
          b: { dtype: 'F16', shape: [2, 1], data_offsets: [8, 12] },
        },
        new Uint8Array(12),
      ),
  },
  'types.gguf': { make: () => fixture('checkpoint/gguf-types.gguf'), header: 2240 },
  'types.onnx': { make: () => fixture('onnx/types.onnx') },
  'external.onnx': { make: () => fixture('onnx/external.onnx') },
  'small.onnx': { make: () => onnx(initializer('w', [4], 1, raw(16))) },
};

/** Numerical Recipes' LCG: enough to choose bytes. */
function randomInts(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Whether it opened. */
async function open(name: string, bytes: Uint8Array, round: number): Promise<boolean> {
  try {
    const source = bytesSource(name, bytes);
    const { entries } = await readCheckpoint(source);
    for (const entry of entries.values()) {
      if (entry.problem === undefined && entry.shape.reduce((a, b) => a * b, 1) < maxElementsRead)
        await readTensor(source, entry);
    }
    return true;
  } catch (error) {
    assert.ok(
      error instanceof CheckpointError,
      `round ${round}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    assert.match(error.message, /^[^:]+: .*[.]$/s, `round ${round}`);
    return false;
  }
}

describe('hostile: random damage', () => {
  for (const [name, { make, header }] of Object.entries(files)) {
    it(`${name}, ${rounds} times`, async () => {
      const whole = make();
      const random = randomInts(name.length);
      const memory = process.memoryUsage().rss;
      let [opened, slowest, grown] = [0, 0, 0];
      for (let round = 0; round < rounds; round++) {
        const bytes = whole.slice(0, round % 5 === 0 ? random(whole.length) : whole.length);
        const reach = header !== undefined && round % 2 === 0 ? Math.min(header, bytes.length) : bytes.length;
        for (let i = random(4); i >= 0; i--) if (reach > 0) bytes[random(reach)] = random(256);
        const cpu = cpuClock();
        if (await open(name, bytes, round)) opened++;
        slowest = Math.max(slowest, cpu());
        grown = Math.max(grown, (process.memoryUsage.rss() - memory) / 2 ** 20);
      }
      assert.ok(opened > 0 && opened < rounds, `${opened} of ${rounds} opened`);
      assert.ok(slowest < maxMs, `a round took ${slowest.toFixed(0)} ms, allowed ${maxMs}`);
      // Of all rounds together, with what is not collected between them.
      assert.ok(grown < maxMB, `${grown.toFixed(0)} MB more than before, allowed ${maxMB}`);
    });
  }
});
