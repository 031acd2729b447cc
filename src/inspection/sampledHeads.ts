// A few heads of a run computed again by the plain float64 kernels: how far the fast ones are from them on this very
// checkpoint and machine, printed with the result.

import { softmaxOutput, type HeadTensors } from '../diagnostics/headAttention';
import type { HeadInput } from '../diagnostics/headInput';
import { finishProjection, project } from '../diagnostics/projectedHead';
import type { LayerTrace } from '../engine/backend';
import type { HeadKernels } from '../engine/headKernels';
import type { Parity } from './inspectionResult';
import { ParityMeter, relativeError } from './parity';

/** Plain TypeScript does 0.5 GFLOP in about half a second; larger heads are left out. */
const mostFlops = 5e8;

/** Of the first, the middle and the last layer that is inspected one head each. */
export class SampledHeads {
  private readonly meter = new ParityMeter();
  private readonly places: readonly number[];
  private compared = 0;

  /** `kernels`: the plain ones. `layers`: that are inspected, ascending. */
  constructor(
    private readonly kernels: HeadKernels,
    layers: readonly number[],
  ) {
    this.places = [layers[0], layers[Math.floor(layers.length / 2)], layers.at(-1)].flatMap((layer) => layer ?? []);
  }

  /** The one of `heads` that is computed again in this layer; null: none. */
  headOf({ layer, tokens: n, headDim: d, x }: LayerTrace, heads: readonly number[]): number | null {
    const at = this.places.indexOf(layer);
    const flops = 6 * x.length * d + 4 * n * n * d;
    return at < 0 || flops > mostFlops ? null : (heads[at % heads.length] ?? null);
  }

  /** Notes how far `input`'s q, k, v and its output without RPC are from what x and the projections give. */
  compare(input: HeadInput, { softmax, tokens, headDim }: LayerTrace): void {
    const { query, key, value, x, rule, scaled } = input;
    const projected = (by: HeadInput['key'], scored: boolean): Float64Array =>
      finishProjection(project(x, by, input, this.kernels), by, input, scored);
    const head: HeadTensors = {
      q: query === null ? null : projected(query, true),
      k: projected(key, true),
      v: projected(value, false),
      tokens,
      ...(rule === undefined ? {} : { rule }),
    };
    const size = tokens * headDim;
    const out = softmax.subarray(input.head * size, (input.head + 1) * size);
    if (head.q !== null && input.q !== null) this.note('q', relativeError(input.q, head.q));
    this.note('k', relativeError(input.k, head.k));
    this.note('v', relativeError(input.v, head.v));
    this.note('out', relativeError(out, softmaxOutput(head, headDim, scaled, this.kernels)));
    this.compared += 1;
  }

  result(): Parity {
    if (this.compared > 0) return { ...this.meter.result(), sampledHeads: this.compared };
    return {
      maxRelError: null,
      perTensor: {},
      reason: 'the backend computes in float64; heads of this size are not computed again by the reference',
    };
  }

  private note(name: string, error: number): void {
    this.meter.note(`${name} against reference`, error);
  }
}
