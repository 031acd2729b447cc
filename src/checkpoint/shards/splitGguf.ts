// A GGUF model cut by llama-gguf-split (`model-00001-of-00003.gguf`): no index file lists its parts, their names and
// the keys split.no and split.count do. The first part holds the metadata, tensors are in all of them.

import type { OpenFile } from '../byteSource';
import { CheckpointError } from '../checkpointError';
import { grouped, quoted } from '../nextSteps';
import type { TensorIndex } from '../tensorIndex';
import { collectHeaders, type Fail } from './collectHeaders';
import { maxShards } from './shardIndex';

const splitFile = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;
const belongTogether = 'Keep the parts of one model together, under the names llama-gguf-split gave them.';

export interface SplitName {
  readonly stem: string;
  /** 1-based, as in the file name. */
  readonly number: number;
  readonly count: number;
}

/** `model-00002-of-00003.gguf` as what it says; null for other names, and for a model in one part. */
export function parseSplitName(name: string): SplitName | null {
  const [, stem, number, count] = splitFile.exec(name) ?? [];
  if (stem === undefined || Number(count) < 2 || Number(number) < 1 || Number(number) > Number(count)) return null;
  return { stem, number: Number(number), count: Number(count) };
}

/** Name of part `number` (1-based) of the same model. */
export function splitPart({ stem, count }: SplitName, number: number): string {
  const digits = (n: number): string => String(n).padStart(5, '0');
  return `${stem}-${digits(number)}-of-${digits(count)}.gguf`;
}

/**
 * Reads the headers of all parts; the index has the name and the metadata of the first.
 * @throws CheckpointError when a part is missing or damaged, or belongs to another model.
 */
export async function readSplitGguf(split: SplitName, open: OpenFile): Promise<TensorIndex> {
  const first = splitPart(split, 1);
  const fail: Fail = (reason, text) => {
    throw new CheckpointError(reason, `${first}: ${text}`);
  };
  if (split.count > maxShards) {
    fail(
      'tooLarge',
      `the name speaks of ${grouped(split.count)} parts, more than the ${grouped(maxShards)} Gramlens opens. ${belongTogether}`,
    );
  }
  const names = Array.from({ length: split.count }, (_, i) => splitPart(split, i + 1));
  const heads: TensorIndex[] = [];
  const what = { files: 'parts', together: belongTogether };
  const { files, entries } = await collectHeaders(names, open, what, fail, (part, name, place) => {
    checkPart(part, name, place + 1, split.count, fail);
    if (place === 0) heads.push(part);
  });
  const head = heads[0]!;
  const promised = head.tree?.['split.tensors.count'];
  if (typeof promised === 'number' && promised !== entries.size) {
    fail(
      'corrupt',
      `the model has ${grouped(promised)} tensors by split.tensors.count, but the parts hold ${grouped(entries.size)}. ${belongTogether}`,
    );
  }
  // Each part says that it is one; together they are the whole.
  const notes = head.notes.filter((note) => !/^This is part \d+ of /.test(note));
  return {
    ...head,
    fileName: first,
    byteLength: files.reduce((sum, { byteLength }) => sum + byteLength, 0),
    shards: files,
    entries,
    notes,
  };
}

/** What the part says of itself must be what its name says. */
function checkPart({ format, tree }: TensorIndex, name: string, number: number, count: number, fail: Fail): void {
  const [no, of] = [tree?.['split.no'], tree?.['split.count']];
  if (format === 'gguf' && no === number - 1 && of === count) return;
  const says =
    format !== 'gguf'
      ? `is a ${format} file`
      : typeof no !== 'number' || typeof of !== 'number'
        ? 'says nothing of being one (split.no and split.count)'
        : `says that it is part ${no + 1} of ${of} (split.no and split.count)`;
  fail('corrupt', `${quoted(name)} is part ${number} of ${count} by its name, but ${says}. ${belongTogether}`);
}
