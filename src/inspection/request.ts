// From what a person chose to a request that can run: indexes are checked against the model here, once, for the
// CLI and the editor alike.

import type { TensorIndex } from '../checkpoint/tensorIndex';
import type { BackendKind, ForwardAttention } from '../engine/backend';
import { defaultGram, type GramChoice, type NoiseSettings } from '../diagnostics/headInput';
import { maxSweepCells, maxSweepIterations, type RpcSweepSettings } from '../diagnostics/rpcSweep';
import { defaultStudyNulls } from '../diagnostics/reproduction';
import { defaultLevels, levelsAreShares } from '../diagnostics/noiseLevels';
import type { NoisePlace } from '../diagnostics/networkNoise';
import { blockShape, hasOutput, specForInput } from '../model/blockShape';
import { onnxSpecForInput } from '../model/onnx/onnxSpec';
import type { ModelInput, ModelSpec, RpcSettings } from '../model/modelSpec';
import { ablationBytes } from './ablation';
import { largestBranchBytes } from './branches';
import { checkIndexes, ChoiceError } from './choiceError';
import type { InspectionRequest } from './inspectionRequest';
import { checkNetworkNoise, networkSettings } from './networkNoiseChoice';

export interface Choices {
  /** null: every layer, every head. */
  readonly layers: readonly number[] | null;
  readonly heads: readonly number[] | null;
  readonly rpc: RpcSettings;
  readonly forward: ForwardAttention;
  readonly noise: NoiseSettings;
  /** RPC over a grid of settings, in the variant and the layers of `rpc`; absent: no. */
  readonly rpcSweep?: Omit<RpcSweepSettings, 'variant'>;
  /** How keys enter the Gram matrix; absent: all of them, with their rotary positions. */
  readonly gram?: GramChoice;
  readonly nulls: number;
  /** Absent: 20, or `nulls` where that is less. */
  readonly studyNulls?: number;
  readonly twins: number;
  /** Absent: no. */
  readonly ablation?: boolean;
  /** Where noise between the layers begins; absent: nowhere. Kinds, levels and repeats are those of `noise`. */
  readonly networkNoise?: readonly NoisePlace[];
  readonly seed: number;
  readonly keepTensors: boolean;
}

function allOr(chosen: readonly number[] | null, count: number, what: 'layer' | 'head'): readonly number[] {
  if (chosen === null) return Array.from({ length: count }, (_, i) => i);
  checkIndexes(chosen, count, what, `${what}s`);
  return [...new Set(chosen)].sort((a, b) => a - b);
}

function checkRpc({ rpc, forward }: Choices, spec: ModelSpec): void {
  if (typeof rpc.layers !== 'string') checkIndexes(rpc.layers, spec.layers, 'layer', 'rpc');
  if (spec.onnx !== undefined && forward !== 'native') {
    throw new ChoiceError(
      'forward',
      'An ONNX graph runs as it was exported. RPC is computed beside its attention; choose the forward pass "native".',
    );
  }
  if (forward === 'rpc' && (rpc.layers === 'none' || rpc.layers.length === 0)) {
    throw new ChoiceError(
      'forward',
      'RPC shall flow on to the next layer, but it is computed in no layer. Choose layers for RPC, or another forward pass.',
    );
  }
}

/** Every share of tokens or entries is 1 at most: above it the curve would go on where nothing more happens. */
function checkNoise(noise: NoiseSettings): void {
  for (const kind of noise.kinds) {
    const above = (noise.levels[kind] ?? defaultLevels(kind)).find((level) => levelsAreShares(kind) && level > 1);
    if (above !== undefined) {
      throw new ChoiceError(
        'noise',
        `The levels of ${kind} are shares from 0 to 1; ${above} is more than all there is. Choose lower levels, or leave ${kind} out.`,
      );
    }
  }
}

/** Cells, passes and noise of a sweep, before anything is allocated for it. */
function checkSweep({ rpc, rpcSweep }: Choices): void {
  if (rpcSweep === undefined) return;
  const { lambdas, iterations, noise } = rpcSweep;
  const refuse = (message: string): never => {
    throw new ChoiceError('rpcSweep', message);
  };
  if (rpc.layers === 'none' || rpc.layers.length === 0) {
    refuse('RPC is computed in no layer, so there is nothing to sweep. Choose layers for RPC, or leave the sweep out.');
  }
  const ascending = (values: readonly number[]): boolean =>
    values.every((value, i) => i === 0 || value > values[i - 1]!);
  if (lambdas.length === 0 || iterations.length === 0)
    refuse('A sweep needs one lambda and one number of iterations at least.');
  if (lambdas.length * iterations.length > maxSweepCells) {
    refuse(
      `${lambdas.length} lambdas times ${iterations.length} numbers of iterations are ${lambdas.length * iterations.length} settings, more than ${maxSweepCells}. Choose fewer.`,
    );
  }
  if (lambdas.some((value) => !Number.isFinite(value) || value < 0) || !ascending(lambdas)) {
    refuse('The lambdas of a sweep are numbers, 0 or more, ascending.');
  }
  if (iterations.some((n) => !Number.isInteger(n) || n < 1 || n > maxSweepIterations) || !ascending(iterations)) {
    refuse(`The iterations of a sweep are whole numbers from 1 to ${maxSweepIterations}, ascending.`);
  }
  const above = noise === null || !levelsAreShares(noise.kind) ? undefined : noise.levels.find((level) => level > 1);
  if (above !== undefined) {
    refuse(
      `The levels of ${noise!.kind} are shares from 0 to 1; ${above} is more than all there is. Choose lower levels.`,
    );
  }
}

/** `spec` has the N of the input. */
function checkGram({ keys, prefix, standardise }: GramChoice, spec: ModelSpec): void {
  if (keys === 'pre-rope' && blockShape(spec).rope === null) {
    throw new ChoiceError(
      'keys',
      'This model has no rotary positions, so its keys have no state before them. Choose post-rope.',
    );
  }
  if (standardise === true && spec.standardise) {
    throw new ChoiceError(
      'standardise',
      'This model standardises its keys itself, so they are standardised already. Leave it out.',
    );
  }
  if (standardise === true && spec.headDim < 2) {
    throw new ChoiceError(
      'standardise',
      'The heads have one dimension, and one number has no standard deviation. Leave it out.',
    );
  }
  if (prefix === null) return;
  if (!spec.causal && spec.onnx !== undefined) {
    throw new ChoiceError(
      'gram',
      'The mask of an ONNX graph is read off its pattern while it runs, so no prefix can be chosen before. Choose full.',
    );
  }
  if (!spec.causal) {
    throw new ChoiceError(
      'gram',
      'This model is not causal: every query sees all keys, so a prefix is the Gram matrix of no query. Choose full.',
    );
  }
  if (!Number.isInteger(prefix) || prefix < 1 || prefix > spec.tokens) {
    throw new ChoiceError(
      'gram',
      `The input has ${spec.tokens} tokens, so there is no prefix of ${prefix}. Choose a prefix from 1 to ${spec.tokens}, or full.`,
    );
  }
}

/** Graphs run on a provider of ONNX Runtime, in float32. */
function graphBackend({ kind, reason: chosen }: BackendChoice): BackendChoice {
  const reason = chosen.replace(/\.$/, '');
  if (kind === 'webgpu') return { kind, reason: `${reason}; ONNX Runtime's WebGPU provider` };
  if (kind === 'cpu') return { kind, reason: `${reason}; ONNX Runtime's WebAssembly provider` };
  return { kind: 'cpu', reason: "no backend runs ONNX graphs in float64, so ONNX Runtime's WebAssembly provider does" };
}

function checkAblation(spec: ModelSpec, layers: number, heads: number): void {
  if (spec.onnx !== undefined) {
    throw new ChoiceError('ablation', 'An ONNX graph runs as it was exported, so no head can be taken out of it.');
  }
  if (!hasOutput(spec)) {
    throw new ChoiceError(
      'ablation',
      'The checkpoint has no classifier, so there is no output that taking a head out could change. Leave it out.',
    );
  }
  const bytes = ablationBytes(spec, layers, heads);
  if (bytes > largestBranchBytes) {
    throw new ChoiceError(
      'ablation',
      `Taking the heads out of ${layers} layers with ${heads} heads each would hold ${(bytes / 2 ** 30).toFixed(1)} GiB of residual streams, more than ${largestBranchBytes / 2 ** 30}. Choose fewer layers or heads.`,
    );
  }
}

interface BackendChoice {
  readonly kind: BackendKind;
  readonly reason: string;
}

/** Throws ChoiceError. */
export function makeRequest(
  index: TensorIndex,
  inferred: ModelSpec,
  input: ModelInput,
  backend: BackendChoice,
  choices: Choices,
  gramlensVersion: string,
): InspectionRequest {
  const spec = onnxSpecForInput(index, specForInput(inferred, input), input);
  checkRpc(choices, spec);
  checkNoise(choices.noise);
  checkSweep(choices);
  const gram = choices.gram ?? defaultGram;
  checkGram(gram, spec);
  const layers = allOr(choices.layers, spec.layers, 'layer');
  const heads = allOr(choices.heads, spec.heads, 'head');
  if (choices.ablation === true) checkAblation(spec, layers.length, heads.length);
  const networkNoise = choices.networkNoise === undefined ? null : networkSettings(choices.networkNoise, choices.noise);
  if (networkNoise !== null) checkNetworkNoise({ index, spec, rpc: choices.rpc, networkNoise });
  const { kind, reason } = spec.onnx === undefined ? backend : graphBackend(backend);
  return {
    index,
    spec,
    input,
    checkpointSha256: null,
    backend: kind,
    backendReason: reason,
    layers,
    heads,
    rpc: choices.rpc,
    forward: choices.forward,
    noise: choices.noise,
    ...(choices.rpcSweep === undefined ? {} : { rpcSweep: { variant: choices.rpc.variant, ...choices.rpcSweep } }),
    gram,
    nulls: choices.nulls,
    studyNulls: choices.studyNulls ?? Math.min(choices.nulls, defaultStudyNulls),
    ablation: choices.ablation === true,
    networkNoise,
    // Nobody knows how the weights of an arbitrary graph are initialised.
    twins: spec.onnx === undefined ? choices.twins : 0,
    seed: choices.seed,
    keepTensors: choices.keepTensors,
    gramlensVersion,
    known: [],
  };
}
