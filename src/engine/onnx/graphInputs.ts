// The person's input as values of the graph's inputs, with everything that stands beside it filled in.

import type { ModelInput } from '../../model/modelSpec';
import { inputSizes } from '../../model/onnx/onnxInputs';
import type { OnnxInput } from '../../model/onnx/onnxModel';
import { EngineError } from '../backend';
import { float16Type, floatToHalf, type GraphData, type GraphTensor } from './graphTensor';

/** By input name. @throws EngineError internal for a type that no input of this role has. */
export function graphInputs(inputs: readonly OnnxInput[], given: ModelInput): Map<string, GraphTensor> {
  const sizes = inputSizes(inputs, given);
  return new Map(
    inputs.map(({ name, elemType, role }) => {
      const shape = (sizes.get(name) ?? []).map((size) => size ?? 1);
      const count = shape.reduce((all, size) => all * size, 1);
      const numbers = Array.from({ length: count }, (_, i) => {
        if (role === 'ones') return 1;
        if (role === 'positions') return i;
        if (role === 'tokens') return 'ids' in given ? given.ids[i]! : 0;
        return role === 'pixels' && 'pixels' in given ? given.pixels[i]! : 0;
      });
      return [name, { elemType, shape, data: dataOf(numbers, elemType, name) }];
    }),
  );
}

function dataOf(numbers: readonly number[], elemType: number, name: string): GraphData {
  switch (elemType) {
    case 1:
      return Float32Array.from(numbers);
    case 6:
      return Int32Array.from(numbers);
    case 7:
      return BigInt64Array.from(numbers, BigInt);
    case 9:
      return Uint8Array.from(numbers);
    case float16Type:
      return Uint16Array.from(numbers, floatToHalf);
    case 11:
      return Float64Array.from(numbers);
    default:
      throw new EngineError('internal', `The input "${name}" of the graph has a type (${elemType}) that is not fed.`);
  }
}
