// Whether noise between the layers can be had of a model, before anything runs; the sentences for when it cannot.

import type { NoiseSettings } from '../diagnostics/headInput';
import {
  networkNoiseKinds,
  type NetworkNoiseKind,
  type NetworkNoiseSettings,
  type NoisePlace,
} from '../diagnostics/networkNoise';
import { defaultLevels } from '../diagnostics/noiseLevels';
import type { TensorIndex } from '../checkpoint/tensorIndex';
import { blockShape, hasOutput } from '../model/blockShape';
import type { ModelSpec, RpcSettings } from '../model/modelSpec';
import { largestBranchBytes } from './branches';
import { checkIndexes, ChoiceError } from './choiceError';
import { networkNoiseBytes } from './networkNoiseRuns';
import { outputKind } from './networkOutput';

/** The token kinds of `noise` at `places`, the input first, then layers ascending. */
export function networkSettings(places: readonly NoisePlace[], noise: NoiseSettings): NetworkNoiseSettings {
  const kinds = networkNoiseKinds.filter((kind) => noise.kinds.includes(kind));
  const order = (place: NoisePlace): number => (place === 'input' ? -1 : place);
  return {
    places: [...new Set(places)].sort((a, b) => order(a) - order(b)),
    kinds,
    levels: Object.fromEntries(kinds.map((kind) => [kind, noise.levels[kind] ?? defaultLevels(kind)])),
    repeats: noise.repeats,
  };
}

interface Asked {
  readonly index: TensorIndex;
  readonly spec: ModelSpec;
  readonly rpc: RpcSettings;
  readonly networkNoise: NetworkNoiseSettings;
}

/** Numbers of the output: a row of the classifier each. */
export function classesOf({ index, spec }: Pick<Asked, 'index' | 'spec'>): number {
  const shape = index.entries.get(spec.head.classifier?.weight ?? '')?.shape ?? [];
  return shape.length === 0 ? 0 : Math.max(...shape);
}

/** @throws ChoiceError with the sentence. */
export function checkNetworkNoise(asked: Asked): void {
  const { spec, networkNoise } = asked;
  if (spec.onnx !== undefined) {
    throw refused('An ONNX graph runs as it was exported, so no noise can be put between its blocks. Leave it out.');
  }
  if (!hasOutput(spec) || outputKind(spec) !== 'logits') {
    throw refused(
      'The network gives away no logits, so there is no distribution that noise could change. Leave network noise out.',
    );
  }
  const layers = networkNoise.places.filter((place) => place !== 'input');
  checkIndexes(layers, spec.layers, 'layer', 'networkNoise');
  if (networkNoise.kinds.length === 0) {
    throw refused(
      `No kind of noise that has a place between the layers was chosen. Choose among ${networkNoiseKinds.join(', ')}, or leave network noise out.`,
    );
  }
  for (const kind of networkNoise.kinds) checkTokens(kind, networkNoise, spec);
  const bytes = networkNoiseBytes(asked, classesOf(asked));
  if (bytes > largestBranchBytes) {
    throw refused(
      `Its runs would hold ${(bytes / 2 ** 30).toFixed(1)} GiB of residual streams, more than ${largestBranchBytes / 2 ** 30}. Choose fewer places, kinds, levels or repeats.`,
    );
  }
}

function checkTokens(kind: NetworkNoiseKind, { levels }: NetworkNoiseSettings, spec: ModelSpec): void {
  const free = spec.tokens - spec.prefixTokens;
  if (kind === 'token_replace' && free < 2) {
    throw refused('There is no other token to copy from. Leave token_replace out.');
  }
  if (kind !== 'token_drop') return;
  const { rope, windows } = blockShape(spec);
  if (spec.image === null || rope !== null || windows.length > 0 || spec.attention === 'scaled') {
    throw refused(
      'What flows between these layers cannot do without tokens (positions, windows, S or the last token go by their number). Leave token_drop out.',
    );
  }
  const most = Math.max(...(levels.token_drop ?? []));
  if (spec.prefixTokens === 0 && Math.floor(most * free + 0.5) >= free) {
    throw refused(`At level ${most} token_drop leaves no token. Choose lower levels.`);
  }
}

function refused(sentence: string): ChoiceError {
  return new ChoiceError('networkNoise', sentence);
}
