// Numbers of untrained twins from run to run, a file an entry. Twins depend on the shapes of a network, its family and its
// input, never on trained weights: checkpoints of one training run share them on one input.

import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckpointBytes } from '../../checkpoint/byteSource';
import { readTensor } from '../../checkpoint/readTensor';
import type { TwinNumbers } from '../../diagnostics/headInput';
import { keptByTwins } from '../../model/initialise';
import { kvHeadOf, specOfLayer } from '../../model/blockShape';
import { twinPlace, type TwinTable } from '../headInputs';
import { headsOfLayer, type InspectionRequest } from '../inspectionRequest';
import { openBytes, type CheckpointFile } from './checkpointFile';
import { sha256Hex } from './readInput';

/** Of all entries together, the longest unused go first: ViT-L takes 0.9 MB an input, DeiT-Tiny 90 kB. */
export const maxCacheBytes = 256 * 1024 * 1024;
/** Against a file that only has the name of an entry; those of the largest networks are far below. */
const maxEntryBytes = 64 * 1024 * 1024;
const entryName = /^[0-9a-f]{64}\.twins$/;
/** A file that is still written is younger. */
const leftBehindMs = 24 * 60 * 60 * 1000;
const version = 1;

/** Of a request, what no twin depends on, and what the key says otherwise. Whatever else a request gets is in the key. */
const apart: ReadonlySet<string> = new Set(
  [
    'index spec input known backend backendReason checkpointSha256 gramlensVersion layers heads rpc',
    'noise rpcSweep nulls studyNulls ablation networkNoise keepTensors',
  ].flatMap((names) => names.split(' ')),
);
/** Of a spec and an input, words about them. */
const wording: ReadonlySet<string> = new Set([
  ...['facts', 'notes', 'preprocessing'],
  ...['kind', 'label', 'sha256', 'picture', 'words', 'wordsReason'],
]);

const without = (value: object, names: ReadonlySet<string>): object =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.has(name)));

/** Maps as JSON says them, arrays of numbers by their hash. */
function plain(_: string, value: unknown): unknown {
  if (value instanceof Map) return [...(value as ReadonlyMap<unknown, unknown>)];
  if (!ArrayBuffer.isView(value)) return value;
  return sha256Hex(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
}

const sha256OfText = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Whatever computes: another build or another engine may differ in the last digit. */
async function program(script: string): Promise<string> {
  return `${sha256Hex(await readFile(script))} ${process.versions.v8}`;
}

/** Everything that the numbers of twins depend on, as 64 hexadecimal digits. */
async function twinKey(request: InspectionRequest, bytes: CheckpointBytes, script: string): Promise<string> {
  const { index, spec, input, backend, forward, rpc } = request;
  const tensors: Record<string, unknown> = {};
  for (const name of keptByTwins(spec)) {
    const entry = index.entries.get(name);
    if (entry !== undefined) tensors[name] = await readTensor(await bytes.source(entry.shard), entry);
  }
  const all = {
    program: await program(script),
    kernels: backend === 'reference' ? backend : 'wasm',
    options: without(request, apart),
    rpc: forward === 'rpc' ? rpc : null,
    spec: without(spec, wording),
    input: without(input, wording),
    shapes: [...index.entries.values()].map(({ name, shape }) => [name, shape]),
    tensors,
  };
  return sha256OfText(JSON.stringify(all, plain));
}

/** Every kv head that a request reads, as `twinPlace` has it. */
function wantedPlaces(request: InspectionRequest): readonly string[] {
  const { spec, layers } = request;
  return layers.flatMap((layer) => {
    const kvHeads = headsOfLayer(request, layer).map((head) => kvHeadOf(specOfLayer(spec, layer), head));
    return [...new Set(kvHeads)].map((kvHead) => twinPlace(layer, kvHead));
  });
}

/** Whether `value` is what `twins` twins gave for one kv head. */
function isTwinNumbers(value: unknown, twins: number): value is TwinNumbers {
  const triple = (one: unknown): boolean =>
    one === null ||
    (typeof one === 'object' &&
      ['overlap', 'energy', 'rayleigh'].every((name) => Number.isFinite((one as Record<string, unknown>)[name])));
  const list = (draws: unknown): boolean => Array.isArray(draws) && draws.length === twins && draws.every(triple);
  return (
    typeof value === 'object' &&
    value !== null &&
    'theory' in value &&
    list(value.theory) &&
    'plain' in value &&
    list(value.plain)
  );
}

export interface TwinCacheOptions {
  /** Of the entries; it need not be there. */
  readonly folder: string;
  /** The bundle that computes: its bytes are part of the key. */
  readonly script: string;
  /** Told what is wrong with the folder or an entry; the run goes on. */
  readonly warn: (sentence: string) => void;
}

/** The entry of one request. */
export class TwinCache {
  private readonly path: string;
  private readonly places: readonly string[];
  private found: TwinTable = new Map();
  private readonly computed = new Map<string, TwinNumbers>();

  private constructor(
    private readonly options: TwinCacheOptions,
    private readonly request: InspectionRequest,
    key: string,
  ) {
    this.path = join(options.folder, `${key}.twins`);
    this.places = wantedPlaces(request);
  }

  /** null: the request has no twins. Never rejects because of the folder. */
  static async open(
    request: InspectionRequest,
    bytes: CheckpointBytes,
    options: TwinCacheOptions,
  ): Promise<TwinCache | null> {
    if (request.twins === 0 || request.spec.onnx !== undefined) return null;
    const cache = new TwinCache(options, request, await twinKey(request, bytes, options.script));
    await cache.read();
    return cache;
  }

  /** The numbers of every head of the request; null: at least one has to be computed. */
  get known(): TwinTable | null {
    return this.places.every((place) => this.found.has(place)) ? this.found : null;
  }

  add(layer: number, kvHead: number, twins: TwinNumbers): void {
    this.computed.set(twinPlace(layer, kvHead), twins);
  }

  /** Writes what was added beside what was there, whole or not at all. */
  async write(): Promise<void> {
    const { folder, warn } = this.options;
    if (this.computed.size === 0 || this.known !== null) return;
    // Heads come as threads finish them; equal runs leave equal bytes.
    const heads = [...this.found, ...this.computed].sort(([a], [b]) => (a < b ? -1 : 1));
    const body = JSON.stringify({ version, heads: Object.fromEntries(heads) });
    const partial = `${this.path}.${randomBytes(4).toString('hex')}.partial`;
    try {
      await mkdir(folder, { recursive: true });
      await writeFile(partial, `${sha256OfText(body)}\n${body}`);
      await rename(partial, this.path);
      await forgetOldest(folder);
    } catch (error) {
      await rm(partial, { force: true }).catch(() => undefined);
      warn(
        `The numbers of the untrained twins are not kept for the next run, because ${folder} cannot be written (${codeOf(error)}). The result is complete.`,
      );
    }
  }

  private async read(): Promise<void> {
    const { path, options } = this;
    try {
      const { size } = await stat(path);
      if (size > maxEntryBytes) throw new Error(`it has ${size} bytes`);
      this.found = this.parse(await readFile(path, 'utf8'));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      options.warn(
        `What an earlier run kept of untrained twins cannot be used and is computed again: ${path} (${codeOf(error)}).`,
      );
      return;
    }
    // The longest unused go first; a folder that only may be read is no fault.
    await utimes(path, new Date(), new Date()).catch(() => undefined);
  }

  private parse(text: string): TwinTable {
    const end = text.indexOf('\n');
    const body = text.slice(end + 1);
    if (end === -1 || text.slice(0, end) !== sha256OfText(body)) throw new Error('it was cut off or changed');
    const { heads } = JSON.parse(body) as { readonly heads: Readonly<Record<string, unknown>> };
    return new Map(
      Object.entries(heads).map(([place, twins]) => {
        if (!isTwinNumbers(twins, this.request.twins)) throw new Error('it is of another build');
        return [place, twins];
      }),
    );
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error
    ? String(error.code)
    : error instanceof Error
      ? error.message
      : String(error);

/** Whether a run of `request` will find its twins in `folder` (null: nowhere), for its plan. */
export async function twinsAreKnown(
  request: InspectionRequest,
  file: CheckpointFile,
  folder: string | null,
  script: string,
): Promise<boolean> {
  if (folder === null) return false;
  const bytes = openBytes(file);
  try {
    // What is wrong with an entry is said when it is computed again.
    const cache = await TwinCache.open(request, bytes, { folder, script, warn: () => undefined });
    return cache !== null && cache.known !== null;
  } finally {
    await bytes.close();
  }
}

/** Down to `most` bytes, the longest unused first, and without what ended runs left half-written. */
export async function forgetOldest(folder: string, most = maxCacheBytes): Promise<void> {
  const names = await readdir(folder);
  const entries: { readonly path: string; readonly size: number; readonly used: number }[] = [];
  for (const name of names) {
    const path = join(folder, name);
    // Another run may have removed it meanwhile.
    const found = await stat(path).catch(() => null);
    if (found === null) continue;
    if (name.endsWith('.partial') && Date.now() - found.mtimeMs > leftBehindMs) await rm(path, { force: true });
    if (entryName.test(name)) entries.push({ path, size: found.size, used: found.mtimeMs });
  }
  let total = 0;
  for (const { path, size } of entries.sort((a, b) => b.used - a.used)) {
    total += size;
    if (total > most) await rm(path, { force: true });
  }
}
