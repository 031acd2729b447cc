// What a comparison pairs of a run over several inputs: every metric of every head on each input by itself. Nothing else of
// the single results is held, which take a thousand times as much.

import type { Measured } from '../diagnostics/headResult';
import type { InspectionResult } from '../inspection/inspectionResult';
import { headMetrics } from '../report/figures/metrics';

const places: ReadonlyMap<string, number> = new Map(headMetrics.map(({ id }, place) => [id, place]));

export class InputNumbers {
  /** By 'layer head': [inputs][metrics], NaN where not measured. */
  private readonly heads = new Map<string, Float64Array[]>();
  private added = 0;

  /** Single results in the order of the inputs. */
  static of(results: readonly InspectionResult[]): InputNumbers {
    const numbers = new InputNumbers();
    for (const result of results) numbers.add(result);
    return numbers;
  }

  get inputs(): number {
    return this.added;
  }

  add({ layers }: InspectionResult): void {
    this.added += 1;
    for (const { index, heads } of layers) {
      for (const head of heads) {
        const key = `${index} ${head.index}`;
        const rows = this.heads.get(key) ?? [];
        this.heads.set(key, rows);
        rows.push(Float64Array.from(headMetrics, (metric) => metric.value(head) ?? Number.NaN));
      }
    }
  }

  /** Of one head [inputs]; null: not every input has the head. */
  values(layer: number, head: number, metric: string): readonly Measured[] | null {
    const rows = this.heads.get(`${layer} ${head}`) ?? [];
    const place = places.get(metric);
    if (place === undefined || rows.length < this.added) return null;
    return rows.map((row) => (Number.isNaN(row[place]!) ? null : row[place]!));
  }
}
