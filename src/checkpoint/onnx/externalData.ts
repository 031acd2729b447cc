// Tensors whose values lie in other files than the model: which files those are, whether they may be opened, and where
// in them each tensor lies. Nothing outside of the model's folder is ever opened.

import type { OpenFile } from '../byteSource';
import { elementCount } from '../dtypes';
import { copyAgain, grouped, quoted } from '../nextSteps';
import { isInsideFolder } from '../shards/insideFolder';
import type { ShardFile, TensorEntry } from '../tensorIndex';
import { onnxElemType } from './elemTypes';
import type { ProtoTensor } from './tensorProto';
import { writeAgain } from './tensorProto';
import type { WireCursor } from './wireCursor';

/** Files we open. Exporters write one for all tensors, or one for each of the largest: some hundreds. */
export const maxExternalFiles = 4096;
/** Files that are looked at together. */
const reads = 8;
/** Names in a sentence. */
const namedFiles = 3;

interface Place {
  readonly file: string;
  readonly offset: number;
  /** null where the file does not say. */
  readonly length: number | null;
}

/** Collects the tensors with external data of one model, then looks at their files. */
export class ExternalData {
  private readonly places = new Map<string, { readonly tensor: ProtoTensor; readonly place: Place }>();
  private readonly files = new Set<string>();

  constructor(private readonly cursor: WireCursor) {}

  /** Adds the tensor of an entry `name`. @throws CheckpointError for a file outside the folder or a place that is none. */
  add(name: string, tensor: ProtoTensor, pairs: ReadonlyMap<string, string>): void {
    const { cursor } = this;
    const location = (pairs.get('location') ?? '').replace(/^(\.\/)+/, '');
    if (!isInsideFolder(location)) {
      cursor.fail(
        'unsafe',
        `${cursor.place} lies in ${quoted(pairs.get('location') ?? '')}, which is no file in the folder of the model. Gramlens reads only files there. ${writeAgain}`,
      );
    }
    this.places.set(name, {
      tensor,
      place: {
        file: location,
        offset: this.count(pairs.get('offset'), 'offset') ?? 0,
        length: this.count(pairs.get('length'), 'length'),
      },
    });
    this.files.add(location);
    if (this.files.size > maxExternalFiles)
      cursor.fail('tooLarge', `the tensors lie in more than the ${grouped(maxExternalFiles)} files Gramlens opens.`);
  }

  private count(text: string | undefined, what: string): number | null {
    if (text === undefined) return null;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
    if (Number.isSafeInteger(value)) return value;
    return this.cursor.fail(
      'corrupt',
      `${this.cursor.place}: the ${what} of its external data is ${quoted(text)}, no number of bytes. ${writeAgain}`,
    );
  }

  /**
   * Fills in the entries; those in a missing file get a problem. `open` null: no folder is at hand.
   * Returns the files that are there, in name order, and sentences about those that are not.
   * @throws CheckpointError where a tensor does not fit its file.
   */
  async resolve(
    entries: Map<string, TensorEntry>,
    open: OpenFile | null,
  ): Promise<{ files: readonly ShardFile[]; notes: readonly string[] }> {
    const sizes = open === null ? new Map<string, number>() : await this.sizes(open);
    for (const [name, { tensor, place }] of this.places) {
      this.cursor.place = `tensor ${quoted(name)}`;
      entries.set(name, this.entry(entries.get(name)!, tensor, place, sizes.get(place.file) ?? null));
    }
    const missing = [...this.files].filter((name) => !sizes.has(name)).sort();
    const files = [...sizes].map(([name, byteLength]) => ({ name, byteLength }));
    files.sort((a, b) => (a.name < b.name ? -1 : 1));
    return { files, notes: missing.length === 0 ? [] : [missingSentence(missing)] };
  }

  private async sizes(open: OpenFile): Promise<Map<string, number>> {
    const names = [...this.files];
    const sizes = new Map<string, number>();
    for (let i = 0; i < names.length; i += reads) {
      const opened = await Promise.allSettled(names.slice(i, i + reads).map(open));
      const sources = opened.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : null));
      for (const source of sources) await source?.close();
      for (const outcome of opened) if (outcome.status === 'rejected') throw outcome.reason;
      for (const [j, source] of sources.entries()) if (source !== null) sizes.set(names[i + j]!, source.byteLength);
    }
    return sizes;
  }

  private entry(entry: TensorEntry, tensor: ProtoTensor, place: Place, fileBytes: number | null): TensorEntry {
    const { cursor } = this;
    const { bytes } = onnxElemType(tensor.elemType);
    const needed = entry.dtype === null || bytes === null ? place.length : elementCount(tensor.shape)! * bytes;
    const shown = { ...entry, byteOffset: place.offset, byteLength: needed ?? place.length ?? 0 };
    if (needed !== null && place.length !== null && place.length !== needed) {
      cursor.fail(
        'corrupt',
        `${cursor.place}: ${entry.dtypeName} with shape [${tensor.shape.join(', ')}] needs ${grouped(needed)} bytes, its external data has ${grouped(place.length)}. ${writeAgain}`,
      );
    }
    if (fileBytes === null)
      return { ...shown, problem: entry.problem ?? `Its values lie in ${quoted(place.file)}, which is not there.` };
    if (place.offset + (needed ?? 0) > fileBytes) {
      cursor.fail(
        'truncated',
        `${cursor.place} ends at byte ${grouped(place.offset + (needed ?? 0))} of ${quoted(place.file)}, which has ${grouped(fileBytes)}. ${copyAgain}`,
      );
    }
    return { ...shown, shard: place.file };
  }
}

function missingSentence(missing: readonly string[]): string {
  const [only] = missing;
  if (missing.length === 1 && only !== undefined) {
    return `The file ${quoted(only)} with values of the model is missing; its tensors are listed without them. Put it into the folder of the model.`;
  }
  const named = missing.slice(0, namedFiles).map(quoted).join(', ');
  const more = missing.length > namedFiles ? ` and ${missing.length - namedFiles} more` : '';
  return `${missing.length} files with values of the model are missing: ${named}${more}. Put them into the folder of the model.`;
}
