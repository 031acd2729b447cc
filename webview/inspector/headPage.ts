// One head: its verdict with the nulls beside it, and every picture of it.

import * as l10n from '@vscode/l10n';
import type { HeadResult } from '../../src/diagnostics/headResult';
import type { KeptHead } from '../../src/inspection/traceStore';
import type { HeadAddress, InputPicture, SessionSnapshot } from '../../src/protocol/messages';
import type { Figure, HeatmapFigure } from '../../src/report/figures/figure';
import { headFigures, type HeadContext } from '../../src/report/figures/headFigures';
import type { HeadPictures } from '../../src/report/figures/patternCells';
import { headTables } from '../../src/report/headTables';
import { tokenNames } from '../../src/report/figures/tokenAxis';
import { verdictText } from '../../src/report/format';
import { headTitle, layerSizes } from '../../src/report/layerLabel';
import { firstAloneText } from '../../src/report/overInputs';
import { sharedKeysText } from '../../src/report/sharedHeads';
import type { CellWindow } from '../charts/cellWindow';
import type { Cursor } from '../charts/cursor';
import { fill, h, refill } from '../ui/dom';
import { afterDrawing } from '../ui/drawQueue';
import { FigureView } from '../ui/figureView';
import { placeInOrder } from '../ui/placeInOrder';
import type { HostLine } from '../ui/host';
import { inputsText } from '../ui/inputsText';
import { alignmentTable, textTable } from './headTextTables';
import type { Laboratory } from './laboratory';
import type { PictureWorker } from './pictureWorker';
import { QueryRows, type PatternRow } from './queryRows';
import { button, iconButton } from '../ui/toolkit';

/** Its rows are queries. */
function isPattern(figure: Figure): figure is HeatmapFigure {
  return figure.kind === 'heatmap' && figure.id.startsWith('pattern-');
}

export class HeadPage {
  private readonly heading = h('h1', { attributes: { tabindex: '-1' } });
  private readonly words = h('div');
  private readonly patterns = h('div', { class: 'figures' });
  private readonly rows: QueryRows;
  private readonly figures = h('div', { class: 'figures' });
  private readonly tables = h('div');
  /** Navigation and figures stay in place from head to head: a button that is pressed must not lose the focus. */
  readonly element: HTMLElement;
  private readonly views = new Map<string, FigureView>();
  private address: HeadAddress | null = null;
  private readonly openInReport = (figure: string): void => void this.host.openInReport(this.address, figure);
  private made: {
    readonly head: HeadResult;
    readonly pictures: HeadPictures | null;
    readonly context: string;
    readonly figures: readonly Figure[];
  } | null = null;
  /** Whose numbers the tables show now. */
  private tabled: HeadResult | undefined;
  private readonly fillTables = (): void => {
    refill(this.tables, ...(this.tabled === undefined ? [] : headTables(this.tabled).map(textTable)));
    // Whose they are: they come later than its name.
    const { tabled, address } = this;
    this.tables.dataset['head'] = tabled === undefined || address === null ? '' : `${address.layer} ${address.head}`;
  };
  /** Figures that are to be below the patterns, by id in their order. */
  private below: ReadonlyMap<string, Figure> = new Map();
  /** Figures that their views show now, or soon. */
  private placed: ReadonlySet<Figure> = new Set();
  private shownPatterns: readonly HeatmapFigure[] = [];
  /** Part of the patterns that is on show, of all of them alike; null: the whole. */
  private window: CellWindow | null = null;
  private shown: { readonly key: string; pictures: HeadPictures | null; problem: string | null } | null = null;
  /** The head as the page asked for it, of what it is, and what was there before it came. */
  private whole: { readonly listed: HeadResult; readonly at: HeadAddress; head: HeadResult | null } | null = null;
  private kept: { readonly key: string; readonly head: Promise<KeptHead> } | null = null;
  /** Goes that many heads on, round the model. */
  private go: (step: number) => void = () => undefined;

  constructor(
    private readonly host: HostLine['host'],
    private readonly worker: PictureWorker,
    private readonly laboratory: Laboratory,
  ) {
    this.rows = new QueryRows(host);
    this.rows.onPins = () => {
      for (const [id, view] of this.views) view.markRows(this.rows.pinned(id));
    };
    const patterns = h('div', { class: 'patterns' }, this.patterns, this.rows.element);
    this.element = h('div', {}, this.navigation(), this.words, patterns, this.figures, laboratory.element, this.tables);
    this.reset();
  }

  /** The patterns are there, or why there are none. */
  get complete(): boolean {
    const { shown, whole } = this;
    return shown !== null && (shown.problem !== null || (shown.pictures !== null && whole?.head !== null));
  }

  /** A new run: numbers and pictures of the old one go. */
  reset(): void {
    this.shown = null;
    this.kept = null;
    this.whole = null;
    this.clear();
    this.rows.reset();
    this.window = null;
    fill(this.words);
    fill(this.tables);
    this.tabled = undefined;
    this.laboratory.reset();
  }

  show(state: SessionSnapshot, address: HeadAddress): void {
    this.address = address;
    this.heading.textContent = headTitle(state.model, address.layer, address.head);
    this.go = (step) => {
      const heads = state.model?.heads ?? 1;
      const count = (state.model?.layers ?? 1) * heads;
      const next = (address.layer * heads + address.head + step + count) % count;
      void this.host.selectHead({ layer: Math.floor(next / heads), head: next % heads }, false);
    };
    const listed = state.layers
      .find((layer) => layer.index === address.layer)
      ?.heads.find((one) => one.index === address.head);
    const key = `${state.title}/${address.layer}/${address.head}/${state.provenance === null ? 'running' : 'done'}`;
    if (this.shown?.key !== key) {
      this.shown = { key, pictures: null, problem: null };
      this.clear();
      if (state.phase === 'done') this.loadPictures(key, address);
    }
    const head = listed === undefined ? undefined : this.wholeHead(listed, address);
    if (head === null) {
      const { problem } = this.shown;
      refill(this.words, problem === null ? null : h('p', { class: 'message failed' }, problem));
      this.tabled = undefined;
      this.fillTables();
      return;
    }
    if (head !== this.tabled) {
      this.tabled = head;
      // In a task of their own, and not behind twenty figures.
      setTimeout(this.fillTables);
    }
    const { model } = state;
    if (head === undefined || model === null) {
      this.laboratory.show(null);
      const running = state.phase === 'running';
      fill(
        this.words,
        h(
          'p',
          {},
          running
            ? l10n.t('This head has not been reached yet; it appears here when its layer is done.')
            : l10n.t('This head was not inspected in this run.'),
        ),
      );
      return;
    }
    const context = {
      layer: address.layer,
      ...layerSizes(model, address.layer),
      grid: model.grid,
      trainedWith: model.attention,
      tokenNames: tokenNames({ ...model, ...layerSizes(model, address.layer) }, state.provenance?.inputs[0] ?? null),
    };
    const { phase, inspection, provenance } = state;
    this.laboratory.show(
      phase !== 'done' || provenance === null
        ? null
        : {
            key: `${inspection ?? ''}/${address.layer}/${address.head}`,
            address,
            kept: () => this.keptHead(key, address),
            layerHeads: state.layers.find(({ index }) => index === address.layer)?.heads.map((one) => one.index) ?? [],
            result: head,
            context,
            seed: provenance.seed,
            noise: provenance.noise,
          },
    );
    const shared = sharedKeysText(model, head.kvHead);
    const running = inputsText(state);
    const several = running === '' ? firstAloneText(head, provenance?.inputs[0]?.label) : running;
    const pending = this.shown.pictures === null && state.phase === 'running';
    refill(
      this.words,
      h('p', { class: 'verdict' }, h('strong', {}, `${l10n.t('Verdict:')} `), verdictText(head)),
      several === null ? null : h('p', { class: 'quiet' }, several),
      shared === null ? null : h('p', { class: 'quiet' }, shared),
      alignmentTable(head),
      h(
        'p',
        { class: 'quiet' },
        l10n.t(
          'random and permuted are easy to beat, because keys and values are linear maps of the same tokens; only the untrained twins and the other heads speak for something learned.',
        ),
      ),
      pending
        ? h('p', { class: 'quiet' }, l10n.t('Attention patterns can be drawn when the inspection is finished.'))
        : null,
      this.shown.problem === null ? null : h('p', { class: 'message failed' }, this.shown.problem),
    );
    this.showFigures(this.figuresOf(head, context, this.shown.pictures), context, state.picture);
  }

  /** Those of before while head and patterns are: patterns of thousands of tokens are not scanned again at every drawing. */
  private figuresOf(head: HeadResult, context: HeadContext, pictures: HeadPictures | null): readonly Figure[] {
    const { made } = this;
    if (made?.head === head && made.pictures === pictures && made.context === JSON.stringify(context))
      return made.figures;
    const figures = headFigures(head, context, pictures);
    this.made = { head, pictures, context: JSON.stringify(context), figures };
    return figures;
  }

  /** The patterns at once, the figures below them one after the other in later frames. */
  private showFigures(figures: readonly Figure[], context: HeadContext, picture: InputPicture | null): void {
    const patterns = figures.filter(isPattern);
    const below = figures.filter((figure) => !isPattern(figure));
    this.below = new Map(below.map((figure) => [figure.id, figure]));
    for (const [id, view] of this.views) {
      if (this.below.has(id) || patterns.some((figure) => figure.id === id)) continue;
      view.element.remove();
      this.views.delete(id);
    }
    for (const figure of below) {
      if (this.placed.has(figure)) continue;
      afterDrawing(() => {
        // Another may have come in its place.
        if (this.below.get(figure.id) === figure) this.showBelow(figure);
      });
    }
    for (const figure of patterns) {
      const view = this.views.get(figure.id);
      if (view === undefined) this.views.set(figure.id, this.figureView(figure));
      else if (!this.placed.has(figure)) view.updateSoon(figure);
    }
    this.placed = new Set(figures);
    this.shownPatterns = patterns;
    for (const { id } of patterns) this.views.get(id)?.showWindow(this.window);
    const order = patterns.map(({ id }) => this.views.get(id)!.element);
    if (order.length !== this.patterns.children.length || order.some((one, i) => one !== this.patterns.children[i]))
      fill(this.patterns, ...order);
    this.rows.show(patterns, context, picture);
    this.rows.onPins();
  }

  private showBelow(figure: Figure): void {
    const known = this.views.get(figure.id);
    if (known !== undefined) {
      known.updateSoon(figure);
      return;
    }
    const view = this.figureView(figure);
    this.views.set(figure.id, view);
    placeInOrder(this.figures, figure.id, [...this.below.keys()], this.views);
  }

  private figureView(figure: Figure): FigureView {
    const { host: calls, openInReport, rows } = this;
    if (figure.kind === 'lines')
      return new FigureView(figure, { height: (width) => Math.min(width * 0.62, 340), calls, openInReport });
    const height = (width: number): number => Math.min(width * 0.86, 520);
    if (!isPattern(figure)) return new FigureView(figure, { height, calls, openInReport });
    const rowAt = (cursor: Cursor): PatternRow | null =>
      cursor.kind === 'heatmap' ? { pattern: figure.id, query: cursor.row } : null;
    return new FigureView(figure, {
      height,
      calls,
      openInReport,
      onCursor: (cursor) => {
        const row = cursor === null ? null : rowAt(cursor);
        if (row !== null) rows.point(row);
      },
      onPick: (cursor) => {
        const row = rowAt(cursor);
        if (row !== null) rows.toggle(row);
      },
      onZoom: (window) => {
        this.window = window;
        for (const { id } of this.shownPatterns) this.views.get(id)?.showWindow(window);
      },
    });
  }

  private clear(): void {
    this.views.clear();
    this.made = null;
    this.placed = new Set();
    this.below = new Map();
    fill(this.patterns);
    fill(this.figures);
  }

  /** Where reading begins. */
  focus(): void {
    this.heading.focus({ preventScroll: true });
  }

  redraw(): void {
    for (const view of this.views.values()) view.drawSoon();
    this.rows.redraw();
    this.laboratory.redraw();
  }

  /** With its lists, which the host has; null until they are there, numbers of a moment ago where there are such. */
  private wholeHead(listed: HeadResult, address: HeadAddress): HeadResult | null {
    const { whole } = this;
    if (whole?.listed === listed) return whole.head;
    const isSame = whole?.at.layer === address.layer && whole.at.head === address.head;
    const asked = { listed, at: address, head: isSame ? whole.head : null };
    this.whole = asked;
    this.host.getHead(address).then(
      (head) => {
        if (this.whole !== asked) return;
        asked.head = head;
        this.onNews();
      },
      (error: unknown) => {
        if (this.whole !== asked || this.shown === null) return;
        this.shown.problem = l10n.t(
          'The numbers of this head cannot be read: {0}',
          error instanceof Error ? error.message : String(error),
        );
        this.onNews();
      },
    );
    return asked.head;
  }

  /** Asked of the host once a head. */
  private keptHead(key: string, address: HeadAddress): Promise<KeptHead> {
    if (this.kept?.key !== key) this.kept = { key, head: this.host.getKeptHead(address) };
    return this.kept.head;
  }

  private loadPictures(key: string, address: HeadAddress): void {
    const computed = this.keptHead(key, address).then((kept) => {
      if (this.shown?.key !== key) throw new Error('another head is on show');
      return this.worker.pictures(kept);
    });
    computed.then(
      (pictures) => {
        if (this.shown?.key !== key) return;
        this.shown.pictures = pictures;
        this.onNews();
      },
      (error: unknown) => {
        if (this.shown?.key !== key) return;
        this.shown.problem = l10n.t(
          'The attention patterns cannot be drawn: {0}. Run the inspection again to see them.',
          error instanceof Error ? error.message : String(error),
        );
        this.onNews();
      },
    );
  }

  /** Set by the page: draws this head again with what has come. */
  onNews: () => void = () => undefined;

  private navigation(): HTMLElement {
    return h(
      'div',
      { class: 'head-nav' },
      button(l10n.t('Overview'), () => void this.host.selectHead(null, false), { icon: 'arrow-left' }),
      this.heading,
      iconButton('chevron-left', l10n.t('Previous head'), () => {
        this.go(-1);
      }),
      iconButton('chevron-right', l10n.t('Next head'), () => {
        this.go(1);
      }),
    );
  }
}
