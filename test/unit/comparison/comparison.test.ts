// Comparisons against numbers that are worked out here, and matchings against every permutation.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020';
import { describe, it } from 'mocha';
import { createRandom } from '../../../src/diagnostics/random';
import type { HeadResult } from '../../../src/diagnostics/headResult';
import type { InspectionResult, Provenance } from '../../../src/inspection/inspectionResult';
import { comparisonCsv } from '../../../src/comparison/comparisonFiles';
import { comparisonHtml } from '../../../src/comparison/comparisonSections';
import { compareMethods } from '../../../src/comparison/compareMethods';
import { compareResults } from '../../../src/comparison/compareResults';
import type { Comparison } from '../../../src/comparison/comparison';
import { asComparison } from '../../../src/comparison/comparisonSchema';
import { InputNumbers } from '../../../src/comparison/inputNumbers';
import { headDistances, matchHeads } from '../../../src/comparison/matchHeads';
import type { ComparedSource } from '../../../src/comparison/pairRuns';
import { orderBySteps } from '../../../src/comparison/steps';
import { rankTimeline, timelineRow } from '../../../src/comparison/timelineRanking';
import { headMetrics, metricById } from '../../../src/report/figures/metrics';
import { sortedJson } from '../../../src/report/resultJson';
import { exampleResult } from '../report/exampleResult';
import { changed, sourceOf, withProvenance } from './sources';

/** Sums of a few doubles in another order. */
const roundOff = 1e-12;

const near = (actual: number | null | undefined, expected: number): void => {
  assert.ok(
    typeof actual === 'number' && Math.abs(actual - expected) <= roundOff * Math.max(1, Math.abs(expected)),
    `${String(actual)} is not ${expected}`,
  );
};

const a = exampleResult({ layers: 2, heads: 3, name: 'a.safetensors' });
const b = changed(a, 'b.safetensors', (head, layer) =>
  layer === 1 && head.index === 2
    ? { ...head, attention: { ...head.attention, entropy: head.attention.entropy + 5 } }
    : {
        ...head,
        alignment: {
          ...head.alignment,
          theory: { ...head.alignment.theory, overlap: head.alignment.theory.overlap! + 0.01 * (head.index + 1) },
        },
      },
);
const pair: ComparedSource[] = [sourceOf(a), sourceOf(b)];
const find = ({ layers }: Comparison, layer: number, head: number) =>
  layers.find(({ index }) => index === layer)!.heads.find(({ index }) => index === head)!;

const withInputs = (source: ComparedSource, inputs: readonly InspectionResult[]): ComparedSource => ({
  ...source,
  result: { ...source.result, inputs },
});

describe('comparison of two results', () => {
  const comparison = compareResults(pair, 'index');
  const overlap = 'alignment.theory.overlap';

  it('has both numbers, the difference, both chance levels, and the difference in bands of the null', () => {
    const head = a.layers[0]!.heads[1]!;
    const permuted = head.alignment.theory.nulls.permuted!.overlap;
    const number = find(comparison, 0, 1).metrics[overlap]!;
    assert.deepEqual(number.values, [head.alignment.theory.overlap, head.alignment.theory.overlap! + 0.02]);
    assert.deepEqual(number.chance, [head.alignment.theory.overlapChance, head.alignment.theory.overlapChance]);
    near(number.difference, 0.02);
    assert.deepEqual(number.band, { half: Math.hypot(1.96 * permuted.sd, 1.96 * permuted.sd), centre: 0, of: 'null' });
    near(number.inBands, 0.02 / (1.96 * Math.SQRT2 * permuted.sd));
    const noise = find(comparison, 0, 1).metrics['noise.key_gauss.softmax']!;
    assert.deepEqual([noise.difference, noise.band?.of, noise.inBands], [0, 'repeats', 0]);
    near(noise.band?.half, Math.hypot(0.02, 0.02));
  });

  it('takes a shift of the null out of the change', () => {
    const shifted = changed(b, 'c.safetensors', (head) => {
      const { theory } = head.alignment;
      const { permuted } = theory.nulls;
      const moved = { ...permuted!, overlap: { ...permuted!.overlap, mean: permuted!.overlap.mean + 0.03, sd: 0.05 } };
      return {
        ...head,
        alignment: { ...head.alignment, theory: { ...theory, nulls: { ...theory.nulls, permuted: moved } } },
      };
    });
    const { sd } = a.layers[0]!.heads[2]!.alignment.theory.nulls.permuted!.overlap;
    const { metrics } = find(compareResults([sourceOf(a), sourceOf(shifted)], 'index'), 0, 2);
    near(metrics[overlap]!.inBands, (0.03 - 0.03) / (1.96 * Math.hypot(sd, 0.05)) + 0);
    near(metrics[overlap]!.band!.centre, 0.03);
  });

  it('ranks what changed most, one line a head and group, with and without a band apart', () => {
    const [first] = comparison.ranked.inSpreads;
    assert.deepEqual(first, { layer: 1, head: 2, partner: 2, metric: 'attention.entropy', others: 0 });
    const values = [...a.layers, ...b.layers].flatMap(({ heads }) => heads.map((head) => head.attention.entropy));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
    near(find(comparison, 1, 2).metrics['attention.entropy']!.inSpreads, 5 / sd);
    const sizes = comparison.ranked.inBands.map(({ layer, head, metric }) =>
      Math.abs(find(comparison, layer, head).metrics[metric]!.inBands!),
    );
    assert.deepEqual(
      sizes,
      [...sizes].sort((x, y) => y - x),
    );
    const groups = comparison.ranked.inBands.map(({ layer, head, metric }) =>
      [layer, head, metricById(metric).group].join(),
    );
    assert.equal(new Set(groups).size, groups.length);
    const far = comparison.ranked.inBands.map(({ others }, i) => others + (sizes[i]! > 1 ? 1 : 0));
    assert.equal(
      far.reduce((sum, one) => sum + one, 0),
      comparison.ranked.outside,
    );
    const banded = comparison.layers
      .flatMap(({ heads }) => heads)
      .flatMap(({ metrics }) => Object.values(metrics).flatMap(({ inBands }) => inBands ?? []));
    assert.equal(comparison.ranked.banded, banded.length);
    assert.equal(comparison.ranked.outside, banded.filter((size) => Math.abs(size) > 1).length);
  });

  it('is valid under its schema and read back, and is refused with a name left out', () => {
    const schema = JSON.parse(readFileSync('src/comparison/comparison.schema.json', 'utf8')) as object;
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false }).compile(schema);
    const bare = changed(a, 'bare', (head) => ({ ...head, rpc: null, noise: [] }));
    for (const one of [
      comparison,
      compareResults([sourceOf(a), sourceOf(bare)], 'permutation'),
      compareMethods(pair[0]!),
    ]) {
      const parsed: unknown = JSON.parse(sortedJson(one, 'comparison'));
      assert.ok(validate(parsed), JSON.stringify(validate.errors));
      assert.deepEqual(asComparison(parsed, 'it'), parsed);
    }
    const spoiled = structuredClone(comparison) as unknown as { layers: { heads: { partners?: unknown }[] }[] };
    delete spoiled.layers[1]!.heads[0]!.partners;
    assert.throws(
      () => asComparison(spoiled, 'c.json'),
      /^Error: c\.json is not a whole comparison: layers\[1\]\.heads\[0\]\.partners is missing\. Give/,
    );
    assert.equal(validate({ ...comparison, matchedBy: 'luck' }), false);
  });

  it('pairs the inputs of runs over several', () => {
    const inputs = [0, 1, 2].map((place) =>
      changed(a, 'a', (head) => ({ ...head, attention: { ...head.attention, entropy: 1 + place } })),
    );
    const after = [0.5, 0.7, 0.9];
    const moved = inputs.map((one, place) =>
      changed(one, 'b', (head) => ({ ...head, attention: { ...head.attention, entropy: 1 + place + after[place]! } })),
    );
    const over = (result: InspectionResult): InspectionResult => {
      const [input] = result.provenance.inputs;
      return withProvenance(result, { inputs: [0, 1, 2].map((k) => ({ ...input!, label: `input ${k}` })) });
    };
    const [before, later] = [sourceOf(over(a)), sourceOf(over(b))];
    const paired = compareResults([withInputs(before, inputs), withInputs(later, moved)], 'index');
    assert.equal(paired.notes.at(-1), 'Bands are of the changes input by input: 3 inputs, paired.');
    const { metrics } = find(paired, 0, 0);
    // The editor holds the numbers alone.
    const lean = [
      { ...before, single: InputNumbers.of(inputs) },
      { ...later, single: InputNumbers.of(moved) },
    ];
    assert.deepEqual(compareResults(lean, 'index'), paired);
    const unpaired = compareResults([withInputs(before, inputs), later], 'index');
    assert.match(
      unpaired.notes.at(-1)!,
      /^The results of single inputs are not at hand for b\.safetensors: bands are unpaired, /,
    );
    assert.notDeepEqual(find(unpaired, 0, 0).metrics['attention.entropy']!.band, metrics['attention.entropy']!.band);
    // sd 0.2 over three inputs, t of 2 degrees of freedom.
    const { band } = metrics['attention.entropy']!;
    assert.equal(band!.of, 'inputs');
    assert.ok(Math.abs(band!.half - (4.302652729911275 * 0.2) / Math.sqrt(3)) < 1e-9, String(band!.half));
  });
});

describe('matching of heads', () => {
  const permutations = (items: readonly number[]): number[][] =>
    items.length === 0
      ? [[]]
      : items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));

  it('finds the permutation of least distance of all, and says what index and chance give', () => {
    for (let trial = 0; trial < 20; trial++) {
      const random = createRandom(`matching/${trial}`);
      const five = exampleResult({ layers: 1, heads: 5 }).layers[0]!.heads;
      const scattered = five.map((head): HeadResult => ({
        ...head,
        attention: { ...head.attention, entropy: 3 * random.uniform() },
      }));
      const metrics = headMetrics.filter(({ group }) => group === 'Attention' || group === 'RPC');
      const distances = headDistances(five, scattered, metrics)!;
      const mean = (places: readonly number[]): number =>
        places.reduce((sum, j, i) => sum + distances[i * 5 + j]!, 0) / 5;
      const all = permutations([0, 1, 2, 3, 4]).map(mean);
      const { places, matching } = matchHeads(five, scattered, metrics, 'permutation');
      near(matching!.byPermutation, Math.min(...all));
      near(mean(places), Math.min(...all));
      near(matching!.byIndex, mean([0, 1, 2, 3, 4]));
      near(matching!.byChance, all.reduce((sum, one) => sum + one, 0) / all.length);
    }
  });

  it('measures the distance that its formula says', () => {
    const two = exampleResult({ layers: 1, heads: 2 }).layers[0]!.heads;
    const set = (head: HeadResult, entropy: number, maxWeight: number, cleanGap: number): HeadResult => ({
      ...head,
      attention: { ...head.attention, entropy, maxWeight },
      rpc: { ...head.rpc!, cleanGap },
    });
    const [h0, h1] = [set(two[0]!, 0, 1, 2), set(two[1]!, 1, 1, 4)];
    const [g0, g1] = [set(two[0]!, 2, 3, 6), set(two[1]!, 3, 3, 8)];
    const metrics = ['attention.entropy', 'attention.maxWeight', 'rpc.cleanGap'].map(metricById);
    // Standardised: entropy 0..3 has variance 5/3, the weight 1, 1, 3, 3 has 4/3, the gap 2, 4, 6, 8 has 20/3.
    const attention = (2 ** 2 / (5 / 3) + 2 ** 2 / (4 / 3)) / 2;
    near(headDistances([h0, h1], [g0, g1], metrics)![0], Math.sqrt((attention + 4 ** 2 / (20 / 3)) / 2));
  });

  it('follows heads that changed places', () => {
    const { layers } = a;
    const turned = {
      ...a,
      layers: layers.map((layer) => ({
        ...layer,
        heads: layer.heads.map((_, i) => ({ ...layer.heads[(i + 1) % 3]!, index: i })),
      })),
    };
    const other = changed(turned, 'turned', (head) => head);
    const matched = compareResults([sourceOf(a), sourceOf(other)], 'permutation');
    assert.deepEqual(find(matched, 0, 0).partners, [0, 2]);
    near(matched.layers[0]!.matching[1]!.byPermutation, 0);
    assert.ok(matched.layers[0]!.heads.every(({ metrics }) => metrics['attention.entropy']!.difference === 0));
    assert.deepEqual(find(compareResults([sourceOf(a), sourceOf(other)], 'index'), 0, 0).partners, [0, 0]);
  });
});

describe('what may be compared', () => {
  const refused = (other: InspectionResult, words: RegExp): void => {
    assert.throws(() => compareResults([sourceOf(a), sourceOf(other)], 'index'), words);
  };
  const set = (part: Partial<Provenance>): InspectionResult => withProvenance(b, part);

  it('refuses other inputs, shapes and settings by name', () => {
    const [input] = a.provenance.inputs;
    refused(
      set({ inputs: [{ ...input!, label: 'digit-5.npy', sha256: 'f'.repeat(64) }] }),
      /^ComparisonError: a\.safetensors was inspected on .*, b\.safetensors on digit-5\.npy \(SHA-256 ffffffffffff, .* Inspect both on the same input\.$/,
    );
    refused(
      { ...b, model: { ...b.model, heads: 12 } },
      /2 layers of 3 heads, b\.safetensors has 2 layers of 12 heads: .*do not pair/,
    );
    refused(
      set({ seed: 7 }),
      /^ComparisonError: Different: seed \(a\.safetensors: 0; b\.safetensors: 7\)\. The checkpoints differ, too/,
    );
    refused(
      set({ standardised: true }),
      /Different: standardised keys of the Gram matrix \(a\.safetensors: no; b\.safetensors: yes\)/,
    );
    refused(set({ noise: { ...b.provenance.noise, levels: { key_gauss: [0.3] } } }), /Different: noise levels/);
    refused({ ...b, layers: [] }, /no inspected head in common/);
    assert.throws(() => compareResults([pair[0]!], 'index'), /needs two inspections/);
  });

  it('notes what does not decide numbers, and leaves out what rests on other settings of RPC', () => {
    const noted = compareResults([sourceOf(a), sourceOf(set({ nulls: 50, backend: 'reference' }))], 'index');
    assert.match(noted.notes.join('\n'), /null draws \(a\.safetensors: 200; b\.safetensors: 50\)/);
    assert.match(noted.notes.join('\n'), /backend \(.*forward pass; .*reference, float\d\d forward pass\)/);
    const { rpc } = b.provenance;
    const other = compareResults([sourceOf(a), sourceOf(set({ rpc: { ...rpc, lambda: 1 } }))], 'index');
    assert.match(other.notes[0]!, /^The settings of RPC beside the model differ \(.*lambda 4.*lambda 1/);
    assert.ok(other.metrics.every(({ id, group }) => group !== 'RPC' && !/\.(rpc|difference)$/.test(id)));
    assert.ok(other.metrics.some(({ id }) => id === 'noise.key_gauss.softmax'));
  });

  it('lets settings of one checkpoint differ, and says which', () => {
    const same = withProvenance(b, { checkpoint: a.provenance.checkpoint, seed: 7 });
    const comparison = compareResults([sourceOf(a), { ...sourceOf(same), name: 'again' }], 'index');
    assert.equal(comparison.kind, 'settings');
    assert.deepEqual(comparison.notes, ['Different: seed (a.safetensors: 0; again: 7).']);
  });
});

describe('timelines', () => {
  it('are ordered by the number that differs, whatever its digits', () => {
    const names = ['vit-16-step-5000.pt', 'vit-16-step-900.pt', 'vit-16-step-1000.pt'];
    assert.deepEqual(orderBySteps(names).places, [1, 2, 0]);
    assert.deepEqual(orderBySteps(names).steps, [5000, 900, 1000]);
    assert.match(orderBySteps(['e1-s20', 'e2-s10']).sentence, /by the last number/);
    assert.deepEqual(orderBySteps(['b', 'a']).places, [1, 0]);
    assert.deepEqual(orderBySteps(['b', 'a']).steps, [null, null]);
  });

  it('hold every run and compare the last with the first', () => {
    const third = changed(b, 'step-30.pt', (head) => head);
    const named = [
      { ...sourceOf(third), name: 'step-30.pt' },
      { ...sourceOf(a), name: 'step-9.pt' },
      { ...sourceOf(b), name: 'step-10.pt' },
    ];
    const { runs, order, layers } = compareResults(named, 'index');
    assert.deepEqual(
      runs.map(({ step }) => step),
      [9, 10, 30],
    );
    assert.match(order!, /^Ordered by the number/);
    const { values, difference } = layers[1]!.heads[2]!.metrics['attention.entropy']!;
    assert.equal(values.length, 3);
    near(difference, 5);
  });
});

describe('ranking of timelines', () => {
  /** Entropy of both heads over five steps: head 0 rises and falls back, head 1 climbs, and one run did not measure it. */
  const entropies = [
    [1, 6, 2, 1, 1],
    [1, 2, null, 5, 5.5],
  ];
  const one = exampleResult({ layers: 1, heads: 2, name: 'a' });
  const runs = [0, 10, 20, 30, 40].map((step, run) => {
    const result = changed(one, `step-${step}.pt`, (head) => {
      const entropy = entropies[head.index]![run]!;
      return { ...head, attention: { ...head.attention, entropy } };
    });
    return sourceOf(result);
  });
  const timeline = compareResults(runs, 'index');
  const metric = 'attention.entropy';
  const heads = (by: 'range' | 'step' | 'change'): number[] =>
    rankTimeline(timeline, metric, by).map(({ head }) => head);

  it('finds what rises and falls back, which first and last do not say, and where the largest step is', () => {
    assert.deepEqual(
      [heads('range'), heads('step'), heads('change')],
      [
        [0, 1],
        [0, 1],
        [1, 0],
      ],
    );
    const [first, second] = rankTimeline(timeline, metric, 'range');
    assert.deepEqual(first, { layer: 0, head: 0, range: 5, lowest: 0, highest: 1, step: 5, stepTo: 1, change: 0 });
    // From 2 to 5 lies a run that did not measure it: no step of one run to the next.
    assert.deepEqual(second, { layer: 0, head: 1, range: 4.5, lowest: 0, highest: 4, step: 1, stepTo: 1, change: 4.5 });
    assert.deepEqual(timelineRow(timeline, metric, first), ['0', '0', '5', '1 in 0', '6 in 10', '+5', '0 → 10', '0']);
  });

  it('stands in the report and in the CSV with the same numbers', () => {
    const html = comparisonHtml(timeline);
    assert.match(html, /largest range over the runs, 3 a metric<\/caption>/);
    const cells =
      '<th scope="row">0</th><td>5</td><td>1 in 0</td><td>6 in 10</td><td>+5</td><td class="words">0 → 10</td>';
    assert.ok(html.includes(cells));
    const csv = comparisonCsv(timeline).split('\n');
    assert.match(csv[0]!, /,range,step,step\.from,step\.to\r?$/);
    const line = csv.find((text) => text.startsWith(`0,1,1,${metric},`))!;
    assert.match(line, /,4\.5,1,step-0\.pt,step-10\.pt\r?$/);
    assert.doesNotMatch(comparisonCsv(compareResults(pair, 'index')).split('\n')[0]!, /range/);
  });
});

describe('softmax against RPC in one result', () => {
  it('has RPC minus softmax with the interval of the paired difference', () => {
    const comparison = compareMethods(pair[0]!);
    const { auc } = a.layers[1]!.heads[0]!.noise.find(({ kind }) => kind === 'key_gauss')!;
    const number = find(comparison, 1, 0).metrics['noise.key_gauss']!;
    assert.deepEqual(number.values, [auc.softmax, auc.rpc]);
    near(number.difference, auc.rpc! - auc.softmax!);
    near(number.inBands, (auc.rpc! - auc.softmax!) / auc.ci.difference!);
    const { dispersion } = a.layers[1]!.heads[0]!.rpc!;
    near(find(comparison, 1, 0).metrics['rpc.dispersion']!.difference, dispersion.rpc! - dispersion.softmax!);
    const without = exampleResult({ layers: 1, heads: 1, rpc: false });
    assert.throws(() => compareMethods(sourceOf(without)), /was inspected without RPC/);
  });
});

it('the schema of comparisons is named as the contract', () => {
  const text = readFileSync(join(process.cwd(), 'src/comparison/comparison.schema.json'), 'utf8');
  assert.equal((JSON.parse(text) as { $id: string }).$id, 'gramlens.comparison/1');
});
