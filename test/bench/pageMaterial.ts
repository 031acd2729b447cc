// What the pages are measured with: results of any size, heads made of random numbers, comparisons, a long checkpoint.

import { compareResults } from '../../src/comparison/compareResults';
import { bytesSource } from '../../src/checkpoint/byteSource';
import { readCheckpoint } from '../../src/checkpoint/readCheckpoint';
import { createRandom } from '../../src/diagnostics/random';
import { summariseCheckpoint } from '../../src/inspection/checkpointSummary';
import type { InspectionResult } from '../../src/inspection/inspectionResult';
import type { KeptHead } from '../../src/inspection/traceStore';
import { plainScores } from '../../src/model/blockShape';
import { packSummary, type WireSummary } from '../../src/protocol/checkpointMessages';
import { packComparison, type WireComparison } from '../../src/protocol/comparisonMessages';
import type { HeadAddress, SessionSnapshot } from '../../src/protocol/messages';
import { safetensors } from '../unit/checkpoint/crafted';
import { changed, sourceOf } from '../unit/comparison/sources';
import { exampleResult } from '../unit/report/exampleResult';

export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/** Of a class token and a grid of patches. */
export function resultOf(layers: number, heads: number, { rows, columns }: Grid): InspectionResult {
  const result = exampleResult({ layers, heads, tokens: 1 + rows * columns, headDim: 64 });
  return { ...result, model: { ...result.model, grid: [rows, columns] } };
}

/** Finished, as the extension host shows it. */
export function finished(
  empty: SessionSnapshot,
  result: InspectionResult,
  selected: HeadAddress | null = null,
): SessionSnapshot {
  const { model, layers, provenance, output } = result;
  return {
    ...empty,
    phase: 'done',
    inspection: '0123456789abcdef',
    title: provenance.checkpoint.name,
    message: `${provenance.checkpoint.name}: every head inspected.`,
    ...{ model, layers, provenance, output, selected },
  };
}

/** q, k, v [N, 64] of random numbers. */
export function randomHead({ layer, head }: HeadAddress, tokens: number): KeptHead {
  const headDim = 64;
  const random = createRandom(`page bench/${layer}/${head}/${tokens}`);
  const tensor = (): Float64Array => random.normals(tokens * headDim);
  const embedDim = 6 * headDim;
  return {
    ...{ layer, head, tokens, headDim, q: tensor(), k: tensor(), v: tensor() },
    rpc: { variant: 'code', iterations: 2, lambda: 4, embedDim },
    rule: plainScores,
    pattern: null,
    directions: null,
    rpcContext: { embedDim, prefixTokens: 1, scaled: null },
  };
}

export function comparisonOf(result: InspectionResult): WireComparison {
  const later = changed(result, 'later.safetensors', (head, layer) => ({
    ...head,
    attention: { ...head.attention, entropy: head.attention.entropy + (((layer + head.index) % 5) - 2) / 4 },
  }));
  const comparison = compareResults([sourceOf(result), sourceOf(later)], 'index');
  return { ...packComparison(comparison), file: null, kept: [true, true], matchings: ['index', 'permutation'] };
}

/** `count` tensors of 4 bytes. */
export async function longCheckpoint(count: number): Promise<WireSummary> {
  const header: Record<string, unknown> = {};
  for (let i = 0; i < count; i++)
    header[`model.layers.${i >> 3}.mlp.experts.${i & 7}.weight`] = {
      dtype: 'F32',
      shape: [1],
      data_offsets: [4 * i, 4 * i + 4],
    };
  const bytes = safetensors(header, new Uint8Array(4 * count));
  return packSummary(summariseCheckpoint(await readCheckpoint(bytesSource('long.safetensors', bytes)), null));
}
