// One real inspection of the softmax sample, small enough to run before every file of page tests, and the snapshots
// that an extension host would show of it.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HeadDetail } from '../../src/inspection/headDetail';
import { defaultNoiseKinds, defaultRpc, noiseSettings } from '../../src/inspection/defaults';
import type { InspectionRequest } from '../../src/inspection/inspectionRequest';
import type { InspectionResult } from '../../src/inspection/inspectionResult';
import type { RunnerHostCalls } from '../../src/inspection/node/localRunner';
import { openCheckpoint } from '../../src/inspection/node/openCheckpoint';
import { readInput } from '../../src/inspection/node/readInput';
import { startThreadRunner } from '../../src/inspection/node/threadRunner';
import type { KeptHead } from '../../src/inspection/traceStore';
import { planInspection } from '../../src/inspection/plan';
import { makeRequest } from '../../src/inspection/request';
import { modelSummary } from '../../src/inspection/runInspection';
import { describeSpec } from '../../src/model/describeSpec';
import { inferModelSpec } from '../../src/model/inferModelSpec';
import { silentHost } from '../unit/inspection/sampleRun';
import { largestLayerByteLength } from '../../src/model/loadWeights';
import type { SessionSnapshot } from '../../src/protocol/messages';
import { emptySnapshot } from '../../src/vscode/emptySnapshot';
import { threadRunner } from '../../src/vscode/runners';
import type { Runner } from '../../src/vscode/runners';

const samples = join(process.cwd(), 'media', 'samples');
const threads = 2;

export interface SampleRun {
  readonly request: InspectionRequest;
  readonly result: InspectionResult;
  /** The checkpoint's bytes, for readBytes. */
  readonly bytes: Uint8Array;
  headDetail(layer: number, head: number): Promise<HeadDetail>;
  keptHead(layer: number, head: number): Promise<KeptHead>;
  /** Another runner on the same file, as the editor's for cpu; whoever asks stops it. */
  anotherRunner(host: RunnerHostCalls): Runner;
  readonly empty: SessionSnapshot;
  readonly planning: SessionSnapshot;
  /** Begun, no head yet. */
  readonly running: SessionSnapshot;
  readonly done: SessionSnapshot;
  stop(): Promise<void>;
}

export async function runSample(): Promise<SampleRun> {
  const path = join(samples, 'digits-softmax.safetensors');
  const { index, config } = await openCheckpoint(path);
  const spec = inferModelSpec(index, config, {});
  const input = await readInput(`npy:${join(samples, 'digit-3.npy')}`, spec);
  const request = makeRequest(
    index,
    spec,
    input,
    { kind: 'cpu', reason: 'chosen by the test' },
    {
      layers: null,
      heads: null,
      rpc: defaultRpc(spec),
      forward: 'native',
      noise: noiseSettings(defaultNoiseKinds, null, 2),
      nulls: 20,
      twins: 2,
      seed: 0,
      keepTensors: false,
    },
    '0.0.0-test',
  );
  const runner = startThreadRunner(join(process.cwd(), 'dist', 'runner.js'), silentHost);
  const result = await runner.run(request, { path }, threads);
  const plan = planInspection(request, largestLayerByteLength(index, spec), threads, describeSpec(spec));
  const { picture } = input;
  const planning: SessionSnapshot = {
    ...emptySnapshot,
    phase: 'planning',
    title: index.fileName,
    message: `Reading the header of ${index.fileName}`,
  };
  const running: SessionSnapshot = {
    ...planning,
    phase: 'running',
    message: plan.description,
    model: modelSummary(spec),
    plan,
    picture: picture && { width: picture.width, height: picture.height, rgba: new Uint8Array(picture.rgba) },
    progress: { label: 'Starting', fraction: 0 },
  };
  const done: SessionSnapshot = {
    ...running,
    phase: 'done',
    inspection: '0123456789abcdef',
    message: `${index.fileName}: every head inspected.`,
    layers: result.layers,
    provenance: result.provenance,
    output: result.output,
    network: result.rollout === undefined ? {} : { rollout: result.rollout },
    progress: null,
  };
  return {
    request,
    result,
    bytes: new Uint8Array(await readFile(path)),
    headDetail: (layer, head) => runner.headDetail(layer, head),
    keptHead: (layer, head) => runner.keptHead(layer, head),
    anotherRunner: (host) => threadRunner(join(process.cwd(), 'dist', 'runner.js'), host, { path }, threads),
    empty: emptySnapshot,
    planning,
    running,
    done,
    stop: () => runner.stop(),
  };
}
