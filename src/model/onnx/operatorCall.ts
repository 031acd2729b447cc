// A node as the rules of operators see it: what is known of its inputs. Lists that were attributes in older operator sets and
// are inputs now are read in both forms.

import type { OnnxNode } from '../../checkpoint/onnx/onnxGraph';
import { intsAttribute, type Known, type Sizes, unknown } from './knownValue';

export interface OperatorCall {
  readonly node: OnnxNode;
  /** null: an optional input that is left out. */
  readonly inputs: readonly (Known | null)[];
  /** Version of the operator set of the node's domain. */
  readonly opset: number;
}

export type Operator = (call: OperatorCall) => readonly Known[];

export const at = ({ inputs }: OperatorCall, i: number): Known => inputs[i] ?? unknown;

/** Axes or sizes from input `i`, or from the attribute that held them in older operator sets; null: not given. */
export function listOf(call: OperatorCall, i: number, name: string): Sizes | 'unknown' | null {
  const input = call.inputs[i] ?? null;
  if (input !== null) return input.values ?? 'unknown';
  return intsAttribute(call.node, name);
}

export const isList = (list: Sizes | 'unknown' | null): list is Sizes => list !== null && list !== 'unknown';

export const allKnown = (values: Sizes): values is readonly number[] => values.every((value) => value !== null);
