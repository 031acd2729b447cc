// Runs the shipped samples in this thread, with any backend, for tests that compare backends and places.

import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { openFileSource } from '../../../src/checkpoint/node/fileSource';
import { headJobs, headWork } from '../../../src/diagnostics/diagnoseHead';
import type { Backend } from '../../../src/engine/backend';
import { createCpuBackend } from '../../../src/engine/cpu/backend';
import { createCpuKernels } from '../../../src/engine/cpu/kernels';
import type { HeadKernels } from '../../../src/engine/headKernels';
import { createReferenceBackend } from '../../../src/engine/reference/backend';
import { createReferenceKernels } from '../../../src/engine/reference/kernels';
import { defaultNoiseKinds, defaultRpc, noiseSettings } from '../../../src/inspection/defaults';
import { engineLayers } from '../../../src/inspection/engineLayers';
import type { InspectionRequest } from '../../../src/inspection/inspectionRequest';
import type { RunnerHostCalls } from '../../../src/inspection/node/localRunner';
import { openCheckpoint } from '../../../src/inspection/node/openCheckpoint';
import { readInput } from '../../../src/inspection/node/readInput';
import { makeRequest } from '../../../src/inspection/request';
import type { Choices } from '../../../src/inspection/request';
import { runInspection } from '../../../src/inspection/runInspection';
import type { InspectionOutcome } from '../../../src/inspection/runInspection';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { createWeightLoader } from '../../../src/model/loadWeights';

const nobody = (): Promise<void> => Promise.resolve();
/** Listens to nothing that a run tells. */
export const silentHost: RunnerHostCalls = { progress: nobody, head: nobody, warn: nobody };

export const samples = ['digits-softmax.safetensors', 'digits-rpc.pt'] as const;
export type Sample = (typeof samples)[number];

export function samplePath(file: string): string {
  return join('media', 'samples', file);
}

/** A small run of a sample: every kind of number, few draws. */
export async function sampleRequest(
  sample: Sample,
  backend: InspectionRequest['backend'],
  choices: Partial<Choices> = {},
): Promise<InspectionRequest> {
  const { index, config } = await openCheckpoint(samplePath(sample));
  const spec = inferModelSpec(index, config, {});
  const input = await readInput(`npy:${samplePath('digit-3.npy')}`, spec);
  const small: Choices = {
    layers: null,
    heads: null,
    rpc: defaultRpc(spec),
    forward: 'native',
    noise: noiseSettings(defaultNoiseKinds, null, 2),
    nulls: 10,
    twins: 2,
    seed: 0,
    keepTensors: true,
  };
  return makeRequest(index, spec, input, { kind: backend, reason: 'test' }, { ...small, ...choices }, '0.0.0-test');
}

/**
 * Runs in this thread; `painter` is the backend of the forward pass where it is not a float64 one, `beside` that of twins,
 * ablated and noisy runs where it is not the usual one.
 */
export async function runHere(
  sample: Sample,
  request: InspectionRequest,
  painter: Backend | null = null,
  beside: Backend | null = null,
): Promise<InspectionOutcome> {
  const reference = request.backend === 'reference';
  const kernels: HeadKernels = reference ? createReferenceKernels() : await createCpuKernels();
  const metrics = reference ? createReferenceBackend() : await createCpuBackend('float64');
  const companions = reference ? metrics : await createCpuBackend('float32');
  const source = await openFileSource(samplePath(sample));
  const { signal } = new AbortController();
  try {
    return await runInspection(request, {
      source: engineLayers(request, {
        weights: createWeightLoader(request.index, source, request.spec),
        backend: painter ?? metrics,
        metrics,
        companions: beside ?? companions,
        signal,
      }),
      diagnoseHeads: async (inputs, options, onHead) => {
        for (const job of headJobs(inputs, options, onHead)) await job(headWork(kernels));
      },
      kernels,
      onProgress: () => undefined,
      onHead: () => undefined,
      signal,
      checkpointSha256: () => Promise.resolve(null),
      now: () => performance.now(),
    });
  } finally {
    await source.close();
  }
}

/** Every number below `value`, with its dotted path. */
export function numbersOf(value: unknown, path = ''): Map<string, number> {
  const found = new Map<string, number>();
  const visit = (item: unknown, at: string): void => {
    if (typeof item === 'number') found.set(at, item);
    else if (typeof item === 'object' && item !== null) {
      for (const [key, inner] of Object.entries(item)) visit(inner, at === '' ? key : `${at}.${key}`);
    }
  };
  visit(value, path);
  return found;
}
