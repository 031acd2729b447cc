// Where every reader gets its bytes: a random-access source handed in by the host (a file handle, a message
// channel, a buffer in a test). Nothing in `checkpoint` opens files itself, and nothing reads a whole file.

export interface ByteSource {
  /** File name without folders, for messages. */
  readonly name: string;
  /** Size of the whole file in bytes. */
  readonly byteLength: number;
  /**
   * Exactly `length` bytes from `offset`. Readers check the range against `byteLength` first; a source that
   * cannot deliver all bytes rejects (it never returns fewer). `into` has `length` bytes: a source may fill and return
   * it, so that a gigabyte of weights leaves no garbage of its size; one that does not returns bytes of its own.
   */
  read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
}

/** A source over bytes that are already in memory (tests, small files of virtual file systems). */
export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    byteLength: bytes.byteLength,
    read: (offset, length) => {
      if (offset < 0 || length < 0 || offset + length > bytes.byteLength) {
        return Promise.reject(new RangeError(`${name}: bytes ${offset}..${offset + length} lie outside the file`));
      }
      return Promise.resolve(bytes.slice(offset, offset + length));
    },
  };
}

export type ClosableSource = ByteSource & { close(): Promise<void> };
/** Opens a file by its path from the folder of a checkpoint (forward slashes); null when there is none. */
export type OpenFile = (path: string) => Promise<ClosableSource | null>;

/** The bytes of a checkpoint, which may lie in several files. Hosts open a file when it is first asked for. */
export interface CheckpointBytes {
  /** The file that `TensorEntry.shard` names; without a name the only file. Rejects for a name that is no shard. */
  source(shard?: string): Promise<ByteSource>;
}

/** A checkpoint of one file. */
export function singleFile(source: ByteSource): CheckpointBytes {
  return {
    source: (shard) =>
      shard === undefined
        ? Promise.resolve(source)
        : Promise.reject(new RangeError(`${source.name} is one file; there is no shard ${shard}`)),
  };
}
