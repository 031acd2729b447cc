// The overview: what the model is, what went in, what it cost, and the main metrics as heatmaps.

import * as l10n from '@vscode/l10n';
import type { Provenance } from '../../src/inspection/inspectionResult';
import type { HeadAddress, SessionSnapshot } from '../../src/protocol/messages';
import type { HeatmapFigure } from '../../src/report/figures/figure';
import { metricById } from '../../src/report/figures/metrics';
import { companionsText } from '../../src/report/companionsText';
import { overviewFigure, overviewMetricIds } from '../../src/report/figures/overviewFigures';
import { outputRows, outputTitle } from '../../src/report/outputText';
import { gramChoice, gramLabel } from '../../src/report/gramText';
import { stageName } from '../../src/report/layerLabel';
import { planLines, readableBytes } from '../../src/report/planLines';
import { fill, h } from '../ui/dom';
import { afterDrawing } from '../ui/drawQueue';
import { FigureView } from '../ui/figureView';
import { placeInOrder } from '../ui/placeInOrder';
import type { HostLine } from '../ui/host';
import { inputsText } from '../ui/inputsText';
import { button } from '../ui/toolkit';
import { HeadChoice, type ChoiceMemory } from './headChoice';
import { inputPicture } from './inputPicture';
import { NetworkSection } from './networkSection';
import { tokenStrip } from './tokenStrip';

const shownLogits = 5;
/** Inputs that are listed; a folder may hold thousands. */
const shownInputs = 200;

type Rows = readonly (readonly [string, string])[];

function definitions(rows: Rows): HTMLElement {
  return h('dl', {}, ...rows.flatMap(([term, value]) => [h('dt', {}, term), h('dd', {}, value)]));
}

function card(title: string, ...content: readonly HTMLElement[]): HTMLElement {
  return h('section', { class: 'card' }, h('h2', {}, title), ...content);
}

function isBusy({ phase }: SessionSnapshot): boolean {
  return phase === 'planning' || phase === 'running';
}

function parityText({ parity, precision }: Provenance): string {
  const { maxRelError, sampledHeads, reason = '' } = parity;
  if (maxRelError === null) return reason;
  const error = maxRelError.toExponential(1);
  if (precision !== 'float64') return l10n.t('{0} of max, against float64', error);
  if (sampledHeads === undefined) return l10n.t('{0} of max, against plain float64 kernels', error);
  return sampledHeads === 1
    ? l10n.t('{0} of max, against plain float64 kernels on 1 sampled head', error)
    : l10n.t('{0} of max, against plain float64 kernels on {1} sampled heads', error, sampledHeads);
}

function introduction(): HTMLElement {
  return h(
    'p',
    {},
    l10n.t(
      'Choose a transformer checkpoint (.safetensors, .pt, .pth, .bin, .ckpt, .gguf, .npz, .onnx) and an input. Gramlens runs it layer by layer and measures every attention head.',
    ),
  );
}

function checkpointText({ format, dtypes, bytes }: Provenance['checkpoint']): string {
  const [first = '', ...rest] = dtypes;
  const types = rest.reduce((before, next) => l10n.t('{0} and {1}', before, next), first);
  return `${format}, ${types}, ${readableBytes(bytes)}`;
}

/** The inputs behind the first, folded. */
function otherInputs(inputs: Provenance['inputs']): HTMLElement {
  const shown = inputs.slice(0, shownInputs).map(({ label, tokens }) => h('li', {}, `${label}, N ${tokens}`));
  const more = inputs.length - shown.length;
  return h(
    'details',
    {},
    h('summary', {}, l10n.t('{0} more', inputs.length)),
    h('ol', { attributes: { start: '2' } }, ...shown),
    more > 0 ? h('p', { class: 'quiet' }, l10n.t('And {0} more, each in the exported result.', more)) : null,
  );
}

export class Overview {
  readonly element = h('div');
  private readonly cards = h('div', { class: 'cards' });
  private readonly grid = h('div', { class: 'figures small' });
  private readonly several = h('p', { class: 'quiet several', attributes: { role: 'status' } });
  private readonly network: NetworkSection;
  private readonly choice: HeadChoice;
  private shown: SessionSnapshot | null = null;
  /** Figure in which a head was picked last. */
  private picked = '';
  private readonly views = new Map<string, FigureView>();
  /** What draws each map anew. */
  private readonly maps = overviewMetricIds.map((id) => ({ id, draw: () => void this.showMap(id) }));
  /** Heads that the filter leaves out, see HeadChoice. */
  private dimmed: readonly boolean[] | undefined;
  private readonly showNetwork = (): void => {
    if (this.shown !== null) this.network.show(this.shown);
  };
  private readonly showAll = (): void => {
    this.showFigures();
    afterDrawing(this.showNetwork);
  };
  private readonly openInReport = (figure: string): void => void this.host.openInReport(null, figure);
  /** Parts of the snapshot that the cards show now. */
  private drawn: readonly unknown[] | null = null;

  constructor(
    private readonly host: HostLine['host'],
    memory: ChoiceMemory,
  ) {
    this.network = new NetworkSection(host, this.openInReport);
    this.choice = new HeadChoice(
      memory,
      (address) => void host.selectHead(address, true),
      () => {
        this.showFigures();
      },
    );
  }

  /** Draws everything that `state` has; figures that are already there are updated in place. */
  show(state: SessionSnapshot): void {
    if (state.model === null) {
      this.views.clear();
      this.drawn = null;
      fill(this.element, state.phase === 'empty' ? introduction() : null, isBusy(state) ? null : this.actions());
      return;
    }
    this.shown = state;
    this.showCards(state);
    this.several.textContent = inputsText(state);
    this.several.hidden = this.several.textContent === '';
    // A page that opens shows its cards in one frame and the first map in the next, before the lists to choose from.
    const isFirst = this.views.size === 0;
    if (isFirst) afterDrawing(this.showAll);
    this.choice.show(state);
    if (this.cards.parentElement !== this.element)
      fill(
        this.element,
        this.cards,
        h('h2', {}, l10n.t('Heads')),
        this.several,
        this.choice.controls,
        this.choice.ranking,
        this.grid,
        this.network.element,
      );
    if (!isFirst) this.showAll();
  }

  /** The keyboard goes on at this head, in the map that it was opened from; unless it went elsewhere in the window meanwhile. */
  focus({ layer, head }: HeadAddress): void {
    for (const view of this.views.values()) view.choose({ kind: 'heatmap', row: layer, column: head });
    if (!document.hasFocus()) return;
    (this.views.get(this.picked) ?? [...this.views.values()][0])?.focus();
  }

  redraw(): void {
    for (const view of this.views.values()) view.drawSoon();
    this.network.redraw();
  }

  private actions(): HTMLElement {
    return h(
      'div',
      { class: 'actions' },
      button(l10n.t('Inspect Checkpoint…'), () => void this.host.runCommand('inspect'), {
        icon: 'search',
        primary: true,
      }),
      button(l10n.t('Inspect Sample Checkpoint'), () => void this.host.runCommand('inspectSample'), { icon: 'beaker' }),
    );
  }

  private showCards(state: SessionSnapshot): void {
    const { model, plan, provenance, output, picture, inputs } = state;
    if (model === null) return;
    const several = inputs?.total ?? 0;
    // Heads come in by the second; what a person unfolded here stays open meanwhile.
    const parts = [model, plan, provenance, output, picture, several] as const;
    if (this.drawn?.every((part, i) => part === parts[i]) === true) return;
    this.drawn = parts;
    const facts = model.facts.map((fact) => [fact.fact, `${fact.value} (${fact.source})`] as const);
    const rpc = model.facts
      .filter(({ fact }) => fact.startsWith('rpc.'))
      .map(({ fact, value }) => `${fact.slice('rpc.'.length)} ${value}`)
      .join(', ');
    const input: HTMLElement[] = [];
    if (picture !== null) input.push(inputPicture(picture).element);
    const gram = provenance === null ? '' : gramLabel(gramChoice(provenance));
    const [source, ...others] = provenance?.inputs ?? [];
    // Which of them runs changes, and the first may be finished from before.
    if (picture !== null && source === undefined && several > 1)
      input.unshift(h('p', { class: 'quiet' }, l10n.t('The first of {0} inputs, whichever runs now.', several)));
    if (others.length > 0)
      input.unshift(
        h(
          'p',
          { class: 'quiet' },
          l10n.t('Means over {0} inputs ± 95 % interval; what is shown here is the first.', others.length + 1),
        ),
      );
    if (source?.tokenIds) input.push(...tokenStrip(source));
    if (source !== undefined)
      input.push(
        definitions([
          [l10n.t('input'), source.label],
          [l10n.t('tokens'), String(source.tokens)],
          ...(typeof source.tokenizer === 'string' ? [[l10n.t('tokenizer'), source.tokenizer] as const] : []),
          ['SHA-256', source.sha256.slice(0, 16)],
        ]),
      );
    if (others.length > 0) input.push(otherInputs(others));
    fill(
      this.cards,
      card(
        l10n.t('Model'),
        definitions([
          [l10n.t('family'), model.family],
          [l10n.t('attention'), model.causal ? l10n.t('{0}, causal', model.attention) : model.attention],
          ...(rpc === '' ? [] : [[l10n.t('trained with'), rpc] as const]),
          ...(model.stages ?? [model]).map(
            (part) =>
              [
                'name' in part ? l10n.t('{0}: layers x heads', stageName(part.name)) : l10n.t('layers x heads'),
                `${part.layers} x ${part.heads}${'name' in part ? `, N ${part.tokens}` : ''}`,
              ] as const,
          ),
          ...(model.kvHeads < model.heads
            ? [[l10n.t('key/value heads'), l10n.t('{0} in each layer', model.kvHeads)] as const]
            : []),
          [l10n.t('width C, head d'), `${model.embedDim}, ${model.headDim}`],
          [
            l10n.t('tokens N'),
            model.grid[0] === 0
              ? String(model.tokens)
              : l10n.t(
                  '{0} ({1} prefix, {2} x {3} patches)',
                  model.tokens,
                  model.prefixTokens,
                  model.grid[0],
                  model.grid[1],
                ),
          ],
          ...(provenance === null ? [] : [[l10n.t('checkpoint'), checkpointText(provenance.checkpoint)] as const]),
        ]),
        h('details', {}, h('summary', {}, l10n.t('How this was recognised')), definitions(facts)),
        ...(model.notes.length === 0
          ? []
          : [h('ul', { class: 'notes' }, ...model.notes.map((note) => h('li', {}, note)))]),
      ),
      card(others.length === 0 && several < 2 ? l10n.t('Input') : l10n.t('Inputs'), ...input),
      ...(plan === null ? [] : [card(l10n.t('Plan'), definitions(planLines(plan)))]),
      ...(provenance === null
        ? []
        : [
            card(
              l10n.t('Run'),
              definitions([
                [
                  l10n.t('backend'),
                  l10n.t(
                    '{0}, {1} forward pass; metrics {2}',
                    provenance.backend,
                    provenance.precision,
                    provenance.metricsPrecision,
                  ),
                ],
                [l10n.t('why'), provenance.backendReason],
                ...(provenance.adapter === null ? [] : [[l10n.t('adapter'), provenance.adapter] as const]),
                [l10n.t('parity'), parityText(provenance)],
                ...(provenance.companions === undefined
                  ? []
                  : [
                      [
                        l10n.t('beside it'),
                        l10n.t('untrained twins, ablated and noisy runs: {0}', companionsText(provenance.companions)),
                      ] as const,
                    ]),
                ...(gram === '' ? [] : [[l10n.t('Gram matrix'), gram] as const]),
                [l10n.t('seed'), String(provenance.seed)],
                ...(provenance.elapsedMs === undefined
                  ? []
                  : [[l10n.t('took'), `${(provenance.elapsedMs / 1000).toFixed(1)} s`] as const]),
              ]),
            ),
          ]),
      ...(output === null ? [] : [card(outputTitle(output), definitions(outputRows(output, shownLogits)))]),
    );
  }

  /** The first of the maps now, so that something is to be seen; the others one after the other in the next frames. */
  private showFigures(): void {
    const { shown } = this;
    if (!shown?.model) return;
    this.dimmed = this.choice.dimmed(shown.model.layers, shown.model.heads);
    for (const { draw } of this.maps) afterDrawing(draw);
    if (this.views.size > 0) return;
    for (const { id } of this.maps) {
      this.showMap(id)?.draw(true);
      if (this.views.size > 0) break;
    }
  }

  /** Draws the map of this metric anew; null: no head has such a number. */
  private showMap(id: string): FigureView | null {
    const { shown, views, dimmed } = this;
    if (!shown?.model) return null;
    const { model, layers } = shown;
    const figure = { ...overviewFigure(metricById(id), layers, model), ...(dimmed === undefined ? {} : { dimmed }) };
    const known = views.get(id);
    if (figure.values.every((value) => Number.isNaN(value))) {
      known?.element.remove();
      views.delete(id);
      return null;
    }
    if (known !== undefined) {
      known.updateSoon(figure);
      return known;
    }
    const view = this.map(figure, model.layers);
    views.set(id, view);
    placeInOrder(this.grid, id, overviewMetricIds, views);
    return view;
  }

  private map(figure: HeatmapFigure, layers: number): FigureView {
    const metric = metricById(figure.id.slice('overview-'.length));
    return new FigureView(figure, {
      openInReport: this.openInReport,
      height: (width) => Math.max(190, Math.min(100 + layers * 24, width)),
      onPick: (cursor) => {
        if (cursor.kind !== 'heatmap') return;
        this.picked = figure.id;
        void this.host.selectHead({ layer: cursor.row, head: cursor.column }, true);
      },
      silent: true,
      onCursor: (cursor, byKeyboard) => {
        const at = cursor?.kind === 'heatmap' ? cursor : null;
        // The same head in all maps; where the cursor itself is, that shows.
        for (const view of this.views.values()) view.choose(at);
        this.choice.point(at === null ? null : { layer: at.row, head: at.column }, metric, byKeyboard);
      },
      calls: this.host,
    });
  }

  /** A new run: figures of the old one go. */
  reset(): void {
    this.shown = null;
    this.choice.reset();
    this.views.clear();
    fill(this.grid);
    this.network.reset();
  }
}
