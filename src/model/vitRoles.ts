// Roles of one family's tensors: embedding and blocks, each shape checked against the sizes found before.

import type { BlockRoles, EmbedRoles, LinearRole } from './modelSpec';
import type { ImageGeometry } from './imageGeometry';
import type { Axis, SpecContext } from './specContext';
import {
  linearRole,
  moduleBias,
  moduleWeight,
  neededModule,
  optionalNorm,
  presentModule,
  presentTensor,
  stacked,
  type VitNames,
} from './vitNames';

export interface MlpShape {
  /** Gate and up projections instead of one; timm packs them into an `fc1` twice as high as `fc2` is wide. */
  readonly gated: boolean;
  readonly width: number;
}

/** Whether the first block's MLP is gated, and its width. */
export function mlpShape(context: SpecContext, names: VitNames): MlpShape {
  const at = names.blockAt(0);
  const { gateUp, gate, fc1, fc2 } = names.block;
  const first = moduleWeight(neededModule(context, fc1, at));
  const second = moduleWeight(neededModule(context, fc2, at));
  const split = presentModule(context, gateUp, at) !== null || presentModule(context, gate, at) !== null;
  const columns = context.need(second).shape[1] ?? 0;
  const rows = split ? 0 : (context.need(first).shape[0] ?? 0);
  const gated = split || (rows > 0 && rows === 2 * columns);
  const width = gated ? columns : rows;
  context.fact('MLP width', width, `shape of ${context.prefix}${gated ? second : first}`);
  if (gated) context.fact('MLP', 'gated (SwiGLU)', `tensors of ${context.prefix}${at}`);
  return { gated, width };
}

export interface BlockSizes {
  readonly width: Axis;
  readonly mlp: Axis;
  readonly headDim: number;
  readonly heads: number;
  readonly tokens: number;
  readonly projections: 2 | 3;
  readonly scaled: boolean;
  readonly gated: boolean;
}

/** RMSNorm on queries and keys has no bias. */
export function headNormKind(context: SpecContext, names: VitNames): 'layer' | 'rms' | null {
  const module = presentModule(context, names.block.queryNorm, names.blockAt(0));
  if (module === null) return null;
  return context.has(moduleBias(module)) ? 'layer' : 'rms';
}

export function blockRoles(
  context: SpecContext,
  names: Pick<VitNames, 'blockAt' | 'block'>,
  i: number,
  sizes: BlockSizes,
): BlockRoles {
  const { width } = sizes;
  const at = names.blockAt(i);
  const { block } = names;
  const headSize: Axis = { name: 'head size d', length: sizes.headDim };
  const layerScale = (spellings: readonly string[]): string | null => {
    const name = presentTensor(context, spellings, at);
    return name === null ? null : context.tensor(name, [width]);
  };
  const headNorm = (spellings: readonly string[]): LinearRole | null =>
    sizes.projections === 2 ? null : optionalNorm(context, spellings, headSize, at);
  return {
    norm1: context.norm(neededModule(context, block.norm1, at), width),
    qkv: qkvRole(context, names, at, sizes),
    queryNorm: headNorm(block.queryNorm),
    keyNorm: headNorm(block.keyNorm),
    scale: sizes.scaled ? scaleRole(context, `${at}attn.s`, sizes) : null,
    proj: linearRole(context, neededModule(context, block.proj, at), width, width),
    layerScale1: layerScale(block.layerScale1),
    norm2: context.norm(neededModule(context, block.norm2, at), width),
    fc1: fc1Role(context, names, at, sizes),
    fc2: linearRole(context, neededModule(context, block.fc2, at), width, sizes.mlp),
    layerScale2: layerScale(block.layerScale2),
  };
}

function qkvRole(
  context: SpecContext,
  names: Pick<VitNames, 'blockAt' | 'block'>,
  at: string,
  sizes: BlockSizes,
): LinearRole {
  const { width } = sizes;
  const { qkv, query, key, value } = names.block;
  const fused = presentModule(context, qkv, at);
  if (fused !== null || query.length === 0) {
    const rows: Axis = { name: `${sizes.projections} x C`, length: sizes.projections * width.length };
    return linearRole(context, fused ?? neededModule(context, qkv, at), rows, width);
  }
  const [q, k, v] = [query, key, value].map((part) =>
    linearRole(context, neededModule(context, part, at), width, width),
  );
  return stacked(q!, k!, v!);
}

function fc1Role(
  context: SpecContext,
  names: Pick<VitNames, 'blockAt' | 'block'>,
  at: string,
  sizes: BlockSizes,
): LinearRole {
  const { width, mlp } = sizes;
  const { fc1, gateUp, gate, up } = names.block;
  const both: Axis = { name: '2 x MLP width', length: 2 * mlp.length };
  const packed = presentModule(context, gateUp, at);
  if (packed !== null) return linearRole(context, packed, both, width);
  if (presentModule(context, gate, at) !== null) {
    const [first, second] = [gate, up].map((part) => linearRole(context, neededModule(context, part, at), mlp, width));
    return stacked(first!, second!);
  }
  return linearRole(context, neededModule(context, fc1, at), sizes.gated ? both : mlp, width);
}

function scaleRole(context: SpecContext, name: string, sizes: BlockSizes): string {
  const shape = context.need(name).shape;
  if (shape.length <= 1) return context.tensor(name, [{ name: 'alpha', length: 1 }]);
  const { heads, tokens } = sizes;
  if (shape.length !== 3 || shape[0] !== heads || shape[1] !== tokens || shape[2] !== tokens) {
    throw context.mismatch(name, `expected [${heads}, ${tokens}, ${tokens}] (heads x tokens x tokens) or [1]`);
  }
  return context.prefix + name;
}

export function embedRoles(
  context: SpecContext,
  names: VitNames,
  width: Axis,
  geometry: ImageGeometry,
  registerCount: number,
): EmbedRoles {
  const { channels, patch, gridHeight, gridWidth } = geometry.image;
  const patchModule = neededModule(context, names.patch);
  const weight = moduleWeight(patchModule);
  const flat = context.need(weight).shape.length === 2;
  const inner: Axis[] = flat
    ? [{ name: 'channels x p x p', length: channels * patch * patch }]
    : [
        { name: 'channels', length: channels },
        { name: 'p', length: patch },
        { name: 'p', length: patch },
      ];
  const token = (spellings: readonly string[]): string | null => {
    const name = presentTensor(context, spellings);
    return name === null ? null : context.tensor(name, [width]);
  };
  const registers = presentTensor(context, names.registers);
  const rows = gridHeight * gridWidth + geometry.covered;
  const norm = optionalNorm(context, names.embedNorm, width);
  return {
    patch: {
      weight: context.tensor(weight, [width, ...inner]),
      bias: context.optionalTensor(moduleBias(patchModule), [width]),
    },
    classToken: token(names.classToken),
    distToken: token(names.distToken),
    ...(registers === null
      ? {}
      : { registers: context.tensor(registers, [{ name: 'registers', length: registerCount }, width]) }),
    position: context.tensor(presentTensor(context, names.position) ?? names.position[0]!, [
      { name: 'positions', length: rows },
      width,
    ]),
    ...(norm === null ? {} : { norm }),
  };
}
