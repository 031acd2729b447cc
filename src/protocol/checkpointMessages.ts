// What crosses between the extension host and the checkpoint page. Tensors are named by their row in the summary.

import type { TensorStatistics } from '../checkpoint/moments';
import type { CheckpointSummary, TensorColumns } from '../inspection/checkpointSummary';

/** Calls the checkpoint page makes to the extension host. */
export interface CheckpointHostCalls {
  /** Reads the header, afresh with every call; rejects with the reader's sentence. */
  open(): Promise<WireSummary>;
  /** Reads the tensor's values; rejects with a sentence, or when it is cancelled. */
  statistics(row: number): Promise<TensorStatistics>;
  cancelStatistics(row: number): Promise<void>;
  /** The tensor's name to the clipboard. */
  copyName(row: number): Promise<void>;
  /** *Inspect Checkpoint* on this file. */
  inspect(): Promise<void>;
  /** *Map Checkpoint Tensors* on this file. */
  map(): Promise<void>;
  log(level: 'info' | 'warn' | 'error', message: string): Promise<void>;
}

/** Calls the extension host makes to the checkpoint page. */
export interface CheckpointPageCalls {
  /** How much of a tensor has been read, 0..1. */
  statisticsProgress(row: number, fraction: number): Promise<void>;
}

/** A summary as it crosses: 100,000 names are one text, because an editor's messages look at every value by itself. */
export interface WireSummary extends Omit<CheckpointSummary, 'tensors'> {
  readonly tensors: Omit<TensorColumns, 'names'> & { readonly namesJson: string };
}

export function packSummary(summary: CheckpointSummary): WireSummary {
  const { names, ...columns } = summary.tensors;
  return { ...summary, tensors: { ...columns, namesJson: JSON.stringify(names) } };
}

export function unpackSummary(wire: WireSummary): CheckpointSummary {
  const { namesJson, ...columns } = wire.tensors;
  return { ...wire, tensors: { ...columns, names: JSON.parse(namesJson) as readonly string[] } };
}
