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
/** Errors whose sentence is about the file, the options or the input. */
const usageNames: readonly string[] = ['UsageError', 'CheckpointError', 'ModelSpecError', 'WriteError'];
const machineErrno: readonly string[] = ['ENOSPC', 'EMFILE', 'ENOMEM', 'EROFS', 'EIO'];
const memory = /heap out of memory|reaching memory limit|Array buffer allocation failed/;

/** What a terminal is told, and the exit code. */
export function failureOf(error: unknown): { readonly code: number; readonly sentence: string } {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof Error)) return defect(message);
  const name = error instanceof RemoteError ? error.remoteName : error.name;
  const reason = 'reason' in error ? String(error.reason) : '';
  const code = 'code' in error ? String(error.code) : '';
  if (name === 'CancelledError') return { code: exitCodes.cancelled, sentence: message };
  if (code === 'ERR_WORKER_OUT_OF_MEMORY' || memory.test(message)) {
    return {
      code: exitCodes.machine,
      sentence: `${message}. The memory of this machine is not enough; inspect fewer layers or heads at a time.`,
    };
  }
  if (machineReasons.includes(reason) || machineErrno.includes(code))
    return { code: exitCodes.machine, sentence: message };
  if (usageNames.includes(name) || (name === 'EngineError' && reason === 'nonFinite')) {
    return { code: exitCodes.usage, sentence: message };
  }
  return defect(name === 'Error' ? message : `${name}: ${message}`);
}

function defect(what: string): { readonly code: number; readonly sentence: string } {
  return {
    code: exitCodes.machine,
    sentence: `${what}\nThis is a defect of Gramlens, not of your file; please report it with the command that you ran.`,
  };
}
