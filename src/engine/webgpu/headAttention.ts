// Attention and RPC-Attention of all heads of a layer with our own kernels (kernels/*.wgsl). Buffers are [H, N, d4]
// float32: d padded with zeros to a multiple of 4 (zeros stay zeros through every kernel), scores [H, N, N4] likewise.

import { plainScores, type ScoreRule } from '../../model/blockShape';
import type { BufferScope } from './bufferPool';
import { dispatch, foldDispatch, type KernelName, type Pipelines } from './pipelines';

/** 'registers': no workgroup memory, for software adapters; 'tiles': through workgroup memory, for hardware. */
export type KernelFamily = 'registers' | 'tiles';

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
  /** Largest score buffer; layers above it run in chunks of heads, then of query rows. Default 256 MB. */
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
  /** Rows and vec4 columns of a workgroup's tile. */
  readonly tileRows: number;
  readonly scoresColumns4: number;
  readonly weighColumns4: number;
}

const geometries: Readonly<Record<KernelFamily, Geometry>> = {
  registers: {
    scores: 'scoresRegisters',
    softmax: 'softmaxRows',
    weigh: 'weighRegisters',
    softmaxSize: 16,
    softmaxRows: 16,
    tileRows: 32,
    scoresColumns4: 4,
    weighColumns4: 8,
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
  },
};

/** Invocations a workgroup in rpcShrink. */
const shrinkSize = 64;

/** Score buffer of one chunk. Larger layers run in chunks of heads, then of query rows. */
const defaultScoreBytes = 256 * 1024 * 1024;

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
    const chunk = chunksOf(heads, tokens, stride4 * 16, this.scoreBytes);
    const scoresPipeline = await pipelines.get(geometry.scores);
    const softmaxPipeline = await pipelines.get(geometry.softmax, { workgroupSize: geometry.softmaxSize });
    const weighPipeline = await pipelines.get(geometry.weigh);
    const scores = scope.storage(chunk.heads * chunk.rows * stride4 * 4, 'attention scores');
    const pattern = wantPattern ? new Float32Array(heads * tokens * tokens) : null;
    for (let head = 0; head < heads; head += chunk.heads) {
      for (let row = 0; row < tokens; row += chunk.rows) {
        const part = { heads: Math.min(chunk.heads, heads - head), rows: Math.min(chunk.rows, tokens - row) };
        const label = `attention, heads ${head}-${head + part.heads - 1}, rows ${row}-${row + part.rows - 1}`;
        const sizesFor = (scale: number): GPUBuffer =>
          scope.uniform(sizesUniform([part.heads, tokens, head, row, part.rows, width4, stride4], scale, rule), label);
        const scaled = sizesFor(rule.scale ?? 1 / Math.sqrt(headDim));
        const plain = sizesFor(1);
        const rowTiles = Math.ceil(part.rows / geometry.tileRows) * part.heads;
        const encoder = device.createCommandEncoder({ label });
        const run = (pipeline: GPUComputePipeline, buffers: GPUBuffer[], groups: number, what: string): void => {
          dispatch(device, encoder, pipeline, buffers, foldDispatch(groups, this.workgroups), `${what}, ${label}`);
        };
        run(
          scoresPipeline,
          [scaled, queries, keys, scores],
          rowTiles * Math.ceil(stride4 / geometry.scoresColumns4),
          'scores',
        );
        run(softmaxPipeline, [plain, scores], Math.ceil((part.heads * part.rows) / geometry.softmaxRows), 'softmax');
        run(
          weighPipeline,
          [plain, scores, values, out],
          rowTiles * Math.ceil(width4 / geometry.weighColumns4),
          'weighted values',
        );
        device.queue.submit([encoder.finish()]);
        if (pattern !== null) {
          const padded = await scope.read(scores, part.heads * part.rows * stride4 * 4, 'attention pattern');
          for (let i = 0; i < part.heads * part.rows; i++) {
            const h = head + Math.floor(i / part.rows);
            const to = (h * tokens + row + (i % part.rows)) * tokens;
            pattern.set(padded.subarray(i * stride4 * 4, i * stride4 * 4 + tokens), to);
          }
        }
      }
    }
    scope.release(scores);
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

/** `struct Sizes` of the attention kernels. */
function sizesUniform(counts: readonly number[], scale: number, rule: ScoreRule): ArrayBuffer {
  const data = new ArrayBuffer(48);
  new Uint32Array(data).set(counts);
  new Float32Array(data)[7] = scale;
  new Uint32Array(data).set([rule.causal ? 1 : 0, rule.window ?? 0], 8);
  return data;
}

/** `struct Step` of rpcShrink. */
function stepUniform(perHead4: number, total4: number, first: boolean, sigma: number): ArrayBuffer {
  const data = new ArrayBuffer(16);
  new Uint32Array(data).set([perHead4, total4, first ? 1 : 0]);
  new Float32Array(data)[3] = sigma;
  return data;
}
