// Channels, patch size and patch grid. The patch weight says channels and patch, the position embedding says how
// many patches there are; only a grid that is not square needs to be told.

import { ModelSpecError, type ImageShape } from './modelSpec';
import { givenBy } from './overrides';
import { asSize } from './parseValues';
import type { SpecContext } from './specContext';

/** Names (without prefix) and counts that the geometry is read from. */
export interface GeometryClues {
  /** [C, channels, p, p], [C, 3 p p], or Flax's [p, p, channels, C]. */
  readonly patch: string;
  /** [1, P, C] or [P, C]; null: no learned positions, the image size must be said. */
  readonly position: string | null;
  readonly prefixTokens: number;
  /** How many prefix tokens the positions may cover, tried in order. */
  readonly covers: readonly number[];
  /** The patch kernel is [p, p, channels, C]. */
  readonly channelsLast?: boolean;
  /** Channels of a flat patch; 3 where absent. */
  readonly channels?: number;
}

export interface ImageGeometry {
  readonly image: ImageShape;
  /** N, prefix tokens included. */
  readonly tokens: number;
  /** Prefix tokens that have a row in the position embedding. */
  readonly covered: number;
}

const imageKeys = ['img_size', 'image_size', 'input_size'];

interface Size {
  readonly height: number;
  readonly width: number;
}

/** Reads the patch weight and the position embedding. */
export function inferGeometry(context: SpecContext, clues: GeometryClues): ImageGeometry {
  const { channels, patch } = patchOf(context, clues);
  const { prefixTokens, position } = clues;
  if (position === null) return withoutPositions(context, clues, channels, patch);
  const positions = context.shapeOf(position);
  const count = positions.length === 2 ? positions[0]! : positions.length === 1 ? 1 : 0;
  if (count === 0) throw context.mismatch(position, 'expected [1, P, C], one row a token');
  const { grid, source } = gridOf(context, { ...clues, position }, count, patch);
  const patches = grid.height * grid.width;
  context.fact('grid', `${grid.height} x ${grid.width} patches of ${patch} pixels`, source);
  context.fact('image', `${channels} x ${grid.height * patch} x ${grid.width * patch}`, 'grid and patch size');
  const covered = count - patches;
  const positionSource = `shape of ${context.prefix}${position}`;
  if (prefixTokens > 0 && covered === 0) {
    context.fact('positions', 'patches only (no_embed_class)', positionSource);
  } else if (covered < prefixTokens) {
    context.fact('positions', `class token and patches, not the ${prefixTokens - covered} registers`, positionSource);
  }
  context.fact('tokens', patches + prefixTokens, positionSource);
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
    covered,
  };
}

function patchOf(context: SpecContext, clues: GeometryClues): { channels: number; patch: number } {
  const name = clues.patch;
  const shape = context.need(name).shape;
  const form = clues.channelsLast === true ? '[p, p, channels, C]' : '[C, channels, p, p]';
  const [height, width, channels] =
    clues.channelsLast === true ? [shape[0], shape[1], shape[2]] : [shape[2], shape[3], shape[1]];
  if (shape.length === 4 && height === width && shape.every((n) => n > 0))
    return { channels: channels!, patch: height! };
  const flat = clues.channels ?? 3;
  const old = shape.length === 2 ? Math.sqrt(shape[1]! / flat) : 0;
  if (old >= 1 && Number.isInteger(old)) return { channels: flat, patch: old };
  if (shape.length === 4) throw context.mismatch(name, `but only square patches ${form} are in this version`);
  throw context.mismatch(name, `expected ${form}`);
}

/** The grid of a network that has no table of positions: only a person or a configuration knows it. */
function withoutPositions(
  context: SpecContext,
  { prefixTokens }: GeometryClues,
  channels: number,
  patch: number,
): ImageGeometry {
  const { grid: wanted, image } = context.overrides;
  const given = (option: string): string => givenBy(context.overrides, option);
  const said = context.settings.find(imageKeys, asSize, 'an image size');
  const size = image ?? said?.value;
  const grid = wanted ?? (size === undefined ? null : toGrid(size, patch));
  if (grid === null) {
    throw new ModelSpecError(
      size === undefined ? 'badInput' : 'badOverride',
      size === undefined
        ? `${context.fileName} has no learned positions, so nothing says how large its pictures are. Say it with --set image=HEIGHTxWIDTH.`
        : `${image === undefined ? (said?.source ?? '') : given('image')} says pictures of ${size.height} x ${size.width}, and both sides must be multiples of ${patch}, the width of a patch.`,
    );
  }
  const source = given(wanted !== undefined ? 'grid' : 'image');
  context.fact(
    'grid',
    `${grid.height} x ${grid.width} patches of ${patch} pixels`,
    wanted === undefined && image === undefined ? (said?.source ?? '') : source,
  );
  const tokens = grid.height * grid.width + prefixTokens;
  context.fact('tokens', tokens, 'grid and prefix tokens');
  return {
    image: {
      channels,
      patch,
      height: grid.height * patch,
      width: grid.width * patch,
      gridHeight: grid.height,
      gridWidth: grid.width,
    },
    tokens,
    covered: 0,
  };
}

function gridOf(
  context: SpecContext,
  clues: GeometryClues & { readonly position: string },
  count: number,
  patch: number,
): { grid: Size; source: string } {
  const counts = clues.covers.map((covered) => count - covered);
  const fits = (grid: Size): boolean => counts.includes(grid.height * grid.width);
  const { grid: wantedGrid, image: wantedImage } = context.overrides;
  const given = (option: string): string => givenBy(context.overrides, option);
  const fromImage = wantedImage === undefined ? undefined : toGrid(wantedImage, patch);
  if (wantedImage !== undefined && fromImage === null) {
    throw new ModelSpecError(
      'badOverride',
      `${given('image')}=${wantedImage.height}x${wantedImage.width}: the patches of ${context.fileName} are ${patch} pixels wide, and both sides must be multiples of ${patch}.`,
    );
  }
  for (const [option, size] of [
    ['grid', wantedGrid],
    ['image', fromImage],
  ] as const) {
    if (size === undefined || size === null) continue;
    // A picture of another size than the trained one: positions are resized for it (resizedSpec.ts).
    if (option === 'image' && !fits(size)) continue;
    if (!fits(size)) {
      throw new ModelSpecError(
        'badOverride',
        `${given(option)}: a grid of ${size.height} x ${size.width} has ${size.height * size.width} patches, but the position embedding of ${context.fileName} has ${count} rows (${possibleCounts(clues, count)}).`,
      );
    }
    if (wantedGrid !== undefined && fromImage && fits(fromImage) && !same(wantedGrid, fromImage)) {
      throw new ModelSpecError(
        'badOverride',
        `${given('grid')} and ${given('image')} disagree with each other; give one of them.`,
      );
    }
    return { grid: size, source: given(option) };
  }
  const said = context.settings.find(imageKeys, asSize, 'an image size');
  const saidGrid = said === null ? null : toGrid(said.value, patch);
  if (said !== null && saidGrid !== null && fits(saidGrid)) return { grid: saidGrid, source: said.source };
  if (said !== null) {
    context.notes.push(
      `${said.source} says an image of ${said.value.height} x ${said.value.width}, which does not fit the position embedding (${count} rows, patch ${patch}); it was ignored.`,
    );
  }
  for (const patches of counts) {
    const side = Math.round(Math.sqrt(Math.max(0, patches)));
    if (side > 0 && side * side === patches) {
      // Another grid may fit as well when the prefix is counted differently: a guess is told.
      if (patches !== counts[0]) {
        context.notes.push(
          `The position embedding has ${count} rows (${possibleCounts(clues, count)}); a square grid of ${side} x ${side} is taken, without a position of its own for the prefix. If that is wrong, say --set grid=HEIGHTxWIDTH.`,
        );
      }
      return {
        grid: { height: side, width: side },
        source: `shape of ${context.prefix}${clues.position}, square grid`,
      };
    }
  }
  throw askGrid(context, clues, count, patch);
}

/** E.g. "16 patches behind the class token, or 17 patches". */
function possibleCounts(clues: GeometryClues, count: number): string {
  return clues.covers
    .map((covered) => {
      const behind = covered === 1 ? ' behind the class token' : covered > 1 ? ` behind ${covered} prefix tokens` : '';
      return `${count - covered} patches${behind}`;
    })
    .join(', or ');
}

function askGrid(
  context: SpecContext,
  clues: GeometryClues & { readonly position: string },
  count: number,
  patch: number,
): ModelSpecError {
  const covered = clues.covers[0] ?? 0;
  const patches = count - covered;
  if (patches < 1)
    throw context.mismatch(clues.position, `too few rows for ${covered} prefix tokens and at least one patch`);
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
