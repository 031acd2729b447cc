// How far a float32 backend is from float64 on the very tensors of this run; printed with every result.

import type { FloatArray } from '../checkpoint/tensorIndex';
import type { LayerTrace } from '../engine/backend';
import type { Parity } from './inspectionResult';

/** max |a - b| / max |b|; 0 when both are all zero. */
export function relativeError(computed: FloatArray, float64: FloatArray): number {
  let worst = 0;
  let largest = 0;
  for (let i = 0; i < float64.length; i += 1) {
    const want = float64[i]!;
    // RPC has no value in a head without keys, masks are infinite: on both sides.
    if (!Number.isFinite(want) && Object.is(want, computed[i])) continue;
    largest = Math.max(largest, Math.abs(want));
    const difference = Math.abs(computed[i]! - want);
    // NaN must not hide behind Math.max's order of arguments.
    if (!(difference <= worst)) worst = difference;
  }
  return worst === 0 ? 0 : worst / largest;
}

/** Errors of the tensors of a layer, by name. */
export function layerErrors(computed: LayerTrace, float64: LayerTrace): [name: string, error: number][] {
  const names = ['x', 'q', 'k', 'v', 'out'] as const;
  const errors = names.map((name): [string, number] => [name, relativeError(computed[name], float64[name])]);
  if (computed.rpc !== null && float64.rpc !== null) errors.push(['rpc', relativeError(computed.rpc, float64.rpc)]);
  return [...errors, ['residual', relativeError(computed.next.data, float64.next.data)]];
}

export class ParityMeter {
  private readonly worst = new Map<string, number>();

  compareLayer(computed: LayerTrace, float64: LayerTrace): void {
    for (const [name, error] of layerErrors(computed, float64)) this.note(name, error);
  }

  compare(name: string, computed: FloatArray, float64: FloatArray): void {
    this.note(name, relativeError(computed, float64));
  }

  note(name: string, error: number): void {
    const before = this.worst.get(name) ?? 0;
    if (!(error <= before)) this.worst.set(name, error);
    else if (!this.worst.has(name)) this.worst.set(name, error);
  }

  result(): Parity {
    return { maxRelError: Math.max(0, ...this.worst.values()), perTensor: Object.fromEntries(this.worst) };
  }
}

export const float64Parity: Parity = {
  maxRelError: null,
  perTensor: {},
  reason: 'the backend itself computes in float64',
};
