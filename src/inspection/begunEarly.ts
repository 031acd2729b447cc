// Work that is begun before anybody asks: the header of a file is read while its page is still loading.

/** Begins `read` at once; the first call gets that, every later one reads afresh. */
export function begunEarly<T>(read: () => Promise<T>): () => Promise<T> {
  let begun: Promise<T> | null = read();
  // Whoever asks is told.
  begun.catch(() => undefined);
  return () => {
    const result = begun ?? read();
    begun = null;
    return result;
  };
}
