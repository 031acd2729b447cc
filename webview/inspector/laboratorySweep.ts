// The sweep of the RPC laboratory: clean gap and noise gain over lambda and iterations, row by row, until it is whole or
// stopped. A cell that is chosen sets the knobs.

import * as l10n from '@vscode/l10n';
import type { FigureCalls } from '../../src/protocol/messages';
import type { NoiseKind, RpcSweepNumbers } from '../../src/diagnostics/headResult';
import { labNoiseKinds, tokenGaussReason, type RpcLabSettings } from '../../src/inspection/rpcLab';
import { noiseNames } from '../../src/report/format';
import type { HeadContext } from '../../src/report/figures/headFigures';
import { rpcSweepFigures } from '../../src/report/figures/rpcSweepFigures';
import { fill, h } from '../ui/dom';
import { FigureView } from '../ui/figureView';
import { button, dropdown } from '../ui/toolkit';

/** Asked of whoever has the head: runs the sweep, telling what is known after each row; null: it was stopped. */
export type RunSweep = (noise: NoiseKind, onKnown: (known: RpcSweepNumbers) => void) => Promise<RpcSweepNumbers | null>;

export class LaboratorySweep {
  readonly element: HTMLElement;
  private readonly figures = h('div', { class: 'figures' });
  private readonly status = h('p', { class: 'quiet', attributes: { role: 'status' } });
  private readonly views = new Map<string, FigureView>();
  private readonly start = button(l10n.t('Fill the sweep'), () => void this.run(), { icon: 'play', primary: true });
  private readonly stop = button(l10n.t('Stop'), () => {
    this.onStop();
    this.ended(l10n.t('Stopped; what was measured stays.'));
  });
  private readonly kinds = dropdown(l10n.t('Noise of the sweep'), (value) => {
    this.noise = labNoiseKinds.find((kind) => kind === value) ?? this.noise;
  });
  private noise: NoiseKind = 'key_gauss';
  private known: RpcSweepNumbers | null = null;
  private chosen: RpcLabSettings | null = null;
  private context: HeadContext | null = null;

  constructor(
    private readonly runSweep: RunSweep,
    private readonly onStop: () => void,
    private readonly onPick: (lambda: number, iterations: number) => void,
    private readonly calls: FigureCalls,
  ) {
    this.stop.hidden = true;
    this.kinds.set(
      labNoiseKinds.map((kind) => ({ value: kind, label: noiseNames[kind] })),
      this.noise,
    );
    this.element = h(
      'div',
      { class: 'sweep' },
      h('h3', {}, l10n.t('Sweep over λ and n')),
      h('div', { class: 'knob-row' }, this.kinds.element, this.start, this.stop),
      h(
        'p',
        { class: 'quiet' },
        `${l10n.t('Click a cell, or press Enter on it, to set λ and n.')} ${tokenGaussReason}`,
      ),
      this.status,
      this.figures,
    );
  }

  /** Another head: what was measured of the last one goes. */
  reset(context: HeadContext | null): void {
    this.context = context;
    this.known = null;
    this.views.clear();
    fill(this.figures);
    this.ended('');
  }

  /** Marks the cell of these settings, where the sweep is of their variant. */
  mark(settings: RpcLabSettings): void {
    this.chosen = settings;
    if (this.known === null) return;
    const { variant, lambdas, iterations } = this.known;
    const [row, column] = [lambdas.indexOf(settings.lambda), iterations.indexOf(settings.iterations)];
    const inside = variant === settings.variant && row >= 0 && column >= 0;
    for (const view of this.views.values()) view.choose(inside ? { kind: 'heatmap', row, column } : null);
  }

  redraw(): void {
    for (const view of this.views.values()) view.drawSoon();
  }

  private async run(): Promise<void> {
    this.start.hidden = true;
    this.stop.hidden = false;
    this.status.textContent = l10n.t('Measuring every setting on clean input.');
    this.stop.focus();
    try {
      const whole = await this.runSweep(this.noise, (known) => {
        this.show(known);
      });
      if (whole === null) return;
      this.show(whole);
      const { cells, collapsedCells, neverActiveCells, deviatesLessCells } = whole;
      this.ended(
        l10n.t(
          '{0} settings: RPC deviates less in {1}, has collapsed in {2}, and S never acts in {3}.',
          cells.length,
          deviatesLessCells,
          collapsedCells,
          neverActiveCells,
        ),
      );
    } catch (error) {
      this.ended(l10n.t('The sweep failed: {0}', error instanceof Error ? error.message : String(error)));
    }
  }

  private ended(words: string): void {
    const focused = this.stop === document.activeElement;
    this.start.hidden = false;
    this.stop.hidden = true;
    this.status.textContent = words;
    // The button that is gone must not take the keyboard's place with it.
    if (focused) this.start.focus();
  }

  private show(known: RpcSweepNumbers): void {
    if (this.context === null) return;
    this.known = known;
    const rows = known.cells.filter((cell) => cell.gain !== null).length / known.iterations.length;
    this.status.textContent = l10n.t('{0} of {1} values of λ under noise.', Math.floor(rows), known.lambdas.length);
    for (const figure of rpcSweepFigures(known, this.context)) {
      const view = this.views.get(figure.id);
      if (view !== undefined) {
        view.update(figure);
        continue;
      }
      const made = new FigureView(figure, {
        height: (width) => Math.min(width * 0.8, 420),
        calls: this.calls,
        onPick: (cursor) => {
          if (cursor.kind !== 'heatmap' || this.known === null) return;
          this.onPick(this.known.lambdas[cursor.row]!, this.known.iterations[cursor.column]!);
        },
      });
      this.views.set(figure.id, made);
      this.figures.append(made.element);
    }
    if (this.chosen !== null) this.mark(this.chosen);
  }
}
