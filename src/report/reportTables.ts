// Tables of the report: alignment with its nulls, noise and RPC with intervals. Every score has its chance level or
// null in the same row.

import type { HeadResult, NullSummary, ReproductionMetrics } from '../diagnostics/headResult';
import type { ModelSummary } from '../inspection/inspectionResult';
import {
  formatInterval,
  formatNumber,
  formatP,
  formatShare,
  median,
  noiseNames,
  noiseVerdictText,
  verdictText,
} from './format';
import { htmlHeadTable } from './html';
import { layerLabel } from './layerLabel';
import { withInterval } from './overInputs';

interface AddressedHead {
  readonly layer: number;
  readonly head: HeadResult;
}

const none = '–';

/** Ending of the verdict in most heads of most runs; the footnote spells it out once. */
const twinNotRun = '; untrained twin not run';

/** What the marks in both tables mean. */
export const tableNotes =
  '† untrained twin not run. * chance alone exceeds 0.8: not informative. The permuted null is its mean ± one standard deviation. – not measured. ‡ the largest score exceeds 28: the epsilons of the study decide its as-coded numbers.';

function number(value: number | null | undefined, digits = 3): string {
  return value === null || value === undefined ? none : formatNumber(value, digits);
}

/** A number of the head; over several inputs with its interval. */
function interval(head: HeadResult, name: string, value: number | null | undefined): string {
  return value === null || value === undefined ? none : withInterval(head, name, value);
}

/** p; over several inputs the share of them in which it is below 0.05. */
function testCell({ p, pBelow05 }: NullSummary, draws: number): string {
  return pBelow05 === undefined ? formatP(p, draws) : formatShare(pBelow05);
}

/** What the column of these cells counts. */
function testHeading(name: 'p' | 'q', heads: readonly AddressedHead[]): string {
  return heads[0]?.head.over === undefined ? name : `${name} < 0.05 in`;
}

/** The same of q, which not every test has. */
function adjustedCell(test: NullSummary | undefined): string {
  if (test?.qBelow05 !== undefined) return formatShare(test.qBelow05);
  return test?.q === undefined ? none : formatP(test.q);
}

/** One row a head: overlap with chance, permuted null, p and q, Rayleigh, eigen-residual, verdict. */
export function alignmentTable(
  heads: readonly AddressedHead[],
  caption: string,
  model: Pick<ModelSummary, 'stages'>,
): string {
  return htmlHeadTable(
    caption,
    [
      { heading: 'layer' },
      { heading: 'head' },
      { heading: 'overlap theory' },
      { heading: 'chance' },
      { heading: 'permuted null' },
      { heading: 'z' },
      { heading: testHeading('p', heads) },
      { heading: testHeading('q', heads) },
      { heading: 'overlap plain' },
      { heading: 'Rayleigh theory' },
      { heading: 'eigen-residual' },
      { heading: 'verdict', words: true },
    ],
    heads.map(({ layer, head }) => {
      const { theory, plain } = head.alignment;
      const permuted = theory.nulls.permuted;
      return [
        layerLabel(model, layer),
        String(head.index),
        interval(head, 'alignment.theory.overlap', theory.overlap),
        number(theory.overlapChance) + (theory.informative ? '' : ' *'),
        permuted ? formatInterval(permuted.overlap.mean, permuted.overlap.sd) : none,
        interval(head, 'alignment.theory.nulls.permuted.overlap.z', permuted?.overlap.z),
        permuted ? testCell(permuted.overlap, permuted.draws) : none,
        adjustedCell(permuted?.overlap),
        interval(head, 'alignment.plain.overlap', plain.overlap),
        interval(head, 'alignment.theory.rayleigh', theory.rayleigh),
        number(median(head.gamma.learned.eigenResidual)),
        verdictText(head).replace(twinNotRun, ' †'),
      ];
    }),
  );
}

/** One row a head and noise kind: AUC with 95 % intervals, clean gap, dispersion, verdict. '' where no noise was run. */
export function noiseTable(
  heads: readonly AddressedHead[],
  caption: string,
  model: Pick<ModelSummary, 'stages'>,
): string {
  const rows = heads.flatMap(({ layer, head }) =>
    head.noise.map((noise) => [
      layerLabel(model, layer),
      String(head.index),
      noiseNames[noise.kind],
      formatInterval(noise.auc.softmax, noise.auc.ci.softmax),
      noise.auc.rpc === null ? none : formatInterval(noise.auc.rpc, noise.auc.ci.rpc),
      noise.auc.difference === null ? none : formatInterval(noise.auc.difference, noise.auc.ci.difference),
      interval(head, 'rpc.cleanGap', head.rpc?.cleanGap),
      head.rpc ? `${number(head.rpc.dispersion.softmax)} / ${number(head.rpc.dispersion.rpc)}` : none,
      noiseVerdictText(noise, head.over),
    ]),
  );
  if (rows.length === 0) return '';
  return htmlHeadTable(
    caption,
    [
      { heading: 'layer' },
      { heading: 'head' },
      { heading: 'noise', words: true },
      { heading: 'AUC softmax' },
      { heading: 'AUC RPC' },
      { heading: 'softmax − RPC' },
      { heading: 'clean gap' },
      { heading: 'dispersion softmax / RPC' },
      { heading: 'verdict', words: true },
    ],
    rows,
  );
}

/** Two rows a head, as coded and scale-free: the study's three headline metrics beside what random values score. */
export function studyTable(
  heads: readonly AddressedHead[],
  caption: string,
  model: Pick<ModelSummary, 'stages'>,
): string {
  const cells = (head: HeadResult, form: 'asCoded' | 'scaleFree', metrics: ReproductionMetrics): string[] =>
    (['optimal', 'linearCka', 'kernelCka'] as const).flatMap((score) => {
      const random = metrics.nulls?.random ?? null;
      return [
        interval(head, `reproduction.${form}.${score}`, metrics[score]),
        random === null ? none : formatInterval(random[score].mean, random[score].sd),
        random === null ? none : testCell(random[score], random.draws),
      ];
    });
  return htmlHeadTable(
    caption,
    [
      { heading: 'layer' },
      { heading: 'head' },
      { heading: 'form', words: 'short' },
      ...['optimal', 'linear CKA', 'kernel CKA'].flatMap((heading) => [
        { heading },
        { heading: 'random' },
        { heading: testHeading('p', heads) },
      ]),
    ],
    heads.flatMap(({ layer, head }) => {
      const address = [layerLabel(model, layer), String(head.index)];
      const { asCoded, scaleFree, warning } = head.reproduction;
      return [
        [...address, warning === undefined ? 'as coded' : 'as coded ‡', ...cells(head, 'asCoded', asCoded)],
        [...address, 'scale-free', ...cells(head, 'scaleFree', scaleFree)],
      ];
    }),
  );
}
