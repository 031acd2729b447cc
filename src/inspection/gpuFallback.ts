// Going on without the GPU: when the device that runs the forward pass fails, the same request runs on `cpu`, and the
// heads that are done are kept. Metrics are float64 on every backend, so both halves are one result.

import type { HeadResult } from '../diagnostics/headResult';
import type { InspectionRequest, KnownHead } from './inspectionRequest';
import type { InspectionResult } from './inspectionResult';
import type { ProgressLabel } from './progressLabel';

/** What one attempt tells while it works. */
export interface AttemptHost {
  progress(label: ProgressLabel, fraction: number): Promise<void>;
  head(layer: number, head: HeadResult): Promise<void>;
  /** What a person must know although the run goes on. */
  warn(sentence: string): Promise<void>;
}

export interface Attempt {
  run(request: InspectionRequest): Promise<InspectionResult>;
  stop(): Promise<void>;
}

/** Makes the request to go on with. */
export type Fallback = (known: readonly KnownHead[], error: Error) => InspectionRequest;

/**
 * Runs `request`. When an engine fails and there is a `fallback`, that attempt is stopped and the request that `fallback`
 * makes of the heads done so far runs in a new one; its failure is final. Rejects as the last attempt does.
 */
export async function runOrFallBack(
  request: InspectionRequest,
  host: AttemptHost,
  start: (request: InspectionRequest, host: AttemptHost) => Promise<Attempt>,
  fallback: Fallback | null,
): Promise<InspectionResult> {
  if (fallback === null) return (await start(request, host)).run(request);
  const known: KnownHead[] = [];
  const attempt = await start(request, {
    progress: (label, fraction) => host.progress(label, fraction),
    warn: (sentence) => host.warn(sentence),
    head: (layer, head) => {
      known.push({ layer, head });
      return host.head(layer, head);
    },
  });
  try {
    return await attempt.run(request);
  } catch (error) {
    if (!isEngineFailure(error)) throw error;
    const next = fallback(known, error);
    await attempt.stop();
    return (await start(next, host)).run(next);
  }
}

/** The request on `cpu`; `reason` is what its provenance says. */
export function onCpu(request: InspectionRequest, reason: string, known: readonly KnownHead[]): InspectionRequest {
  return { ...request, backend: 'cpu', backendReason: reason, known };
}

/** An EngineError, here or as it came out of a page's worker. */
function isEngineFailure(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return error.name === 'EngineError' || ('errorName' in error && error.errorName === 'EngineError');
}

/** The device went away; other failures of an engine say what they are. */
export function isDeviceLoss(error: Error): boolean {
  return 'reason' in error && error.reason === 'deviceLost';
}
