// Names of tokens on the axes of a pattern: the same words on ticks, in the tooltip and in the table.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { tokenNames } from '../../../src/report/figures/tokenAxis';
import { patternCells } from '../../../src/report/figures/patternCells';
import { patternFigures } from '../../../src/report/figures/patternFigures';
import { describeCursor } from '../../../webview/charts/cursor';
import { layoutHeatmap } from '../../../webview/charts/heatmapLayout';
import { tableRows } from '../../../webview/charts/toCsv';

const places = { tokens: 4, prefixTokens: 0, suffixTokens: 0, prefixNames: [], grid: [0, 0] } as const;
const input = { kind: 'text', label: 'text:the cat.', sha256: '', tokens: 4 } as const;
const labels = ['<s>', 'the', '·cat', '.'];

describe('report: names of tokens', () => {
  it('are what the tokens stand for, else their ids, else nothing', () => {
    const named = tokenNames(places, { ...input, tokenIds: [0, 5, 6, 7], tokenLabels: labels });
    assert.deepEqual(named, ['0 "<s>"', '1 "the"', '2 "·cat"', '3 "."']);
    const ids = tokenNames(places, { ...input, tokenIds: [0, 5, 6, 7], tokenLabels: null });
    assert.deepEqual(ids, ['0 (id 0)', '1 (id 5)', '2 (id 6)', '3 (id 7)']);
    assert.equal(tokenNames(places, input), null);
    assert.equal(tokenNames(places, { ...input, tokenLabels: ['a'] }), null, 'a list of another length is left alone');
  });

  it('are places in the picture, with what stands before and behind the patches', () => {
    const picture = { tokens: 6, prefixTokens: 2, suffixTokens: 0, grid: [2, 2] } as const;
    assert.deepEqual(tokenNames({ ...picture, prefixNames: ['CLS', 'distillation'] }, null), [
      '0 CLS',
      '1 distillation',
      '2 patch (0, 0)',
      '3 patch (0, 1)',
      '4 patch (1, 0)',
      '5 patch (1, 1)',
    ]);
    const decoder = tokenNames({ ...picture, prefixTokens: 0, suffixTokens: 2, prefixNames: [] }, null);
    assert.deepEqual(decoder?.slice(3), ['3 patch (1, 1)', '4 class 0', '5 class 1']);
  });

  it('stand on the axes, in the tooltip and in the table of a pattern', () => {
    const names = labels.map((label, i) => `${i} "${label}"`);
    const context = {
      layer: 0,
      tokens: 4,
      prefixTokens: 0,
      headDim: 2,
      trainedWith: 'softmax',
      tokenNames: names,
    } as const;
    const softmaxPattern = Float32Array.from({ length: 16 }, (_, i) => i / 16);
    const [figure] = patternFigures(patternCells({ tokens: 4, softmaxPattern, rpcPattern: null }), context);
    assert.equal(
      describeCursor(figure, { kind: 'heatmap', row: 2, column: 1 }),
      'query position 2 "·cat", key position 1 "the"\nattention weight 0.5625',
    );
    assert.deepEqual(tableRows(figure)[1 + 4 * 2 + 1], ['2 "·cat"', '1 "the"', 0.5625]);
    const layout = layoutHeatmap(figure, { width: 500, height: 400 });
    assert.deepEqual(
      layout.rowTicks.map(({ text }) => text),
      names,
    );
    assert.doesNotMatch(figure.shows, /class token/);
  });
});
