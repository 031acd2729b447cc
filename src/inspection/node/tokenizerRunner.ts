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

const megabyte = 1024 * 1024;
/**
 * Time that a call may take however little it is given: processor time, because a busy machine is not the file's fault.
 * Small vocabularies are read in 0.1 s and a page of text is taken apart in milliseconds; what has not ended after this
 * either grows with its input, which the rates below allow for, or does not end.
 */
const baseLimitMs = 2000;
/** Wall-clock time against processor time, where a thread waits for its turn; beyond, something else is wrong. */
const mostWaiting = 10;
/** Reading takes 0.3 s of processor time a megabyte (10 MB, 128,000 tokens, 280,000 merges: 2.9 s), 0.4 on a busy machine. */
const openMsPerMegabyte = 2000;
/** A megabyte of text takes 4 s of processor time, 5 on a busy machine. */
const encodeMsPerMegabyte = 30_000;
/**
 * JavaScript heap of the thread in MB: enough for a megabyte of text in 986,000 tokens. With the process around it,
 * under 256.
 */
const baseHeapMb = 128;
/** A built vocabulary takes 9 to 15 MB a megabyte of its files. */
const heapMbPerMegabyte = 16;
/** 262,000 tokens with 580,000 merges as pairs (39 MB) are built in 370. */
const mostHeapMb = 1024;
/** New objects: a fixed part beside the heap of old ones, which V8 sizes by the machine otherwise. */
const youngHeapMb = 32;

/** What a thread may take for `files`: proportional to their size, so that a small file stays small. */
export function tokenizerLimits({ bytes, gguf }: TokenizerFiles): TokenizerLimits {
  const own = Object.values(bytes).reduce((sum, { byteLength }) => sum + byteLength, 0);
  const megabytes = (own + (gguf === null ? 0 : vocabularyBytes(gguf))) / megabyte;
  return {
    openMs: baseLimitMs + megabytes * openMsPerMegabyte,
    encodeMs: baseLimitMs,
    heapMb: Math.min(mostHeapMb, Math.ceil(baseHeapMb + megabytes * heapMbPerMegabyte)),
  };
}

/** About the bytes that the lists in a GGUF header had. */
function vocabularyBytes(gguf: Readonly<Record<string, unknown>>): number {
  let sum = 0;
  for (const list of Object.values(gguf)) {
    if (!Array.isArray(list)) continue;
    for (const item of list as readonly unknown[]) sum += typeof item === 'string' ? item.length + 8 : 4;
  }
  return sum;
}

const endless = 'a pattern in the file may never end on this text';
const damaged = 'the file is damaged or crafted';

/** Between two looks at the clock. */
const leastWaitMs = 20;

/** Milliseconds of processor time of this process since then: the thread has not taken more. */
function processorClock(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
}

interface TokenizerLimits {
  readonly openMs: number;
  /** For the shortest text. */
  readonly encodeMs: number;
  readonly heapMb: number;
}

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

/**
 * Starts dist/tokenizer.js (`script`) on `files`. `limits`: where they are not the usual ones.
 * @throws ModelSpecError 'badInput' naming the file.
 */
export async function openTokenizer(
  script: string,
  files: TokenizerFiles,
  limits: Partial<TokenizerLimits> = {},
): Promise<TokenizerRunner> {
  const { openMs, encodeMs, heapMb } = { ...tokenizerLimits(files), ...limits };
  const worker = new Worker(script, {
    resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: youngHeapMb },
  });
  // The clock starts with the thread: how long the machine takes to start one says nothing of the file.
  const begun = new Promise<void>((resolve) => {
    worker.once('online', resolve);
    worker.once('exit', () => {
      resolve();
    });
  });
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
  const limited = async <T>(call: Promise<T>, limitMs: number, what: string, why = endless): Promise<T> => {
    let timer: NodeJS.Timeout | undefined;
    const started = performance.now();
    const used = processorClock();
    const late = new Promise<never>((_, reject) => {
      const look = (): void => {
        const left = limitMs - used();
        if (left > 0 && performance.now() - started < mostWaiting * limitMs) {
          timer = setTimeout(look, Math.max(left, leastWaitMs));
          return;
        }
        ended = tokenizerFault(
          name,
          `${what} took more than ${Number((limitMs / 1000).toPrecision(2))} seconds and was stopped; ${why}.`,
        );
        reject(ended);
        void close();
      };
      timer = setTimeout(look, limitMs);
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
    await begun;
    const facts = await limited(endpoint.remote.open(files), openMs, 'reading the tokenizer', damaged);
    const timeFor = (length: number): number => encodeMs + (length / megabyte) * encodeMsPerMegabyte;
    return {
      facts,
      encode: (text) => limited(endpoint.remote.encode(text), timeFor(text.length), 'taking the text apart'),
      labels: (ids) => limited(endpoint.remote.labels(ids), timeFor(ids.length), 'looking the tokens up'),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
