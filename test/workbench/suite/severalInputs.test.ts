// Several inputs in the editor: the plan of all, cancelled and gone on with, means with intervals on the pages, in exports
// and from disk.
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { InspectionResult } from '../../../src/inspection/inspectionResult';
import { asResult } from '../../../src/inspection/resultSchema';
import { outer, until } from '../outer';
import {
  answer,
  assertComplete,
  clearNotifications,
  closeEditors,
  gramlens,
  heads,
  inspectorPage,
  layers,
  notificationShown,
  phase,
  quick,
  sample,
  softmaxSample,
  takePath,
  withSettings,
} from './drive';
import { headingShown, paintedCells } from './figures';

/** Two orders of summing two numbers below 1. */
const roundOff = 1e-15;
const pictures = ['digit-3.png', 'digit-5.png'];

const pageSays = (pattern: RegExp): Promise<true> =>
  until(`the page to say ${String(pattern)}`, async () => {
    const text = await outer('text', { inside: inspectorPage, selector: '#app' });
    return pattern.test(text.replace(/\s+/g, ' ')) ? true : undefined;
  });

describe('several inputs', () => {
  let restore: () => Promise<void>;
  let folder: string;
  let labels: string[];
  /** How many inputs the cells on show are means over, and how many cells there are, as these change. */
  let seen: { finished: number; cells: number; over: number | undefined }[];
  let watch: NodeJS.Timeout;
  before(async () => {
    restore = await withSettings({ ...quick, 'gramlens.untrainedTwins': 0 });
    folder = mkdtempSync(join(tmpdir(), 'gramlens-several-'));
    for (const name of pictures) copyFileSync(sample(name).fsPath, join(folder, name));
    const api = await gramlens();
    labels = [];
    seen = [];
    watch = setInterval(() => {
      const { progress, inputs, layers } = api.snapshot();
      if (inputs !== null) {
        const cells = layers.flatMap((layer) => layer.heads);
        seen.push({ finished: inputs.finished, cells: cells.length, over: cells[0]?.over?.inputs });
      }
      const label = progress?.label ?? '';
      if (label !== labels.at(-1)) labels.push(label);
    }, 5);
  });
  after(async () => {
    clearInterval(watch);
    await clearNotifications();
    await restore();
    await closeEditors();
    rmSync(folder, { recursive: true, force: true });
  });
  it('go on after a cancel with what is finished, as the plan says for all of them', async () => {
    const api = await gramlens();
    const first = api.inspect({ uri: sample(softmaxSample), input: [folder], unasked: true }).then(
      () => null,
      (error: unknown) => error,
    );
    await until('the second input', () => (labels.at(-1)?.startsWith('Input 2 of 2') === true ? true : undefined));
    // Cells of the first to run come one by one; when it is finished, all are means.
    assert.ok(seen.some(({ finished, cells, over }) => finished === 0 && cells > 0 && over === undefined));
    assert.deepEqual(seen.at(-1), { finished: 1, cells: layers * heads, over: 1 });
    await vscode.commands.executeCommand('gramlens.cancelInspection');
    assert.equal(((await first) as Error).name, 'CancelledError');
    assert.equal(
      (await phase('cancelled')).message,
      "The inspection was cancelled. 1 of 2 inputs are finished and kept in the editor's storage; inspect the same inputs again to go on from there.",
    );
    assert.deepEqual(api.snapshot().inputs, { finished: 1, total: 2 });
    await pageSays(/Numbers are means over 1 of 2 inputs\./);
    labels.length = 0;
    seen.length = 0;
    const second = vscode.commands.executeCommand('gramlens.inspectCheckpoint', sample(softmaxSample));
    await answer('Input for ', 'Several inputs…');
    await answer('Several inputs for ', 'A folder of pictures…');
    await takePath('Choose the folder', `${folder}/`);
    await answer('Plan: ', 'on cpu for all 2 inputs');
    await notificationShown(/^1 of 2 inputs were finished before; their results in the editor's storage are used\.$/);
    const { provenance, layers: means } = (await second) as InspectionResult;
    // What was finished before is shown at once.
    assert.deepEqual(
      new Set(seen.filter(({ cells }) => cells > 0).map(({ finished, over }) => `${finished} ${over}`)),
      new Set(['1 1', ...(seen.some(({ over }) => over === 2) ? ['2 2'] : [])]),
    );
    assert.equal(api.snapshot().inputs, null);
    assert.deepEqual(
      [...new Set(labels.flatMap((label) => /^Input \d of 2 \(\S+\)/.exec(label) ?? []))],
      ['Input 2 of 2 (digit-3.png)'],
    );
    assert.deepEqual(
      provenance.inputs.map(({ label }) => label),
      pictures,
    );
    const { over, ci } = means[2]!.heads[1]!;
    assert.equal(over?.inputs, 2);
    assert.notEqual(ci, null);
    assertComplete(api.snapshot());
    assert.equal(api.snapshot().message, `${softmaxSample}: every head inspected, means over 2 inputs.`);
  });

  it('are means with intervals on the pages, and what is of the first input says so', async () => {
    await pageSays(
      /Means over 2 inputs ± 95 % interval; what is shown here is the first\..*input digit-3\.png.*1 more/,
    );
    await outer('screenshot', { name: 'several-overview' });
    const api = await gramlens();
    const id = api.snapshot().inspection!;
    await api.openLink(vscode.Uri.parse(`vscode://gramlens.gramlens/head?inspection=${id}&layer=2&head=1`));
    await headingShown(inspectorPage, 'Layer 2, head 1');
    await paintedCells(inspectorPage, 'pattern-softmax', { rows: 50, columns: 50 });
    await pageSays(
      /Numbers are means over 2 inputs; ± is their 95 % interval\. .* of the first input, digit-3\.png, alone\..*theory overlap 0\.\d+ ± 0\.\d+/,
    );
    await outer('screenshot', { name: 'several-head' });
  });

  it('export, and come back from disk with the patterns of the first', async () => {
    const api = await gramlens();
    const id = api.snapshot().inspection!;
    const html = vscode.Uri.file(join(folder, 'several.html'));
    const [, json] = await api.exportReport(html);
    assert.match(readFileSync(html.fsPath, 'utf8'), /Of the first input alone\./);
    const text = readFileSync(json!.fsPath, 'utf8');
    const { layers: written, inputs } = asResult(JSON.parse(text), 'several.gramlens.json');
    const overlaps = inputs!.map((one) => one.layers[1]!.heads[2]!.alignment.theory.overlap!);
    const mean = written[1]!.heads[2]!.alignment.theory.overlap!;
    assert.ok(Math.abs(mean - (overlaps[0]! + overlaps[1]!) / 2) <= roundOff, `${mean} of ${overlaps.join()}`);
    assert.deepEqual(
      inputs!.map((one) => one.provenance.inputs[0]!.label),
      pictures,
    );
    const input = `npy:${sample('digit-3.npy').fsPath}`;
    await api.inspect({ uri: sample(softmaxSample), input, unasked: true });
    assert.notEqual(api.snapshot().inspection, id);
    await vscode.commands.executeCommand('gramlens.openInspection', id);
    assert.equal(api.snapshot().inspection, id);
    assert.equal(api.snapshot().layers[0]!.heads[0]!.over?.inputs, 2);
    const again = vscode.Uri.file(join(folder, 'again.json'));
    await api.exportReport(again);
    assert.equal(readFileSync(again.fsPath, 'utf8'), text);
    await api.openLink(vscode.Uri.parse(`vscode://gramlens.gramlens/head?inspection=${id}&layer=0&head=0`));
    await paintedCells(inspectorPage, 'pattern-softmax', { rows: 50, columns: 50 });
  });

  it('are compared input by input, with what is kept of each', async () => {
    const api = await gramlens();
    const { inputs, ...means } = JSON.parse(readFileSync(join(folder, 'again.json'), 'utf8')) as InspectionResult;
    assert.equal(inputs?.length, 2);
    // Without the single results: those come from what is kept.
    const files = ['one.json', 'two.json'].map((name) => join(folder, name));
    for (const file of files) writeFileSync(file, JSON.stringify(means));
    await api.compare({ uris: files.map((file) => vscode.Uri.file(file)) });
    await until('the comparison', async () => {
      const text = await outer('text', { inside: 'main#app:has(.maps)', selector: '.cards' }).catch(() => '');
      return text.includes('Bands are of the changes input by input: 2 inputs, paired.') ? true : undefined;
    });
  });

  it('are refused on the page’s GPU, in a sentence that says what to choose', async () => {
    const back = await withSettings({ 'gramlens.backend': 'webgpu' });
    try {
      const api = await gramlens();
      await assert.rejects(
        api.inspect({ uri: sample(softmaxSample), input: [folder], unasked: true }),
        /Several inputs run on the processor, and the settings ask for webgpu\. Choose auto, cpu or reference/,
      );
    } finally {
      await back();
    }
  });
});
