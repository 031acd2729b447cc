// The numbers of one head, with the names that `result.json` has (contract `gramlens.inspection/1`). A quantity
// that is undefined is null and a sibling `reason` says why; NaN and Infinity never get in here.

/** A number, or null with the reason beside it in the same object. */
export type Measured = number | null;

/** Of one pattern; what came later than the first four is absent in results of earlier builds. */
export interface AttentionFacts {
  /** Mean over queries of the pattern row's entropy, nats. Pattern of the model itself. */
  readonly entropy: number;
  /** Mean over queries of e^entropy: how many tokens the weights spread over. */
  readonly effectiveTokens?: number;
  /** Mean over queries of the row's largest weight. */
  readonly maxWeight: number;
  /** Mean of the diagonal. */
  readonly diagonalMass: number;
  /** Mean weight on the token before, of all tokens but the first; absent: there is one token. */
  readonly previousTokenMass?: number;
  /** Mean of column 0 (class token). */
  readonly firstTokenMass: number;
  /** Mean weight on class, distillation, register and special tokens; absent: there are none. */
  readonly specialTokenMass?: number;
  /** Mean attention distance: in patches on the grid, in tokens elsewhere; absent: no weight on any patch. */
  readonly distance?: number;
}

export interface AttentionNumbers extends AttentionFacts {
  /** The same of uniform attention over the keys that each query sees. */
  readonly uniform?: AttentionFacts;
}

/** One bilinear form of a head's weights. */
export interface WeightForm {
  /** Largest singular value. */
  readonly spectralNorm: number;
  /** ||W||_F^2 / spectralNorm^2; null: the weights are zero. */
  readonly stableRank: Measured;
  /** Descending, the first 64 at most, those above 1e-7 of the largest. */
  readonly singularValues: readonly number[];
  /** Products of Gaussian matrices of the same shapes and Frobenius norms; singular values are means over the draws. */
  readonly gaussian: {
    readonly draws: number;
    readonly spectralNorm: NullSummary;
    readonly stableRank: NullSummary;
    readonly singularValues: readonly number[];
  } | null;
  readonly reason?: string;
}

export interface WeightNumbers {
  /** W_q^T W_k [C, C], at equal positions where the model has rotary ones; W_k^T W_k in symmetric heads. */
  readonly qk: WeightForm | null;
  /** W_o W_v [C, C] */
  readonly ov: WeightForm | null;
  /** Why they are null: the weights are not at hand. */
  readonly reason?: string;
}

export interface SpectrumNumbers {
  /** max_ij of log K_phi; true eigenvalue = e^shift * w. */
  readonly shift: number;
  /** True eigenvalues e^shift w of the centred Gram, descending, the first 64 at most. */
  readonly eigenvalues: readonly number[];
  /** log10 of the same; null where w <= 0 (round-off). */
  readonly log10Eigenvalues: readonly Measured[];
  /** R = #{w > N 2^-52 w_1} */
  readonly numericalRank: number;
  /** r = min(d, R, N-1), with T for N in a prefix: the number of eigenvectors that alignment uses. */
  readonly rank: number;
  /** max_ij of the scores k k^T / sqrt(d). */
  readonly maxScore: number;
  /**
   * In masked heads. 'full-Gram': one Gram matrix of all N keys, although each query sees its own part of them (spec
   * section 3); 'prefix-T': of the keys that query T-1 sees. Absent where every query sees every key.
   */
  readonly gram?: 'full-Gram' | `prefix-${number}`;
  /** Keys `from` to `to` (excluded) of a prefix; `from` is above 0 where a sliding window ends before token 0. */
  readonly gramKeys?: { readonly from: number; readonly to: number };
  /** In heads with rotary positions: whether the keys of the Gram matrix have them. */
  readonly keys?: 'post-rope' | 'pre-rope';
  /** The keys were standardised for the Gram matrix, which the model does not do. */
  readonly standardised?: true;
  readonly reason?: string;
}

export type AlignmentStatistic = 'overlap' | 'energy' | 'rayleigh';

export interface NullSummary {
  readonly mean: number;
  /** ddof 1 */
  readonly sd: number;
  /** null (`reason`): the draws have no spread. */
  readonly z: Measured;
  /** One-sided: (1 + #{null >= observed}) / (draws + 1); null (`reason`): the head is a mean over several inputs. */
  readonly p: Measured;
  /** Benjamini-Hochberg over all heads of the run; filled in when the run is complete. */
  readonly q?: number;
  /** Of a mean over several inputs: the share of inputs whose p, whose q is below 0.05. */
  readonly pBelow05?: Measured;
  readonly qBelow05?: Measured;
  readonly reason?: string;
}

export interface NullResult {
  readonly draws: number;
  readonly overlap: NullSummary;
  readonly energy: NullSummary;
  readonly rayleigh: NullSummary;
}

export interface RankAmongHeads {
  /** 1 = highest of all heads of the layer. */
  readonly rank: number;
  readonly of: number;
}

export interface AlignmentMode {
  /** Cosines of the principal angles, descending. */
  readonly cosines: readonly number[];
  readonly overlap: Measured;
  /** max(p, r) / (N - 1) */
  readonly overlapChance: number;
  readonly energy: Measured;
  /** r / (N - 1) */
  readonly energyChance: number;
  readonly rayleigh: Measured;
  /** false where chance alone gives more than 0.8. */
  readonly informative: boolean;
  /** 5 % and 95 % quantile and mean, per principal angle, of the `random` null; empty when nulls = 0. */
  readonly cosineBand: {
    readonly low: readonly number[];
    readonly mean: readonly number[];
    readonly high: readonly number[];
  };
  readonly nulls: {
    readonly random: NullResult | null;
    readonly permuted: NullResult | null;
    readonly untrained: NullResult | null;
    readonly otherHeads: { readonly overlap: RankAmongHeads; readonly rayleigh: RankAmongHeads } | null;
    /** Why those that are null were not run. */
    readonly reason?: string;
  };
  readonly reason?: string;
}

/** The verdict words of spec section 5; nothing stronger is ever said. */
export type AlignmentVerdict =
  'above token-shared baseline' | 'explained by shared tokens' | 'no evidence' | 'not measurable';

export interface AlignmentNumbers {
  readonly theory: AlignmentMode;
  readonly plain: AlignmentMode;
  /** ||1_N G^-1 V|| / ||G^-1 V||, 0 under theory. */
  readonly centringResidual: Measured;
  /** null (`reason`): above permuted tokens, but `untrained` was not run; or the verdicts of several inputs differ. */
  readonly verdict: AlignmentVerdict | null;
  readonly reason?: string;
}

/** Arrays over columns a. */
export interface GammaNumbers {
  readonly meanAbsDiff: readonly Measured[];
  readonly sdAbsDiff: readonly Measured[];
  readonly meanRelDiff: readonly Measured[];
  readonly sdRelDiff: readonly Measured[];
  readonly mean: readonly Measured[];
  /** ||K_c a - theta a|| / ||K_c a||, the headline: 0 = eigenvector, near 1 = unrelated. */
  readonly eigenResidual: readonly Measured[];
  readonly reason?: string;
}

export interface ProjectionNumbers {
  /** Mean of ||phi(q_i)||^2 - ||h_i||^2. */
  readonly signed: Measured;
  readonly abs: Measured;
  readonly relH: Measured;
  readonly relPhi: Measured;
  /** #{||h_i||^2 > ||phi(q_i)||^2} / N */
  readonly besselViolation: number;
  /** Mean of ||phi(q_i)||^2; null when not finite. */
  readonly phiNorm: Measured;
  /** Mean of ||h_i||^2. */
  readonly hNorm: Measured;
  /** Median over tokens of log ||phi(q_i)||^2 - log ||h_i||^2 (natural log). */
  readonly logRatio: Measured;
  /** Medians, the headline where means overflow. */
  readonly logPhiNormMedian: Measured;
  readonly hNormMedian: Measured;
  readonly signedMedian: Measured;
  /** In logarithms, which do not overflow: of the mean of ||phi||^2, of the mean of |J|, and quartiles. */
  readonly logPhiNormMean?: Measured;
  readonly logAbs?: Measured;
  readonly logPhiNormQuartiles?: readonly [Measured, Measured];
  readonly hNormQuartiles?: readonly [Measured, Measured];
  /** log mean(J) as the published Reconstruction/softmax.py has it; null where it would be NaN there. */
  readonly kpcaCode?: { readonly logMean: Measured; readonly reason?: string };
  /** scripts/norms.py: exponents over 8 whatever d is, values above the 95th percentile cut; quartiles as logarithms. */
  readonly normsScript?: {
    readonly logPhi: readonly [lower: Measured, median: Measured, upper: Measured];
    readonly h: readonly [lower: Measured, median: Measured, upper: Measured];
  };
  readonly reason?: string;
}

/** What random values and shuffled tokens score; `optimal` is the same however the tokens are shuffled (its p is 1). */
export interface StudyNulls {
  readonly random: {
    readonly draws: number;
    readonly optimal: NullSummary;
    readonly linearCka: NullSummary;
    readonly kernelCka: NullSummary;
  } | null;
  readonly permuted: {
    readonly draws: number;
    readonly linearCka: NullSummary;
    readonly kernelCka: NullSummary;
  } | null;
  /** Why they are null. */
  readonly reason?: string;
}

/** Of V and V_hat [N, d]; rows are tokens. Everything after `kernelCka` is absent where V_hat has no value. */
export interface ReproductionMetrics {
  readonly direct: Measured;
  readonly optimal: Measured;
  readonly pearson: Measured;
  readonly relFrobenius: Measured;
  readonly linearCka: Measured;
  readonly kernelCka: Measured;
  /** Of the row cosines: extremes, and the share below 0. */
  readonly directMin?: Measured;
  readonly directMax?: Measured;
  readonly directNegative?: Measured;
  /** Of the row cosines under the best matching. */
  readonly optimalMin?: Measured;
  readonly optimalMax?: Measured;
  /** Mean over rows of the distance, in the 2-norm and the 1-norm. */
  readonly euclidean?: Measured;
  readonly l1?: Measured;
  /** torch.allclose(V, Vhat, rtol 1e-3, atol 1e-5) */
  readonly allClose?: boolean;
  readonly nulls?: StudyNulls;
  readonly reason?: string;
}

export interface RpcNumbers {
  readonly variant: string;
  readonly iterations: number;
  readonly lambda: number;
  /** null for keys that are all zero: mu divides by their 1-norm. */
  readonly mu: Measured;
  readonly tau: Measured;
  /** true: `+asym`, only the keys are cleaned (our extension). */
  readonly asymmetric: boolean;
  /** true: the model's mask acts inside the softmax of every iteration (our extension); absent elsewhere. */
  readonly masked?: boolean;
  /** Per iteration. */
  readonly residual: readonly number[];
  readonly density: readonly number[];
  readonly sparseNorm: readonly number[];
  /** ||h_rpc - h_softmax|| / ||h_softmax|| on clean input. */
  readonly cleanGap: Measured;
  /** ||h - 1_N h|| / ||h|| */
  readonly dispersion: { readonly softmax: Measured; readonly rpc: Measured; readonly reason?: string };
  /** true: S is zero in every iteration (spec section 2, F5). */
  readonly sparseNeverActive: boolean;
  readonly reason?: string;
}

export type NoiseKind = 'token_gauss' | 'key_gauss' | 'key_sparse' | 'token_replace' | 'token_drop';

export interface NoiseCurve {
  /** Mean over repeats, per level. */
  readonly mean: readonly number[];
  /** Half width of the 95 % interval, per level; 0 width is reported as null when repeats < 2. */
  readonly ci: readonly Measured[];
  readonly reason?: string;
}

/** 'deviates less' only if the interval of the paired difference excludes 0 and RPC has not collapsed. */
export type NoiseVerdict = 'RPC deviates less' | 'RPC deviates more' | 'no difference' | 'collapsed' | 'not measured';

export interface NoiseNumbers {
  readonly kind: NoiseKind;
  /** Empty, as are the curves, where the deviation is undefined (`reason`). */
  readonly levels: readonly number[];
  readonly softmax: NoiseCurve;
  readonly rpc: NoiseCurve | null;
  readonly rpcVsCleanSoftmax: NoiseCurve | null;
  /** Mean relative deviation over the levels; difference = softmax - rpc, paired. */
  readonly auc: {
    readonly softmax: Measured;
    readonly rpc: Measured;
    readonly difference: Measured;
    readonly ci: {
      readonly softmax: Measured;
      readonly rpc: Measured;
      readonly difference: Measured;
      readonly reason?: string;
    };
    readonly reason?: string;
  };
  /** null (`reason`): the verdicts of several inputs differ. */
  readonly verdict: NoiseVerdict | null;
  readonly reason?: string;
}

/** One setting of a sweep. */
export interface RpcSweepCell {
  readonly lambda: number;
  readonly iterations: number;
  readonly tau: Measured;
  /** ||h_rpc - h_softmax|| / ||h_softmax|| on clean input. */
  readonly cleanGap: Measured;
  /** ||h - 1_N h|| / ||h|| of RPC. */
  readonly dispersion: Measured;
  /** Its dispersion is below half of softmax attention's: whatever moves little then is collapse, not robustness. */
  readonly collapsed: boolean;
  /** S is zero in every iteration (spec section 2, F5). */
  readonly sparseNeverActive: boolean;
  /** AUC softmax - RPC under the noise of the sweep: above 0 RPC deviates less. */
  readonly gain: Measured;
  /** Half width of its 95 % interval. */
  readonly gainCi: Measured;
  /** null (`reason`): the verdicts of several inputs differ. */
  readonly verdict: NoiseVerdict | null;
  readonly reason?: string;
}

/** RPC over a grid of lambda and iterations, one variant. */
export interface RpcSweepNumbers {
  readonly variant: string;
  readonly asymmetric: boolean;
  readonly masked?: boolean;
  readonly lambdas: readonly number[];
  readonly iterations: readonly number[];
  /** null: clean input only. */
  readonly noise: { readonly kind: NoiseKind; readonly levels: readonly number[]; readonly repeats: number } | null;
  readonly softmaxDispersion: Measured;
  /** How many cells are so; of many cells some deviate less by chance alone. */
  readonly collapsedCells: number;
  readonly neverActiveCells: number;
  readonly deviatesLessCells: number;
  /** [lambdas, iterations] row-major. */
  readonly cells: readonly RpcSweepCell[];
  readonly reason?: string;
}

/** What changes at the network's end when a head's output is replaced. */
export interface AblationEffect {
  /** KL(clean || ablated) of the softmax of the logits, nats; null: the output is no logits. */
  readonly kl: Measured;
  /** Whether another class (or next token) comes first. */
  readonly topChanged: boolean | null;
  /** ||ablated - clean|| / ||clean|| of the output. */
  readonly relChange: Measured;
  readonly reason?: string;
}

export interface AblationNumbers {
  /** Output of the head 0; its mean over the tokens of this input. */
  readonly zero: AblationEffect;
  readonly mean: AblationEffect;
  /** The null: Gaussian noise of the same norm in its place. */
  readonly random: AblationEffect;
}

/** Half widths of 95 % intervals over inputs under the names of what they are of; null: too few inputs, or no double. */
export type IntervalTree = Measured | string | readonly IntervalTree[] | { readonly [name: string]: IntervalTree };

/** How many inputs stand behind a head whose numbers are means over inputs. Keys are dotted names within the head. */
export interface OverInputs {
  readonly inputs: number;
  /** Inputs that measured a quantity, of arrays place by place; absent: all of them. */
  readonly measured: Readonly<Record<string, number | readonly number[]>>;
  /** How many inputs said which word, where not all said the same. */
  readonly words: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface HeadResult {
  readonly index: number;
  readonly kvHead: number;
  readonly attention: AttentionNumbers;
  /** Absent in results of earlier builds. */
  readonly weights?: WeightNumbers;
  readonly spectrum: SpectrumNumbers;
  readonly alignment: AlignmentNumbers;
  readonly gamma: { readonly learned: GammaNumbers; readonly eig: GammaNumbers; readonly perturbed: GammaNumbers };
  readonly projection: ProjectionNumbers;
  readonly reproduction: {
    /** scripts/value_vectors.py: `unit` axes, |w| descending, its epsilons, true scale. */
    readonly asCoded: ReproductionMetrics;
    /** scripts/nlp_value_vectors.py: w ascending, so that the columns are reversed. Absent in results of earlier builds. */
    readonly asCodedNlp?: ReproductionMetrics;
    /** No epsilons, V_hat rescaled to ||V||. */
    readonly scaleFree: ReproductionMetrics;
    /** The same with `kpca` axes, u / sqrt(e^shift w). */
    readonly kpcaAxes?: ReproductionMetrics;
    /** The epsilons have eaten the as-coded signal. */
    readonly warning?: string;
  };
  /** null (`reason`): RPC was not asked for in this layer. */
  readonly rpc: RpcNumbers | null;
  readonly noise: readonly NoiseNumbers[];
  /** Absent unless it was asked for and RPC is computed in this layer. */
  readonly rpcSweep?: RpcSweepNumbers;
  /** Absent unless it was asked for. */
  readonly ablation?: AblationNumbers;
  readonly reason?: string;
  /** Of a mean over several inputs. */
  readonly ci?: IntervalTree;
  readonly over?: OverInputs;
}
