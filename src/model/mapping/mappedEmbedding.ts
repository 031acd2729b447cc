// The embedding of a mapped network: a table of words, or patches with their grid, prefix tokens and positions.

import { inferGeometry } from '../imageGeometry';
import { ModelSpecError, type EmbedRoles, type LinearRole, type ModelSpec } from '../modelSpec';
import type { SpecContext } from '../specContext';
import type { RoleReader } from './mappedRoles';

type Embedding = Pick<
  ModelSpec,
  'embed' | 'image' | 'text' | 'tokens' | 'prefixTokens' | 'positionCoversPrefix' | 'positionCoversRegisters'
>;

export function mappedEmbedding(context: SpecContext, reader: RoleReader): Embedding {
  const { architecture } = reader.mapping;
  return architecture.input === 'words' ? words(context, reader) : patches(context, reader);
}

function rowsOf({ index }: SpecContext, name: string | null): number {
  const shape = name === null ? [] : (index.entries.get(name)?.shape ?? []);
  return shape.length < 2 ? 1 : (shape.at(-2) ?? 0);
}

function words(context: SpecContext, reader: RoleReader): Embedding {
  const { positions, firstPosition, wordScale } = reader.mapping.architecture;
  const table = reader.name('words');
  const position = positions === 'learned' ? reader.name('position') : null;
  const longest = position === null ? null : Math.max(1, rowsOf(context, position) - firstPosition);
  const vocabulary = rowsOf(context, table);
  context.fact('vocabulary', vocabulary, `shape of ${table ?? ''}`);
  const width = table === null ? 0 : (context.index.entries.get(table)?.shape.at(-1) ?? 0);
  if (positions.startsWith('sinusoid') && width % 2 !== 0) {
    throw new ModelSpecError(
      'badInput',
      `${context.fileName}: positions are sines and cosines in pairs, and the width ${width} is odd. Say other positions.`,
    );
  }
  return {
    embed: {
      patch: null,
      classToken: null,
      distToken: null,
      position,
      words: table,
      types: reader.name('types'),
      norm: reader.norm('embedNorm'),
    },
    image: null,
    text: {
      vocabulary,
      context: longest,
      positionOffset: firstPosition,
      scale: wordScale,
      ...(positions === 'sinusoid' ? { sinusoid: { order: 'interleaved' } } : {}),
      ...(positions === 'sinusoid-halves' ? { sinusoid: { order: 'halves' } } : {}),
    },
    // As many as the context until an input is chosen.
    tokens: longest ?? 1,
    prefixTokens: 0,
    positionCoversPrefix: true,
  };
}

function patches(context: SpecContext, reader: RoleReader): Embedding {
  const { positions, patchOrder, channels } = reader.mapping.architecture;
  const patch = reader.norm('patch')!;
  const classToken = reader.name('classToken');
  const distToken = reader.name('distToken');
  const registers = reader.name('registers');
  const position = positions === 'learned' ? reader.name('position') : null;
  const registerCount = registers === null ? 0 : rowsOf(context, registers);
  const prefixTokens = (classToken === null ? 0 : 1) + (distToken === null ? 0 : 1) + registerCount;
  const geometry = inferGeometry(context, {
    patch: patch.weight,
    position,
    prefixTokens,
    covers: [...new Set([prefixTokens - registerCount, prefixTokens, 0])],
    ...(channels === null ? {} : { channels }),
  });
  const flat = (context.index.entries.get(patch.weight)?.shape.length ?? 0) === 2;
  const last = flat && patchOrder === 'channels-last';
  const patchNorm = reader.norm('patchNorm');
  const embed: EmbedRoles = {
    patch: last ? { ...patch, layout: 'pixels-last' } : patch,
    patchNorm: patchNorm === null || !last ? patchNorm : ({ ...patchNorm, layout: 'pixel-norm' } satisfies LinearRole),
    tokenNorm: reader.norm('tokenNorm'),
    classToken,
    distToken,
    registers,
    position,
    norm: reader.norm('embedNorm'),
  };
  return {
    embed,
    image: geometry.image,
    text: null,
    tokens: geometry.tokens,
    prefixTokens,
    positionCoversPrefix: geometry.covered > 0,
    ...(registerCount > 0 ? { positionCoversRegisters: geometry.covered === prefixTokens } : {}),
  };
}
