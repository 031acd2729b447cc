// Which values of a graph a run looks at, one list for each segment: those of each attention block, then the output.

import type { AttentionSite } from '../../model/onnx/attentionSite';
import type { OnnxModel } from '../../model/onnx/onnxModel';
import { fusedTaps } from './fusedHeads';

/** Layers that nobody asked for are passed over: the next one runs the graph up to its own taps. */
export function wantedValues({ sites, output }: OnnxModel, layers: readonly number[]): readonly (readonly string[])[] {
  const taps = sites.map((site, layer) => (layers.includes(layer) ? tapsOf(site) : []));
  return [...taps, output === null ? [] : [output]];
}

function tapsOf(site: AttentionSite): readonly string[] {
  if (site.kind === 'fused') return fusedTaps(site);
  const { q, k, v, pattern, out, projections } = site;
  const maps = projections === null ? [] : [projections.q, projections.k, projections.v];
  const names = [q, k, v, pattern, out].map(({ name }) => name);
  return [...new Set([...names, ...maps.flatMap((map) => [map.x, map.result])])];
}
