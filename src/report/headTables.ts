// The numbers of one head as tables of plain text, each score beside its null: report and inspector show the same
// ones. What is a curve or a map is a figure instead (figures/headFigures.ts).

import type { HeadResult, NullSummary, ReproductionMetrics } from '../diagnostics/headResult';
import { formatNumber, formatP } from './format';
import { formulas } from './figures/sources';

export interface HeadTable {
  /** Stable within a head. */
  readonly id: string;
  readonly title: string;
  /** What it shows and what it does not prove. */
  readonly note: string;
  readonly formula: string;
  /** The first column names the row. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Tables of one head in reading order; those without numbers are left out. */
export function headTables(head: HeadResult): HeadTable[] {
  return [...studyTable(head)];
}

/** Forms of the study's metrics by name, in reading order. */
export const studyForms = {
  asCoded: 'as coded, value_vectors.py',
  asCodedNlp: 'as coded, nlp_value_vectors.py',
  scaleFree: 'scale-free, unit axes',
  kpcaAxes: 'scale-free, KPCA axes',
} as const;

/** `0.31 (random 0.30 ± 0.02, z 0.5, p 0.4)` */
export function scoreWithNull(value: number | null, name: string, summary: NullSummary | null, draws: number): string {
  if (value === null || summary === null) return formatNumber(value);
  const q = summary.q === undefined ? '' : `, q ${formatP(summary.q)}`;
  return `${formatNumber(value)} (${name} ${formatNumber(summary.mean)} ± ${formatNumber(summary.sd, 2)}, z ${formatNumber(summary.z)}, p ${formatP(summary.p, draws)}${q})`;
}

function studyRow(name: string, metrics: ReproductionMetrics): string[] {
  const { random = null, permuted = null } = metrics.nulls ?? {};
  const both = (score: 'linearCka' | 'kernelCka'): string => {
    const first = scoreWithNull(metrics[score], 'random', random?.[score] ?? null, random?.draws ?? 0);
    if (permuted === null || metrics[score] === null) return first;
    const { mean, sd, z, p } = permuted[score];
    return `${first.slice(0, -1)}; permuted ${formatNumber(mean)} ± ${formatNumber(sd, 2)}, z ${formatNumber(z)}, p ${formatP(p, permuted.draws)})`;
  };
  return [
    name,
    scoreWithNull(metrics.optimal, 'random', random?.optimal ?? null, random?.draws ?? 0),
    both('linearCka'),
    both('kernelCka'),
    formatNumber(metrics.direct),
    formatNumber(metrics.pearson),
    formatNumber(metrics.relFrobenius),
  ];
}

function studyTable({ reproduction }: HeadResult): HeadTable[] {
  const rows = (Object.keys(studyForms) as (keyof typeof studyForms)[]).flatMap((form) => {
    const metrics = reproduction[form];
    return metrics === undefined ? [] : [studyRow(studyForms[form], metrics)];
  });
  const reasons = [reproduction.asCoded, reproduction.scaleFree, reproduction.kpcaAxes].map(
    (metrics) => metrics?.reason ?? metrics?.nulls?.reason,
  );
  const noted = [...new Set([reproduction.warning, ...reasons].filter((text) => text !== undefined))].join(' ');
  return [
    {
      id: 'study',
      title: "The reproduction study's metrics",
      note: `Similarity of V and the kernel PCA values. Its chance level is not 0 and depends on the spectrum: read each number against its null. Direct and Pearson depend on the arbitrary signs of eigenvectors; optimal is the same for shuffled tokens.${noted === '' ? '' : ` ${noted}`}`,
      formula: formulas.reproduction,
      columns: ['form', 'optimal', 'linear CKA', 'kernel CKA', 'direct', 'Pearson', '‖V − V̂‖ / ‖V‖'],
      rows,
    },
  ];
}
