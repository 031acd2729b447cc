// What belongs to the whole network and to no head: attention rollout, and noise carried to the output.

import type { SessionSnapshot } from '../../src/protocol/messages';
import type { Figure } from '../../src/report/figures/figure';
import { networkFigures, networkSentence } from '../../src/report/figures/networkFigures';
import { rolloutFigures } from '../../src/report/figures/rolloutFigures';
import { fill, h } from '../ui/dom';
import { FigureView } from '../ui/figureView';

export class NetworkSection {
  readonly element = h('section');
  private readonly words = h('p', { class: 'quiet' });
  private readonly grid = h('div', { class: 'figures small' });
  private views: FigureView[] = [];
  private drawn: SessionSnapshot['network'] | null = null;

  constructor(private readonly save: (name: string, bytes: Uint8Array) => void) {}

  show({ network, model, provenance }: SessionSnapshot): void {
    if (model === null || provenance === null) {
      this.reset();
      return;
    }
    if (this.drawn === network) return;
    this.drawn = network;
    const { rollout, networkNoise } = network;
    const { attention: trainedWith, causal } = model;
    const figures: Figure[] = [
      ...(rollout === undefined ? [] : rolloutFigures({ rollout, model, provenance })),
      ...(networkNoise === undefined ? [] : networkFigures(networkNoise, { trainedWith, causal })),
    ];
    this.words.textContent = networkNoise === undefined ? '' : networkSentence(networkNoise, { trainedWith, causal });
    const height = (width: number): number => Math.max(190, Math.min(300, width));
    this.views = figures.map((figure) => new FigureView(figure, { height, save: this.save }));
    fill(this.grid, ...this.views.map(({ element }) => element));
    if (figures.length === 0) fill(this.element);
    else fill(this.element, h('h2', {}, 'The network'), this.words, this.grid);
  }

  redraw(): void {
    for (const view of this.views) view.draw(true);
  }

  reset(): void {
    this.views = [];
    this.drawn = null;
    fill(this.element);
  }
}
