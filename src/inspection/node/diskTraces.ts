// What a run keeps of its heads in a file without a name, so that memory does not grow with the layers: the file goes
// with whoever holds it open, however that ends. Where it cannot be written, memory it is.

import { randomBytes } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryTraces, type KeptHead, type TraceStore } from '../traceStore';
import { headRecord, readHead, writeArrays, type HeadRecord } from './headRecords';

export class DiskTraces implements TraceStore {
  private readonly records = new Map<string, HeadRecord>();
  private readonly memory = new MemoryTraces();
  private file: Promise<FileHandle> | null = null;
  private length = 0;
  private full = false;

  /** `onFull` is told once, with a sentence, when the heads that follow are kept in memory. */
  constructor(
    private readonly onFull: (sentence: string) => void,
    private readonly folder = tmpdir(),
  ) {}

  async keep(kept: KeptHead): Promise<void> {
    if (!this.full && (await this.write(kept))) return;
    await this.memory.keep(kept);
  }

  async head(layer: number, head: number): Promise<KeptHead> {
    const record = this.records.get(`${layer}/${head}`);
    if (record === undefined || this.file === null) return this.memory.head(layer, head);
    return readHead(await this.file, record, gone);
  }

  async dispose(): Promise<void> {
    const { file } = this;
    this.file = null;
    this.records.clear();
    await file?.then(
      (handle) => handle.close(),
      () => undefined,
    );
  }

  private async write(kept: KeptHead): Promise<boolean> {
    const { record, arrays, byteLength } = headRecord(kept, this.length);
    try {
      await writeArrays(await (this.file ??= openUnnamed(this.folder)), this.length, arrays);
      this.records.set(`${kept.layer}/${kept.head}`, record);
      this.length += byteLength;
      return true;
    } catch (error) {
      this.full = true;
      const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      this.onFull(
        `What patterns are drawn from cannot be written to ${this.folder} (${why}) and is kept in memory, which grows with every layer. Make room there, or name another folder in TMPDIR.`,
      );
      return false;
    }
  }
}

function gone(): never {
  throw new Error('What patterns are drawn from can no longer be read from the disk. Inspect the checkpoint again.');
}

/** A file that has no name any more when this resolves; a system that keeps the name until it is closed loses it then. */
async function openUnnamed(folder: string): Promise<FileHandle> {
  const path = join(folder, `gramlens-${randomBytes(8).toString('hex')}.heads`);
  const file = await open(path, 'wx+', 0o600);
  await rm(path, { force: true });
  return file;
}
