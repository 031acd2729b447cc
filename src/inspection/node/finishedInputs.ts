// Results of single inputs in DIR/inputs while a run over several goes on: each is written when it is finished, and the
// same run finds it again by the hash of everything that its numbers depend on.

import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { InspectionRequest } from '../inspectionRequest';
import type { InspectionResult } from '../inspectionResult';
import { asResult } from '../resultSchema';
import { sha256Hex } from './readInput';
import { writeFiles } from './writeFiles';

/** Folder within that of the report. */
export const inputsFolder = 'inputs';
/** '0003-1f2e3d4c5b6a7988.json': place in the list, key. */
const fileName = /^\d{4,}-([0-9a-f]{16})\.json$/;
/** Places are written with at least so many digits, so that names sort. */
const placeDigits = 4;

/** Fields of a request that are no options: told apart below, or without a say in the numbers. */
const apart: ReadonlySet<string> = new Set(['index', 'input', 'spec', 'known', 'backendReason', 'checkpointSha256']);

/** Maps and arrays of a spec as JSON says them. */
function plain(_: string, value: unknown): unknown {
  if (value instanceof Map) return [...(value as ReadonlyMap<unknown, unknown>)];
  if (ArrayBuffer.isView(value)) return [...(value as unknown as ArrayLike<number> & Iterable<number>)];
  return value;
}

/**
 * 16 hexadecimal digits of what the numbers of an input depend on: checkpoint, input, options, version. `written`: what
 * else decides the bytes of the file.
 */
export function inputKey(request: InspectionRequest, checkpointSha256: string | null, written: object): string {
  const { index, input, spec } = request;
  const { kind, label, sha256 } = input;
  const options = Object.fromEntries(Object.entries(request).filter(([name]) => !apart.has(name)));
  const ids = 'ids' in input ? Array.from(input.ids) : null;
  const checkpoint = { sha256: checkpointSha256, name: index.fileName, bytes: index.byteLength };
  const all = { checkpoint, input: { kind, label, sha256, ids }, spec, options, written };
  return sha256Hex(new TextEncoder().encode(JSON.stringify(all, plain))).slice(0, 16);
}

export class FinishedInputs {
  private constructor(
    private readonly folder: string,
    private readonly files: Map<string, string>,
  ) {}

  /** What an earlier run left in `folder`/inputs; a folder that is not there has nothing. */
  static async open(folder: string): Promise<FinishedInputs> {
    const inside = join(folder, inputsFolder);
    const names = await readdir(inside).catch(() => []);
    const files = names.flatMap((name) => {
      const key = fileName.exec(name)?.[1];
      return key === undefined ? [] : [[key, name] as const];
    });
    return new FinishedInputs(inside, new Map(files));
  }

  get size(): number {
    return this.files.size;
  }

  /** Bytes of all, in the order of the list of inputs. */
  async *texts(): AsyncGenerator<string> {
    const inOrder = [...this.files].sort(([, a], [, b]) => a.localeCompare(b, 'en', { numeric: true }));
    for (const [key] of inOrder) yield await this.text(key);
  }

  has(key: string): boolean {
    return this.files.has(key);
  }

  /** How many files are there that are none of `keys`. */
  others(keys: ReadonlySet<string>): number {
    return [...this.files.keys()].filter((key) => !keys.has(key)).length;
  }

  /** Bytes as they were written. */
  text(key: string): Promise<string> {
    return readFile(this.path(key), 'utf8');
  }

  /** The result, or why the file cannot be used: it was cut off or changed. */
  async read(key: string): Promise<InspectionResult | string> {
    try {
      return asResult(JSON.parse(await this.text(key)), this.path(key));
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** `place`: in the list of inputs, from 0. Throws WriteError. */
  async write(key: string, place: number, text: Iterable<string>): Promise<void> {
    await this.drop(key);
    const name = `${String(place + 1).padStart(placeDigits, '0')}-${key}.json`;
    await writeFiles(this.folder, [{ name, content: text }]);
    this.files.set(key, name);
  }

  /** Removes what is none of `keys`: results of another run in this folder. */
  async keep(keys: ReadonlySet<string>): Promise<void> {
    for (const key of [...this.files.keys()]) if (!keys.has(key)) await this.drop(key);
  }

  async drop(key: string): Promise<void> {
    if (!this.files.has(key)) return;
    await rm(this.path(key), { force: true });
    this.files.delete(key);
  }

  private path(key: string): string {
    const name = this.files.get(key);
    if (name === undefined) throw new Error(`no finished input ${key}`);
    return join(this.folder, name);
  }
}
