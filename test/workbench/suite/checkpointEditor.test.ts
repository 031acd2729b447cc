// The custom editor in the real workbench: opens with the header only, however large the file; statistics come from
// the worker thread; what the person arranged survives a hidden tab.
import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { mkdtempSync, openSync, closeSync, ftruncateSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { inFrame, outer, repositoryRoot, until } from '../outer';

const viewType = 'gramlens.checkpoint';
const inside = '#app .tensors';
/** Issue bar: the page opens in under a second whatever the size; see `assertOpens`. */
const openBarMs = 1000;
const sample = (): string => join(repositoryRoot(), 'media', 'samples', 'digits-softmax.safetensors');

/** A sparse safetensors file: two small tensors and `bytes` of zeros in two more. */
function writeSparse(path: string, bytes: number): void {
  const half = bytes / 2;
  const header = JSON.stringify({
    'head.bias': { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
    'head.scale': { dtype: 'F32', shape: [2], data_offsets: [8, 16] },
    'big.0.weight': { dtype: 'BF16', shape: [half / 2], data_offsets: [16, 16 + half] },
    'big.1.weight': { dtype: 'F32', shape: [half / 4], data_offsets: [16 + half, 16 + 2 * half] },
  });
  const file = openSync(path, 'w');
  try {
    writeSync(file, new BigUint64Array([BigInt(header.length)]));
    writeSync(file, header, 8);
    writeSync(file, Float32Array.from([1.5, -2.5, NaN, Infinity]), 0, 16, 8 + header.length);
    ftruncateSync(file, 8 + header.length + 16 + bytes);
  } finally {
    closeSync(file);
  }
}

function writeMany(path: string, count: number): void {
  const header: Record<string, unknown> = {};
  for (let i = 0; i < count; i++)
    header[`model.layers.${i >> 3}.mlp.experts.${i & 7}.down_proj.weight`] = {
      dtype: 'BF16',
      shape: [1, 2],
      data_offsets: [4 * i, 4 * i + 4],
    };
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([length, text, Buffer.alloc(4 * count)]));
}

/** Opens a file in the checkpoint editor and waits until its name stands there; milliseconds from the call. */
async function openPage(path: string, phase = 'done'): Promise<number> {
  const begun = Date.now();
  await vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(path), viewType);
  await until('the page is drawn', async () => {
    const found = await inFrame(`#app[data-phase="${phase}"]`, () => document.querySelector('h1')?.textContent).catch(
      () => undefined,
    );
    return typeof found === 'string' && path.endsWith(found) ? true : undefined;
  });
  return Date.now() - begun;
}

/**
 * Asserts the bar for a file. Where even a file of 360 kB takes long, the machine is busy with something else: then
 * at most `times` what that one takes.
 */
async function assertOpens(what: string, path: string, times: number): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  const small = await openPage(sample());
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  const took = await openPage(path);
  await outer('note', `${what}: page drawn ${took} ms after openWith (a sample of 360 kB: ${small} ms)`);
  assert.ok(took < Math.max(openBarMs, times * small), `${took} ms, a sample ${small} ms`);
}

describe('checkpoint editor', () => {
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gramlens-checkpoints-'));
    await vscode.extensions.getExtension('gramlens.gramlens')?.activate();
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('opens a sample, computes statistics in its thread, and copies the name', async () => {
    await openPage(sample());
    assert.match(await outer('text', { inside, selector: '.cards' }), /ViT, 6 layers x 4 heads/);
    await outer('click', { inside, selector: '[data-row="3"]' });
    await outer('click', { inside, selector: '.statistics vscode-button:has-text("Compute")' });
    await outer('waitFor', { inside, selector: '.statistics dl' });
    assert.match(await outer('text', { inside, selector: '.statistics' }), /mean\s+-?[\d.]/);
    await outer('screenshot', { name: 'checkpoint-editor' });
    await outer('click', { inside, selector: '.statistics vscode-button:has-text("Copy")' });
    const name = await outer('text', { inside, selector: 'h2.name' });
    await until('the name in the clipboard', async () =>
      (await vscode.env.clipboard.readText()) === name ? true : undefined,
    );
  });

  it('keeps search and choice while the tab is hidden', async () => {
    await outer('click', { inside, selector: '.search' });
    await outer('type', 'blocks.2.mlp');
    await until('the rows that were searched', async () =>
      (await outer('count', { inside, selector: '.rows .row' })) === 4 ? true : undefined,
    );
    await outer('click', { inside, selector: '.rows .row >> nth=1' });
    const name = await outer('text', { inside, selector: 'h2.name' });
    await vscode.commands.executeCommand('workbench.action.files.newUntitledFile');
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
    await until('the page again', async () =>
      (await outer('count', { inside, selector: '.rows .row' }).catch(() => 0)) === 4 ? true : undefined,
    );
    assert.equal(await outer('text', { inside, selector: 'h2.name' }), name);
  });

  it('opens 10 GB in under a second, and cancels the reading of a tensor', async function () {
    this.timeout(120_000);
    const path = join(folder, 'sparse-10gb.safetensors');
    writeSparse(path, 10e9);
    await assertOpens('10 GB sparse safetensors', path, 2);
    assert.match(await outer('text', { inside, selector: 'header .message' }), /4 tensors · 3,750,000,004 parameters/);
    await outer('click', { inside, selector: '[data-row="1"]' });
    await outer('click', { inside, selector: '.statistics vscode-button:has-text("Compute")' });
    await outer('waitFor', { inside, selector: '.statistics dl' });
    assert.match(await outer('text', { inside, selector: '.statistics' }), /NaN\s+1\s+\+Inf, −Inf\s+1, 0/);
    await outer('click', { inside, selector: '[data-row="3"]' });
    await outer('click', { inside, selector: '.statistics vscode-button:has-text("Compute")' });
    const fraction = await until('progress', async () => {
      const value = await inFrame(inside, () => document.querySelector('progress')?.value ?? 0);
      return value > 0.005 ? value : undefined;
    });
    const begun = Date.now();
    await outer('click', { inside, selector: '.statistics vscode-button:has-text("Cancel")' });
    await outer('waitFor', { inside, selector: '.statistics vscode-button:has-text("Compute")' });
    await outer('note', `5 GB tensor: cancelled at ${(100 * fraction).toFixed(1)} %, ${Date.now() - begun} ms later`);
    // Another tensor is read at once: nothing of the cancelled one goes on.
    await outer('click', { inside, selector: '[data-row="0"]' });
    await outer('click', { inside, selector: '.statistics vscode-button:has-text("Compute")' });
    await outer('waitFor', { inside, selector: '.statistics dl' });
    assert.match(await outer('text', { inside, selector: '.statistics' }), /minimum\s+-2\.50*\s+maximum\s+1\.50*\s/);
  });

  it('opens 100,000 tensors', async function () {
    this.timeout(120_000);
    const path = join(folder, 'many.safetensors');
    writeMany(path, 100_000);
    await assertOpens('100,000 tensors', path, 10);
    assert.match(await outer('text', { inside, selector: 'header .message' }), /100,000 tensors/);
  });

  it('says the reader’s sentence for a file that is cut', async () => {
    const path = join(folder, 'cut.safetensors');
    writeFileSync(path, Buffer.from([200, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22]));
    await vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(path), viewType);
    await outer('waitFor', { inside: '#app[data-phase="failed"]', selector: 'header .message' });
    const sentence = await outer('text', { inside: '#app[data-phase="failed"]', selector: '.message' });
    assert.match(sentence, /^cut\.safetensors: .*again\.$/);
    const problems = (await outer('problems', null)).filter(({ url, text }) =>
      /gramlens|checkpoint\.js/.test(url + text),
    );
    assert.deepEqual(problems, []);
  });

  it('hands the file to Inspect', async () => {
    await openPage(sample());
    await outer('click', { inside, selector: 'header vscode-button:has-text("Inspect")' });
    // The first question of an inspection is its input.
    await outer('waitFor', { selector: '.quick-input-widget .quick-input-title:has-text("Input for ViT")' });
    await outer('press', { key: 'Escape' });
  });
});
