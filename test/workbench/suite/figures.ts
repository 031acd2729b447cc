// What can be seen of a figure on one of our pages, and where to point at in it.
import { inFrame, outer, until } from '../outer';

interface CellGrid {
  rows: number;
  columns: number;
}

/** Colours "r,g,b,a" of a heatmap's cells, row-major; alpha 0: not measured. Empty while the figure is not there. */
export function cellColours(inside: string, figure: string, grid: CellGrid): Promise<string[]> {
  return inFrame(
    inside,
    ([id, rows, columns]: [string, number, number]) => {
      const canvas = document.querySelector<HTMLCanvasElement>(`[data-figure="${id}"] canvas`);
      const context = canvas?.getContext('2d');
      if (!canvas || !context || canvas.hidden) return [];
      return Array.from({ length: rows * columns }, (_, cell) => {
        const x = Math.floor(((cell % columns) + 0.5) * (canvas.width / columns));
        const y = Math.floor((Math.floor(cell / columns) + 0.5) * (canvas.height / rows));
        return context.getImageData(x, y, 1, 1).data.join();
      });
    },
    [figure, grid.rows, grid.columns],
  );
}

/** Waits until every cell is painted; answers their colours. */
export async function paintedCells(inside: string, figure: string, grid: CellGrid): Promise<string[]> {
  return until(`${grid.rows * grid.columns} painted cells of ${figure}`, async () => {
    const colours = await cellColours(inside, figure, grid);
    return colours.length > 0 && colours.every((colour) => colour.endsWith(',255')) ? colours : undefined;
  });
}

/** Middle of a cell, relative to the figure's stage. */
export function cellPosition(
  inside: string,
  figure: string,
  grid: CellGrid,
  row: number,
  column: number,
): Promise<{ x: number; y: number }> {
  return inFrame(
    inside,
    ([id, rows, columns, i, j]: [string, number, number, number, number]) => {
      const canvas = document.querySelector<HTMLElement>(`[data-figure="${id}"] canvas`)!;
      const stage = canvas.parentElement!.getBoundingClientRect();
      const box = canvas.getBoundingClientRect();
      return {
        x: box.left - stage.left + ((j + 0.5) * box.width) / columns,
        y: box.top - stage.top + ((i + 0.5) * box.height) / rows,
      };
    },
    [figure, grid.rows, grid.columns, row, column],
  );
}

/** Text of the tooltip, '' when it is hidden. */
export function tooltip(inside: string, figure: string): Promise<string> {
  return inFrame(
    inside,
    (id: string) => {
      const element = document.querySelector<HTMLElement>(`[data-figure="${id}"] .tooltip`);
      return element === null || element.hidden ? '' : element.innerText;
    },
    figure,
  );
}

/** Waits for the heading of the inspector page. */
export async function headingShown(inside: string, words: string): Promise<void> {
  await outer('waitFor', { inside, selector: `.head-nav h1:text-is(${JSON.stringify(words)})` });
}
