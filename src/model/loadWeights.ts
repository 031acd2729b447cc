// Weights of one part of the network at a time, read by range when asked for and kept by nobody here: the memory of
// a run is the memory of one layer.

import type { ByteSource } from '../checkpoint/byteSource';
import { readTensor } from '../checkpoint/readTensor';
import type { FloatArray, TensorEntry, TensorIndex } from '../checkpoint/tensorIndex';
import { ModelSpecError, type BlockRoles, type LinearRole, type ModelSpec } from './modelSpec';
import type { BlockWeights, EmbedWeights, HeadWeights, LinearWeights } from './weights';

export interface WeightLoader {
  embed(): Promise<EmbedWeights>;
  /** Weights of layer i; rejects with RangeError when there is no such layer. */
  block(i: number): Promise<BlockWeights>;
  head(): Promise<HeadWeights>;
}

export type ReadTensor = (source: ByteSource, entry: TensorEntry) => Promise<FloatArray>;

/**
 * Loads what `spec` names from `source`. Arrays are C-contiguous; leading axes of length 1 ([1, P, C]) need no
 * copying. Tensors are read one after the other, so that no more than one is in flight.
 */
export function createWeightLoader(
  index: TensorIndex,
  source: ByteSource,
  spec: ModelSpec,
  read: ReadTensor = readTensor,
): WeightLoader {
  const tensor = async (name: string): Promise<FloatArray> => {
    const entry = entryOf(index, name);
    const values = await read(source, entry);
    const expected = entry.shape.reduce((product, n) => product * n, 1);
    if (values.length !== expected) {
      throw new ModelSpecError(
        'shapeMismatch',
        `${index.fileName}: tensor "${name}" of shape [${entry.shape.join(', ')}] has ${values.length} values instead of ${expected}. The file may have changed since it was opened; open it again.`,
      );
    }
    return values;
  };
  const optional = async (name: string | null): Promise<FloatArray | null> => (name === null ? null : tensor(name));
  const linear = async (role: LinearRole): Promise<LinearWeights> => ({
    weight: await tensor(role.weight),
    bias: await optional(role.bias),
  });
  const optionalLinear = async (role: LinearRole | null): Promise<LinearWeights | null> =>
    role === null ? null : linear(role);
  return {
    embed: async () => ({
      patch: await linear(spec.embed.patch),
      classToken: await tensor(spec.embed.classToken),
      distToken: await optional(spec.embed.distToken),
      position: await tensor(spec.embed.position),
    }),
    block: async (i) => {
      const roles = rolesOf(spec, i);
      return {
        norm1: await linear(roles.norm1),
        qkv: await linear(roles.qkv),
        queryNorm: await optionalLinear(roles.queryNorm),
        keyNorm: await optionalLinear(roles.keyNorm),
        scale: await optional(roles.scale),
        proj: await linear(roles.proj),
        layerScale1: await optional(roles.layerScale1),
        norm2: await linear(roles.norm2),
        fc1: await linear(roles.fc1),
        fc2: await linear(roles.fc2),
        layerScale2: await optional(roles.layerScale2),
      };
    },
    head: async () => ({
      norm: await linear(spec.head.norm),
      classifier: await optionalLinear(spec.head.classifier),
      distClassifier: await optionalLinear(spec.head.distClassifier),
    }),
  };
}

/** Bytes of the file that the weights of layer i take, for the plan. */
export function layerByteLength(index: TensorIndex, spec: ModelSpec, i: number): number {
  return tensorNames(rolesOf(spec, i)).reduce((sum, name) => sum + entryOf(index, name).byteLength, 0);
}

/** Full names of all tensors of one block, in reading order. */
export function tensorNames(roles: BlockRoles): readonly string[] {
  return Object.values(roles as unknown as Record<string, LinearRole | string | null>)
    .flatMap((role) => (role === null || typeof role === 'string' ? [role] : [role.weight, role.bias]))
    .filter((name): name is string => name !== null);
}

function rolesOf(spec: ModelSpec, i: number): BlockRoles {
  const roles = spec.blocks[i];
  if (roles === undefined) throw new RangeError(`there is no layer ${i}; layers are 0 to ${spec.layers - 1}`);
  return roles;
}

function entryOf(index: TensorIndex, name: string): TensorEntry {
  const entry = index.entries.get(name);
  if (entry === undefined) {
    throw new ModelSpecError('missingTensor', `${index.fileName} has no tensor "${name}". Open the checkpoint again.`);
  }
  return entry;
}

/** Bytes of the largest layer's weights: what a run holds at a time. */
export function largestLayerByteLength(index: TensorIndex, spec: ModelSpec): number {
  return Math.max(0, ...spec.blocks.map((_, i) => layerByteLength(index, spec, i)));
}
