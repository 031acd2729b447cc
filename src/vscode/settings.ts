// `gramlens.*` settings as values. Bounds are declared in package.json; a hand-edited settings.json can still
// hold anything, so they are checked again here.

import * as vscode from 'vscode';
import type { GramChoice } from '../diagnostics/headInput';
import type { NoiseKind } from '../diagnostics/headResult';
import type { NoisePlace } from '../diagnostics/networkNoise';
import {
  defaultNulls,
  defaultNoiseKinds,
  defaultRepeats,
  defaultRpc,
  defaultSeed,
  defaultTwins,
  noiseKinds,
  noiseSettings,
} from '../inspection/defaults';
import { outputKind } from '../inspection/networkOutput';
import type { Choices } from '../inspection/request';
import { blockShape, hasOutput } from '../model/blockShape';
import type { ModelSpec, RpcSettings, RpcVariant } from '../model/modelSpec';

export type BackendSetting = 'auto' | 'webgpu' | 'cpu' | 'reference';

const backends: readonly BackendSetting[] = ['auto', 'webgpu', 'cpu', 'reference'];
const variants: readonly RpcVariant[] = ['code', 'code-headdim', 'paper', 'admm'];

function configuration(): vscode.WorkspaceConfiguration {
  return vscode.workspace.getConfiguration('gramlens');
}

function whole(name: string, fallback: number, least: number, most: number): number {
  const value = configuration().get<unknown>(name);
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most ? value : fallback;
}

export function backendSetting(): BackendSetting {
  const value = configuration().get<unknown>('backend');
  return backends.find((known) => known === value) ?? 'auto';
}

export async function setBackendSetting(value: BackendSetting): Promise<void> {
  await configuration().update('backend', value, vscode.ConfigurationTarget.Global);
}

/** How many inspections are kept on disk; 0: none. */
export function keptInspections(): number {
  return whole('keepInspections', 20, 0, 1000);
}

export function memoryBudgetBytes(): number {
  return whole('memoryBudgetMB', 4096, 256, 1_048_576) * 1024 * 1024;
}

/** RPC beside the model: settings where they are set, else the checkpoint's own, else the published ones. */
function rpcSettings(spec: ModelSpec): RpcSettings {
  const base = defaultRpc(spec);
  const variant = configuration().get<unknown>('rpc.variant');
  const lambda = configuration().get<unknown>('rpc.lambda');
  return {
    ...base,
    variant: variants.find((known) => known === variant) ?? base.variant,
    iterations: whole('rpc.iterations', base.iterations, 1, 64),
    lambda: typeof lambda === 'number' && Number.isFinite(lambda) && lambda >= 0 ? lambda : base.lambda,
  };
}

function chosenNoiseKinds(): readonly NoiseKind[] {
  const value = configuration().get<unknown>('noise.kinds');
  if (!Array.isArray(value)) return defaultNoiseKinds;
  return noiseKinds.filter((kind) => value.includes(kind));
}

/** The Gram matrix that settings ask for, where the model leaves a choice. */
export function gramSetting(spec: ModelSpec): GramChoice {
  const prefix = /^prefix:([1-9]\d{0,5})$/.exec(String(configuration().get<unknown>('gram')))?.[1];
  const before = configuration().get<unknown>('keys') === 'pre-rope' && blockShape(spec).rope !== null;
  return {
    keys: before ? 'pre-rope' : 'post-rope',
    prefix: spec.causal && prefix !== undefined ? Number(prefix) : null,
    standardise: configuration().get<unknown>('standardiseKeys') === true && !spec.standardise && spec.headDim > 1,
  };
}

/** Of the run and of drawn inputs. */
export function seedSetting(): number {
  return whole('seed', defaultSeed, 0, 2 ** 32 - 1);
}

/** Places where noise enters the network; undefined: nowhere. What is no place was marked by the editor and is left out. */
function networkNoiseSetting(spec: ModelSpec): readonly NoisePlace[] | undefined {
  if (spec.onnx !== undefined || !hasOutput(spec) || outputKind(spec) !== 'logits') return undefined;
  const places = String(configuration().get<unknown>('networkNoise'))
    .split(',')
    .flatMap((part): NoisePlace[] => {
      const word = part.trim();
      if (word === 'input') return ['input'];
      return /^\d{1,4}$/.test(word) ? [Number(word)] : [];
    });
  return places.length === 0 ? undefined : places;
}

/** Everything of a run that settings decide. */
export function settingsChoices(spec: ModelSpec): Choices {
  const networkNoise = networkNoiseSetting(spec);
  return {
    layers: null,
    heads: null,
    rpc: rpcSettings(spec),
    forward: 'native',
    gram: gramSetting(spec),
    noise: noiseSettings(chosenNoiseKinds(), null, whole('noise.repeats', defaultRepeats, 1, 1000)),
    nulls: whole('nulls', defaultNulls, 0, 10_000),
    twins: whole('untrainedTwins', defaultTwins, 0, 200),
    ablation: configuration().get<unknown>('ablation') === true && spec.onnx === undefined && hasOutput(spec),
    ...(networkNoise === undefined ? {} : { networkNoise }),
    seed: seedSetting(),
    keepTensors: false,
  };
}
