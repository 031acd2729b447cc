// What the inspector tab remembers of itself while its window is closed: which inspection, which head, how far down, and
// which heads the overview looks for.

import type { SessionSnapshot } from '../../src/protocol/messages';
import type { HostLine } from '../ui/host';

interface Remembered {
  readonly inspection: string;
  readonly selected: SessionSnapshot['selected'];
  /** CSS pixels. */
  readonly scrolled: number;
}

/** How the overview is looked at; stays from inspection to inspection. */
export interface OverviewChoices {
  /** Id of a filter (headFilters.ts). */
  readonly filter: string;
  /** Id of a metric. */
  readonly metric: string;
  readonly order: 'highest' | 'lowest';
}

function isChoices(value: unknown): value is OverviewChoices {
  if (typeof value !== 'object' || value === null) return false;
  const { filter, metric, order } = value as Partial<Record<keyof OverviewChoices, unknown>>;
  return typeof filter === 'string' && typeof metric === 'string' && (order === 'highest' || order === 'lowest');
}

function isRemembered(value: unknown): value is Remembered {
  return typeof value === 'object' && value !== null && 'inspection' in value && 'scrolled' in value;
}

const sameHead = (a: SessionSnapshot['selected'], b: SessionSnapshot['selected']): boolean =>
  a?.layer === b?.layer && a?.head === b?.head;

/** So long after the last figure took its room, the page is the person's again. */
const restMs = 600;

export class TabMemory {
  /** What was there when the page loaded, until it is shown again or the person goes elsewhere. */
  private before: Remembered | null;
  private now: Remembered | null = null;
  private chosen: OverviewChoices | null;
  /** Everything of the page is there: nothing will be put above what is looked at. */
  private complete = false;
  private resting = 0;

  constructor(private readonly tab: HostLine['state']) {
    const found = tab.get();
    this.before = isRemembered(found) ? found : null;
    const choices = typeof found === 'object' && found !== null && 'choices' in found ? found.choices : null;
    this.chosen = isChoices(choices) ? choices : null;
    window.addEventListener('scroll', () => {
      if (this.before === null && this.now !== null) this.write({ ...this.now, scrolled: window.scrollY });
    });
    for (const kind of ['wheel', 'pointerdown', 'keydown']) {
      window.addEventListener(kind, () => (this.before = null), { capture: true, passive: true });
    }
    // Figures take their room one after the other.
    new ResizeObserver(() => {
      this.scrollBack();
    }).observe(document.body);
  }

  keep(state: SessionSnapshot | null): void {
    if (state === null || state.inspection === null) {
      // Nothing yet: the inspection of before may still come.
      if (state !== null && state.phase !== 'empty') this.forget();
      return;
    }
    const { inspection, selected } = state;
    if (this.before !== null && (this.before.inspection !== inspection || !sameHead(this.before.selected, selected))) {
      this.before = null;
    }
    const same = this.now?.inspection === inspection && sameHead(this.now.selected, selected);
    this.write({ inspection, selected, scrolled: this.before?.scrolled ?? (same ? window.scrollY : 0) });
  }

  /** After each drawing; `complete`: the patterns, which come above the rest, are there too. */
  drawn(complete: boolean): void {
    this.complete = complete;
    this.scrollBack();
  }

  /** Down to where the page was, once there is enough of it. */
  private scrollBack(): void {
    const { before, now } = this;
    if (before === null || now?.inspection !== before.inspection) return;
    window.scrollTo(0, before.scrolled);
    clearTimeout(this.resting);
    if (!this.complete) return;
    this.resting = window.setTimeout(() => {
      this.before = null;
    }, restMs);
  }

  /** What was chosen last; null: nothing yet. */
  get choices(): OverviewChoices | null {
    return this.chosen;
  }

  choose(choices: OverviewChoices): void {
    this.chosen = choices;
    this.store();
  }

  private forget(): void {
    this.before = null;
    this.now = null;
    this.store();
  }

  private write(remembered: Remembered): void {
    this.now = remembered;
    this.store();
  }

  private store(): void {
    const { now, chosen } = this;
    this.tab.set(now === null && chosen === null ? null : { ...now, ...(chosen === null ? {} : { choices: chosen }) });
  }
}
