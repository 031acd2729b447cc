// The input picture on a page, as the network sees it, with a frame around one of its patches where wanted.

import * as l10n from '@vscode/l10n';
import type { InputPicture } from '../../src/protocol/messages';
import { h } from '../ui/dom';

function pictureCanvas(picture: InputPicture): HTMLElement {
  const canvas = h('canvas', {
    class: 'input-picture',
    attributes: { role: 'img', 'aria-label': l10n.t('The input picture, as the network sees it') },
  }) as HTMLCanvasElement;
  canvas.width = picture.width;
  canvas.height = picture.height;
  const pixels = new ImageData(new Uint8ClampedArray(picture.rgba), picture.width, picture.height);
  canvas.getContext('2d')?.putImageData(pixels, 0, 0);
  return canvas;
}

export interface PicturePatch {
  readonly row: number;
  readonly column: number;
  /** Rows and columns of patches. */
  readonly grid: readonly [number, number];
}

export interface PictureView {
  readonly element: HTMLElement;
  /** Frames a patch; null: none. */
  frame(patch: PicturePatch | null): void;
}

export function inputPicture(picture: InputPicture): PictureView {
  const box = h('div', { class: 'patch-frame', attributes: { hidden: '' } });
  return {
    element: h('div', { class: 'framed-picture' }, pictureCanvas(picture), box),
    frame: (patch) => {
      box.hidden = patch === null;
      if (patch === null) return;
      const [rows, columns] = patch.grid;
      box.style.left = `${(100 * patch.column) / columns}%`;
      box.style.top = `${(100 * patch.row) / rows}%`;
      box.style.width = `${100 / columns}%`;
      box.style.height = `${100 / rows}%`;
    },
  };
}
