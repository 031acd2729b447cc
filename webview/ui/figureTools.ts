// The buttons of a figure: copy or save it as picture, drawing or numbers, and go to its place in the report.

import * as l10n from '@vscode/l10n';
import type { FigureCalls } from '../../src/protocol/messages';
import type { Figure } from '../../src/report/figures/figure';
import type { CellWindow } from '../charts/cellWindow';
import { csvPieces } from '../charts/toCsv';
import { fill, h } from './dom';
import { figurePng, figureSvg } from './figurePicture';
import { menuButton } from './menu';
import { inSlices } from './slices';
import { iconButton } from './toolkit';

/** Characters beyond which no clipboard is asked: a spreadsheet would take a minute for them. */
const maxCopied = 16 * 1024 * 1024;
/** What one message to the extension host carries, characters. */
const messageLength = 4 * 1024 * 1024;
/** How long a confirmation stays, milliseconds. */
const saidMs = 5000;

/** What is on show: of a heatmap the part that is zoomed into; its numbers are always all of them. */
export interface OnShow {
  readonly figure: Figure;
  readonly window: CellWindow | undefined;
}

export class FigureTools {
  readonly element = h('div', { class: 'figure-actions' });
  private readonly said = h('span', { class: 'said', attributes: { role: 'status' } });
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `openInReport`: absent where the report has no such figure. */
  constructor(
    private readonly calls: FigureCalls,
    private readonly onShow: () => OnShow,
    private readonly openInReport: ((figure: string) => void) | undefined,
  ) {}

  /** Makes the buttons, which are not seen before the pointer or the keyboard comes. `first`: of the figure's own, before these. */
  make(first: HTMLElement): void {
    const { openInReport } = this;
    const formats = { png: l10n.t('PNG, a picture'), svg: l10n.t('SVG, a drawing'), csv: l10n.t('CSV, the numbers') };
    const item = (label: string, work: () => Promise<string>): { label: string; run: () => void } => ({
      label,
      run: () => void this.tell(work),
    });
    fill(
      this.element,
      this.said,
      first,
      menuButton('copy', l10n.t('Copy'), [
        item(formats.png, () => this.copyPng()),
        item(formats.svg, () => this.copySvg()),
        item(formats.csv, () => this.copyCsv()),
      ]),
      menuButton('save', l10n.t('Save'), [
        item(formats.png, () => this.savePng()),
        item(formats.svg, () => this.saveSvg()),
        item(formats.csv, () => this.saveCsv()),
      ]),
      openInReport === undefined ? null : this.reportButton(openInReport),
    );
  }

  private reportButton(openInReport: (figure: string) => void): HTMLElement {
    const button = iconButton('book', l10n.t('Open in report'), () => {
      openInReport(this.onShow().figure.id);
    });
    button.classList.add('to-report');
    return button;
  }

  /** Says how the work ended; a failure stays until something else is said. */
  private async tell(work: () => Promise<string>): Promise<void> {
    this.say('');
    try {
      this.say(await work(), saidMs);
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
  }

  private say(text: string, forMs?: number): void {
    clearTimeout(this.timer);
    this.said.textContent = text;
    if (forMs !== undefined) {
      this.timer = setTimeout(() => {
        this.say('');
      }, forMs);
    }
  }

  private async copyPng(): Promise<string> {
    const { figure, window } = this.onShow();
    try {
      // The picture is handed over as a promise: a browser that waited for it would forget the press on the button.
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': figurePng(figure, window) })]);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(l10n.t('The editor does not let the picture be copied ({0}). Save it as PNG instead.', why));
    }
    return l10n.t('Copied as PNG.');
  }

  private async copySvg(): Promise<string> {
    const { figure, window } = this.onShow();
    await this.calls.copyText(await figureSvg(figure, window));
    return l10n.t('Copied as SVG.');
  }

  private async copyCsv(): Promise<string> {
    const { figure } = this.onShow();
    const pieces: string[] = [];
    let length = 0;
    const whole = await inSlices(csvPieces(figure), (piece) => {
      pieces.push(piece);
      length += piece.length;
      return length <= maxCopied;
    });
    if (!whole) throw new Error(l10n.t('The table is too long for the clipboard. Save it as CSV instead.'));
    await this.calls.copyText(pieces.join(''));
    return l10n.t('Copied as CSV.');
  }

  private async savePng(): Promise<string> {
    const { figure, window } = this.onShow();
    const saved = await this.save(`${figure.id}.png`, async (write) => {
      await write(new Uint8Array(await (await figurePng(figure, window)).arrayBuffer()));
    });
    return saved ? l10n.t('Saved as PNG.') : '';
  }

  private async saveSvg(): Promise<string> {
    const { figure, window } = this.onShow();
    const saved = await this.save(`${figure.id}.svg`, async (write) => {
      await write(new TextEncoder().encode(await figureSvg(figure, window)));
    });
    return saved ? l10n.t('Saved as SVG.') : '';
  }

  private async saveCsv(): Promise<string> {
    const { figure } = this.onShow();
    const saved = await this.save(`${figure.id}.csv`, async (write) => {
      const pieces = csvPieces(figure);
      for (let isWhole = false; !isWhole;) {
        const parts: string[] = [];
        let length = 0;
        isWhole = await inSlices(pieces, (piece) => {
          parts.push(piece);
          length += piece.length;
          return length < messageLength;
        });
        await write(new TextEncoder().encode(parts.join('')));
        if (!isWhole) this.say(l10n.t('Writing the CSV…'));
      }
    });
    return saved ? l10n.t('Saved as CSV.') : '';
  }

  /** Asks where first, so that nothing is made for nobody; false: the person left. */
  private async save(
    name: string,
    make: (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
  ): Promise<boolean> {
    const file = await this.calls.openFigureFile(name);
    if (file === null) return false;
    let whole = false;
    try {
      await make((bytes) => this.calls.writeFigureFile(file, bytes));
      whole = true;
    } finally {
      await this.calls.closeFigureFile(file, whole);
    }
    return true;
  }
}
