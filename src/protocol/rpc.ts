// One typed call helper for every boundary: webview.postMessage, worker.postMessage, worker_threads. A call is
// answered exactly once, with a value or an error; when the channel closes, every open call is rejected.

/** The transport: something that posts structured-clone data and hands over what arrives. */
export interface Channel {
  post(message: unknown, transfer?: readonly Transferable[]): void;
  onMessage(listener: (message: unknown) => void): void;
}

/** Every method takes plain data and returns a promise of plain data. */
export type Calls<T> = { [K in keyof T]: T[K] extends (...args: never[]) => Promise<unknown> ? T[K] : never };

interface CallMessage {
  readonly gramlens: 'call';
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}
type ReplyMessage =
  | { readonly gramlens: 'reply'; readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly gramlens: 'reply'; readonly id: number; readonly ok: false; readonly error: WireError };

/** What survives of an Error on the other side: name, sentence and the machine-readable reason. */
interface WireError {
  readonly name: string;
  readonly message: string;
  readonly reason: string;
}

export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  constructor(
    message: string,
    /** `name` of the error on the other side, e.g. 'CheckpointError'. */
    readonly remoteName: string,
    readonly reason: string,
  ) {
    super(message);
  }
}

export interface Endpoint<Remote> {
  readonly remote: Remote;
  /** Rejects all open calls with this sentence; later calls reject too. */
  close(reason: string): void;
}

/** What arrives may be anything: only the envelope is looked at, and it is checked. */
function isOurs(message: unknown, kind: 'call' | 'reply'): boolean {
  return typeof message === 'object' && message !== null && 'gramlens' in message && message.gramlens === kind;
}

function isCall(message: unknown): message is CallMessage {
  return isOurs(message, 'call') && typeof (message as CallMessage).method === 'string';
}

function isReply(message: unknown): message is ReplyMessage {
  return isOurs(message, 'reply');
}

function toWireError(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), reason: '' };
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : '';
  const name = error instanceof RemoteError ? error.remoteName : error.name;
  return { name, message: error.message, reason };
}

/** Buffers that go over with a reply. */
const moved = new WeakMap<object, readonly Transferable[]>();

/** A reply whose buffers go over to the other side instead of being copied: on this side they are empty afterwards. */
export function moving<T extends object>(reply: T, buffers: readonly Transferable[]): T {
  moved.set(reply, buffers);
  return reply;
}

/**
 * Connects `channel`: `local` answers the other side's calls, `remote` makes calls to it. Messages that are not
 * ours are ignored; a method that `local` does not have is answered with an error.
 */
export function connect<Local extends Calls<Local>, Remote extends Calls<Remote>>(
  channel: Channel,
  local: Local,
): Endpoint<Remote> {
  let nextId = 1;
  let closedBecause: string | null = null;
  const open = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();

  async function answer(call: CallMessage): Promise<void> {
    let reply: ReplyMessage;
    let buffers: readonly Transferable[] = [];
    try {
      const method = Object.hasOwn(local, call.method) ? local[call.method as keyof Local] : undefined;
      if (typeof method !== 'function') throw new Error(`there is no call named ${call.method}`);
      const value: unknown = await (method as (...args: readonly unknown[]) => Promise<unknown>)(...call.args);
      reply = { gramlens: 'reply', id: call.id, ok: true, value };
      if (typeof value === 'object' && value !== null) buffers = moved.get(value) ?? [];
    } catch (error) {
      reply = { gramlens: 'reply', id: call.id, ok: false, error: toWireError(error) };
    }
    if (closedBecause === null) channel.post(reply, buffers);
  }

  channel.onMessage((message) => {
    if (closedBecause !== null) return;
    if (isCall(message)) {
      void answer(message);
    } else if (isReply(message)) {
      const waiting = open.get(message.id);
      open.delete(message.id);
      if (message.ok) waiting?.resolve(message.value);
      else waiting?.reject(new RemoteError(message.error.message, message.error.name, message.error.reason));
    }
  });

  const remote = new Proxy({} as Remote, {
    get: (_target, method) => {
      // A proxy must not look like a promise, or `await endpoint.remote` would call `then`.
      if (typeof method !== 'string' || method === 'then') return undefined;
      return (...args: readonly unknown[]): Promise<unknown> =>
        new Promise((resolve, reject) => {
          if (closedBecause !== null) {
            reject(new Error(closedBecause));
            return;
          }
          const id = nextId;
          nextId += 1;
          open.set(id, { resolve, reject });
          channel.post({ gramlens: 'call', id, method, args } satisfies CallMessage);
        });
    },
  });

  return {
    remote,
    close: (reason) => {
      closedBecause ??= reason;
      for (const waiting of open.values()) waiting.reject(new Error(reason));
      open.clear();
    },
  };
}
