// What a run will cost, said before it starts: memory, floating-point operations and a rough time.

import { defaultLevels } from '../diagnostics/noiseLevels';
import type { ModelSpec } from '../model/modelSpec';
import { runsRpc } from './headInputs';
import type { InspectionPlan, InspectionRequest } from './inspectionRequest';

/** Sustained float64 GFLOP/s of one thread, for the estimate only: WASM kernels and plain TypeScript. */
const gflopsPerThread = { cpu: 3, webgpu: 3, reference: 0.4 } as const;

/** Multiply-adds count as two. Softmax's exponentials count as 20 each. */
function attentionFlops(tokens: number, headDim: number): number {
  return 4 * tokens * tokens * headDim + 20 * tokens * tokens;
}

function layerForwardFlops(spec: ModelSpec): number {
  const { tokens: n, embedDim: c, mlpDim } = spec;
  const parts = spec.attention === 'symmetric' || spec.attention === 'rpc' ? 2 : 3;
  const linear = 2 * n * c * (parts * c + c + 2 * mlpDim);
  return linear + spec.heads * attentionFlops(n, spec.headDim);
}

function headFlops(request: InspectionRequest, layer: number): number {
  const { tokens: n, headDim: d, embedDim: c } = request.spec;
  const rpc = runsRpc(request.rpc, layer) ? request.rpc.iterations : 0;
  const attention = attentionFlops(n, d);
  const noiseRuns = request.noise.kinds.reduce(
    (sum, kind) => sum + (request.noise.levels[kind] ?? defaultLevels(kind)).length * request.noise.repeats,
    0,
  );
  const tokenRuns = noiseRuns / Math.max(1, request.noise.kinds.length);
  // Householder reduction, QL with vectors and the back-transformation of one N x N matrix: about 9 N^3.
  const eigen = 9 * n * n * n;
  // Four null families, each draw one orthonormalisation and one projection.
  const nulls = 4 * request.nulls * (2 * n * d * d + 2 * n * d * d);
  const twins = request.twins * (eigen + 4 * n * d * d);
  return noiseRuns * (1 + rpc) * attention + tokenRuns * 6 * n * c * d + eigen + nulls + twins;
}

/**
 * The cost of `request`. `layerByteLength`: bytes of the largest layer's weights in the file;
 * `threads`: head workers that this machine will run.
 */
export function planInspection(
  request: InspectionRequest,
  layerByteLength: number,
  threads: number,
  description: string,
): InspectionPlan {
  const { spec } = request;
  const lastLayer = Math.max(...request.layers);
  const forwardFlops = (lastLayer + 1) * layerForwardFlops(spec) * (1 + request.twins);
  const diagnosticsFlops = request.layers.reduce(
    (sum, layer) => sum + request.heads.length * headFlops(request, layer),
    0,
  );
  const gflops = gflopsPerThread[request.backend];
  const tracePerLayer = 8 * 5 * spec.tokens * spec.embedDim;
  const perHead =
    8 * (8 * spec.tokens * spec.tokens + 3 * spec.headDim * spec.embedDim + 2 * spec.tokens * spec.embedDim);
  return {
    description,
    layers: request.layers.length,
    heads: request.heads.length,
    tokens: spec.tokens,
    headDim: spec.headDim,
    layerByteLength,
    // The file's floats once as read, once in float64 in the kernels' memory, and the next layer read ahead.
    peakByteLength: 4 * layerByteLength + request.layers.length * tracePerLayer + threads * perHead,
    forwardFlops,
    diagnosticsFlops,
    estimatedSeconds: (forwardFlops / gflops + diagnosticsFlops / (gflops * threads)) / 1e9,
    backend: request.backend,
    backendReason: request.backendReason,
  };
}
