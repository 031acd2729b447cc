// One head in the inspector tab: every figure, its words, and the patterns that are fetched from the finished run.
import { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { inFrame, outer, until } from '../outer';
import { gramlens, heads, inspectorPage, layers, quick, rpcSample, runSample, withSettings } from './drive';
import { cellPosition, headingShown, paintedCells } from './figures';

const figures = [
  'pattern-softmax',
  'pattern-rpc',
  'pattern-difference',
  'pattern-scores',
  'class-map',
  'tensor-k',
  'tensor-v',
  'tensor-out',
  'weights',
  'spectrum',
  'directions-theory',
  'angles-theory',
  'directions-plain',
  'angles-plain',
  'gamma-residual',
  'gamma-pairs',
  'rpc',
  'noise-token_gauss',
  'noise-key_gauss',
  'noise-key_sparse',
];
const grid = { rows: layers, columns: heads };

interface FigureWords {
  id: string;
  name: string;
  shows: string;
  caution: string;
  drawn: number;
}

function figureWords(): Promise<FigureWords[]> {
  return inFrame(inspectorPage, () =>
    // Those of the overview are on the page, too, out of sight.
    [...document.querySelectorAll<HTMLElement>('.figure')]
      .filter((figure) => figure.checkVisibility())
      .map((figure) => ({
        id: figure.dataset['figure'] ?? '',
        name: figure.querySelector('.stage')?.getAttribute('aria-label') ?? '',
        shows: figure.querySelector('.shows')?.textContent ?? '',
        caution: figure.querySelector('.caution')?.textContent ?? '',
        drawn: figure.querySelectorAll('.frame svg *').length,
      })),
  );
}

describe('the head page', () => {
  let restore: () => Promise<void>;
  before(async () => {
    restore = await withSettings(quick);
    await runSample(rpcSample);
  });
  after(async () => {
    await restore();
  });

  it('opens from a cell of the overview', async () => {
    const figure = 'overview-alignment.theory.overlap';
    await paintedCells(inspectorPage, figure, grid);
    const position = await cellPosition(inspectorPage, figure, grid, 1, 2);
    await outer('click', { inside: inspectorPage, selector: `[data-figure="${figure}"] .stage`, position });
    await headingShown(inspectorPage, 'Layer 1, head 2');
  });

  it('has every figure, each with its words', async () => {
    const shown = await until('the patterns', async () => {
      const words = await figureWords();
      // A few are drawn a frame.
      const drawn = words.every((figure) => figure.drawn > 5);
      return drawn && words.some(({ id }) => id === 'pattern-softmax') ? words : undefined;
    });
    assert.deepEqual(
      shown.map(({ id }) => id),
      figures,
    );
    for (const { id, name, shows, caution, drawn } of shown) {
      assert.ok(name.length > 20 && shows.length > 20, `${id} says what it shows: ${shows}`);
      assert.match(caution, /^What it does not prove: .{20}/, id);
      assert.ok(drawn > 5, `${id} has axes and marks, not ${drawn} elements`);
    }
  });

  it('draws the patterns of softmax, RPC and their difference', async () => {
    const tokens = (await gramlens()).snapshot().model!.tokens;
    const colours = new Map<string, string[]>();
    for (const id of ['pattern-softmax', 'pattern-rpc', 'pattern-difference']) {
      const painted = await paintedCells(inspectorPage, id, { rows: tokens, columns: tokens });
      assert.ok(new Set(painted).size > 10, `${id} has ${new Set(painted).size} colours`);
      colours.set(id, painted);
    }
    assert.notDeepEqual(colours.get('pattern-softmax'), colours.get('pattern-rpc'));
  });

  it('says the verdict with every null beside the measured number', async () => {
    const text = await outer('text', { inside: inspectorPage, selector: 'body' });
    for (const words of ['chance level', 'random V', 'permuted tokens', 'untrained twins', 'among the heads'])
      assert.ok(text.includes(words), words);
    const { overlap } = (await gramlens()).snapshot().layers[1]!.heads[2]!.alignment.theory;
    const row = await outer('text', { inside: inspectorPage, selector: 'tr:has(th:text-is("theory overlap"))' });
    const measured = Number(/[\d.]+/.exec(row)?.[0]);
    assert.ok(Math.abs(measured - overlap!) < 5e-3, `the table says ${measured}, the result ${String(overlap)}`);
  });

  it('goes from head to head by its buttons, and back to the overview', async () => {
    await outer('click', { inside: inspectorPage, selector: 'vscode-button[aria-label="Next head"]' });
    await headingShown(inspectorPage, 'Layer 1, head 3');
    await outer('click', { inside: inspectorPage, selector: 'vscode-button[aria-label="Next head"]' });
    await headingShown(inspectorPage, 'Layer 2, head 0');
    await outer('click', { inside: inspectorPage, selector: 'vscode-button[aria-label="Previous head"]' });
    await headingShown(inspectorPage, 'Layer 1, head 3');
    await outer('click', { inside: inspectorPage, selector: 'vscode-button:has-text("Overview")' });
    await outer('waitFor', { inside: inspectorPage, selector: '.card' });
    assert.equal((await gramlens()).snapshot().selected, null);
  });
});
