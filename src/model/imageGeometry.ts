// Channels, patch size and patch grid. The patch weight says channels and patch, the position embedding says how
// many patches there are; only a grid that is not square needs to be told.

import { ModelSpecError, type ImageShape } from './modelSpec';
import { asSize } from './parseValues';
import type { SpecContext } from './specContext';

export interface ImageGeometry {
  readonly image: ImageShape;
  /** N, prefix tokens included. */
  readonly tokens: number;
  readonly positionCoversPrefix: boolean;
}

const imageKeys = ['img_size', 'image_size', 'input_size'];

interface Size {
  readonly height: number;
  readonly width: number;
}

/** Reads the patch weight [C, channels, p, p] (old files: [C, 3 p p]) and the position embedding [1, P, C]. */
export function inferGeometry(context: SpecContext, prefixTokens: number): ImageGeometry {
  const { channels, patch } = patchOf(context);
  const positions = context.shapeOf('pos_embed');
  const count = positions.length === 2 ? positions[0]! : positions.length === 1 ? 1 : 0;
  if (count === 0) throw context.mismatch('pos_embed', 'expected [1, P, C], one row a token');
  const { grid, source } = gridOf(context, count, prefixTokens, patch);
  const patches = grid.height * grid.width;
  context.fact('grid', `${grid.height} x ${grid.width} patches of ${patch} pixels`, source);
  context.fact('image', `${channels} x ${grid.height * patch} x ${grid.width * patch}`, 'grid and patch size');
  const positionCoversPrefix = count !== patches;
  if (!positionCoversPrefix)
    context.fact('positions', 'patches only (no_embed_class)', `shape of ${context.prefix}pos_embed`);
  context.fact('tokens', patches + prefixTokens, `shape of ${context.prefix}pos_embed`);
  return {
    image: {
      channels,
      patch,
      height: grid.height * patch,
      width: grid.width * patch,
      gridHeight: grid.height,
      gridWidth: grid.width,
    },
    tokens: patches + prefixTokens,
    positionCoversPrefix,
  };
}

function patchOf(context: SpecContext): { channels: number; patch: number } {
  const name = 'patch_embed.proj.weight';
  const shape = context.need(name).shape;
  if (shape.length === 4 && shape[2] === shape[3] && shape.every((n) => n > 0)) {
    return { channels: shape[1]!, patch: shape[2]! };
  }
  const old = shape.length === 2 ? Math.sqrt(shape[1]! / 3) : 0;
  if (old >= 1 && Number.isInteger(old)) return { channels: 3, patch: old };
  if (shape.length === 4)
    throw context.mismatch(name, 'but only square patches [C, channels, p, p] are in this version');
  throw context.mismatch(name, 'expected [C, channels, p, p]');
}

function gridOf(context: SpecContext, count: number, prefix: number, patch: number): { grid: Size; source: string } {
  const fits = (grid: Size): boolean => [count, count - prefix].includes(grid.height * grid.width);
  const { grid: wantedGrid, image: wantedImage } = context.overrides;
  const fromImage = wantedImage === undefined ? undefined : toGrid(wantedImage, patch);
  if (wantedImage !== undefined && fromImage === null) {
    throw new ModelSpecError(
      'badOverride',
      `--set image=${wantedImage.height}x${wantedImage.width}: the patches of ${context.fileName} are ${patch} pixels wide, and both sides must be multiples of ${patch}.`,
    );
  }
  for (const [option, size] of [
    ['grid', wantedGrid],
    ['image', fromImage],
  ] as const) {
    if (size === undefined || size === null) continue;
    if (!fits(size)) {
      throw new ModelSpecError(
        'badOverride',
        `--set ${option}: a grid of ${size.height} x ${size.width} has ${size.height * size.width} patches, but the position embedding of ${context.fileName} has ${count} rows (${count - prefix} patches behind ${prefix === 1 ? 'the class token' : 'class and distillation token'}, or ${count} patches).`,
      );
    }
    if (wantedGrid !== undefined && fromImage !== undefined && fromImage !== null && !same(wantedGrid, fromImage)) {
      throw new ModelSpecError('badOverride', '--set grid and --set image disagree with each other; give one of them.');
    }
    return { grid: size, source: `--set ${option}` };
  }
  const said = context.settings.find(imageKeys, asSize, 'an image size');
  const saidGrid = said === null ? null : toGrid(said.value, patch);
  if (said !== null && saidGrid !== null && fits(saidGrid)) return { grid: saidGrid, source: said.source };
  if (said !== null) {
    context.notes.push(
      `${said.source} says an image of ${said.value.height} x ${said.value.width}, which does not fit the position embedding (${count} rows, patch ${patch}); it was ignored.`,
    );
  }
  for (const patches of [count - prefix, count]) {
    const side = Math.round(Math.sqrt(Math.max(0, patches)));
    if (side > 0 && side * side === patches) {
      return { grid: { height: side, width: side }, source: `shape of ${context.prefix}pos_embed, square grid` };
    }
  }
  throw askGrid(context, count, prefix, patch);
}

function askGrid(context: SpecContext, count: number, prefix: number, patch: number): ModelSpecError {
  const patches = count - prefix;
  if (patches < 1)
    throw context.mismatch('pos_embed', `too few rows for ${prefix} prefix tokens and at least one patch`);
  const pairs = factorPairs(patches);
  return new ModelSpecError(
    'question',
    `${context.fileName} has ${patches} patches, which is not a square number, and does not say its grid. ` +
      `Give it with --set grid=ROWSxCOLUMNS, one of ${pairs.map((grid) => `${grid.height}x${grid.width}`).join(', ')}.`,
    {
      option: 'grid',
      question: `${context.fileName} has ${patches} patches, which is not a square number. How are they arranged (rows x columns)?`,
      choices: pairs.map((grid) => ({
        value: `${grid.height}x${grid.width}`,
        label: `${grid.height} rows x ${grid.width} columns`,
        detail: `image ${grid.height * patch} x ${grid.width * patch} pixels (height x width)`,
      })),
    },
  );
}

/** Both orientations of every factor pair, the squarest first; at most 12. */
function factorPairs(patches: number): Size[] {
  const pairs: Size[] = [];
  for (let short = Math.floor(Math.sqrt(patches)); short >= 1 && pairs.length < 12; short--) {
    if (patches % short !== 0) continue;
    const long = patches / short;
    pairs.push({ height: long, width: short });
    if (long !== short) pairs.push({ height: short, width: long });
  }
  return pairs;
}

function toGrid(image: Size, patch: number): Size | null {
  return image.height % patch === 0 && image.width % patch === 0
    ? { height: image.height / patch, width: image.width / patch }
    : null;
}

function same(a: Size, b: Size): boolean {
  return a.height === b.height && a.width === b.width;
}
