// The tab of a report: goes to the figure that was asked for and marks it; links at the heads lead to the inspector.

import './report.css';
import type { ReportHostCalls, ReportPageCalls, ReportSource, ReportTab } from '../../src/protocol/reportMessages';
import { headLinkStart } from '../../src/report/inspectionId';
import { connectHost } from '../ui/host';

/** As long as the mark is seen, milliseconds. */
const markedMs = 2500;

const { host, state } = connectHost<ReportPageCalls, ReportHostCalls>({
  show: (id) => {
    show(id);
    return Promise.resolve();
  },
});

function show(id: string | null): void {
  const figure = id === null ? null : document.getElementById(id);
  if (figure === null) {
    window.scrollTo(0, 0);
    return;
  }
  figure.scrollIntoView({ block: 'center' });
  // A screen reader goes there, too.
  figure.tabIndex = -1;
  figure.focus({ preventScroll: true });
  figure.classList.add('asked-for');
  setTimeout(() => {
    figure.classList.remove('asked-for');
  }, markedMs);
}

document.addEventListener('click', (event) => {
  const link =
    event.target instanceof Element ? event.target.closest<HTMLAnchorElement>(`a[href^="${headLinkStart}"]`) : null;
  if (link === null) return;
  // The editor would ask whether the link may be followed.
  event.preventDefault();
  event.stopPropagation();
  const query = new URL(link.href).searchParams;
  const address = { layer: Number(query.get('layer')), head: Number(query.get('head')) };
  void host.openHead(query.get('inspection') ?? '', address);
});

void host.ready().then(({ figure, tab }) => {
  const left = leftAt(state.get(), tab.source);
  const keep = (): void => {
    state.set({ ...tab, scroll: window.scrollY } satisfies ReportTab);
  };
  // A tab that was hidden, or whose window was closed, comes back where it was.
  if (figure === null && left !== null) window.scrollTo(0, left);
  else show(figure);
  keep();
  document.addEventListener('scroll', keep);
});

/** As far down as this report was left, CSS pixels; null: it was not open before. */
function leftAt(memory: unknown, source: ReportSource): number | null {
  const before = { ...(memory as Partial<ReportTab> | undefined) };
  const isSame = JSON.stringify(before.source) === JSON.stringify(source);
  return isSame && typeof before.scroll === 'number' ? before.scroll : null;
}
