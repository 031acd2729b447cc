// A made-up but plausible inspection result of any size, for tests of figures, files and report. Seeded, so that
// two builds are equal; no number in it was measured on anything.

import { createRandom } from '../../../src/diagnostics/random';
import type {
  AlignmentMode,
  GammaNumbers,
  HeadResult,
  NoiseKind,
  NoiseNumbers,
  NullResult,
  NullSummary,
  WeightForm,
} from '../../../src/diagnostics/headResult';
import type { HeadDetail } from '../../../src/inspection/headDetail';
import type { InspectionResult } from '../../../src/inspection/inspectionResult';

export interface ExampleOptions {
  readonly layers: number;
  readonly heads: number;
  readonly tokens?: number;
  readonly headDim?: number;
  readonly name?: string;
  /** false: RPC not asked for. */
  readonly rpc?: boolean;
}

type Draw = () => number;

const rpcNotAsked = 'RPC was not asked for in this layer.';

function nullSummary(draw: Draw, observed: number, mean: number): NullSummary {
  const sd = 0.01 + 0.02 * draw();
  const z = (observed - mean) / sd;
  return { mean, sd, z, p: z > 2.5 ? 1 / 201 : 0.05 + 0.9 * draw(), q: z > 2.5 ? 0.006 : 0.6 };
}

function nullResult(
  draw: Draw,
  mode: { overlap: number; energy: number; rayleigh: number },
  lower: number,
): NullResult {
  return {
    draws: 200,
    overlap: nullSummary(draw, mode.overlap, mode.overlap - lower * draw()),
    energy: nullSummary(draw, mode.energy, mode.energy - lower * draw()),
    rayleigh: nullSummary(draw, mode.rayleigh, mode.rayleigh - lower * draw()),
  };
}

function alignmentMode(draw: Draw, tokens: number, rank: number, heads: number): AlignmentMode {
  const cosines = Array.from({ length: rank }, (_, i) => Math.max(0, 0.98 - (0.6 + 0.3 * draw()) * (i / rank) ** 1.5));
  const overlap = cosines.reduce((sum, cosine) => sum + cosine ** 2, 0) / rank;
  const own = { overlap, energy: 0.2 + 0.5 * draw(), rayleigh: 0.3 + 0.5 * draw() };
  const mean = cosines.map((_, i) => Math.max(0.02, 0.8 - 0.75 * (i / rank)));
  const chance = rank / (tokens - 1);
  return {
    cosines,
    ...own,
    overlapChance: chance,
    energyChance: chance,
    informative: chance <= 0.8,
    cosineBand: { low: mean.map((m) => m - 0.02), mean, high: mean.map((m) => m + 0.03) },
    nulls: {
      random: nullResult(draw, own, 0.4),
      permuted: nullResult(draw, own, 0.2),
      untrained: null,
      reason: 'untrained was not run: no twins were asked for.',
      otherHeads: {
        overlap: { rank: 1 + Math.floor(draw() * heads), of: heads },
        rayleigh: { rank: 1 + Math.floor(draw() * heads), of: heads },
      },
    },
  };
}

function gamma(draw: Draw, columns: number, level: number): GammaNumbers {
  const each = (make: () => number): number[] => Array.from({ length: columns }, make);
  return {
    meanAbsDiff: each(() => 1e-3 * level * (0.5 + draw())),
    sdAbsDiff: each(() => 1e-3 * level * draw()),
    meanRelDiff: each(() => level * (0.8 + 0.4 * draw())),
    sdRelDiff: each(() => level * (0.3 + 0.3 * draw())),
    mean: each(() => 1e-3 * (draw() - 0.5)),
    eigenResidual: each(() => Math.min(1, level * (0.7 + 0.5 * draw()))),
  };
}

const levelsOf: Record<NoiseKind, readonly number[]> = {
  token_gauss: [0.05, 0.1, 0.2, 0.4, 0.8],
  key_gauss: [0.05, 0.1, 0.2, 0.4, 0.8],
  key_sparse: [0.01, 0.02, 0.05, 0.1, 0.2],
  token_replace: [0.05, 0.1, 0.2, 0.3, 0.5],
  token_drop: [0.05, 0.1, 0.2, 0.3, 0.5],
};

function noise(draw: Draw, kind: NoiseKind, withRpc: boolean): NoiseNumbers {
  const levels = levelsOf[kind];
  const slope = 0.4 + 0.5 * draw();
  const rpcSlope = slope * (0.6 + 0.8 * draw());
  const curve = (rate: number, start: number) => ({
    mean: levels.map((level) => start + (rate * Math.sqrt(level)) / 1.2),
    ci: levels.map((level) => 0.02 + 0.08 * level * draw()),
  });
  const difference = 0.6 * (slope - rpcSlope);
  return {
    kind,
    levels,
    softmax: curve(slope, 0),
    rpc: withRpc ? curve(rpcSlope, 0) : null,
    rpcVsCleanSoftmax: withRpc ? curve(rpcSlope / 2, 0.4) : null,
    auc: {
      softmax: 0.6 * slope,
      rpc: withRpc ? 0.6 * rpcSlope : null,
      difference: withRpc ? difference : null,
      ci: {
        softmax: 0.02,
        rpc: withRpc ? 0.02 : null,
        difference: withRpc ? 0.03 : null,
        ...(withRpc ? {} : { reason: rpcNotAsked }),
      },
      ...(withRpc ? {} : { reason: rpcNotAsked }),
    },
    verdict: !withRpc
      ? 'not measured'
      : Math.abs(difference) < 0.03
        ? 'no difference'
        : difference > 0
          ? 'RPC deviates less'
          : 'RPC deviates more',
    ...(withRpc ? {} : { reason: rpcNotAsked }),
  };
}

function head(layer: number, index: number, options: Required<ExampleOptions>): HeadResult {
  const random = createRandom(`example/${layer}/${index}`);
  const draw = (): number => random.uniform();
  const { tokens, headDim } = options;
  const rank = Math.min(headDim, tokens - 1);
  const shown = Math.min(64, tokens);
  const log10 = Array.from({ length: shown }, (_, i) => (i === tokens - 1 ? null : 0.4 * draw() - 0.5 - 0.12 * i));
  const verdict = draw();
  return {
    index,
    kvHead: index,
    attention: {
      entropy: 1 + 2 * draw(),
      maxWeight: 0.1 + 0.5 * draw(),
      diagonalMass: 0.2 * draw(),
      firstTokenMass: 0.4 * draw(),
      effectiveTokens: 3 + 9 * draw(),
      previousTokenMass: 0.1 * draw(),
      specialTokenMass: 0.4 * draw(),
      distance: 1 + draw(),
      uniform: {
        entropy: Math.log(tokens),
        effectiveTokens: tokens,
        maxWeight: 1 / tokens,
        diagonalMass: 1 / tokens,
        firstTokenMass: 1 / tokens,
      },
    },
    weights: { qk: weightForm(draw, headDim), ov: weightForm(draw, headDim) },
    spectrum: {
      shift: -3 * draw(),
      eigenvalues: log10.map((value) => (value === null ? 0 : 10 ** value)),
      log10Eigenvalues: log10,
      numericalRank: tokens - 1,
      rank,
      maxScore: 4 + 10 * draw(),
      ...(log10.includes(null) ? { reason: 'Eigenvalues at or below 0 are round-off and have no logarithm.' } : {}),
    },
    alignment: {
      theory: alignmentMode(draw, tokens, rank, options.heads),
      plain: alignmentMode(draw, tokens, rank, options.heads),
      centringResidual: 0.2 + 0.6 * draw(),
      verdict: verdict < 0.6 ? null : verdict < 0.8 ? 'no evidence' : 'explained by shared tokens',
      ...(verdict < 0.6 ? { reason: 'beats permuted; untrained twin not run' } : {}),
    },
    gamma: {
      learned: gamma(draw, headDim, 0.8),
      eig: gamma(draw, headDim, 1e-13),
      perturbed: gamma(draw, headDim, 0.4),
    },
    projection: {
      signed: -0.5 * draw(),
      abs: 0.5 * draw(),
      relH: 0.9,
      relPhi: layer === 0 ? null : 30 * draw(),
      besselViolation: draw(),
      phiNorm: 0.01 * draw(),
      hNorm: 1 + draw(),
      logRatio: 6 * (draw() - 0.7),
      logPhiNormMedian: -4 * draw(),
      hNormMedian: 1 + draw(),
      signedMedian: -draw(),
      ...(layer === 0 ? { reason: 'relPhi is not finite.' } : {}),
    },
    reproduction: {
      asCoded: metrics(draw),
      scaleFree: metrics(draw),
    },
    rpc: options.rpc
      ? {
          variant: 'code',
          iterations: 4,
          lambda: 4,
          mu: 0.9,
          tau: 3.6,
          asymmetric: false,
          residual: [0.9, 0.8 + draw(), 1 + draw(), 1.2 + draw()],
          density: [0, 0.02 * draw(), 0.1 * draw(), 0.2 * draw()],
          sparseNorm: [0, 0.05 * draw(), 0.2 * draw(), 0.4 * draw()],
          cleanGap: 0.2 + 0.8 * draw(),
          dispersion: { softmax: 0.5 + 0.3 * draw(), rpc: 0.4 + 0.3 * draw() },
          sparseNeverActive: index === 0 && layer === 0,
        }
      : null,
    noise: (['token_gauss', 'key_gauss', 'key_sparse'] as const).map((kind) => noise(draw, kind, options.rpc)),
    ...(options.rpc ? {} : { reason: rpcNotAsked }),
  };
}

function weightForm(draw: Draw, count: number): WeightForm {
  const singularValues = Array.from({ length: count }, (_, i) => 2 / (1 + i));
  return {
    spectralNorm: 2,
    stableRank: 1 + draw(),
    singularValues,
    gaussian: {
      draws: 20,
      spectralNorm: nullSummary(draw, 2, 1),
      stableRank: nullSummary(draw, 1.5, 5),
      singularValues: singularValues.map(() => 0.8),
    },
  };
}

function metrics(draw: Draw): HeadResult['reproduction']['asCoded'] {
  return {
    direct: 0.1 * (draw() - 0.5),
    optimal: 0.3 * draw(),
    pearson: 0.1 * (draw() - 0.5),
    relFrobenius: 1 + draw(),
    linearCka: 0.3 * draw(),
    kernelCka: 0.4 * draw(),
    nulls: {
      random: {
        draws: 20,
        optimal: nullSummary(draw, 0.3, 0.3),
        linearCka: nullSummary(draw, 0.2, 0.2),
        kernelCka: nullSummary(draw, 0.3, 0.3),
      },
      permuted: { draws: 20, linearCka: nullSummary(draw, 0.2, 0.1), kernelCka: nullSummary(draw, 0.3, 0.2) },
    },
  };
}

/** A whole result with that many layers and heads. */
export function exampleResult(given: ExampleOptions): InspectionResult {
  const options = { tokens: 50, headDim: 16, name: 'example.safetensors', rpc: true, ...given };
  return {
    schema: 'gramlens.inspection/1',
    provenance: {
      gramlensVersion: '0.0.0-test',
      checkpoint: {
        name: options.name,
        bytes: 123456,
        sha256: 'ab'.repeat(32),
        format: 'safetensors',
        dtypes: ['F32'],
      },
      inputs: [{ kind: 'image', label: 'example.png', sha256: 'cd'.repeat(32), tokens: options.tokens }],
      seed: 0,
      backend: 'cpu',
      backendReason: 'no WebGPU adapter in this machine',
      adapter: null,
      adapterReason: 'this backend uses no graphics adapter',
      precision: 'float32',
      metricsPrecision: 'float64',
      parity: {
        maxRelError: 3.2e-6,
        perTensor: { q: 1e-6, k: 1.1e-6, v: 9e-7, out: 2e-6, next: 3.2e-6, logits: 2e-6 },
      },
      rpc: { variant: 'code', iterations: 4, lambda: 4, layers: options.rpc ? 'all' : 'none' },
      nativeRpc: null,
      twins: 0,
      noise: { kinds: ['token_gauss', 'key_gauss', 'key_sparse'], levels: levelsOf, repeats: 8 },
      overrides: { heads: String(options.heads) },
      forward: 'native',
      nulls: 200,
      elapsedMs: 1234,
    },
    model: {
      family: 'timm-vit',
      attention: 'softmax',
      causal: false,
      layers: options.layers,
      heads: options.heads,
      kvHeads: options.heads,
      headDim: options.headDim,
      embedDim: options.heads * options.headDim,
      tokens: options.tokens,
      prefixTokens: 1,
      grid: [7, 7],
      facts: [
        { fact: 'heads', value: String(options.heads), source: '--set' },
        { fact: 'embedding width', value: String(options.heads * options.headDim), source: 'shape of norm.weight' },
      ],
      notes: ['2 tensors of the optimizer were ignored.'],
    },
    layers: Array.from({ length: options.layers }, (_, index) => ({
      index,
      heads: Array.from({ length: options.heads }, (__, headIndex) => head(index, headIndex, options)),
    })),
    output: {
      kind: 'logits',
      logitsTop: [
        { index: 3, label: '3', logit: 8.1 },
        { index: 8, label: '8', logit: 2.4 },
      ],
    },
  };
}

/** Patterns whose rows sum to 1, with a diagonal and a class-token column, beside random tensors. */
export function exampleDetail(result: InspectionResult, layer: number, headIndex: number): HeadDetail {
  const n = result.model.tokens;
  const random = createRandom(`detail/${layer}/${headIndex}`);
  const pattern = (sharpness: number): Float32Array => {
    const values = new Float32Array(n * n);
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) {
        const score = -0.02 * sharpness * (i - j) ** 2 + random.uniform() + (j === 0 ? 1 : 0);
        const weight = Math.exp(sharpness * score);
        values[i * n + j] = weight;
        sum += weight;
      }
      for (let j = 0; j < n; j++) values[i * n + j] = (values[i * n + j] ?? 0) / sum;
    }
    return values;
  };
  const { headDim } = result.model;
  const matrix = (columns: number): Float32Array => Float32Array.from(random.normals(n * columns));
  const tensors = {
    headDim,
    q: matrix(headDim),
    k: matrix(headDim),
    v: matrix(headDim),
    out: matrix(headDim),
    scores: matrix(n),
  };
  return { layer, head: headIndex, tokens: n, softmaxPattern: pattern(1), rpcPattern: pattern(1.6), tensors };
}
