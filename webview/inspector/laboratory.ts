// The RPC laboratory of the head on show: RPC with settings that a person turns, on the head's own q, k, v. Computed by
// workers of this page; the host only hands over the kept tensors.

import * as l10n from '@vscode/l10n';
import type { HeadResult, NoiseKind, RpcNumbers } from '../../src/diagnostics/headResult';
import type { NoiseSettings } from '../../src/diagnostics/headInput';
import { defaultLevels } from '../../src/diagnostics/noiseLevels';
import { defaultSweep, hasCollapsed } from '../../src/diagnostics/rpcSweep';
import { defaultRepeats, publishedRpc } from '../../src/inspection/defaults';
import { maxLabIterations, type RpcLabRow, type RpcLabSettings } from '../../src/inspection/rpcLab';
import type { KeptHead } from '../../src/inspection/traceStore';
import type { RpcVariant } from '../../src/model/modelSpec';
import type { FigureCalls, HeadAddress } from '../../src/protocol/messages';
import type { HeadContext } from '../../src/report/figures/headFigures';
import { rpcLabFigures, type RpcLabPictures } from '../../src/report/figures/rpcLabFigures';
import { formatNumber } from '../../src/report/format';
import { fill, h } from '../ui/dom';
import { FigureView } from '../ui/figureView';
import type { HostLine } from '../ui/host';
import { button } from '../ui/toolkit';
import { LaboratoryControls } from './laboratoryControls';
import { LaboratoryLayer } from './laboratoryLayer';
import { LaboratorySweep } from './laboratorySweep';
import { LaboratoryWorkers } from './laboratoryWorkers';

export interface LaboratoryHead {
  /** Names inspection, layer and head. */
  readonly key: string;
  readonly address: HeadAddress;
  /** Its tensors. */
  kept(): Promise<KeptHead>;
  /** Heads of its layer that were inspected, ascending. */
  readonly layerHeads: readonly number[];
  readonly result: HeadResult;
  readonly context: HeadContext;
  readonly seed: number;
  readonly noise: NoiseSettings;
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What the numbers of a setting say, in one line. */
export function settingText({ settings, numbers, maxScores }: RpcLabPictures): string {
  const { cleanGap, dispersion, mu, tau, asymmetric, sparseNeverActive, reason } = numbers;
  const last = (values: readonly number[]): string => formatNumber(values.at(-1) ?? null);
  return [
    l10n.t(
      '{0}, λ {1}, n {2}: clean gap {3}, dispersion RPC {4} (softmax {5}), mu {6}, tau {7}.',
      `${settings.variant}${asymmetric ? '+asym' : ''}`,
      settings.lambda,
      settings.iterations,
      formatNumber(cleanGap),
      formatNumber(dispersion.rpc),
      formatNumber(dispersion.softmax),
      formatNumber(mu),
      formatNumber(tau),
    ),
    l10n.t(
      'After the last pass residual {0}, density of S {1}, ‖S‖/‖K‖ {2}, largest score {3} (softmax {4}).',
      last(numbers.residual),
      last(numbers.density),
      last(numbers.sparseNorm),
      last(maxScores.rpc),
      formatNumber(maxScores.softmax),
    ),
    sparseNeverActive ? l10n.t('S never active: no entry of the keys passes the threshold.') : '',
    hasCollapsed(numbers) ? l10n.t('Collapse: its rows differ by less than half of what softmax attention’s do.') : '',
    reason ?? '',
  ]
    .filter((part) => part !== '')
    .join(' ');
}

export class Laboratory {
  readonly element: HTMLElement;
  private readonly body = h('div');
  private readonly numbers = h('p', { class: 'setting', attributes: { role: 'status' } });
  private readonly problem = h('p', { class: 'message failed' });
  private readonly figures = h('div', { class: 'figures' });
  private readonly views = new Map<string, FigureView>();
  private readonly opener: HTMLElement;
  private readonly controls: LaboratoryControls;
  private readonly sweep: LaboratorySweep;
  private readonly layer: LaboratoryLayer;
  private readonly workers: LaboratoryWorkers;
  private isOpen = false;
  private head: LaboratoryHead | null = null;
  private kept: KeptHead | null = null;
  /** Settings that wait while others are computed; only the newest. */
  private next: RpcLabSettings | null = null;
  private busy = false;

  constructor(
    private readonly host: HostLine['host'],
    scriptUrl: string,
    private readonly calls: FigureCalls,
  ) {
    this.workers = new LaboratoryWorkers(scriptUrl);
    this.controls = new LaboratoryControls((settings) => {
      this.turn(settings);
    });
    this.sweep = new LaboratorySweep(
      (noise, onKnown) => this.runSweep(noise, onKnown),
      () => {
        this.workers.stopSweep();
      },
      (lambda, iterations) => {
        this.controls.choose(lambda, iterations);
      },
      calls,
    );
    this.layer = new LaboratoryLayer(
      () => void this.openLayer(),
      (head) => {
        if (this.head !== null) void this.host.selectHead({ ...this.head.address, head }, false);
      },
      calls,
    );
    this.opener = button(l10n.t('Open the laboratory'), () => {
      this.isOpen = true;
      void this.open();
    });
    fill(
      this.body,
      this.controls.element,
      this.numbers,
      this.problem,
      this.figures,
      this.layer.element,
      this.sweep.element,
    );
    this.element = h(
      'section',
      { class: 'laboratory', attributes: { 'aria-label': l10n.t('RPC laboratory') } },
      h('h2', {}, l10n.t('RPC laboratory')),
      h(
        'p',
        { class: 'quiet' },
        l10n.t(
          'RPC-Attention with other settings on the q, k and v of this head, beside softmax: a what-if that leaves the model and its forward pass as they are. In heads with queries only the keys are cleaned (+asym), an extension of Gramlens.',
        ),
      ),
      this.opener,
      this.body,
    );
    this.reset();
  }

  reset(): void {
    this.head = null;
    this.clear();
    this.element.hidden = true;
  }

  /** null: nothing that is finished is on show. Called at every drawing of the page. */
  show(head: LaboratoryHead | null): void {
    if (head?.key === this.head?.key) return;
    this.clear();
    this.head = head;
    this.element.hidden = head === null;
    if (head === null) return;
    if (!this.isOpen) this.controls.set(initialSettings(head.result.rpc));
    else void this.open();
  }

  redraw(): void {
    for (const view of this.views.values()) view.drawSoon();
    this.layer.redraw();
    this.sweep.redraw();
  }

  private clear(): void {
    this.workers.stopSweep();
    this.kept = null;
    this.next = null;
    this.views.clear();
    fill(this.figures);
    this.numbers.textContent = '';
    this.problem.textContent = '';
    this.layer.reset();
    this.sweep.reset(null);
    this.opener.hidden = this.isOpen;
    this.body.hidden = !this.isOpen;
    delete this.element.dataset['shown'];
  }

  private async open(): Promise<void> {
    const { head } = this;
    if (head === null) return;
    this.opener.hidden = true;
    this.body.hidden = false;
    this.sweep.reset(head.context);
    this.numbers.textContent = l10n.t('Reading q, k and v of this head.');
    try {
      const kept = await head.kept();
      if (this.head !== head) return;
      if (typeof kept.rpcContext === 'string') throw new Error(kept.rpcContext);
      await this.workers.open(kept);
      if (this.head !== head) return;
      this.kept = kept;
      this.turn(this.controls.current);
    } catch (error) {
      if (this.head !== head) return;
      this.numbers.textContent = '';
      this.problem.textContent = l10n.t('There is no laboratory for this head: {0}', sentenceOf(error));
    }
  }

  /** Computes and draws; while something is computed only the newest settings wait. */
  private turn(settings: RpcLabSettings): void {
    if (this.kept === null) return;
    this.sweep.mark(settings);
    this.next = settings;
    if (!this.busy) void this.work();
  }

  private async work(): Promise<void> {
    this.busy = true;
    try {
      while (this.next !== null && this.head !== null) {
        const { head, next } = this;
        this.next = null;
        const view = await this.workers.view(next);
        if (this.head === head && this.kept !== null) await this.draw(view, head);
        // The one head that is looked at goes before its neighbours.
        if (this.layer.isOpen && this.idle) this.drawLayer(await this.workers.layer(next), head);
      }
    } catch (error) {
      this.problem.textContent = l10n.t('RPC could not be computed: {0}', sentenceOf(error));
    } finally {
      this.busy = false;
    }
  }

  /** One figure a task, those on the screen first: the page must stay awake, and newer settings need not wait for the rest. */
  private async draw(view: RpcLabPictures, head: LaboratoryHead): Promise<void> {
    const { context } = head;
    this.problem.textContent = '';
    this.numbers.textContent = settingText(view);
    const figures = rpcLabFigures(view, context);
    const known = figures.filter(({ id }) => this.views.has(id));
    const visible = known.filter(({ id }) => isOnScreen(this.views.get(id)!.element));
    for (const figure of [...visible, ...known.filter((one) => !visible.includes(one))]) {
      if (this.next !== null && !visible.includes(figure)) return;
      this.views.get(figure.id)!.update(figure);
      await breathe();
      if (this.head !== head) return;
    }
    for (const figure of figures) {
      if (this.views.has(figure.id)) continue;
      const height = (width: number): number =>
        figure.kind === 'heatmap' ? Math.min(width * 0.86, 520) : Math.min(width * 0.62, 340);
      this.views.set(figure.id, new FigureView(figure, { height, calls: this.calls }));
    }
    const order = figures.map(({ id }) => this.views.get(id)!.element);
    if (order.length !== this.figures.children.length || order.some((one, i) => one !== this.figures.children[i])) {
      fill(this.figures, ...order);
    }
    const { variant, lambda, iterations, shown } = view.settings;
    this.element.dataset['shown'] = `${variant}/${lambda}/${iterations}/${shown}`;
  }

  /** Fetches every head of the layer once; the knobs then move all of them. */
  private async openLayer(): Promise<void> {
    const { head } = this;
    if (head === null || this.kept === null) return;
    const { layer } = head.address;
    const heads: KeptHead[] = [];
    const without: string[] = [];
    try {
      for (const [at, one] of head.layerHeads.entries()) {
        this.layer.say(l10n.t('Reading q, k and v of head {0}, {1} of {2}.', one, at + 1, head.layerHeads.length));
        const kept = await this.host.getKeptHead({ layer, head: one });
        if (this.head !== head) return;
        if (typeof kept.rpcContext === 'string') without.push(l10n.t('Head {0}: {1}', one, kept.rpcContext));
        else heads.push(kept);
      }
      await this.workers.openLayer(heads);
      if (this.head !== head) return;
      this.layer.opened(without);
      this.turn(this.controls.current);
    } catch (error) {
      if (this.head === head) this.layer.failed(sentenceOf(error));
    }
  }

  /** No newer settings wait. */
  private get idle(): boolean {
    return this.next === null;
  }

  private drawLayer(rows: readonly RpcLabRow[], head: LaboratoryHead): void {
    if (this.head === head && this.layer.isOpen) this.layer.show(rows, head.address.head, head.context);
  }

  private runSweep(
    kind: NoiseKind,
    onKnown: Parameters<LaboratoryWorkers['sweep']>[3],
  ): ReturnType<LaboratoryWorkers['sweep']> {
    const { head, kept } = this;
    if (head === null || kept === null) return Promise.resolve(null);
    const noise = {
      kind,
      levels: head.noise.levels[kind] ?? defaultLevels(kind),
      // One repeat has no interval.
      repeats: Math.max(2, head.noise.repeats || defaultRepeats),
    };
    const { variant } = this.controls.current;
    return this.workers.sweep(kept, { ...defaultSweep, variant, noise }, head.seed, onKnown);
  }
}

function isOnScreen(element: HTMLElement): boolean {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < window.innerHeight;
}

/** Lets the browser draw and hear keys between pieces of work. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Where the knobs stand first: what the inspection ran, else the published settings. */
function initialSettings(rpc: RpcNumbers | null): RpcLabSettings {
  const { variant, iterations, lambda } = rpc ?? publishedRpc;
  const passes = Math.min(iterations, maxLabIterations);
  return { variant: variant as RpcVariant, lambda, iterations: passes, shown: passes };
}
