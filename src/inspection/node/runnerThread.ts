// Entry of dist/runner.js, a worker thread of the extension host or the CLI. As `runner` it owns one inspection
// (files by range, forward pass, traces); as `heads` it diagnoses heads for a runner.

import { parentPort, workerData } from 'node:worker_threads';
import type { HeadWork } from '../../diagnostics/diagnoseHead';
import { keyValueNumbers } from '../../diagnostics/keyValueNumbers';
import { queryNumbers } from '../../diagnostics/queryNumbers';
import { createCpuKernels } from '../../engine/cpu/kernels';
import { createReferenceKernels } from '../../engine/reference/kernels';
import { connect } from '../../protocol/rpc';
import { portChannel } from './channels';
import { headComputed } from './computedWork';
import type { ThreadData } from './headPool';
import { createLocalRunner } from './localRunner';
import type { RunnerCalls, RunnerHostCalls } from './localRunner';

const port = parentPort;
if (port === null) throw new Error('runner.js runs as a worker thread only');
const data = workerData as ThreadData;

if (data.role === 'heads') {
  const kernels = data.kernels === 'wasm' ? createCpuKernels() : Promise.resolve(createReferenceKernels());
  connect<HeadWork, object>(portChannel(port), {
    keyValues: async (input, options) => keyValueNumbers(input, options, await kernels),
    queries: async (input, options) => {
      headComputed();
      return queryNumbers(input, options, await kernels);
    },
  });
} else {
  const local: RunnerCalls = {
    run: (request, file, threads, options) => runner.run(request, file, threads, options),
    headDetail: (layer, head) => runner.headDetail(layer, head),
    keptHead: (layer, head) => runner.keptHead(layer, head),
    savedDetail: (folder, layer, head) => runner.savedDetail(folder, layer, head),
    tensors: () => runner.tensors(),
  };
  const endpoint = connect<RunnerCalls, RunnerHostCalls>(portChannel(port), local);
  const runner = createLocalRunner(__filename, endpoint.remote);
}
