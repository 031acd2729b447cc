// What each input of a graph stands for, by type, sizes and name, and which sizes it has for the input that a person
// gives. One input is theirs; the others are filled in where their meaning is plain, and refused by name where not.

import type { OnnxGraph, OnnxValueInfo } from '../../checkpoint/onnx/onnxGraph';
import { ModelSpecError, type ModelInput } from '../modelSpec';
import type { Size, Sizes } from './knownValue';
import type { InputRole, OnnxInput } from './onnxModel';

const floatTypes: readonly number[] = [1, 10, 11];
const integerTypes: readonly number[] = [6, 7];
const boolType = 9;

/** Names that exporters give to what stands beside the token ids. */
const byName: readonly (readonly [RegExp, InputRole])[] = [
  [/past|cache/i, 'empty'],
  [/token_?type|segment/i, 'zeros'],
  [/position/i, 'positions'],
  [/mask/i, 'ones'],
];

/** @throws ModelSpecError unsupported, naming the input that cannot be filled in. */
export function onnxInputs(graph: OnnxGraph, fileName: string): readonly OnnxInput[] {
  const given = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  const refuse = (info: OnnxValueInfo, why: string): never => {
    const shape = info.shape?.map((size) => size ?? '?').join(', ') ?? 'of unknown shape';
    throw new ModelSpecError(
      'unsupported',
      `${fileName}: Gramlens cannot fill in the input "${info.name}" [${shape}] of the graph: ${why}. Export the part of the model that takes one picture [N, C, H, W], or token ids [N, tokens].`,
    );
  };
  const inputs = given.map((info): OnnxInput => {
    const { name, elemType } = info;
    if (elemType === null || info.shape === null) return refuse(info, 'the file does not say its type and sizes');
    const sizes: Sizes = info.shape.map((size) => (typeof size === 'number' && size > 0 ? size : null));
    const input = (role: InputRole): OnnxInput => ({ name, elemType, shape: batchOfOne(sizes), role });
    if (typeof sizes[0] === 'number' && sizes[0] !== 1)
      return refuse(info, `it takes a batch of ${sizes[0]}, not of one`);
    const integer = integerTypes.includes(elemType);
    const known = byName.find(([pattern]) => pattern.test(name))?.[1];
    if (known === 'empty' && floatTypes.includes(elemType)) {
      return sizes.slice(1).filter((size) => size === null).length === 1
        ? { ...input('empty'), shape: [1, ...sizes.slice(1).map((size) => size ?? 0)] }
        : refuse(info, 'it is a cache of earlier tokens that cannot be empty');
    }
    if (elemType === boolType && sizes.length <= 1) return input('zeros');
    const fits = integer || (known === 'ones' && floatTypes.includes(elemType));
    if (known !== undefined && known !== 'empty' && fits && sizes.length === 2) return input(known);
    if (integer && sizes.length === 2) return input('tokens');
    if (!floatTypes.includes(elemType) || sizes.length !== 4)
      return refuse(info, 'it is neither a picture nor token ids');
    if (sizes[1] === null || sizes[1]! > maxChannels)
      return refuse(info, 'a picture must have its channels on the second axis');
    return input('pixels');
  });
  const own = inputs.filter(({ role }) => role === 'pixels' || role === 'tokens');
  if (own.length > 1) {
    const names = own.map(({ name }) => `"${name}"`).join(' and ');
    throw new ModelSpecError(
      'unsupported',
      `${fileName} takes more than one input: ${names}. This version feeds one; export each tower of the model by itself.`,
    );
  }
  if (own.length === 0) {
    throw new ModelSpecError(
      'unsupported',
      `${fileName} has no input for a picture or for token ids, so there is nothing to inspect it on.`,
    );
  }
  return inputs;
}

/** Pictures of microscopes and satellites have a dozen; more is another layout ([N, H, W, C]). */
const maxChannels = 32;

const batchOfOne = (sizes: Sizes): Sizes => (sizes.length === 0 ? sizes : [1, ...sizes.slice(1)]);

/**
 * Sizes of all inputs of the graph for what a person gave, or for what is known before (`null`). Values that are empty
 * have no tokens; everything else along the text has as many as there are ids.
 */
export function inputSizes(inputs: readonly OnnxInput[], given: ModelInput | null): Map<string, Sizes> {
  return new Map(
    inputs.map(({ name, shape, role }) => {
      if (given === null || role === 'empty') return [name, shape];
      const own: Sizes =
        'ids' in given
          ? [1, given.ids.length]
          : 'pixels' in given && role === 'pixels'
            ? [1, given.channels, given.height, given.width]
            : shape;
      const filled = shape.map((size, axis): Size => size ?? own[axis] ?? 1);
      return [name, filled];
    }),
  );
}

/** @throws ModelSpecError badInput where the graph takes other sizes than the input has. */
export function checkInput(inputs: readonly OnnxInput[], given: ModelInput, fileName: string): void {
  const own = inputs.find(({ role }) => role === ('ids' in given ? 'tokens' : 'pixels'));
  const sizes =
    'ids' in given ? [1, given.ids.length] : 'pixels' in given ? [1, given.channels, given.height, given.width] : [];
  const fits = own?.shape.every((size, axis) => size === null || size === sizes[axis]) ?? false;
  if (fits) return;
  throw new ModelSpecError(
    'badInput',
    `The input ${given.label} has the sizes [${sizes.join(', ')}]; ${fileName} takes ${own === undefined ? 'another kind of input' : `[${own.shape.map((size) => size ?? 'any').join(', ')}]`}.`,
  );
}
