// One row of a pattern as a figure: on the patch grid, over the tokens of a text, with what is masked or no patch.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { HeadContext } from '../../../src/report/figures/headFigures';
import { patternCells } from '../../../src/report/figures/patternCells';
import { patternFigures, queryFigure } from '../../../src/report/figures/patternFigures';
import type { ScoreRule } from '../../../src/model/blockShape';
import { formatNumber } from '../../../src/report/format';

const tokens = 8;
const softmaxPattern = Float32Array.from({ length: tokens * tokens }, (_, cell) => (cell % 11) / 64);
const rpcPattern = Float32Array.from(softmaxPattern, (weight) => 0.125 - weight);
const picture: HeadContext = {
  layer: 0,
  tokens,
  prefixTokens: 2,
  suffixTokens: 0,
  grid: [2, 3],
  headDim: 2,
  trainedWith: 'softmax',
};
const text: HeadContext = { ...picture, prefixTokens: 0, grid: [0, 0] };

function patterns(context: HeadContext, rule?: ScoreRule): ReturnType<typeof patternFigures> {
  return patternFigures(patternCells({ tokens, softmaxPattern, rpcPattern, ...(rule ? { rule } : {}) }), context);
}

describe('report: the row of one query', () => {
  it('lies on the patch grid, ringed at the query, and counts the weight of registers and class tokens in words', () => {
    const [softmax] = patterns(picture);
    const figure = queryFigure(softmax, picture, 4);
    assert.deepEqual([figure.rows, figure.columns], [2, 3]);
    assert.deepEqual(figure.values, softmaxPattern.slice(4 * tokens + 2, 5 * tokens));
    assert.deepEqual(figure.signs, [{ row: 0, column: 2, shape: 'ring' }]);
    const outside = softmaxPattern[4 * tokens]! + softmaxPattern[4 * tokens + 1]!;
    assert.ok(
      figure.shows.includes(`${formatNumber(outside)} of its weight is on tokens that are no patches`),
      figure.shows,
    );
    assert.deepEqual(figure.domain, [0, Math.max(...figure.values)]);
    assert.equal(queryFigure(softmax, picture, 1).signs, undefined, 'a register is nowhere on the grid');
  });

  it('counts class embeddings behind the patches as no patches, too', () => {
    const decoder = { ...picture, prefixTokens: 0, suffixTokens: 2 };
    const [softmax] = patterns(decoder);
    const figure = queryFigure(softmax, decoder, 7);
    assert.deepEqual(figure.values, softmaxPattern.slice(7 * tokens, 7 * tokens + 6));
    const outside = softmaxPattern[7 * tokens + 6]! + softmaxPattern[7 * tokens + 7]!;
    assert.ok(figure.shows.includes(`${formatNumber(outside)} of its weight`), figure.shows);
  });

  it('goes over the tokens of a text, with what the mask hides left empty', () => {
    const named = { ...text, tokenNames: Array.from('abcdefgh', (letter, i) => `${i} "${letter}"`) };
    const [softmax] = patterns(named, { causal: true, window: null, scale: null });
    const figure = queryFigure(softmax, named, 2);
    assert.deepEqual([figure.rows, figure.columns, figure.columnLabels], [1, tokens, named.tokenNames]);
    assert.deepEqual(
      [...figure.values],
      [...softmaxPattern.slice(2 * tokens, 2 * tokens + 3), ...Array<number>(5).fill(NaN)],
    );
    assert.equal(figure.title, 'Attention pattern, softmax: query 2 "c"');
    for (const part of [`Equal weights would be ${formatNumber(1 / 3)}`, '5 keys are masked', 'on key 2 "c"'])
      assert.ok(figure.shows.includes(part), `${part} in ${figure.shows}`);
  });

  it('has 0 in the middle for a difference, and speaks of no share of weight there', () => {
    const difference = patterns(picture)[2]!;
    const figure = queryFigure(difference, picture, 3);
    assert.equal(figure.palette, 'diverging');
    assert.equal(figure.domain[0], -figure.domain[1]);
    assert.doesNotMatch(figure.shows, /Equal weights|no patches/);
  });

  it('stands where a row has no number at all', () => {
    const [softmax] = patterns(text);
    const figure = queryFigure({ ...softmax, values: new Float32Array(tokens * tokens).fill(NaN) }, text, 0);
    assert.deepEqual(figure.domain, [0, 1]);
    assert.match(figure.shows, /no number in this row.*8 keys are not measured/);
  });
});
