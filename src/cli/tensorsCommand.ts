// `gramlens tensors`: what is in a file, from its header alone.

import { openCheckpoint } from '../inspection/node/openCheckpoint';

export async function runTensors(checkpoint: string, asJson: boolean): Promise<void> {
  const { index } = await openCheckpoint(checkpoint);
  const entries = [...index.entries.values()];
  if (asJson) {
    const tensors = entries.map(
      ({ name, recoveredName, dtype, dtypeName, shape, shard, byteOffset, byteLength, problem }) => ({
        name,
        ...(recoveredName === undefined ? {} : { recoveredName }),
        dtype,
        dtypeName,
        shape,
        ...(shard === undefined ? {} : { shard }),
        byteOffset,
        byteLength,
        ...(problem === undefined ? {} : { problem }),
      }),
    );
    const { format, fileName, byteLength, shards, metadata, notes } = index;
    const listing = { fileName, format, byteLength, shards, metadata, notes, tensors };
    process.stdout.write(`${JSON.stringify(listing, null, 2)}\n`);
    return;
  }
  const rows = entries.map((entry) => [
    entry.recoveredName === undefined ? entry.name : `${entry.recoveredName} (${entry.name})`,
    entry.dtypeName,
    `[${entry.shape.join(', ')}]`,
    entry.problem ?? '',
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length), 0));
  for (const row of rows) {
    process.stdout.write(
      `${row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    );
  }
  const files =
    index.shards === undefined ? '' : ` in ${index.shards.length} ${index.format === 'onnx' ? 'files' : 'shards'}`;
  process.stderr.write(`${index.fileName}: ${index.format}, ${entries.length} tensors${files}\n`);
  for (const note of index.notes) process.stderr.write(`note: ${note}\n`);
}
