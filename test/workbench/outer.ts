// For tests inside the extension host: acts on the window they run in, through the process that started it.
import type { OuterCall, OuterCalls } from './outerCalls';
import { outerAddressVariable, rootVariable } from './outerCalls';

/** The repository's folder; the extension host's working directory is another one. */
export function repositoryRoot(): string {
  const root = process.env[rootVariable];
  if (root === undefined) throw new Error(`${rootVariable} is not set: start this suite with npm test`);
  return root;
}

/** Asks the outside for one call; rejects with the outside's own words. */
export async function outer<Name extends OuterCall>(
  name: Name,
  params: OuterCalls[Name]['params'],
): Promise<OuterCalls[Name]['result']> {
  const address = process.env[outerAddressVariable];
  if (address === undefined) throw new Error(`${outerAddressVariable} is not set: start this suite with npm test`);
  const response = await fetch(`${address}/${name}`, { method: 'POST', body: JSON.stringify(params) });
  const reply = (await response.json()) as { ok: OuterCalls[Name]['result'] } | { error: string };
  if ('error' in reply) throw new Error(`${name}: ${reply.error}`);
  return reply.ok;
}

/**
 * Runs a function in a webview (or, with null, in the workbench page). It is sent as text: it sees its argument and the
 * page's globals, nothing of the test around it.
 */
export async function inFrame<Result, Argument = undefined>(
  inside: string | null,
  run: (argument: Argument) => Result | Promise<Result>,
  argument?: Argument,
): Promise<Result> {
  const frame = inside === null ? {} : { inside };
  return (await outer('evaluate', { ...frame, source: run.toString(), argument })) as Result;
}

/** Asks `look` until it answers something else than undefined; fails with `what` after `timeoutMs`. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 30_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited ${timeoutMs / 1000} s for ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}
