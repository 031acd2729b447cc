// What its JSON Schema cannot say of a comparison: that its parts agree. A file may come from anywhere, and pages and
// reports look up a run, a head or a metric without asking whether it is there.

import { isInspectionId } from '../report/inspectionId';
import type { ComparedHead, ComparedNumber, Comparison, RankedChange } from './comparison';

/** Cells of a difference map; far above every model, and what a crafted size would have to be drawn in. */
const maxCells = 1_000_000;

const isIndex = (value: number, count: number): boolean => Number.isInteger(value) && value >= 0 && value < count;
const isCount = (value: number): boolean => Number.isInteger(value) && value > 0;

/** First thing that contradicts another, such as 'layers[0].heads[1].partners has 2 entries for 3 runs'; null: nothing does. */
export function comparisonFault(comparison: Comparison): string | null {
  const { runs, inputs, model, metrics, layers, ranked } = comparison;
  if (inputs.length === 0) return 'inputs is empty';
  if (!isCount(model.layers) || !isCount(model.heads) || model.layers * model.heads > maxCells)
    return `model has ${model.layers} layers of ${model.heads} heads`;
  const unnamed = runs.findIndex(({ inspection }) => !isInspectionId(inspection));
  if (unnamed >= 0) return `runs[${unnamed}].inspection is no name of an inspection`;
  if (new Set(metrics.map(({ id }) => id)).size < metrics.length) return 'metrics has the same metric twice';
  return stagesFault(comparison) ?? layersFault(comparison) ?? rankedFault(layers, metrics, ranked);
}

function stagesFault({ model }: Comparison): string | null {
  const wrong = (model.stages ?? []).findIndex(
    ({ name, layers, heads }: { name: unknown; layers: unknown; heads: unknown }) =>
      typeof name !== 'string' || typeof layers !== 'number' || !isCount(layers) || typeof heads !== 'number',
  );
  return wrong < 0 ? null : `model.stages[${wrong}] has no name or size`;
}

function layersFault({ runs, model, metrics, layers }: Comparison): string | null {
  const seen = new Set<string>();
  for (const [l, { index: layer, heads, matching }] of layers.entries()) {
    const at = `layers[${l}]`;
    if (!isIndex(layer, model.layers)) return `${at}.index is ${layer} of ${model.layers} layers`;
    if (matching.length !== runs.length) return `${at}.matching has ${matching.length} entries for ${runs.length} runs`;
    for (const [h, head] of heads.entries()) {
      const here = `${at}.heads[${h}]`;
      if (!isIndex(head.index, model.heads)) return `${here}.index is ${head.index} of ${model.heads} heads`;
      if (seen.has(`${layer} ${head.index}`)) return `${here} is there twice`;
      seen.add(`${layer} ${head.index}`);
      const found = headFault(head, here, runs.length, model.heads, metrics);
      if (found !== null) return found;
    }
  }
  return seen.size === 0 ? 'layers has no head' : null;
}

function headFault(
  { partners, metrics: numbers }: ComparedHead,
  at: string,
  runs: number,
  heads: number,
  metrics: Comparison['metrics'],
): string | null {
  if (partners.length !== runs) return `${at}.partners has ${partners.length} entries for ${runs} runs`;
  if (!partners.every((partner) => isIndex(partner, heads))) return `${at}.partners names a head that is not there`;
  for (const { id } of metrics) {
    const number = Object.hasOwn(numbers, id) ? numbers[id] : undefined;
    if (number === undefined) return `${at}.metrics.${id} is missing`;
    const found = numberFault(number, runs);
    if (found !== null) return `${at}.metrics.${id}${found}`;
  }
  return null;
}

function numberFault(
  { values, chance, difference, band, inBands, inSpreads }: ComparedNumber,
  runs: number,
): string | null {
  if (values.length !== runs) return `.values has ${values.length} entries for ${runs} runs`;
  if (chance !== undefined && chance.length !== runs) return `.chance has ${chance.length} entries for ${runs} runs`;
  const numbers = [...values, ...(chance ?? []), difference, band?.half, band?.centre, inBands, inSpreads];
  // 1e999 is a number of JSON and infinite here.
  if (numbers.some((one) => typeof one === 'number' && !Number.isFinite(one))) return ' holds what is no finite number';
  if ((inBands === undefined) !== (band === undefined)) return ' has bands without a band, or the other way round';
  return null;
}

function rankedFault(
  layers: Comparison['layers'],
  metrics: Comparison['metrics'],
  ranked: Comparison['ranked'],
): string | null {
  const heads = new Map(layers.flatMap(({ index, heads: own }) => own.map((head) => [`${index} ${head.index}`, head])));
  const ids = new Set(metrics.map(({ id }) => id));
  const fault = (list: readonly RankedChange[], size: 'inBands' | 'inSpreads'): string | null => {
    const wrong = list.findIndex(({ layer, head, metric }) => {
      const found = heads.get(`${layer} ${head}`);
      return found === undefined || !ids.has(metric) || found.metrics[metric]![size] === undefined;
    });
    return wrong < 0 ? null : `ranked.${size}[${wrong}] names a change that is not in layers`;
  };
  return fault(ranked.inBands, 'inBands') ?? fault(ranked.inSpreads, 'inSpreads');
}
