// A folder in memory for tests, which counts the files that are open.

import { bytesSource } from '../../../src/checkpoint/byteSource';
import type { CheckpointFolder } from '../../../src/checkpoint/shards/openFolder';
import { type Bytes, concat, safetensors } from './crafted';

export interface MemoryFolder extends CheckpointFolder {
  /** Files open now, and the most there ever were. */
  readonly open: CheckpointFolder['open'];
  openNow(): number;
  mostOpen(): number;
}

export function memoryFolder(files: Readonly<Record<string, Bytes>>): MemoryFolder {
  let now = 0;
  let most = 0;
  return {
    name: 'folder',
    list: () => Promise.resolve(Object.keys(files).filter((name) => !name.includes('/'))),
    open: (path) => {
      const bytes = Object.hasOwn(files, path) ? files[path] : undefined;
      if (bytes === undefined) return Promise.resolve(null);
      now += 1;
      most = Math.max(most, now);
      const close = (): Promise<void> => {
        now -= 1;
        return Promise.resolve();
      };
      return Promise.resolve({ ...bytesSource(path.slice(path.lastIndexOf('/') + 1), concat(bytes)), close });
    },
    openNow: () => now,
    mostOpen: () => most,
  };
}

/** A safetensors file of one-number tensors: name -> number. */
export function numbers(values: Readonly<Record<string, number>>): Uint8Array {
  const names = Object.keys(values);
  const header = Object.fromEntries(
    names.map((name, i) => [name, { dtype: 'F32', shape: [1], data_offsets: [4 * i, 4 * i + 4] }]),
  );
  return safetensors(header, new Uint8Array(Float32Array.from(Object.values(values)).buffer));
}

/** The text of an index file. */
export function indexText(weightMap: Readonly<Record<string, unknown>>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ metadata: { total_size: 8 }, weight_map: weightMap }));
}
