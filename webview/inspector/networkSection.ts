// What belongs to the whole network and to no head: attention rollout, and noise carried to the output.

import * as l10n from '@vscode/l10n';
import type { FigureCalls, SessionSnapshot } from '../../src/protocol/messages';
import type { Figure } from '../../src/report/figures/figure';
import { networkFigures, networkSentence } from '../../src/report/figures/networkFigures';
import { rolloutFigures } from '../../src/report/figures/rolloutFigures';
import { fittingHeight } from '../charts/heatmapLayout';
import { fill, h } from '../ui/dom';
import { FigureView } from '../ui/figureView';

/** CSS pixels. */
const mostHeight = 300;

export class NetworkSection {
  readonly element = h('section');
  private views: FigureView[] = [];
  private drawn: SessionSnapshot['network'] | null = null;

  constructor(
    private readonly calls: FigureCalls,
    private readonly openInReport: (figure: string) => void,
  ) {}

  show({ network, model, provenance }: SessionSnapshot): void {
    if (model === null || provenance === null) {
      this.reset();
      return;
    }
    if (this.drawn === network) return;
    this.reset();
    this.drawn = network;
    const { rollout, networkNoise } = network;
    const { attention: trainedWith, causal } = model;
    const parts: HTMLElement[] = [];
    if (rollout !== undefined) {
      parts.push(h('h2', {}, l10n.t('Attention rollout')), this.grid(rolloutFigures({ rollout, model, provenance })));
    }
    if (networkNoise !== undefined) {
      parts.push(
        h('h2', {}, l10n.t('The network under noise')),
        h('p', { class: 'quiet' }, networkSentence(networkNoise, { trainedWith, causal })),
        this.grid(networkFigures(networkNoise, { trainedWith, causal })),
      );
    }
    fill(this.element, ...parts);
  }

  redraw(): void {
    for (const view of this.views) view.drawSoon();
  }

  reset(): void {
    this.views = [];
    this.drawn = null;
    fill(this.element);
  }

  private grid(figures: readonly Figure[]): HTMLElement {
    const views = figures.map((figure) => {
      const height = (width: number): number =>
        figure.kind === 'heatmap' ? fittingHeight(figure, width, mostHeight) : Math.min(mostHeight, width);
      return new FigureView(figure, { height, calls: this.calls, openInReport: this.openInReport });
    });
    this.views.push(...views);
    return h('div', { class: 'figures small' }, ...views.map(({ element }) => element));
  }
}
