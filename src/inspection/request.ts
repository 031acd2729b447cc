// From what a person chose to a request that can run: indexes are checked against the model here, once, for the
// CLI and the editor alike.

import type { TensorIndex } from '../checkpoint/tensorIndex';
import type { BackendKind, ForwardAttention } from '../engine/backend';
import type { NoiseSettings } from '../diagnostics/headInput';
import { specForInput } from '../model/blockShape';
import { ModelSpecError } from '../model/modelSpec';
import type { ModelInput, ModelSpec, RpcSettings } from '../model/modelSpec';
import type { InspectionRequest } from './inspectionRequest';

export interface Choices {
  /** null: every layer, every head. */
  readonly layers: readonly number[] | null;
  readonly heads: readonly number[] | null;
  readonly rpc: RpcSettings;
  readonly forward: ForwardAttention;
  readonly noise: NoiseSettings;
  readonly nulls: number;
  readonly twins: number;
  readonly seed: number;
  readonly keepTensors: boolean;
}

function allOr(chosen: readonly number[] | null, count: number, what: string): readonly number[] {
  if (chosen === null) return Array.from({ length: count }, (_, i) => i);
  const wrong = chosen.find((index) => index >= count);
  if (wrong !== undefined) {
    throw new ModelSpecError(
      'badInput',
      `The model has ${count} ${what}s (0 to ${count - 1}); there is no ${what} ${wrong}. Choose others with --${what}s.`,
    );
  }
  return [...new Set(chosen)].sort((a, b) => a - b);
}

export function makeRequest(
  index: TensorIndex,
  spec: ModelSpec,
  input: ModelInput,
  backend: { readonly kind: BackendKind; readonly reason: string },
  choices: Choices,
  gramlensVersion: string,
): InspectionRequest {
  return {
    index,
    spec: specForInput(spec, input),
    input,
    checkpointSha256: null,
    backend: backend.kind,
    backendReason: backend.reason,
    layers: allOr(choices.layers, spec.layers, 'layer'),
    heads: allOr(choices.heads, spec.heads, 'head'),
    rpc: choices.rpc,
    forward: choices.forward,
    noise: choices.noise,
    nulls: choices.nulls,
    twins: choices.twins,
    seed: choices.seed,
    keepTensors: choices.keepTensors,
    gramlensVersion,
    known: [],
  };
}
