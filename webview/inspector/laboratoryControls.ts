// The knobs of the RPC laboratory, each with its help: what it does, and where paper and published code disagree about it.
// Built once: a knob that is being turned must not lose the focus.

import * as l10n from '@vscode/l10n';
import { maxLabIterations, type RpcLabSettings } from '../../src/inspection/rpcLab';
import type { RpcVariant } from '../../src/model/modelSpec';
import { publishedSettings } from '../../src/report/figures/rpcSweepFigures';
import { rpcHelp, type KnobHelp } from '../../src/report/rpcHelp';
import { h } from '../ui/dom';
import { button, dropdown, slider, textField } from '../ui/toolkit';

const variants: readonly { readonly value: RpcVariant; readonly label: string }[] = [
  { value: 'code', label: l10n.t('code (λμ, C in mu)') },
  { value: 'code-headdim', label: l10n.t('code-headdim (λμ, d in mu)') },
  { value: 'paper', label: l10n.t('paper (λ/μ, d in mu)') },
  { value: 'admm', label: l10n.t('admm (λ/μ, sign of the journal)') },
];

/** Stops of the slider; the field beside it takes any number. */
const lambdaStops = [0, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 32] as const;

function help(name: string, { sentence, notes }: KnobHelp): HTMLElement {
  const items = notes.map(({ id, text, source }) =>
    h('li', {}, h('strong', {}, `${id}: `), text, ' ', h('span', { class: 'formula' }, `(${source})`)),
  );
  return h(
    'details',
    { class: 'knob-help' },
    h('summary', {}, l10n.t('About {0}: {1}', name, notes.map(({ id }) => id).join(', '))),
    h('p', {}, sentence),
    h('ul', {}, ...items),
  );
}

function knob(
  name: string,
  about: KnobHelp,
  value: HTMLElement | null,
  ...controls: readonly HTMLElement[]
): HTMLElement {
  return h(
    'div',
    { class: 'knob' },
    h('div', { class: 'knob-name' }, name, value),
    h('div', { class: 'knob-row' }, ...controls),
    help(name, about),
  );
}

export class LaboratoryControls {
  readonly element: HTMLElement;
  private settings: RpcLabSettings = { variant: 'code', lambda: 4, iterations: 4, shown: 4 };
  private readonly problem = h('p', { class: 'message failed', attributes: { role: 'alert' } });
  private readonly iterationsText = h('span', { class: 'quiet' });
  private readonly shownText = h('span', { class: 'quiet' });
  private readonly variant = dropdown(l10n.t('Variant of RPC'), (value) => {
    const variant = variants.find((one) => one.value === value)?.value;
    if (variant !== undefined) this.change({ variant });
  });
  private readonly lambda = textField('λ', (text) => {
    const lambda = Number(text);
    const wrong = text.trim() === '' || !Number.isFinite(lambda) || lambda < 0;
    this.problem.textContent = wrong ? l10n.t('λ is a number, 0 or more; the pictures show the last one.') : '';
    if (!wrong) this.change({ lambda }, true);
  });
  private readonly lambdaSlider = slider(l10n.t('λ in steps'), 0, (place) => {
    this.change({ lambda: lambdaStops[place] ?? 0 });
  });
  private readonly iterations = slider(l10n.t('Iterations n'), 1, (iterations) => {
    this.change({ iterations, shown: iterations });
  });
  private readonly shown = slider(l10n.t('Pass shown'), 1, (shown) => {
    this.change({ shown });
  });

  constructor(private readonly onChange: (settings: RpcLabSettings) => void) {
    const published = publishedSettings.map(({ iterations, lambda, who }) => {
      const preset = button(`n ${iterations}, λ ${lambda}`, () => {
        this.choose(lambda, iterations);
      });
      preset.title = who;
      return preset;
    });
    const precision = rpcHelp.numbers;
    this.element = h(
      'div',
      { class: 'knobs' },
      knob(l10n.t('Variant'), rpcHelp.variant, null, this.variant.element),
      knob('λ', rpcHelp.lambda, null, this.lambda.element, this.lambdaSlider.element),
      knob(l10n.t('Iterations'), rpcHelp.iterations, this.iterationsText, this.iterations.element),
      h(
        'div',
        { class: 'knob' },
        h('div', { class: 'knob-name' }, l10n.t('Pass shown'), this.shownText),
        h('div', { class: 'knob-row' }, this.shown.element),
        h('p', { class: 'quiet' }, l10n.t('Maps and pattern are those of this pass.')),
      ),
      knob(l10n.t('Layers'), rpcHelp.layer, null, h('p', { class: 'quiet' }, rpcHelp.layer.sentence)),
      knob(l10n.t('Numbers'), precision, null, h('p', { class: 'quiet' }, precision.sentence)),
      h(
        'div',
        { class: 'knob wide' },
        h('div', { class: 'knob-name' }, l10n.t('Settings of the published code')),
        h('div', { class: 'knob-row' }, ...published),
      ),
      this.problem,
    );
  }

  get current(): RpcLabSettings {
    return this.settings;
  }

  /** Shows these settings without telling anyone. */
  set(settings: RpcLabSettings): void {
    this.settings = settings;
    this.draw(false);
  }

  /** A person's choice of a cell or a published setting. */
  choose(lambda: number, iterations: number): void {
    this.change({ lambda, iterations, shown: iterations });
  }

  /** `typing`: the field has the number already, and the cursor in it. */
  private change(part: Partial<RpcLabSettings>, typing = false): void {
    const next = { ...this.settings, ...part };
    this.settings = { ...next, shown: Math.min(next.shown, next.iterations) };
    if (!typing) this.problem.textContent = '';
    this.draw(typing);
    this.onChange(this.settings);
  }

  private draw(typing: boolean): void {
    const { variant, lambda, iterations, shown } = this.settings;
    this.variant.set(variants, variant);
    if (!typing) this.lambda.set(String(lambda));
    // The stop below, where the field has a number between two of them.
    const place = Math.max(
      0,
      lambdaStops.findLastIndex((stop) => stop <= lambda),
    );
    this.lambdaSlider.set(place, lambdaStops.length - 1, `λ ${lambda}`);
    this.iterations.set(iterations, Math.max(maxLabIterations, iterations), `n ${iterations}`);
    this.shown.set(shown, iterations, l10n.t('pass {0} of {1}', shown, iterations));
    this.iterationsText.textContent = ` n = ${iterations}`;
    this.shownText.textContent = ` ${l10n.t('{0} of {1}', shown, iterations)}`;
  }
}
