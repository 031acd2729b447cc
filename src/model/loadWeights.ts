// Weights of one part of the network at a time, read by range when asked for and kept by nobody here: the memory of
// a run is the memory of one layer.

import { singleFile, type ByteSource, type CheckpointBytes } from '../checkpoint/byteSource';
import { blockSizes } from '../checkpoint/gguf/ggmlTypes';
import { readTensor } from '../checkpoint/readTensor';
import type { FloatArray, TensorEntry, TensorIndex } from '../checkpoint/tensorIndex';
import { canonicalBias, canonicalMatrix, canonicalRows, MatrixStack, type StoredTensor } from './canonicalise';
import { ModelSpecError, type BlockRoles, type LinearRole, type ModelSpec } from './modelSpec';
import { resizePositions } from './positionResize';
import type { BlockWeights, EmbedWeights, HeadWeights, LinearWeights } from './weights';

export interface WeightLoader {
  /** `ids`: tokens of the input whose word embeddings are read; null for images. */
  embed(ids?: Int32Array | null): Promise<EmbedWeights>;
  /** Weights of layer i; rejects with RangeError when there is no such layer. */
  block(i: number): Promise<BlockWeights>;
  /**
   * `rows`: only these rows of the classifier, because a vocabulary may be gigabytes wide; or the clusters of an adaptive
   * softmax in its place.
   */
  head(rows?: RowRange | 'clusters'): Promise<HeadWeights>;
}

/** Rows from..to (excluded). */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

export type ReadTensor = (source: ByteSource, entry: TensorEntry, into?: Float32Array | null) => Promise<FloatArray>;

/**
 * Loads what `spec` names from `bytes`, or from a single file as it is. Arrays are C-contiguous and in the engine's
 * layout (canonicalise.ts); leading axes of length 1 ([1, P, C]) need no copying. Tensors are read one after the other, so that no more than one is in flight.
 */
export function createWeightLoader(
  index: TensorIndex,
  bytes: CheckpointBytes | ByteSource,
  spec: ModelSpec,
  read: ReadTensor = readTensor,
): WeightLoader {
  const files = 'source' in bytes ? bytes : singleFile(bytes);
  const readEntry = async (entry: TensorEntry, into: Float32Array | null = null): Promise<FloatArray> => {
    const values = await read(await files.source(entry.shard), entry, into);
    const expected = entry.shape.reduce((product, n) => product * n, 1);
    if (values.length !== expected) {
      throw new ModelSpecError(
        'shapeMismatch',
        `${index.fileName}: tensor "${entry.name}" of shape [${entry.shape.join(', ')}] has ${values.length} values instead of ${expected}. The file may have changed since it was opened; open it again.`,
      );
    }
    return values;
  };
  const tensor = (name: string): Promise<FloatArray> => readEntry(entryOf(index, name));
  const optional = async (name: string | null | undefined): Promise<FloatArray | null> =>
    name === null || name === undefined ? null : tensor(name);
  const stored = async (name: string, slice?: LinearRole['slice']): Promise<StoredTensor> => {
    const { shape } = entryOf(index, name);
    if (slice === undefined) return { name, shape, values: await tensor(name) };
    return { name, shape: shape.slice(1), values: await rows(name, { from: slice.index, to: slice.index + 1 }) };
  };
  const storedInto = async (name: string, room: Float32Array): Promise<StoredTensor> => {
    const entry = entryOf(index, name);
    return { name, shape: entry.shape, values: await readEntry(entry, room) };
  };
  const linear = async (role: LinearRole): Promise<LinearWeights> => {
    const parts = [role, ...(role.then ?? [])];
    const stack = new MatrixStack(parts.reduce((sum, part) => sum + matrixLength(index, part), 0));
    for (const { weight, bias, layout, slice, rows: some } of parts) {
      const asItIs = layout === undefined && slice === undefined && some === undefined;
      const room = asItIs ? stack.room(matrixLength(index, { weight, bias })) : null;
      const file = room === null ? await stored(weight, slice) : await storedInto(weight, room);
      const matrix = canonicalMatrix(spec, layout, file);
      const shift = bias === null ? null : canonicalBias(spec, layout, await stored(bias, slice));
      const all = canonicalRows(layout, file.shape);
      const width = matrix.length / all;
      const { from, to } = some ?? { from: 0, to: all };
      stack.add(
        some === undefined ? matrix : matrix.slice(from * width, to * width),
        some === undefined ? shift : (shift?.slice(from, to) ?? null),
        to - from,
      );
    }
    const whole = stack.finish();
    return role.gain === undefined ? whole : { ...whole, weight: normedRows(whole.weight, await tensor(role.gain)) };
  };
  const optionalLinear = async (role: LinearRole | null | undefined): Promise<LinearWeights | null> =>
    role === null || role === undefined ? null : linear(role);
  /** Some rows of a matrix; the whole of it is read only where its rows are not contiguous. */
  const rows = async (name: string, range: RowRange): Promise<FloatArray> => {
    const entry = entryOf(index, name);
    const count = entry.shape[0] ?? 1;
    if (range.from < 0 || range.to > count) {
      throw new ModelSpecError(
        'badInput',
        `"${name}" of ${index.fileName} has ${count} rows; there is no row ${range.to - 1}.`,
      );
    }
    const some = rowsEntry(entry, range);
    if (some !== null) return readEntry(some);
    const values = await readEntry(entry);
    const width = values.length / count;
    return values.slice(range.from * width, range.to * width);
  };
  const wordRows = async (name: string, ids: Int32Array): Promise<FloatArray> => {
    const known = new Map<number, FloatArray>();
    for (const id of ids) if (!known.has(id)) known.set(id, await rows(name, { from: id, to: id + 1 }));
    const first = known.get(ids[0] ?? -1);
    const width = first?.length ?? 0;
    const all =
      first instanceof Float64Array ? new Float64Array(ids.length * width) : new Float32Array(ids.length * width);
    ids.forEach((id, i) => {
      all.set(known.get(id)!, i * width);
    });
    return all;
  };
  const classifier = async (
    role: LinearRole | null,
    range: RowRange | 'clusters' | undefined,
  ): Promise<LinearWeights | null> => {
    if (range === 'clusters') return optionalLinear(spec.head.clusters?.role);
    if (role === null || range === undefined || role.layout !== undefined) return optionalLinear(role);
    const weight = await rows(role.weight, range);
    return {
      weight: role.gain === undefined ? weight : normedRows(weight, await rows(role.gain, range)),
      bias: role.bias === null ? null : await rows(role.bias, range),
    };
  };
  const transforms = async (): Promise<NonNullable<HeadWeights['transforms']>> => {
    const loaded: { dense: LinearWeights; norm: LinearWeights | 'unit' | null }[] = [];
    for (const { dense, norm } of spec.head.transforms ?? []) {
      loaded.push({ dense: await linear(dense), norm: norm === 'unit' ? norm : await optionalLinear(norm) });
    }
    return loaded;
  };
  const positions = async (): Promise<FloatArray | null> => {
    const { position, positionResize } = spec.embed;
    const table = await optional(position);
    return table === null || positionResize === undefined
      ? table
      : resizePositions(table, spec.embedDim, positionResize);
  };
  return {
    embed: async (ids) => {
      const roles = spec.embed;
      const words = roles.words ?? null;
      return {
        patch: await optionalLinear(roles.patch),
        patchNorm: await optionalLinear(roles.patchNorm),
        tokenNorm: await optionalLinear(roles.tokenNorm),
        classToken: await optional(roles.classToken),
        distToken: await optional(roles.distToken),
        registers: await optional(roles.registers),
        position: await positions(),
        words: words === null || ids === null || ids === undefined ? null : await wordRows(words, ids),
        types: await optional(roles.types),
        norm: await optionalLinear(roles.norm),
        ...(roles.convolutions
          ? {
              convolutions: {
                first: await linear(roles.convolutions.first),
                second: await linear(roles.convolutions.second),
              },
            }
          : {}),
      };
    },
    block: async (i) => {
      const roles = rolesOf(spec, i);
      const { entry } = roles;
      return {
        ...(entry
          ? {
              entry: {
                norm: await optionalLinear(entry.norm),
                proj: await optionalLinear(entry.proj),
                append: await optional(entry.append),
              },
            }
          : {}),
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
        ...(roles.ropeDivisors === undefined ? {} : { ropeDivisors: await tensor(roles.ropeDivisors) }),
      };
    },
    head: async (range) => ({
      norm: await optionalLinear(spec.head.norm),
      classifier: await classifier(spec.head.classifier, range),
      distClassifier: await optionalLinear(spec.head.distClassifier),
      poolNorm: await optionalLinear(spec.head.poolNorm),
      transforms: await transforms(),
      masks: spec.head.masks
        ? {
            patchProj: await linear(spec.head.masks.patchProj),
            classProj: await linear(spec.head.masks.classProj),
            norm: await linear(spec.head.masks.norm),
          }
        : null,
    }),
  };
}

/** Weight norm: each row of `weight` with the length that `gain` says. */
function normedRows(weight: FloatArray, gain: FloatArray): Float64Array {
  const width = weight.length / gain.length;
  const out = new Float64Array(weight.length);
  for (let row = 0; row < gain.length; row++) {
    let squares = 0;
    for (let i = row * width; i < (row + 1) * width; i++) squares += weight[i]! ** 2;
    const factor = gain[row]! / Math.sqrt(squares);
    for (let i = row * width; i < (row + 1) * width; i++) out[i] = weight[i]! * factor;
  }
  return out;
}

/** The entry of some rows of a contiguous tensor; null where rows are not byte ranges of their own. */
function rowsEntry(entry: TensorEntry, { from, to }: RowRange): TensorEntry | null {
  const [count, ...rest] = entry.shape;
  if (count === undefined || count === 0 || entry.strides !== undefined || entry.deflated !== undefined) return null;
  const width = rest.reduce((product, n) => product * n, 1);
  // Rows that end inside a block of quantised values have no bytes of their own.
  const unit = entry.quantisation === undefined ? 1 : blockSizes[entry.quantisation].values;
  if (width % unit !== 0 || entry.byteLength % count !== 0) return null;
  const rowBytes = entry.byteLength / count;
  return {
    ...entry,
    shape: [to - from, ...rest],
    byteOffset: entry.byteOffset + from * rowBytes,
    byteLength: (to - from) * rowBytes,
  };
}

/** Numbers of one matrix of a role, without those that `then` adds. */
function matrixLength(index: TensorIndex, { weight, layout, slice, rows }: LinearRole): number {
  const { shape } = entryOf(index, weight);
  const own = slice === undefined ? shape : shape.slice(1);
  const all = own.reduce((product, n) => product * n, 1);
  return rows === undefined ? all : (all / canonicalRows(layout, own)) * (rows.to - rows.from);
}

/** Bytes of the weights of layer i in memory, as float32. */
export function layerMemory(index: TensorIndex, spec: ModelSpec, i: number): number {
  const roles = rolesOf(spec, i);
  const layers = roles.fc1.slice?.of ?? 1;
  const numbers = (name: string): number => entryOf(index, name).shape.reduce((product, n) => product * n, 1);
  return tensorNames(roles).reduce((sum, name) => sum + (4 * numbers(name)) / layers, 0);
}

/** Bytes of the file that the weights of layer i take, for the plan. */
export function layerByteLength(index: TensorIndex, spec: ModelSpec, i: number): number {
  const roles = rolesOf(spec, i);
  const layers = roles.fc1.slice?.of ?? 1;
  return tensorNames(roles).reduce((sum, name) => sum + entryOf(index, name).byteLength / layers, 0);
}

/** Full names of all tensors of one block, in reading order. */
export function tensorNames(roles: BlockRoles): readonly string[] {
  const { entry, ...block } = roles;
  const own = Object.values(block as Record<string, LinearRole | string | null>);
  return [entry?.norm ?? null, entry?.proj ?? null, entry?.append ?? null, ...own]
    .flatMap((role) =>
      role === null || typeof role === 'string'
        ? [role]
        : [role, ...(role.then ?? [])].flatMap((part) => [part.weight, part.bias]),
    )
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
