// `gramlens tensors`: what is in a file, from its header alone.

import { openCheckpoint } from '../inspection/node/openCheckpoint';

export async function runTensors(checkpoint: string, asJson: boolean): Promise<void> {
  const { index } = await openCheckpoint(checkpoint);
  const entries = [...index.entries.values()];
  if (asJson) {
    const tensors = entries.map(({ name, dtype, dtypeName, shape, byteOffset, byteLength, problem }) => ({
      name,
      dtype,
      dtypeName,
      shape,
      byteOffset,
      byteLength,
      ...(problem === undefined ? {} : { problem }),
    }));
    const { format, fileName, byteLength, metadata, notes } = index;
    process.stdout.write(`${JSON.stringify({ fileName, format, byteLength, metadata, notes, tensors }, null, 2)}\n`);
    return;
  }
  const rows = entries.map((entry) => [
    entry.name,
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
  process.stderr.write(`${index.fileName}: ${index.format}, ${entries.length} tensors\n`);
  for (const note of index.notes) process.stderr.write(`note: ${note}\n`);
}
