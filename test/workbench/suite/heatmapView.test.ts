// The side panel: every head a cell, the metric from the list, numbers under the pointer, and the way to a head.
import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { availableMetrics, metricById } from '../../../src/report/figures/metrics';
import type { HeadResult } from '../../../src/diagnostics/headResult';
import { inFrame, outer, until } from '../outer';
import {
  gramlens,
  heads,
  heatmapPage,
  inspectorPage,
  layers,
  quick,
  runFromPalette,
  runSample,
  showSidePanel,
  softmaxSample,
  withSettings,
} from './drive';
import { cellColours, cellPosition, headingShown, paintedCells, tooltip } from './figures';

const grid = { rows: layers, columns: heads };
const overlap = 'overview-alignment.theory.overlap';

describe('Show Heads Heatmap', () => {
  let restore: () => Promise<void>;
  const head = async (layer: number, index: number): Promise<HeadResult> =>
    (await gramlens()).snapshot().layers[layer]!.heads[index]!;
  const selected = async (): Promise<unknown> => (await gramlens()).snapshot().selected;
  const overview = (): Promise<null> =>
    outer('click', { inside: inspectorPage, selector: 'vscode-button:has-text("Overview")' });

  before(async () => {
    restore = await withSettings(quick);
  });
  after(async () => {
    await restore();
  });

  it('fills the side panel cell by cell while a run goes on', async () => {
    await showSidePanel();
    await outer('waitFor', {
      selector: '.sidebar .pane-header[aria-label*="Heads"], .sidebar .title-label:has-text("Gramlens")',
    });
    const counts = new Set<number>();
    const count = async (): Promise<number> => {
      const frame = await outer('count', { inside: heatmapPage, selector: `[data-figure="${overlap}"]` }).catch(
        () => 0,
      );
      if (frame === 0) return 0;
      return (await cellColours(heatmapPage, overlap, grid)).filter((colour) => colour.endsWith(',255')).length;
    };
    let over = false;
    const run = runSample(softmaxSample).finally(() => {
      over = true;
    });
    while (!over) counts.add(await count());
    await run;
    await paintedCells(heatmapPage, overlap, grid);
    const seen = [...counts].sort((a, b) => a - b);
    assert.ok(
      seen[0]! < 24 && seen.some((cells) => cells > 0 && cells < 24),
      `painted cells on the way: ${seen.join(', ')}`,
    );
  });

  it('paints every cell, and different heads differently', async () => {
    const colours = await paintedCells(heatmapPage, overlap, grid);
    assert.equal(colours.length, 24);
    assert.ok(new Set(colours).size > 6, `${new Set(colours).size} colours in 24 cells`);
  });

  it('offers every metric of this run, and shows the one that is chosen', async () => {
    const { layers: done } = (await gramlens()).snapshot();
    const wanted = availableMetrics(done.flatMap((layer) => layer.heads)).map((metric) => metric.id);
    const offered = await inFrame(heatmapPage, () =>
      [...document.querySelectorAll('vscode-option')].map((option) => option.getAttribute('value')),
    );
    assert.deepEqual(offered, wanted);
    assert.ok(offered.includes('attention.entropy') && offered.includes('noise.key_gauss.rpc'));

    const before = await paintedCells(heatmapPage, overlap, grid);
    await outer('click', { inside: heatmapPage, selector: 'vscode-dropdown' });
    await outer('click', { inside: heatmapPage, selector: 'vscode-option[value="attention.entropy"]' });
    const after = await paintedCells(heatmapPage, 'overview-attention.entropy', grid);
    assert.notDeepEqual(after, before);
    assert.equal((await gramlens()).snapshot().metric, 'attention.entropy');
    const explanation = await outer('text', { inside: heatmapPage, selector: 'body' });
    assert.ok(explanation.includes(metricById('attention.entropy').explanation));
  });

  it('says the numbers of the cell under the pointer', async () => {
    const figure = 'overview-attention.entropy';
    const position = await cellPosition(heatmapPage, figure, grid, 4, 3);
    await outer('hover', { inside: heatmapPage, selector: '.stage', position });
    const text = await until('the tooltip', async () => (await tooltip(heatmapPage, figure)) || undefined);
    assert.ok(text.startsWith('layer 4, head 3'), text);
    assert.ok(text.includes(metricById('attention.entropy').describe(await head(4, 3))), text);
    assert.ok(!text.includes(metricById('attention.entropy').describe(await head(3, 2))), 'one head’s numbers only');
  });

  it('opens a clicked head in the inspector tab', async () => {
    const position = await cellPosition(heatmapPage, 'overview-attention.entropy', grid, 2, 1);
    await outer('click', { inside: heatmapPage, selector: '.stage', position });
    await headingShown(inspectorPage, 'Layer 2, head 1');
    assert.deepEqual(await selected(), { layer: 2, head: 1 });
    await overview();
    await until('the overview', async () => ((await selected()) === null ? true : undefined));
  });

  it('opens a head by keyboard alone', async () => {
    await showSidePanel();
    await outer('press', { key: 'Tab', place: { inside: heatmapPage, selector: 'vscode-dropdown' } });
    const focused = await inFrame(heatmapPage, () => document.activeElement?.className ?? '');
    assert.equal(focused, 'stage', 'Tab goes from the list to the chart');
    // The first arrow may start at the first cell where the focus did not show a cursor yet.
    for (const key of ['Home', 'PageUp', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowRight', 'ArrowRight'])
      await outer('press', { key });
    const spoken = await outer('text', { inside: heatmapPage, selector: '[aria-live]' });
    assert.ok(spoken.startsWith('layer 3, head 2'), spoken);
    await outer('press', { key: 'Enter' });
    await headingShown(inspectorPage, 'Layer 3, head 2');
    assert.deepEqual(await selected(), { layer: 3, head: 2 });
    await overview();
  });

  it('goes on showing the run after the side panel was away', async () => {
    await runFromPalette('View: Show Explorer');
    await outer('waitFor', { selector: '.explorer-folders-view' });
    await showSidePanel();
    await paintedCells(heatmapPage, 'overview-attention.entropy', grid);
    await outer('click', { inside: heatmapPage, selector: 'vscode-dropdown' });
    await outer('click', { inside: heatmapPage, selector: 'vscode-option[value="alignment.theory.overlap"]' });
    await paintedCells(heatmapPage, overlap, grid);
  });
});
