// Files that need more than a family: an ONNX graph, and a network of unknown names through the mapping page.
import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { unknownCheckpoint } from '../../unit/model/unknownCheckpoint';
import { inFrame, outer, repositoryRoot, until } from '../outer';
import { answer, closeEditors, gramlens, inspectorPage, phase, questionShown, quick, withSettings } from './drive';
import { cellPosition, headingShown, paintedCells } from './figures';

const dark = { theme: 'Default Dark Modern', kind: 'vscode-dark' };
const contrast = { theme: 'Default High Contrast', kind: 'vscode-high-contrast' };
const mappingPage = 'main#app:has(.roles)';

/** A picture of the window once the page has taken the theme. */
async function picture(page: string, { theme, kind }: typeof dark, name: string): Promise<void> {
  await withSettings({ 'workbench.colorTheme': theme });
  await until(`${theme} in the page`, async () => {
    const now = await inFrame(page, () => document.body.dataset['vscodeThemeKind'] ?? '');
    return now === kind ? true : undefined;
  });
  await outer('screenshot', { name });
}

describe('files that need more than a family', () => {
  let restore: () => Promise<void>;
  let folder: string;
  before(async () => {
    restore = await withSettings({ ...quick, 'workbench.colorTheme': contrast.theme });
    folder = mkdtempSync(join(tmpdir(), 'gramlens-new-'));
    await closeEditors();
  });
  after(async () => {
    await closeEditors();
    rmSync(folder, { recursive: true, force: true });
    await restore();
  });

  it('an ONNX graph: its blocks are layers, a click opens a head', async () => {
    const file = join('node_modules', '@gutenye', 'ocr-models', 'assets', 'ch_PP-OCRv4_rec_infer.onnx');
    const uri = vscode.Uri.file(join(repositoryRoot(), file));
    const api = await gramlens();
    await api.inspect({ uri, input: 'random', overrides: { image: '48x320' }, unasked: true });
    const { model, layers } = api.snapshot();
    assert.deepEqual([model?.family, model?.layers, model?.heads, model?.tokens], ['onnx', 2, 8, 40]);
    assert.deepEqual(
      layers.map(({ heads }) => heads.length),
      [8, 8],
    );
    const figure = 'overview-alignment.theory.overlap';
    const grid = { rows: 2, columns: 8 };
    await paintedCells(inspectorPage, figure, grid);
    await picture(inspectorPage, contrast, 'onnx-overview-contrast');
    await picture(inspectorPage, dark, 'onnx-overview-dark');
    const position = await cellPosition(inspectorPage, figure, grid, 1, 3);
    await outer('click', { inside: inspectorPage, selector: `[data-figure="${figure}"] .stage`, position });
    await headingShown(inspectorPage, 'Layer 1, head 3');
    await paintedCells(inspectorPage, 'pattern-softmax', { rows: 40, columns: 40 });
    await picture(inspectorPage, contrast, 'onnx-head-contrast');
    await picture(inspectorPage, dark, 'onnx-head-dark');
  });

  it('unknown names: the guess is shown, saved beside the file, and inspected', async () => {
    const path = join(folder, 'ours.safetensors');
    writeFileSync(path, unknownCheckpoint());
    await vscode.commands.executeCommand('gramlens.inspectCheckpoint', vscode.Uri.file(path));
    const run = { inside: mappingPage, selector: 'vscode-button:has-text("Save and Inspect")' };
    await outer('waitFor', run);
    await picture(mappingPage, contrast, 'mapping-contrast');
    await picture(mappingPage, dark, 'mapping-dark');
    await outer('click', run);
    await answer('heads', '2 heads');
    await answer('Input for ', 'Token ids…');
    await questionShown('Token ids for ');
    await outer('type', '1,2,3,4,5');
    await outer('press', { key: 'Enter' });
    await answer('Plan: ', 'Inspect');
    await phase('done');
    const { model } = (await gramlens()).snapshot();
    assert.deepEqual([model?.family, model?.heads, model?.causal], ['mapped', 2, true]);
    const saved = await until('the mapping beside the file', () => readFileSync(`${path}.gramlens.json`, 'utf8'));
    assert.equal((JSON.parse(saved) as { schema: string }).schema, 'gramlens.mapping/1');
  });
});
