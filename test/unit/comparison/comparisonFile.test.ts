// Comparisons from files: whole ones are taken, others are refused with a sentence that says what is wrong.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { compareMethods } from '../../../src/comparison/compareMethods';
import { compareResults } from '../../../src/comparison/compareResults';
import type { Comparison } from '../../../src/comparison/comparison';
import { comparisonJson } from '../../../src/comparison/comparisonFiles';
import { comparisonHtml } from '../../../src/comparison/comparisonSections';
import { asComparison, saysComparison, startsAsComparison } from '../../../src/comparison/comparisonSchema';
import { exampleResult } from '../report/exampleResult';
import { changed, sourceOf } from './sources';

const first = exampleResult({ layers: 2, heads: 2, name: 'a.pt' });
const other = changed(first, 'b.pt', (head) => ({ ...head, attention: { ...head.attention, entropy: 1 } }));
const whole = compareResults([sourceOf(first), sourceOf(other)], 'index');

const timeline = compareResults(
  [1, 2, 3].map((step) => ({
    ...sourceOf(changed(first, `step-${step}.pt`, (head) => head)),
    name: `step-${step}.pt`,
  })),
  'permutation',
);

/** Whatever a file may hold. */
type Loose = { [name: string]: Loose } & Loose[];

/** The file with one thing changed. */
function spoiled(change: (file: Loose) => unknown): unknown {
  const file = JSON.parse(comparisonJson(whole)) as Loose;
  change(file);
  return file;
}
const set = (file: Loose, name: string, value: unknown): void => {
  (file as Record<string, unknown>)[name] = value;
};

describe('a comparison from a file', () => {
  it('is taken whole, of two runs, of a timeline and of two methods, and gives the same report', () => {
    for (const comparison of [whole, timeline, compareMethods(sourceOf(first))]) {
      const text = comparisonJson(comparison);
      assert.ok(startsAsComparison(text.slice(0, 400)));
      const read = asComparison(JSON.parse(text), 'c.json');
      assert.equal(comparisonHtml(read), comparisonHtml(comparison));
      assert.equal(comparisonJson(read), text);
    }
  });

  const overlap = 'alignment.theory.overlap';
  const head = (file: Loose): Loose => file['layers']![0]!['heads']![1]!;
  const cases: readonly (readonly [string, (file: Loose) => unknown, RegExp])[] = [
    [
      'another version',
      (file) => set(file, 'schema', 'gramlens.comparison/2'),
      /^Error: c\.json is a comparison of another version \(schema "gramlens\.comparison\/2", this one reads "gramlens\.comparison\/1"\)\. Open it with the Gramlens that wrote it, or a newer one\.$/,
    ],
    [
      'another schema',
      (file) => set(file, 'schema', 'x/1'),
      /^Error: c\.json is not a comparison \(schema "x\/1", exp/,
    ],
    ['one run', (file) => set(file, 'runs', [file['runs']![0]]), /runs has 1 items, at least 2 are needed/],
    ['no inputs', (file) => set(file, 'inputs', []), /inputs is empty/],
    ['a crafted size', (file) => set(file['model']!, 'layers', 1e9), /model has 1000000000 layers of 2 heads/],
    ['a broken size', (file) => set(file['model']!, 'heads', 1.5), /model\.heads is 1\.5, not an integer/],
    [
      'a path',
      (file) => set(file['runs']![1]!, 'inspection', '../../x'),
      /runs\[1\]\.inspection is no name of an insp/,
    ],
    ['stages without names', (file) => set(file['model']!, 'stages', [{}]), /model\.stages\[0\] has no name or size/],
    ['a layer too far', (file) => set(file['layers']![1]!, 'index', 7), /layers\[1\]\.index is 7 of 2 layers/],
    ['a head too far', (file) => set(head(file), 'index', 2), /layers\[0\]\.heads\[1\]\.index is 2 of 2 heads/],
    ['a head twice', (file) => set(head(file), 'index', 0), /layers\[0\]\.heads\[1\] is there twice/],
    ['no heads', (file) => set(file, 'layers', []), /layers has no head/],
    ['partners', (file) => set(head(file), 'partners', [0, 1, 1]), /heads\[1\]\.partners has 3 entries for 2 runs/],
    ['a partner', (file) => set(head(file), 'partners', [0, 9]), /heads\[1\]\.partners names a head that is not there/],
    ['a metric', (file) => Reflect.deleteProperty(head(file)['metrics']!, overlap), /overlap is missing/],
    [
      'values',
      (file) => set(head(file)['metrics']![overlap]!, 'values', [1, 2, 3]),
      /overlap\.values has 3 entries for 2/,
    ],
    ['1e999', (file) => set(head(file)['metrics']![overlap]!, 'difference', 1e999), /overlap holds what is no finite/],
    [
      'a ranked change',
      (file) => set(file['ranked']!['inSpreads']![0]!, 'layer', 5),
      /ranked\.inSpreads\[0\] names a change that is not in layers/,
    ],
  ];
  for (const [name, change, words] of cases) {
    it(`is refused whole: ${name}`, () => {
      assert.throws(() => asComparison(spoiled(change), 'c.json'), words);
    });
  }

  it('of a later build is shown without the metrics that this one does not know, and says which', () => {
    const later = spoiled((file) => {
      const text = JSON.stringify(file).replaceAll(`"${overlap}"`, '"alignment.later"');
      Object.assign(file, JSON.parse(text));
    });
    const read: Comparison = asComparison(later, 'c.json');
    assert.ok(!read.metrics.some(({ id }) => id === 'alignment.later'));
    assert.ok(!read.ranked.inBands.some(({ metric }) => metric === 'alignment.later'));
    assert.equal(
      read.notes.at(-1),
      'Metrics that this version of Gramlens does not know are left out: alignment.later.',
    );
    assert.doesNotThrow(() => comparisonHtml(read));
    assert.equal(saysComparison({ schema: 'gramlens.comparison/9' }), true);
  });
});
