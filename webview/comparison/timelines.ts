// Three runs and more: the chosen metric of every head over the runs, of the selected head as a line, and which heads
// wander farthest.

import * as l10n from '@vscode/l10n';
import type { Comparison } from '../../src/comparison/comparison';
import { headTimeline, timelineFigure } from '../../src/comparison/comparisonFigures';
import type { FigureCalls, HeadAddress } from '../../src/protocol/messages';
import { fill, h } from '../ui/dom';
import { FigureView } from '../ui/figureView';
import { TimelineList } from './timelineList';

/** From here on there is something between the first run and the last. */
const fewestRuns = 3;
/** CSS pixels of a row, and of what stands around the rows. */
const rowHeight = 14;
const frameHeight = 90;

export class Timelines {
  readonly element = h('section', { class: 'timelines' });
  private readonly figures = h('div', { class: 'figures' });
  private all: FigureView | null = null;
  private one: FigureView | null = null;
  private rows: readonly HeadAddress[] = [];
  private readonly list: TimelineList;

  constructor(
    private readonly select: (address: HeadAddress) => void,
    private readonly calls: FigureCalls,
    private readonly openInReport: (figure: string) => void,
  ) {
    this.list = new TimelineList(select);
    fill(this.element, h('h2', {}, l10n.t('Timeline')), this.figures, this.list.element);
  }

  show(comparison: Comparison, metric: string, selected: HeadAddress | null): void {
    this.element.hidden = comparison.runs.length < fewestRuns;
    if (this.element.hidden) return;
    this.list.show(comparison, metric, selected);
    this.rows = comparison.layers.flatMap(({ index, heads }) =>
      heads.map((head) => ({ layer: index, head: head.index })),
    );
    const figure = timelineFigure(comparison, metric);
    const { calls, openInReport } = this;
    if (this.all === null) {
      this.all = new FigureView(figure, {
        height: (width) => Math.max(200, Math.min(frameHeight + this.rows.length * rowHeight, 2 * width)),
        calls,
        openInReport,
        onPick: (cursor) => {
          const head = cursor.kind === 'heatmap' ? this.rows[cursor.row] : undefined;
          if (head !== undefined) this.select(head);
        },
      });
    } else this.all.update(figure);
    const row = this.rows.findIndex(({ layer, head }) => layer === selected?.layer && head === selected.head);
    this.all.choose(row < 0 ? null : { kind: 'heatmap', row, column: figure.columns - 1 });
    const { layer, head } = this.rows[Math.max(0, row)]!;
    const line = headTimeline(comparison, metric, layer, head);
    if (this.one === null)
      this.one = new FigureView(line, { height: (width) => Math.min(300, width), words: 'short', calls });
    else this.one.update(line);
    if (this.figures.children.length === 0) fill(this.figures, this.all.element, this.one.element);
  }

  redraw(): void {
    this.all?.drawSoon();
    this.one?.drawSoon();
  }
}
