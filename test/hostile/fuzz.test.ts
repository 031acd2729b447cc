// Real files with random bytes changed or cut off: whatever happens, it is a CheckpointError with a sentence or an
// index whose tensors can be read or say why not. Seeded, so a failure repeats.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { bytesSource } from '../../src/checkpoint/byteSource';
import { CheckpointError } from '../../src/checkpoint/checkpointError';
import { readCheckpoint } from '../../src/checkpoint/readCheckpoint';
import { readTensor } from '../../src/checkpoint/readTensor';
import { safetensors } from '../unit/checkpoint/crafted';

const rounds = 1500;
/** Larger tensors are legal after a flip in a stride-0 shape; reading them would only cost time. */
const maxElementsRead = 1e6;

const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(join('test/fixtures/checkpoint', name)));
const files: Readonly<Record<string, () => Uint8Array>> = {
  'small.zip.pt': () => fixture('small.zip.pt'),
  'small.legacy.pt': () => fixture('small.legacy.pt'),
  'training.legacy.pt': () => fixture('training.legacy.pt'),
  'protocol4.zip.pt': () => fixture('protocol4.zip.pt'),
  'deflated.zip.pt': () => fixture('deflated.zip.pt'),
  'versions.npz': () => new Uint8Array(readFileSync('test/fixtures/npz/versions.npz')),
  'single.npy': () => new Uint8Array(readFileSync('test/fixtures/npz/single.npy')),
  'small.safetensors': () =>
    safetensors(
      {
        a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
        b: { dtype: 'F16', shape: [2, 1], data_offsets: [8, 12] },
      },
      new Uint8Array(12),
    ),
};

/** Numerical Recipes' LCG: enough to choose bytes. */
function randomInts(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('hostile: random damage', () => {
  for (const [name, make] of Object.entries(files)) {
    it(`${name}, ${rounds} times`, async () => {
      const whole = make();
      const random = randomInts(name.length);
      for (let round = 0; round < rounds; round++) {
        const bytes = whole.slice(0, round % 5 === 0 ? random(whole.length) : whole.length);
        for (let i = random(4); i >= 0; i--) if (bytes.length > 0) bytes[random(bytes.length)] = random(256);
        try {
          const source = bytesSource(name, bytes);
          const { entries } = await readCheckpoint(source);
          for (const entry of entries.values()) {
            if (entry.problem === undefined && entry.shape.reduce((a, b) => a * b, 1) < maxElementsRead)
              await readTensor(source, entry);
          }
        } catch (error) {
          assert.ok(
            error instanceof CheckpointError,
            `round ${round}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
          );
          assert.match(error.message, /^[^:]+: .*[.]$/s, `round ${round}`);
        }
      }
    });
  }
});
