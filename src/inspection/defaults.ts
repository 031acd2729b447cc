// What a run does when nobody says otherwise; the CLI's options and the editor's settings start from here.

import { defaultLevels } from '../diagnostics/noiseLevels';
import type { NoiseSettings } from '../diagnostics/headInput';
import type { NoiseKind } from '../diagnostics/headResult';
import type { ModelSpec, RpcSettings } from '../model/modelSpec';

export const defaultSeed = 0;
/** B of spec section 5. */
export const defaultNulls = 200;
/** Spec section 5: 20 seeds. */
export const defaultTwins = 20;
/** R of spec section 6. */
export const defaultRepeats = 8;
export const defaultNoiseKinds: readonly NoiseKind[] = ['token_gauss', 'key_gauss', 'key_sparse'];
export const noiseKinds: readonly NoiseKind[] = [
  'token_gauss',
  'key_gauss',
  'key_sparse',
  'token_replace',
  'token_drop',
];

/** The published defaults of RPC-Attention: num_iter 4, lambd 4 (arXiv 2406.13762 and its code). */
export const publishedRpc: RpcSettings = { variant: 'code', iterations: 4, lambda: 4, layers: 'all' };

/** RPC beside the model: the checkpoint's own settings where it has some (in every layer), else the published ones. */
export function defaultRpc(spec: ModelSpec): RpcSettings {
  return spec.rpc === null ? publishedRpc : { ...spec.rpc, layers: 'all' };
}

/** Noise kinds with one set of levels for all of them, or each kind's own defaults. */
export function noiseSettings(
  kinds: readonly NoiseKind[],
  levels: readonly number[] | null,
  repeats: number,
): NoiseSettings {
  return {
    kinds,
    levels: Object.fromEntries(kinds.map((kind) => [kind, levels ?? defaultLevels(kind)])),
    repeats,
  };
}
