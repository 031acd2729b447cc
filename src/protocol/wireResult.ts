// A finished result on its way from a page's worker to the host, through the page: a layer a text, and behind them all
// else. As one object the result of 32 x 32 heads would block the page, and the editor around it, for as long as it takes
// to copy 47 MB.

import type { InspectionResult, LayerResult } from '../inspection/inspectionResult';

/** A result without its layers. */
export type WireRest = Omit<InspectionResult, 'layers'>;

/** JSON of a whole layer, lists and all. */
export type WholeLayer = string;

/** A finished run, in the order in which it is said. */
export type ResultEvent =
  { readonly kind: 'layerResult'; readonly layer: WholeLayer } | { readonly kind: 'done'; readonly rest: WireRest };

/** A text is made when it is asked for: one at a time is in memory. */
export function* resultEvents({ layers, ...rest }: InspectionResult): Generator<ResultEvent> {
  for (const layer of layers) yield { kind: 'layerResult', layer: JSON.stringify(layer) };
  yield { kind: 'done', rest };
}

/** Puts a result together again. */
export class ArrivingResult {
  private readonly layers: LayerResult[] = [];

  /** The whole with the last of the events, null before. */
  receive(event: ResultEvent): InspectionResult | null {
    if (event.kind === 'done') return { ...event.rest, layers: this.layers };
    this.layers.push(JSON.parse(event.layer) as LayerResult);
    return null;
  }
}
