// Every call is answered exactly once: with a value, with an error, or with the reason that the line was closed.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { connect, RemoteError } from '../../../src/protocol/rpc';
import type { Channel } from '../../../src/protocol/rpc';

interface Calculator {
  add(a: number, b: number): Promise<number>;
  fail(): Promise<never>;
  never(): Promise<void>;
}

/** Two channels that carry structured clones to each other in later tasks. */
function pair(): [Channel & { inject(message: unknown): void }, Channel] {
  const listeners: ((message: unknown) => void)[][] = [[], []];
  const end = (mine: number, other: number): Channel => ({
    post: (message) => {
      const copy: unknown = structuredClone(message);
      setImmediate(() => {
        for (const listener of listeners[other]!) listener(copy);
      });
    },
    onMessage: (listener) => listeners[mine]!.push(listener),
  });
  const inject = (message: unknown): void => {
    for (const listener of listeners[0]!) listener(message);
  };
  return [{ ...end(0, 1), inject }, end(1, 0)];
}

class SpecialError extends Error {
  override readonly name = 'SpecialError';
  readonly reason = 'corrupt';
}

const calculator: Calculator = {
  add: (a, b) => Promise.resolve(a + b),
  fail: () => Promise.reject(new SpecialError('the file ends early')),
  never: () => new Promise(() => undefined),
};

describe('typed calls', () => {
  it('answers with the value', async () => {
    const [near, far] = pair();
    connect<Calculator, object>(far, calculator);
    const { remote } = connect<object, Calculator>(near, {});
    assert.deepEqual(await Promise.all([remote.add(1, 2), remote.add(3, 4)]), [3, 7]);
  });

  it('answers with the error, its class and its reason', async () => {
    const [near, far] = pair();
    connect<Calculator, object>(far, calculator);
    const { remote } = connect<object, Calculator>(near, {});
    const error = await remote.fail().catch((thrown: unknown) => thrown);
    assert.ok(error instanceof RemoteError);
    assert.deepEqual(
      [error.message, error.remoteName, error.reason],
      ['the file ends early', 'SpecialError', 'corrupt'],
    );
  });

  it('answers a call that nobody implements', async () => {
    const [near, far] = pair();
    connect(far, {});
    const { remote } = connect<object, Calculator>(near, {});
    await assert.rejects(remote.add(1, 2), /there is no call named add/);
    await assert.rejects((remote as unknown as { toString(): Promise<void> }).toString(), /no call named toString/);
  });

  it('rejects what is open, and what comes later, when it is closed', async () => {
    const [near, far] = pair();
    connect<Calculator, object>(far, calculator);
    const endpoint = connect<object, Calculator>(near, {});
    const open = endpoint.remote.never();
    endpoint.close('the tab was closed');
    await assert.rejects(open, /the tab was closed/);
    await assert.rejects(endpoint.remote.add(1, 1), /the tab was closed/);
  });

  it('ignores messages that are not its own', async () => {
    const [near, far] = pair();
    connect<Calculator, object>(far, calculator);
    const { remote } = connect<object, Calculator>(near, {});
    for (const message of [null, 7, 'x', {}, { gramlens: 'reply', id: 99, ok: true }, { gramlens: 'call' }])
      near.inject(message);
    assert.equal(await remote.add(2, 2), 4);
  });
});
