// A checkpoint whose bytes were hashed once, and whether it is still the same while run after run reads it: a file that is
// written again has another size, time or place, and only then is it hashed again.

import { stat } from 'node:fs/promises';
import { checkpointPaths, type CheckpointFile } from './checkpointFile';
import { hashBeside } from './hashBeside';

/** Size, times of the last changes and place of every file; one whose time was set back still has the other time. */
async function stampOf(file: CheckpointFile): Promise<string> {
  const stamps = checkpointPaths(file).map(async (path) => {
    const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true });
    return `${size} ${mtimeNs} ${ctimeNs} ${ino}`;
  });
  // What is no longer there has none of them.
  return (await Promise.all(stamps).catch(() => ['gone'])).join('\n');
}

export class WatchedCheckpoint {
  private constructor(
    private readonly hash: () => Promise<string | null>,
    private readonly file: CheckpointFile,
    private stamp: string,
    /** null: bytes in memory, which nobody else can change. */
    readonly sha256: string | null,
  ) {}

  /**
   * Hashes every byte once, before the first run. `script`: any bundle beside dist/hash.js. Aborting `signal` ends this
   * hashing, which then rejects with the signal's reason.
   * @throws CheckpointError 'unreadable'
   */
  static async open(
    script: string,
    file: CheckpointFile,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<WatchedCheckpoint> {
    const byteLength = 'path' in file ? Infinity : 0;
    const hash = (): Promise<string | null> => hashBeside(script, file, byteLength, new AbortController().signal);
    // The stamp is the older one: what changes while it is hashed is hashed again.
    const stamp = await stampOf(file);
    return new WatchedCheckpoint(hash, file, stamp, await hashBeside(script, file, byteLength, signal));
  }

  /** Whether it holds the bytes that were hashed; a file that was only touched, or copied onto itself, does. */
  async isUnchanged(): Promise<boolean> {
    const now = await stampOf(this.file);
    if (now === this.stamp) return true;
    if ((await this.hash().catch(() => null)) !== this.sha256) return false;
    this.stamp = now;
    return true;
  }
}
