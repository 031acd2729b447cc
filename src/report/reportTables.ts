// Tables of the report: alignment with its nulls, noise and RPC with intervals. Every score has its chance level or
// null in the same row.

import type { HeadResult, ReproductionMetrics } from '../diagnostics/headResult';
import type { ModelSummary } from '../inspection/inspectionResult';
import { formatInterval, formatNumber, formatP, median, noiseNames, verdictText } from './format';
import { htmlTable } from './html';
import { layerLabel } from './layerLabel';

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

/** One row a head: overlap with chance, permuted null, p and q, Rayleigh, eigen-residual, verdict. */
export function alignmentTable(
  heads: readonly AddressedHead[],
  caption: string,
  model: Pick<ModelSummary, 'stages'>,
): string {
  return htmlTable(
    caption,
    [
      { heading: 'layer' },
      { heading: 'head' },
      { heading: 'overlap theory' },
      { heading: 'chance' },
      { heading: 'permuted null' },
      { heading: 'z' },
      { heading: 'p' },
      { heading: 'q' },
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
        number(theory.overlap),
        number(theory.overlapChance) + (theory.informative ? '' : ' *'),
        permuted ? formatInterval(permuted.overlap.mean, permuted.overlap.sd) : none,
        number(permuted?.overlap.z),
        permuted ? formatP(permuted.overlap.p, permuted.draws) : none,
        permuted?.overlap.q === undefined ? none : formatP(permuted.overlap.q),
        number(plain.overlap),
        number(theory.rayleigh),
        number(median(head.gamma.learned.eigenResidual)),
        verdictText(head.alignment).replace(twinNotRun, ' †'),
      ];
    }),
    2,
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
      number(head.rpc?.cleanGap),
      head.rpc ? `${number(head.rpc.dispersion.softmax)} / ${number(head.rpc.dispersion.rpc)}` : none,
      noise.verdict,
    ]),
  );
  if (rows.length === 0) return '';
  return htmlTable(
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
    2,
  );
}

/** Two rows a head, as coded and scale-free: the study's three headline metrics beside what random values score. */
export function studyTable(
  heads: readonly AddressedHead[],
  caption: string,
  model: Pick<ModelSummary, 'stages'>,
): string {
  const cells = (metrics: ReproductionMetrics): string[] =>
    (['optimal', 'linearCka', 'kernelCka'] as const).flatMap((score) => {
      const random = metrics.nulls?.random ?? null;
      return [
        number(metrics[score]),
        random === null ? none : formatInterval(random[score].mean, random[score].sd),
        random === null ? none : formatP(random[score].p, random.draws),
      ];
    });
  return htmlTable(
    caption,
    [
      { heading: 'layer' },
      { heading: 'head' },
      { heading: 'form', words: true },
      ...['optimal', 'linear CKA', 'kernel CKA'].flatMap((heading) => [
        { heading },
        { heading: 'random' },
        { heading: 'p' },
      ]),
    ],
    heads.flatMap(({ layer, head }) => {
      const address = [layerLabel(model, layer), String(head.index)];
      const { asCoded, scaleFree, warning } = head.reproduction;
      return [
        [...address, warning === undefined ? 'as coded' : 'as coded ‡', ...cells(asCoded)],
        [...address, 'scale-free', ...cells(scaleFree)],
      ];
    }),
    2,
  );
}
