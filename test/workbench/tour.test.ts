// A tour of everything a person does with Gramlens, in a real workbench: with the keyboard alone, and with the mouse. Each
// part begins where the one before it ended; pictures of every step are in out/screenshots/tour-*.png.

import { after, before, describe, it } from 'mocha';
import { full } from '../setup/full';
import { compare } from './tour/compare';
import { firstMinute } from './tour/firstMinute';
import { headPage } from './tour/headPage';
import { keepAndShare } from './tour/keepAndShare';
import { overview } from './tour/overview';
import { report } from './tour/report';
import { sidePanel } from './tour/sidePanel';
import { Visit, type Manner, type Theme } from './tour/visit';

const contrast: Theme = { name: 'contrast', setting: 'Default High Contrast', look: 'hc-black' };
const dark: Theme = { name: 'dark', setting: 'Default Dark Modern', look: 'vs-dark' };
const tours: readonly (readonly [Manner, Theme])[] = [
  ['keyboard', contrast],
  ['mouse', dark],
  ['keyboard', dark],
  ['mouse', contrast],
];
/** Every kind of number, few draws of each. */
const settings = {
  'gramlens.backend': 'cpu',
  'gramlens.untrainedTwins': 2,
  'gramlens.noise.repeats': 2,
  'gramlens.ablation': true,
};

// A second workbench, minutes a tour: the suite in the first has most of what it asserts every time.
for (const [manner, theme] of full ? tours : []) {
  describe(`a tour by ${manner}, ${theme.setting}`, function () {
    this.timeout(300_000);
    let visit: Visit;
    before(async () => {
      visit = await Visit.open(manner, theme, settings);
    });
    after(async () => {
      await visit.close();
    });

    it('first minute: empty states, walkthrough, one click, cancel, a setting, the log', () => firstMinute(visit));
    it('overview: cards, maps that fill, a cell lit in all, ranking, filter, table', () => overview(visit));
    it('head: patterns, rows, zoom, figures, laboratory, and back', () => headPage(visit));
    it('side panel: 200 pixels, a metric by its letters, a head and back, recent inspections', () => sidePanel(visit));
    it('report: every format, with the numbers of the panels', () => report(visit));
    it('compare: two samples, a head of one and back; three steps of a training', () => compare(visit));
    it('keep: a result file, a link of a report; the same head and place after a reload, nothing computed again', () =>
      keepAndShare(visit));
  });
}
