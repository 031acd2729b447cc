// The chosen tensor: what the header says of it, and its statistics once they were asked for. Results stay for as
// long as the file is the same.

import * as l10n from '@vscode/l10n';
import type { TensorStatistics } from '../../src/checkpoint/moments';
import type { CheckpointSummary, TensorColumns } from '../../src/inspection/checkpointSummary';
import type { CheckpointHostCalls } from '../../src/protocol/checkpointMessages';
import { formatNumber } from '../../src/report/format';
import { readableBytes } from '../../src/report/planLines';
import { fill, h } from '../ui/dom';
import { button } from '../ui/toolkit';
import { definitions } from './cards';
import type { Rows } from './cards';
import { shownName, textAt } from './tensorOrder';

type Computed =
  | { readonly kind: 'reading'; readonly fraction: number }
  | { readonly kind: 'done'; readonly statistics: TensorStatistics }
  | { readonly kind: 'failed'; readonly sentence: string }
  | { readonly kind: 'cancelled' };

const whole = (count: number): string => count.toLocaleString('en-US');
const digits = 6;

export class TensorDetail {
  readonly element = h('section', { class: 'card tensor', attributes: { 'aria-label': l10n.t('Chosen tensor') } });
  private readonly facts = h('div');
  private readonly numbers = h('div', { class: 'statistics' });
  private readonly spoken = h('div', { class: 'sr-only', attributes: { role: 'status' } });
  private readonly bar = h('progress', {
    attributes: { max: '1', 'aria-label': l10n.t('Part of the tensor that has been read') },
  }) as HTMLProgressElement;
  private readonly computed = new Map<number, Computed>();
  private summary: CheckpointSummary | null = null;
  private row: number | null = null;

  constructor(private readonly host: CheckpointHostCalls) {
    fill(this.element, this.facts, this.numbers, this.spoken);
  }

  /** Another file, or the same one read anew: what was computed is gone. */
  open(summary: CheckpointSummary): void {
    this.summary = summary;
    this.computed.clear();
    this.show(null);
  }

  show(row: number | null): void {
    this.row = row;
    const { summary } = this;
    if (summary === null || row === null) {
      fill(
        this.facts,
        h('h2', {}, l10n.t('Tensor')),
        h('p', { class: 'quiet' }, l10n.t('Choose a tensor to see where it lies and to compute its statistics.')),
      );
      fill(this.numbers);
      return;
    }
    const { tensors } = summary;
    const problem = tensors.problems.find(([at]) => at === row)?.[1];
    fill(
      this.facts,
      h('h2', { class: 'name' }, shownName(tensors, row)),
      definitions(headerRows(tensors, row)),
      problem === undefined ? null : h('p', { class: 'message failed' }, problem),
    );
    this.drawNumbers();
  }

  progress(row: number, fraction: number): void {
    if (this.computed.get(row)?.kind !== 'reading') return;
    this.computed.set(row, { kind: 'reading', fraction });
    if (row === this.row) this.bar.value = fraction;
  }

  async compute(row: number): Promise<void> {
    const { summary } = this;
    const known = this.computed.get(row)?.kind;
    if (summary === null || known === 'reading' || known === 'done') return;
    if (summary.tensors.problems.some(([at]) => at === row)) return;
    this.set(row, { kind: 'reading', fraction: 0 });
    let end: Computed;
    try {
      end = { kind: 'done', statistics: await this.host.statistics(row) };
    } catch (error) {
      end = { kind: 'failed', sentence: error instanceof Error ? error.message : String(error) };
    }
    // The file may have been opened anew meanwhile, or the person cancelled.
    if (this.summary !== summary || this.computed.get(row)?.kind !== 'reading') return;
    this.set(row, end);
    if (row === this.row) this.spoken.textContent = spokenText(shownName(summary.tensors, row), end);
  }

  private set(row: number, computed: Computed): void {
    this.computed.set(row, computed);
    if (row === this.row) this.drawNumbers();
  }

  private cancel(row: number): void {
    this.set(row, { kind: 'cancelled' });
    void this.host.cancelStatistics(row);
    this.spoken.textContent = l10n.t('Cancelled.');
  }

  private drawNumbers(): void {
    const { row, summary } = this;
    if (row === null || summary === null) return;
    // A button that is replaced under the keyboard must not drop the focus to the page.
    const focused = this.numbers.contains(document.activeElement) || this.facts.contains(document.activeElement);
    const computed = this.computed.get(row);
    const copy = button(l10n.t('Copy Name'), () => void this.host.copyName(row), { icon: 'copy' });
    const ask = button(l10n.t('Compute Statistics'), () => void this.compute(row), { icon: 'graph' });
    const broken = summary.tensors.problems.some(([at]) => at === row);
    if (computed?.kind === 'reading') {
      this.bar.value = computed.fraction;
      fill(
        this.numbers,
        h('p', { class: 'quiet' }, l10n.t('Reading {0}…', readableBytes(summary.tensors.byteLengths[row] ?? 0))),
        this.bar,
        h(
          'div',
          { class: 'actions' },
          button(
            l10n.t('Cancel'),
            () => {
              this.cancel(row);
            },
            { icon: 'stop-circle' },
          ),
          copy,
        ),
      );
    } else if (computed?.kind === 'done') {
      const { statistics } = computed;
      fill(
        this.numbers,
        h('h3', {}, l10n.t('Statistics')),
        definitions(statisticsRows(statistics)),
        statistics.reason === null ? null : h('p', { class: 'quiet' }, l10n.t('Not measured: {0}.', statistics.reason)),
        h('div', { class: 'actions' }, copy),
      );
    } else {
      fill(
        this.numbers,
        computed?.kind === 'failed' ? h('p', { class: 'message failed' }, computed.sentence) : null,
        computed?.kind === 'cancelled' ? h('p', { class: 'quiet' }, l10n.t('Cancelled.')) : null,
        h('div', { class: 'actions' }, broken ? null : ask, copy),
      );
    }
    if (focused) this.numbers.querySelector<HTMLElement>('vscode-button')?.focus();
  }
}

function headerRows(tensors: TensorColumns, row: number): Rows {
  const { byteLengths, byteOffsets, counts, shards } = tensors;
  const bytes = byteLengths[row] ?? 0;
  const [type, spelling] = [textAt(tensors.dtypes, row), textAt(tensors.dtypeNames, row)];
  const count = counts[row] ?? NaN;
  return [
    [l10n.t('type'), type === spelling ? type : l10n.t('{0} ({1} in the file)', type, spelling)],
    [l10n.t('shape'), textAt(tensors.shapes, row)],
    [l10n.t('elements'), Number.isNaN(count) ? l10n.t('no count') : whole(count)],
    [l10n.t('bytes'), bytes < 1000 ? whole(bytes) : `${whole(bytes)} (${readableBytes(bytes)})`],
    [l10n.t('first byte'), whole(byteOffsets[row] ?? 0)],
    ...(shards === null ? [] : [[l10n.t('file'), textAt(shards, row)] as const]),
  ];
}

function statisticsRows(statistics: TensorStatistics): Rows {
  const { nan, positiveInfinity, negativeInfinity, zeros, min, max, mean, sd } = statistics;
  return [
    [l10n.t('minimum'), formatNumber(min, digits)],
    [l10n.t('maximum'), formatNumber(max, digits)],
    [l10n.t('mean'), formatNumber(mean, digits)],
    [l10n.t('standard deviation'), formatNumber(sd, digits)],
    [l10n.t('zeros'), whole(zeros)],
    [l10n.t('NaN'), whole(nan)],
    [l10n.t('+Inf, −Inf'), `${whole(positiveInfinity)}, ${whole(negativeInfinity)}`],
  ];
}

function spokenText(name: string, computed: Computed): string {
  if (computed.kind === 'failed') return computed.sentence;
  if (computed.kind !== 'done') return '';
  return `${name}: ${statisticsRows(computed.statistics)
    .map(([term, value]) => `${term} ${value}`)
    .join(', ')}.`;
}
