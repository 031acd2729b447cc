// The handle on a tokenizer's thread: every call has a time limit, and the thread a memory limit. A tokenizer whose
// pattern never ends is stopped and refused by name.

import { Worker } from 'node:worker_threads';
import { ModelSpecError } from '../../model/modelSpec';
import { tokenizerFault } from '../../model/text/tokenizer';
import type { Encoding, TokenizerFacts, TokenizerFiles } from '../../model/text/tokenizer';
import { connect, RemoteError } from '../../protocol/rpc';
import { workerChannel } from './channels';

/** Calls to the thread. */
export interface TokenizerCalls {
  open(files: TokenizerFiles): Promise<TokenizerFacts>;
  encode(text: string): Promise<Encoding>;
  labels(ids: readonly number[]): Promise<readonly (string | null)[]>;
}

/** Building the largest vocabularies takes 3 s on two cores; ten times that on a busy machine. */
const openLimitMs = 30_000;
/** A megabyte of text takes under 2 s; a pattern that has not ended after this grows exponentially. */
const encodeLimitMs = 10_000;
/** JavaScript heap of the thread in MB. The largest vocabularies in use take 450. */
const heapLimitMb = 1024;

/** A tokenizer in a thread of its own. */
export interface TokenizerRunner {
  readonly facts: TokenizerFacts;
  /** @throws ModelSpecError 'badInput' */
  encode(text: string): Promise<Encoding>;
  /** null for ids that the vocabulary does not have. */
  labels(ids: readonly number[]): Promise<readonly (string | null)[]>;
  /** Ends the thread; open calls reject. Safe to call twice. */
  close(): Promise<void>;
}

interface Limits {
  readonly encodeMs: number;
  readonly heapMb: number;
}

/**
 * Starts dist/tokenizer.js (`script`) on `files`. `limits`: where they are not the usual ones.
 * @throws ModelSpecError 'badInput' naming the file.
 */
export async function openTokenizer(
  script: string,
  files: TokenizerFiles,
  limits: Partial<Limits> = {},
): Promise<TokenizerRunner> {
  const { encodeMs = encodeLimitMs, heapMb = heapLimitMb } = limits;
  const worker = new Worker(script, { resourceLimits: { maxOldGenerationSizeMb: heapMb } });
  const endpoint = connect<object, TokenizerCalls>(workerChannel(worker), {});
  const { name } = files;
  let ended: Error | null = null;
  worker.on('error', (error) => {
    const memory = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    ended = memory
      ? tokenizerFault(name, `the tokenizer takes more than the ${heapMb} MB of memory that it may have.`)
      : new Error(`the tokenizer's thread stopped: ${error.message}`);
    endpoint.close(ended.message);
  });
  worker.on('exit', () => {
    endpoint.close("the tokenizer's thread has ended");
  });
  const close = async (): Promise<void> => {
    endpoint.close('the tokenizer was closed');
    await worker.terminate();
  };
  const limited = async <T>(call: Promise<T>, limitMs: number, what: string): Promise<T> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        ended = tokenizerFault(
          name,
          `${what} took more than ${limitMs / 1000} seconds and was stopped; a pattern in the file may never end on this text.`,
        );
        reject(ended);
        void close();
      }, limitMs);
    });
    try {
      return await Promise.race([call, late]);
    } catch (error) {
      if (ended !== null) throw ended;
      throw error instanceof RemoteError && error.remoteName === 'ModelSpecError'
        ? new ModelSpecError('badInput', error.message)
        : error;
    } finally {
      clearTimeout(timer);
    }
  };
  try {
    const facts = await limited(endpoint.remote.open(files), openLimitMs, 'reading the tokenizer');
    return {
      facts,
      encode: (text) => limited(endpoint.remote.encode(text), encodeMs, 'taking the text apart'),
      labels: (ids) => limited(endpoint.remote.labels(ids), encodeMs, 'looking the tokens up'),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
