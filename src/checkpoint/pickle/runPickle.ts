// Runs one pickle over bytes and turns its faults into sentences. The only door from the readers to the machine.

import { CheckpointError } from '../checkpointError';
import { convertSafely, copyAgain, grouped, quoted } from '../nextSteps';
import { type PersistentLoad, PickleMachine, PickleTooLarge, PickleUnsafe } from './pickleMachine';
import { PickleEnd, PickleFault, PickleReader } from './pickleReader';
import type { PickleValue } from './values';

/** Bytes of one pickle we read. It holds names, shapes and settings, not weights: large models stay below 20 MB. */
export const maxPickleBytes = 256 * 1024 * 1024;

export interface PickleRun {
  readonly value: PickleValue;
  /** First byte behind the pickle. */
  readonly end: number;
}

/**
 * @param bytes window that begins with the pickle; `start` where in it
 * @param place for messages, e.g. 'data.pkl'
 * @throws PickleEnd when the pickle goes on past the window (the caller reads more or reports a cut file)
 * @throws CheckpointError for unsafe, damaged or oversized pickles
 */
export function runPickle(
  fileName: string,
  place: string,
  bytes: Uint8Array,
  start: number,
  persistentLoad: PersistentLoad,
): PickleRun {
  const reader = new PickleReader(bytes, start);
  try {
    const value = new PickleMachine(reader, persistentLoad).run();
    return { value, end: reader.offset };
  } catch (error) {
    if (error instanceof PickleEnd) throw error;
    throw asCheckpointError(fileName, place, start, error);
  }
}

function asCheckpointError(fileName: string, place: string, start: number, error: unknown): unknown {
  if (error instanceof PickleUnsafe) {
    return new CheckpointError(
      'unsafe',
      `${fileName}: ${place} names ${quoted(error.globalName)}, which can run code when Python loads the file. Gramlens refuses it; nothing was executed. ${convertSafely}`,
      { name: error.globalName, offset: error.offset - start },
    );
  }
  if (error instanceof PickleFault) {
    return new CheckpointError(
      'corrupt',
      `${fileName}: ${place} is damaged at byte ${grouped(error.offset - start)}: ${error.what}. ${copyAgain}`,
      {
        offset: error.offset - start,
      },
    );
  }
  if (error instanceof PickleTooLarge) {
    return new CheckpointError(
      'tooLarge',
      `${fileName}: ${place} builds ${error.message}; real checkpoints stay far below, so the file is damaged or crafted. ${copyAgain}`,
    );
  }
  return error;
}
