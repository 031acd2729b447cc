// Values that go into a graph and come out of it, and the runtime that runs one. The runtime is handed in: this folder
// imports no onnxruntime-web, so nobody loads it who never opens an ONNX file.

import type { FloatArray } from '../../checkpoint/tensorIndex';
import { EngineError } from '../backend';

export type GraphData =
  | Float32Array
  | Float64Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export interface GraphTensor {
  /** Number of enum TensorProto.DataType. */
  readonly elemType: number;
  readonly shape: readonly number[];
  /** float16 as the bits of its values; bool as bytes. */
  readonly data: GraphData;
}

export interface GraphSession {
  /** Runs the graph; the result holds exactly `fetches`. */
  run(feeds: ReadonlyMap<string, GraphTensor>, fetches: readonly string[]): Promise<Map<string, GraphTensor>>;
  release(): Promise<void>;
}

export interface GraphRuntime {
  /** 'ONNX Runtime Web 1.30.0, wasm' */
  readonly description: string;
  /** @throws an Error with the runtime's own words. */
  open(model: Uint8Array): Promise<GraphSession>;
}

export const float32Type = 1;
export const int64Type = 7;
export const float16Type = 10;

/** The values as numbers. @throws EngineError internal for types that hold no real numbers. */
export function floatsOf({ elemType, data }: GraphTensor): FloatArray {
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  if (elemType === float16Type && data instanceof Uint16Array) return Float32Array.from(data, halfToFloat);
  throw new EngineError('internal', `A value of type ${elemType} was asked for as numbers.`);
}

/** IEEE 754 binary16. */
function halfToFloat(bits: number): number {
  const sign = (bits & 0x8000) !== 0 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Rounded to nearest, ties to even; beyond 65504 infinite. */
export function floatToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const unit = 2 ** (exponent - 10);
  const steps = size / unit;
  const low = Math.floor(steps);
  const rounded = steps - low > 0.5 || (steps - low === 0.5 && low % 2 === 1) ? low + 1 : low;
  // A carry out of the fraction moves into the exponent by itself.
  return sign | (exponent === -14 && rounded < 1024 ? rounded : ((exponent + 14) << 10) + rounded);
}
