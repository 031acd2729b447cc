// Exit codes of the contract: whose fault it was.

import { RemoteError } from '../protocol/rpc';

export const exitCodes = {
  done: 0,
  /** A --fail-on held. */
  failOn: 1,
  /** The file, the options or the input is wrong. */
  usage: 2,
  /** This machine lacks what is needed. */
  machine: 3,
  cancelled: 130,
} as const;

const machineReasons: readonly string[] = ['noWebGpu', 'noAdapter', 'deviceLost', 'outOfMemory', 'shader', 'selfCheck'];
const machineErrno: readonly string[] = ['ENOSPC', 'EMFILE', 'ENOMEM', 'EROFS'];

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof Error)) return exitCodes.machine;
  const name = error instanceof RemoteError ? error.remoteName : error.name;
  const reason = 'reason' in error ? String(error.reason) : '';
  const code = 'code' in error ? String(error.code) : '';
  if (name === 'CancelledError') return exitCodes.cancelled;
  if (machineReasons.includes(reason) || machineErrno.includes(code)) return exitCodes.machine;
  return exitCodes.usage;
}
