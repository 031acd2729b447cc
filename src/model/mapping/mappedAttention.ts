// The attention of a mapped network: how query, key and value rows are laid out, grouped and normed, and what the
// attention is (softmax, or symmetric where there are no queries).

import { rpcSymVit } from '../families/rpcSymVit';
import {
  ModelSpecError,
  type AttentionKind,
  type BlockRoles,
  type LinearRole,
  type RopeShape,
  type RpcSettings,
  type WeightLayout,
} from '../modelSpec';
import { givenBy } from '../overrides';
import type { SpecContext } from '../specContext';
import type { MappingReport } from './checkMapping';
import type { RoleReader } from './mappedRoles';

export interface MappedAttention {
  readonly kind: AttentionKind;
  readonly kvHeads: number;
  readonly headNorm: 'layer' | 'rms';
  readonly rope: RopeShape | null;
  readonly standardise: boolean;
  readonly rpc: RpcSettings | null;
  readonly roles: (layer: number) => Pick<BlockRoles, 'qkv' | 'queryNorm' | 'keyNorm'>;
}

/** @throws ModelSpecError badInput, badOverride or shapeMismatch where heads and rows do not agree */
export function mappedAttention(
  context: SpecContext,
  reader: RoleReader,
  report: MappingReport,
  heads: number,
): MappedAttention {
  const { architecture, roles } = reader.mapping;
  const symmetric = roles['qkv.weight'] === undefined && roles['q.weight'] === undefined;
  const inner = report.sizes.inner ?? 0;
  const narrow = report.sizes.narrow ?? inner;
  const headDim = inner / heads;
  const kvHeads = narrow / headDim;
  if (!Number.isInteger(kvHeads) || kvHeads < 1 || heads % kvHeads !== 0) {
    throw new ModelSpecError(
      'shapeMismatch',
      `${context.fileName}: the keys have ${narrow} rows, which are no whole groups of ${heads} heads of ${headDim}. Give the right number with --set heads=N.`,
    );
  }
  if (kvHeads !== heads) context.fact('kv heads', kvHeads, 'rows of the keys / head size');
  const byHead = architecture.fused === 'by-head';
  if (byHead && (symmetric || kvHeads !== heads || roles['qkv.weight'] === undefined)) {
    throw new ModelSpecError(
      'badInput',
      `${context.fileName}: rows that stand together head by head (fused: by-head) are read where queries, keys and values are in one matrix and have as many heads. Map them apart, or say their order.`,
    );
  }
  const { attention, standardise } = context.overrides;
  const allowed: readonly string[] = symmetric ? ['symmetric', 'rpc'] : ['softmax', 'reconstruction'];
  if (attention !== undefined && !allowed.includes(attention)) {
    throw new ModelSpecError(
      'badOverride',
      `${givenBy(context.overrides, 'attention')}=${attention}: the mapping of ${context.fileName} has ${symmetric ? 'no queries' : 'queries'}, so attention can be ${allowed.join(' or ')}.`,
    );
  }
  const rpc = symmetric ? rpcSymVit(context, probeOf(report)) : null;
  const queryNorm = roles['queryNorm.weight'] === undefined ? null : roles['queryNorm.bias'] === undefined;
  return {
    kind: symmetric ? (rpc === null ? 'symmetric' : 'rpc') : 'softmax',
    kvHeads,
    headNorm: queryNorm === true ? 'rms' : 'layer',
    rope: ropeOf(context, reader, headDim),
    standardise: !symmetric && (attention === 'reconstruction' || standardise === true),
    rpc: rpc?.rpc ?? null,
    roles: (layer) => ({
      qkv: projection(reader, layer, inner, narrow),
      queryNorm: reader.norm('queryNorm', layer),
      keyNorm: reader.norm('keyNorm', layer),
    }),
  };
}

/** What the RPC settings are asked for: a network without queries. */
function probeOf({ sizes, layers }: MappingReport): Parameters<typeof rpcSymVit>[1] {
  return {
    embedDim: sizes.width ?? 0,
    projections: 2,
    hasScale: false,
    hasDistToken: false,
    layers,
    blockAt: (i) => `blocks.${i}.`,
    chunked: false,
  };
}

/** Rows q, k, v (or k, v) as the engine wants them, whatever their order in the file. */
function projection(reader: RoleReader, layer: number, inner: number, narrow: number): LinearRole {
  const { fused } = reader.mapping.architecture;
  const query = reader.matrix('q', layer);
  const key = reader.matrix('k', layer);
  const value = reader.matrix('v', layer);
  if (query !== null && key !== null && value !== null) return { ...query, then: [key, value] };
  const both = reader.matrix('kv', layer);
  if (both !== null) {
    const parts = ordered(both, fused.replace('q', ''), { k: narrow, v: narrow }, 'kv');
    return query === null ? parts : { ...query, then: [{ ...parts, then: [] }, ...(parts.then ?? [])] };
  }
  const all = reader.matrix('qkv', layer)!;
  if (fused === 'by-head') {
    const stored: readonly WeightLayout[] = all.layout === undefined ? ['by-head'] : ['in-out', 'by-head'];
    return { ...all, layout: stored };
  }
  return ordered(all, fused, { q: inner, k: narrow, v: narrow }, 'qkv');
}

/** Parts of one matrix in the `wanted` order, each as a range of its rows. */
function ordered(
  role: LinearRole,
  order: string,
  rows: Readonly<Partial<Record<string, number>>>,
  wanted: string,
): LinearRole {
  if (order === wanted) return role;
  const ranges = new Map<string, { readonly from: number; readonly to: number }>();
  let from = 0;
  for (const part of order.split('')) {
    const to = from + (rows[part] ?? 0);
    ranges.set(part, { from, to });
    from = to;
  }
  const [first, ...rest] = wanted.split('').map((part): LinearRole => ({ ...role, rows: ranges.get(part)! }));
  return { ...first!, then: rest };
}

function ropeOf(context: SpecContext, { mapping }: RoleReader, headDim: number): RopeShape | null {
  const { positions, ropeTheta, ropeDims, ropeStyle, ropeFactor: factor } = mapping.architecture;
  const { ropeScaling, ropeLowFrequency, ropeHighFrequency, ropeContext } = mapping.architecture;
  if (positions !== 'rope') return null;
  const dims = ropeDims ?? headDim - (headDim % 2);
  if (dims > headDim || dims % 2 !== 0) {
    throw new ModelSpecError(
      'badInput',
      `${context.fileName}: ropeDims is ${dims}, not an even number of at most ${headDim}, the size of a head.`,
    );
  }
  const scaling: RopeShape['scaling'] =
    ropeScaling === 'none'
      ? null
      : ropeScaling === 'linear'
        ? { kind: 'linear', factor }
        : {
            kind: 'llama3',
            factor,
            lowFrequency: ropeLowFrequency,
            highFrequency: ropeHighFrequency,
            originalContext: ropeContext,
          };
  return { theta: ropeTheta, dims, style: ropeStyle, scaling };
}
