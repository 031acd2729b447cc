// Attention and RPC-Attention of all heads of a layer with our own kernels (kernels/*.wgsl). Buffers are [H, N, d4]
// float32: d padded with zeros to a multiple of 4 (zeros stay zeros through every kernel), scores [H, N, N4] likewise.

import { plainScores, type ScoreRule } from '../../model/blockShape';
import type { BufferScope } from './bufferPool';
import { dispatch, foldDispatch, type KernelName, type Pipelines } from './pipelines';

/**
 * 'quads' and 'registers': no workgroup memory, for software adapters with and without the feature 'subgroups'; 'tiles':
 * through workgroup memory, for hardware.
 */
export type KernelFamily = 'quads' | 'registers' | 'tiles';

/** The fastest family of a device; quads must have been asked for (`kernelFeatures` of probe.ts). */
export function familyFor(features: Pick<GPUSupportedFeatures, 'has'>, isFallback: boolean): KernelFamily {
  if (!isFallback) return 'tiles';
  return features.has('subgroups') ? 'quads' : 'registers';
}

/** Sizes of one layer's heads. */
export interface HeadSizes {
  readonly heads: number;
  readonly tokens: number;
  readonly headDim: number;
  /** Mask and scale of the scores; absent: every key, 1/sqrt(d). */
  readonly rule?: ScoreRule;
}

/** What the RPC iteration needs; mu is inside tau because the dual variable is kept as Y/mu. */
export interface RpcPlan {
  /** Soft threshold of each head, [H]. */
  readonly tau: readonly number[];
  readonly sigma: 1 | -1;
  readonly iterations: number;
}

/** Results stay on the device until read; `pattern` is [H, N, N] on the CPU, null unless asked for. */
export interface AttentionResult {
  readonly out: GPUBuffer;
  readonly pattern: Float32Array<ArrayBuffer> | null;
}

/** Limits below the device's own. */
export interface HeadLimits {
  /** Largest score buffer; layers above it run in chunks of heads, then of query rows. Default 64 MB. */
  readonly scoreBytes?: number;
  /** Workgroups of one dispatch dimension, at most what the device allows. */
  readonly workgroupsPerDimension?: number;
}

interface Geometry {
  readonly scores: KernelName;
  readonly softmax: KernelName;
  readonly weigh: KernelName;
  readonly softmaxSize: number;
  /** Rows of softmax a workgroup. */
  readonly softmaxRows: number;
  /** Rows and vec4 columns of a tile. */
  readonly tileRows: number;
  readonly scoresColumns4: number;
  readonly weighColumns4: number;
  readonly tilesPerWorkgroup: number;
  /** Whether scores of keys with themselves take the tiles of one triangle. */
  readonly mirrors: boolean;
}

const geometries: Readonly<Record<KernelFamily, Geometry>> = {
  quads: {
    scores: 'scoresQuads',
    softmax: 'softmaxRows',
    weigh: 'weighQuads',
    softmaxSize: 16,
    softmaxRows: 16,
    tileRows: 16,
    scoresColumns4: 4,
    weighColumns4: 4,
    tilesPerWorkgroup: 4,
    mirrors: true,
  },
  registers: {
    scores: 'scoresRegisters',
    softmax: 'softmaxRows',
    weigh: 'weighRegisters',
    softmaxSize: 16,
    softmaxRows: 16,
    tileRows: 32,
    scoresColumns4: 4,
    weighColumns4: 8,
    tilesPerWorkgroup: 1,
    mirrors: false,
  },
  tiles: {
    scores: 'scoresTile',
    softmax: 'softmaxWorkgroup',
    weigh: 'weighTile',
    softmaxSize: 64,
    softmaxRows: 1,
    tileRows: 64,
    scoresColumns4: 16,
    weighColumns4: 16,
    tilesPerWorkgroup: 1,
    mirrors: false,
  },
};

/** Invocations a workgroup in rpcShrink. */
const shrinkSize = 64;

/** Score buffer of one chunk: a head of 4096 tokens. */
const defaultScoreBytes = 64 * 1024 * 1024;

/** Size of a padded head dimension. */
export function paddedDim(headDim: number): number {
  return Math.ceil(headDim / 4) * 4;
}

export class HeadAttention {
  private readonly geometry: Geometry;
  private readonly scoreBytes: number;
  private readonly workgroups: number;

  constructor(
    private readonly device: GPUDevice,
    private readonly pipelines: Pipelines,
    readonly family: KernelFamily,
    limits: HeadLimits = {},
  ) {
    this.geometry = geometries[family];
    this.workgroups = limits.workgroupsPerDimension ?? device.limits.maxComputeWorkgroupsPerDimension;
    this.scoreBytes = Math.min(
      limits.scoreBytes ?? defaultScoreBytes,
      device.limits.maxStorageBufferBindingSize,
      device.limits.maxBufferSize,
    );
  }

  /** softmax(q k^T / sqrt(d)) v for all heads, masked and scaled by the rule of `sizes`; symmetric attention passes the keys as queries. */
  async attend(
    scope: BufferScope,
    sizes: HeadSizes,
    queries: GPUBuffer,
    keys: GPUBuffer,
    values: GPUBuffer,
    wantPattern: boolean,
  ): Promise<AttentionResult> {
    const out = scope.storage(sizes.heads * sizes.tokens * paddedDim(sizes.headDim), 'head outputs');
    const pattern = await this.attendInto(scope, sizes, queries, keys, values, out, wantPattern);
    return { out, pattern };
  }

  /**
   * RPC-Attention (spec section 2) without read-backs between iterations. `queries` null: symmetric, scores K2 K2^T;
   * otherwise the what-if `+asym`, scores q K2^T. The pattern is the last iteration's.
   */
  async rpc(
    scope: BufferScope,
    sizes: HeadSizes,
    queries: GPUBuffer | null,
    keys: GPUBuffer,
    values: GPUBuffer,
    plan: RpcPlan,
    wantPattern: boolean,
  ): Promise<AttentionResult> {
    const { heads, tokens } = sizes;
    const perHead = tokens * paddedDim(sizes.headDim);
    const shrink = await this.pipelines.get('rpcShrink', { workgroupSize: shrinkSize });
    const buffer = (label: string): GPUBuffer => scope.storage(heads * perHead, `rpc ${label}`);
    // An infinite threshold prunes nothing; the largest float32 says the same without an infinity.
    const tau = scope.upload(
      Float32Array.from(plan.tau, (value) => Math.min(value, 3.4028234e38)),
      'rpc thresholds',
    );
    const low = buffer('low rank L');
    const sparse = buffer('sparse S');
    const dual = buffer('scaled dual Y/mu');
    const cleaned = buffer('cleaned keys K2');
    let pattern: Float32Array<ArrayBuffer> | null = null;
    for (let t = 1; t <= plan.iterations; t++) {
      const total4 = (heads * perHead) / 4;
      const step = scope.uniform(stepUniform(perHead / 4, total4, t === 1, plan.sigma), 'rpc step');
      const label = `rpc shrink, iteration ${t}`;
      const encoder = this.device.createCommandEncoder({ label });
      const buffers = [step, tau, keys, low, sparse, dual, cleaned];
      dispatch(
        this.device,
        encoder,
        shrink,
        buffers,
        foldDispatch(Math.ceil(total4 / shrinkSize), this.workgroups),
        label,
      );
      this.device.queue.submit([encoder.finish()]);
      const last = t === plan.iterations;
      pattern = await this.attendInto(scope, sizes, queries ?? cleaned, cleaned, values, low, last && wantPattern);
    }
    for (const done of [tau, sparse, dual, cleaned]) scope.release(done);
    return { out: low, pattern };
  }

  private async attendInto(
    scope: BufferScope,
    sizes: HeadSizes,
    queries: GPUBuffer,
    keys: GPUBuffer,
    values: GPUBuffer,
    out: GPUBuffer,
    wantPattern: boolean,
  ): Promise<Float32Array<ArrayBuffer> | null> {
    const { heads, tokens, headDim, rule = plainScores } = sizes;
    const { geometry, pipelines, device } = this;
    const width4 = paddedDim(headDim) / 4;
    const stride4 = Math.ceil(tokens / 4);
    const rowBytes = stride4 * 16;
    // Half of the rows at a time: [H, N, N] is stored as a whole only where somebody looks at it.
    const enough = wantPattern ? Infinity : Math.ceil((heads * tokens) / 2) * rowBytes;
    const chunk = chunksOf(heads, tokens, rowBytes, Math.min(this.scoreBytes, enough));
    const scoresPipeline = await pipelines.get(geometry.scores);
    const softmaxPipeline = await pipelines.get(geometry.softmax, { workgroupSize: geometry.softmaxSize });
    const weighPipeline = await pipelines.get(geometry.weigh);
    const scores = scope.storage(chunk.heads * chunk.rows * stride4 * 4, 'attention scores');
    const sums = scope.storage(chunk.heads * chunk.rows, 'sums of softmax');
    const pattern = wantPattern ? new Float32Array(heads * tokens * tokens) : null;
    for (let head = 0; head < heads; head += chunk.heads) {
      for (let row = 0; row < tokens; row += chunk.rows) {
        const part = { heads: Math.min(chunk.heads, heads - head), rows: Math.min(chunk.rows, tokens - row) };
        const label = `attention, heads ${head}-${head + part.heads - 1}, rows ${row}-${row + part.rows - 1}`;
        const mirrored = geometry.mirrors && queries === keys && part.rows === tokens;
        const sizesBuffer = scope.uniform(
          sizesUniform(
            [part.heads, tokens, head, row, part.rows, width4, stride4],
            rule.scale ?? 1 / Math.sqrt(headDim),
            rule,
            mirrored,
          ),
          label,
        );
        const rowTiles = Math.ceil(part.rows / geometry.tileRows);
        const scoreTiles = mirrored
          ? (rowTiles * (rowTiles + 1)) / 2
          : rowTiles * Math.ceil(stride4 / geometry.scoresColumns4);
        const outTiles = rowTiles * Math.ceil(width4 / geometry.weighColumns4);
        const groupsOf = (tiles: number): number => Math.ceil((part.heads * tiles) / geometry.tilesPerWorkgroup);
        const encoder = device.createCommandEncoder({ label });
        const run = (pipeline: GPUComputePipeline, buffers: GPUBuffer[], groups: number, what: string): void => {
          const all = [sizesBuffer, ...buffers];
          dispatch(device, encoder, pipeline, all, foldDispatch(groups, this.workgroups), `${what}, ${label}`);
        };
        run(scoresPipeline, [queries, keys, scores], groupsOf(scoreTiles), 'scores');
        run(softmaxPipeline, [scores, sums], Math.ceil((part.heads * part.rows) / geometry.softmaxRows), 'softmax');
        run(weighPipeline, [scores, sums, values, out], groupsOf(outTiles), 'weighted values');
        device.queue.submit([encoder.finish()]);
        if (pattern !== null) {
          const rows = part.heads * part.rows;
          const weights = await scope.read(scores, rows * stride4 * 4, 'attention pattern');
          const totals = await scope.read(sums, rows, 'sums of softmax');
          for (let i = 0; i < rows; i++) {
            const h = head + Math.floor(i / part.rows);
            const to = (h * tokens + row + (i % part.rows)) * tokens;
            for (let j = 0; j < tokens; j++) pattern[to + j] = weights[i * stride4 * 4 + j]! / totals[i]!;
          }
        }
      }
    }
    scope.release(scores);
    scope.release(sums);
    return pattern;
  }
}

/** How many heads, or rows of one head, fit into the score buffer at once. */
export function chunksOf(
  heads: number,
  tokens: number,
  rowBytes: number,
  maxBytes: number,
): { heads: number; rows: number } {
  const rows = Math.max(1, Math.floor(maxBytes / rowBytes));
  return rows >= tokens ? { heads: Math.min(heads, Math.floor(rows / tokens)), rows: tokens } : { heads: 1, rows };
}

/** `struct Sizes` of kernels/common.wgsl. */
function sizesUniform(counts: readonly number[], scale: number, rule: ScoreRule, mirrored: boolean): ArrayBuffer {
  const data = new ArrayBuffer(48);
  new Uint32Array(data).set(counts);
  new Float32Array(data)[7] = scale;
  new Uint32Array(data).set([rule.causal ? 1 : 0, rule.window ?? 0, mirrored ? 1 : 0], 8);
  return data;
}

/** `struct Step` of rpcShrink. */
function stepUniform(perHead4: number, total4: number, first: boolean, sigma: number): ArrayBuffer {
  const data = new ArrayBuffer(16);
  new Uint32Array(data).set([perHead4, total4, first ? 1 : 0]);
  new Float32Array(data)[3] = sigma;
  return data;
}
