// A figure as a drawing (SVG) and as a picture (PNG), made in slices where its cells are millions.

import type { Figure, HeatmapFigure } from '../../src/report/figures/figure';
import { wholeWindow, type CellWindow } from '../charts/cellWindow';
import { drawLines } from '../charts/drawLines';
import { heatmapSvgAround, maxPngSide, packedColours, pngDataUri, pooledPixels } from '../charts/heatmapImage';
import { CellPooling } from '../charts/poolCells';
import type { ChartTheme, Size } from '../charts/theme';
import { h } from './dom';
import { inSlices } from './slices';
import { readTheme } from './theme';

const exportSize: Size = { width: 720, height: 440 };
/** For talks. */
const pngScale = 2;

/** Of a heatmap the cells of `window`, as it is on show. */
export async function figureSvg(figure: Figure, window?: CellWindow): Promise<string> {
  const theme = readTheme();
  return figure.kind === 'lines'
    ? drawLines(figure, exportSize, theme)
    : await heatmapDrawing(figure, theme, window ?? wholeWindow(figure));
}

async function heatmapDrawing(figure: HeatmapFigure, theme: ChartTheme, window: CellWindow): Promise<string> {
  const pooling = new CellPooling(figure, window, [maxPngSide, maxPngSide]);
  const canvas = h('canvas') as HTMLCanvasElement;
  canvas.width = pooling.width;
  canvas.height = pooling.height;
  const context = canvas.getContext('2d')!;
  const colours = packedColours(figure, theme);
  await inSlices(bands(pooling), (from) => {
    const { width, height, rgba } = pooledPixels(pooling, colours, from);
    context.putImageData(new ImageData(rgba, width, height), 0, from);
    return true;
  });
  const bytes = await (await pngOf(canvas)).arrayBuffer();
  return heatmapSvgAround(figure, exportSize, theme, window, {
    block: pooling.block,
    href: pngDataUri(new Uint8Array(bytes)),
  });
}

/** First row of each band that has just been pooled. */
function* bands(pooling: CellPooling): Generator<number> {
  while (!pooling.isDone) {
    const from = pooling.done;
    pooling.step();
    yield from;
  }
}

function pngOf(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Error('the browser made no picture'));
      else resolve(blob);
    }, 'image/png');
  });
}

/** The same as PNG, two dots a CSS pixel. */
export async function figurePng(figure: Figure, window?: CellWindow): Promise<Blob> {
  const svg = await figureSvg(figure, window);
  const picture = new Image();
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    picture.src = url;
    await picture.decode();
    const canvas = h('canvas') as HTMLCanvasElement;
    canvas.width = pngScale * exportSize.width;
    canvas.height = pngScale * exportSize.height;
    canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    return await pngOf(canvas);
  } finally {
    URL.revokeObjectURL(url);
  }
}
