// What crosses between the extension host and the mapping page. The page guesses and checks by itself, from names
// and shapes; the host knows the files.

/** Calls the mapping page makes to the extension host. */
export interface MappingHostCalls {
  /** Reads the header, and the mapping that is there already; rejects with the reader's sentence. */
  open(): Promise<WireCheckpoint>;
  /** Writes the mapping, checked once more; resolves with where it lies. `inspect`: and run *Inspect Checkpoint*. */
  save(text: string, inspect: boolean): Promise<string>;
  log(level: 'info' | 'warn' | 'error', message: string): Promise<void>;
}

/** Calls the extension host makes to the mapping page. */
export interface MappingPageCalls {
  /** The page's host was told of another file: reads it anew. */
  reload(): Promise<void>;
}

export interface WireCheckpoint {
  /** Address of the checkpoint: what a page that is shown again after a restart is about. */
  readonly uri: string;
  readonly fileName: string;
  /** Why the file was not recognised; null where it was. */
  readonly refusal: string | null;
  /** [name, shape][] as one text: an editor's messages look at every value by itself. */
  readonly tensorsJson: string;
  /** Name and text of the mapping that was found. */
  readonly existing: { readonly name: string; readonly text: string } | null;
}
