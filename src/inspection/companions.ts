// Forward passes beside the network's own that are compared and never shown themselves: untrained twins, ablated and noisy
// runs. They run in float32 where the backend has it, and the network itself runs beside them to measure what that costs.

import type { FloatArray } from '../checkpoint/tensorIndex';
import { EngineError, type Backend, type LayerOptions, type LayerTrace, type Residual } from '../engine/backend';
import type { ModelSpec } from '../model/modelSpec';
import type { BlockWeights, HeadWeights } from '../model/weights';
import type { CompanionPrecision } from './inspectionResult';
import { float64Parity, layerErrors, ParityMeter, relativeError } from './parity';

/** Spec section 10: what a float32 forward pass may be off, relative to max |.|. */
const float32Tolerance = 2e-4;

type ForwardPass = Pick<Backend, 'embed' | 'runLayer' | 'unembed'>;

/**
 * Passes of one kind, one of which may be watched: its float64 numbers are known. From the layer on in which that one would
 * be further from them than spec section 10 allows, or any pass not finite, all run in float64: until then they were within.
 */
export class Companions implements Pick<Backend, 'runLayer' | 'unembed'> {
  private readonly meter = new ParityMeter();
  private float64From: number | null = null;

  /** `fast` is the same object as `float64` where nothing is to be gained. */
  constructor(
    private readonly fast: Backend,
    private readonly float64: Backend,
  ) {}

  runLayer(spec: ModelSpec, weights: BlockWeights, x: Residual, options: LayerOptions): Promise<LayerTrace> {
    return this.held(options.layer, (backend) => backend.runLayer(spec, weights, x, options));
  }

  unembed(spec: ModelSpec, weights: HeadWeights, x: Residual): Promise<FloatArray | null> {
    return this.held(spec.layers, (backend) => backend.unembed(spec, weights, x));
  }

  /** Whether the watched pass still differs from its float64 one. */
  get watched(): boolean {
    return this.fast !== this.float64 && this.float64From === null;
  }

  /** An embedding; `expected`, that of `float64`, where it is the watched one. */
  embedding(run: (pass: ForwardPass) => Promise<Residual>, expected: Residual | null): Promise<Residual> {
    return this.held(0, run, ({ data }) =>
      expected === null ? [] : [['embedding', relativeError(data, expected.data)]],
    );
  }

  /** A layer, where each run needs weights of its own or it is the watched one: then `expected` is the trace of `float64`. */
  layer(
    index: number,
    run: (pass: ForwardPass) => Promise<LayerTrace>,
    expected: LayerTrace | null,
  ): Promise<LayerTrace> {
    return this.held(index, run, (trace) => (expected === null ? [] : layerErrors(trace, expected)));
  }

  /** Notes how far the output behind the watched pass is from that of `float64`. */
  watchedOutput(name: string, computed: FloatArray, expected: FloatArray): void {
    if (this.watched) this.meter.note(name, relativeError(computed, expected));
  }

  precision(): CompanionPrecision {
    const { precision } = this.fast;
    const parity = precision === 'float64' ? float64Parity : this.meter.result();
    return { precision, parity, float64From: this.float64From };
  }

  /** `run` on the fast backend where that can hold it. */
  private async held<T>(
    layer: number,
    run: (pass: ForwardPass) => Promise<T>,
    errorsOf: (result: T) => readonly (readonly [name: string, error: number])[] = () => [],
  ): Promise<T> {
    if (!this.watched) return run(this.float64);
    const result = await unlessNonFinite(run(this.fast));
    if (result !== notFinite) {
      const errors = errorsOf(result);
      if (errors.every(([, error]) => error <= float32Tolerance)) {
        for (const [name, error] of errors) this.meter.note(name, error);
        return result;
      }
    }
    this.float64From = layer;
    return run(this.float64);
  }
}

/** The numbers left the range of float32. */
const notFinite = Symbol('not finite');

async function unlessNonFinite<T>(result: Promise<T>): Promise<T | typeof notFinite> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof EngineError && error.reason === 'nonFinite') return notFinite;
    throw error;
  }
}
