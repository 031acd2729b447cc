// Finished inspections on this machine's disk, newest first: what a reopened window shows again, what the list of
// recent inspections holds, what links of a report go to. One folder an inspection, written whole or not at all.

import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { InspectionPlan } from '../inspection/inspectionRequest';
import type { InspectionResult } from '../inspection/inspectionResult';
import { FinishedInputs, inputsFolder } from '../inspection/node/finishedInputs';
import { saveHeads } from '../inspection/node/savedHeads';
import { asResult } from '../inspection/resultSchema';
import type { KeptHead } from '../inspection/traceStore';
import type { InputPicture } from '../protocol/messages';
import { isInspectionId } from '../report/inspectionId';
import { resultJsonPieces } from '../report/resultJson';
import { log, sentence } from './log';

/** q, k, v of DeiT-B on one picture take 43 MB; beyond this much the numbers are kept without what patterns need. */
const maxHeadBytes = 512 * 1024 * 1024;
/** Results of single inputs, which an export holds in one text; beyond this much the means are kept alone. */
const maxInputsBytes = 256 * 1024 * 1024;
/** Of all inspections together; the oldest go first. */
const maxTotalBytes = 2 * 1024 * 1024 * 1024;
/** A folder that is still written is younger. */
const leftBehindMs = 24 * 60 * 60 * 1000;
const metaFile = 'inspection.json';
const resultFile = 'result.json';

/** What the list shows without reading a result. */
export interface SavedSummary {
  readonly id: string;
  readonly title: string;
  /** 'ViT, 6 layers x 4 heads, d 16, N 50' */
  readonly description: string;
  readonly input: string;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
}

interface Meta extends SavedSummary {
  readonly version: number;
  /** Of everything its numbers depend on (`inputKey`); absent: a result that came as a file, or one of an earlier version. */
  readonly key?: string;
  readonly plan: InspectionPlan | null;
  readonly picture: { readonly width: number; readonly height: number; readonly base64: string } | null;
}

export interface SavedInspection {
  readonly id: string;
  readonly title: string;
  readonly result: InspectionResult;
  readonly plan: InspectionPlan | null;
  readonly picture: InputPicture | null;
  /** Folder of the kept tensors. */
  readonly folder: string;
}

/** What is kept of an inspection beside its numbers. */
export interface KeptBeside {
  /** null where nothing was kept of the heads (a result that came as a file). */
  readonly fetchHead: ((layer: number, head: number) => Promise<KeptHead>) | null;
  /** Of everything its numbers depend on. */
  readonly key?: string;
  /** Finished inputs of a run over several (`FinishedInputs`), which are moved; absent: one input. */
  readonly inputs?: string;
}

export class SavedInspections implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  /** One writer at a time, so that the oldest are counted once. */
  private queue: Promise<unknown> = Promise.resolve();

  /** `mostKept` is asked each time something was saved: it is a setting. */
  constructor(
    private readonly root: string,
    private readonly mostKept: () => number,
  ) {}

  folder(id: string): string {
    return join(this.root, id);
  }

  /** Newest first; folders that are no inspections are passed over. */
  async list(): Promise<readonly SavedSummary[]> {
    const names = await readdir(this.root).catch(() => []);
    const found = await Promise.all(names.filter(isInspectionId).map((id) => this.meta(id).catch(() => null)));
    return found.filter((meta) => meta !== null).sort((a, b) => b.savedAt - a.savedAt);
  }

  has(id: string): Promise<boolean> {
    return this.meta(id).then(
      () => true,
      () => false,
    );
  }

  /** The newest inspection whose numbers depend on the same; null: none is kept. */
  async withKey(key: string): Promise<SavedInspection | null> {
    for (const { id } of await this.list()) {
      const meta = await this.meta(id).catch(() => null);
      const found = meta?.key === key ? await this.open(id).catch(() => null) : null;
      if (found !== null) return found;
    }
    return null;
  }

  save(one: Omit<SavedInspection, 'folder'>, input: string, beside: KeptBeside): Promise<void> {
    const work = this.queue.then(() => this.write(one, input, beside));
    this.queue = work.catch(() => undefined);
    return work;
  }

  /** Throws a sentence where it is no longer there or damaged. */
  async open(id: string): Promise<SavedInspection> {
    const gone = vscode.l10n.t('This inspection is no longer kept on this machine. Inspect the checkpoint again.');
    const meta = await this.meta(id).catch(() => {
      throw new Error(gone);
    });
    const text = await readFile(join(this.folder(id), resultFile), 'utf8').catch(() => {
      throw new Error(gone);
    });
    const result = asResult(JSON.parse(text), meta.title);
    return {
      id,
      title: meta.title,
      result,
      plan: meta.plan,
      picture: decodePicture(meta.picture),
      folder: this.folder(id),
    };
  }

  /** The `result.json` of each input of a run over several, in their order; null: none are kept. */
  async inputTexts(id: string): Promise<AsyncIterable<string> | null> {
    const kept = await FinishedInputs.open(this.folder(id));
    return kept.size === 0 ? null : kept.texts();
  }

  async remove(id: string): Promise<void> {
    await rm(this.folder(id), { recursive: true, force: true });
    this.changed.fire();
  }

  private async meta(id: string): Promise<Meta> {
    const parsed = JSON.parse(await readFile(join(this.folder(id), metaFile), 'utf8')) as Meta;
    if (parsed.version !== 1 || parsed.id !== id) throw new Error('not an inspection');
    return parsed;
  }

  private async write(
    { id, title, result, plan, picture }: Omit<SavedInspection, 'folder'>,
    input: string,
    { fetchHead, key, inputs }: KeptBeside,
  ): Promise<void> {
    const most = this.mostKept();
    if (most === 0) return;
    const partial = `${this.folder(id)}.${randomBytes(4).toString('hex')}.partial`;
    try {
      await mkdir(partial, { recursive: true });
      const addresses = result.layers.flatMap((layer) =>
        layer.heads.map((head) => ({ layer: layer.index, head: head.index })),
      );
      if (fetchHead !== null) await saveHeads(partial, addresses, fetchHead, maxHeadBytes);
      await writeFile(join(partial, resultFile), resultJsonPieces(result));
      if (inputs !== undefined) await moveInputs(inputs, partial);
      const meta: Meta = {
        version: 1,
        ...(key === undefined ? {} : { key }),
        id,
        title,
        description: describeModel(result),
        input,
        savedAt: Date.now(),
        plan,
        picture:
          picture === null
            ? null
            : { width: picture.width, height: picture.height, base64: Buffer.from(picture.rgba).toString('base64') },
      };
      await writeFile(join(partial, metaFile), JSON.stringify(meta));
      await rm(this.folder(id), { recursive: true, force: true });
      await rename(partial, this.folder(id));
    } catch (error) {
      await rm(partial, { recursive: true, force: true }).catch(() => undefined);
      throw error;
    }
    await this.forgetOldest(most).catch((error: unknown) => {
      log().warn(`older inspections could not be removed: ${sentence(error)}`);
    });
    this.changed.fire();
  }

  private async forgetOldest(most: number): Promise<void> {
    let total = 0;
    for (const [place, { id }] of (await this.list()).entries()) {
      total += await byteLengthOf(this.folder(id));
      if (place > 0 && (place >= most || total > maxTotalBytes)) {
        await rm(this.folder(id), { recursive: true, force: true });
      }
    }
    // Of windows that ended while they were writing.
    for (const name of await readdir(this.root)) {
      const path = join(this.root, name);
      if (name.endsWith('.partial') && Date.now() - (await stat(path)).mtimeMs > leftBehindMs) {
        await rm(path, { recursive: true, force: true });
      }
    }
  }

  dispose(): void {
    this.changed.dispose();
  }
}

/** Where they take too much, or cannot be moved, the means are kept without them. */
async function moveInputs(from: string, to: string): Promise<void> {
  try {
    const byteLength = await byteLengthOf(from);
    if (byteLength <= maxInputsBytes) await rename(join(from, inputsFolder), join(to, inputsFolder));
    else log().info(`results of single inputs are not kept: they take ${byteLength} bytes`);
  } catch (error) {
    log().warn(`results of single inputs are not kept: ${sentence(error)}`);
  }
}

/** Of everything below the folder. */
async function byteLengthOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function decodePicture(saved: Meta['picture']): InputPicture | null {
  if (saved === null) return null;
  const { width, height, base64 } = saved;
  const rgba = new Uint8Array(Buffer.from(base64, 'base64'));
  return rgba.length === width * height * 4 ? { width, height, rgba } : null;
}

function describeModel({ model }: InspectionResult): string {
  const { family, layers, heads, headDim, tokens } = model;
  return `${family}, ${layers} × ${heads}, d ${headDim}, N ${tokens}`;
}
