// All numbers of heads, from their float64 tensors to `HeadResult`: the part of keys and values once a kv head, the
// part of queries once a query head. The parts are independent, so workers can take them in any order.

import type { HeadKernels } from '../engine/headKernels';
import type { DiagnosticsOptions, HeadInput, KeyValueInput, QueryInput, TwinNumbers } from './headInput';
import type { HeadResult } from './headResult';
import { keyValueInput, keyValueNumbers, type KeyValueNumbers } from './keyValueNumbers';
import { rpcNotAsked } from './noise';
import type { ValueDirections } from './valueDirections';
import { queryInput, queryNumbers, type QueryNumbers } from './queryNumbers';

/** Whoever computes the two parts: this thread, or a worker behind typed calls. */
export interface HeadWork {
  keyValues(input: KeyValueInput, options: DiagnosticsOptions): Promise<KeyValueNumbers>;
  queries(input: QueryInput, options: DiagnosticsOptions): Promise<QueryNumbers>;
}

/** Told of every finished head, with what its twins gave and what its pictures need. */
export type OnHead = (head: HeadResult, twins: TwinNumbers, directions: ValueDirections | null) => void;

/** A piece of work on heads; `onHead` of `headJobs` is called when the last piece of a head is done. */
export type HeadJob = (work: HeadWork) => Promise<void>;

/**
 * Every diagnostic of spec sections 3 to 6 for one head. Synchronous; the result is plain JSON without NaN or
 * infinity whatever the tensors hold, as long as they are finite.
 */
export function diagnoseHead(input: HeadInput, options: DiagnosticsOptions, kernels: HeadKernels): HeadResult {
  const shared = keyValueNumbers(keyValueInput(input, options.gram), options, kernels);
  return joined(input, shared, queryNumbers(queryInput(input), options, kernels));
}

/** The work on `inputs`, heads of one layer: one job a kv head and one a query head, in the order of the heads. */
export function headJobs(inputs: readonly HeadInput[], options: DiagnosticsOptions, onHead: OnHead): HeadJob[] {
  const groups = new Map<number, HeadInput[]>();
  for (const input of inputs) groups.set(input.kvHead, [...(groups.get(input.kvHead) ?? []), input]);
  return [...groups.values()].flatMap((group) => {
    let shared: KeyValueNumbers | null = null;
    const own = new Map<HeadInput, QueryNumbers>();
    const report = (): void => {
      if (shared === null) return;
      for (const [input, numbers] of own) onHead(joined(input, shared, numbers), shared.twins, shared.directions);
      own.clear();
    };
    const keyValues: HeadJob = async (work) => {
      shared = await work.keyValues(keyValueInput(group[0]!, options.gram), options);
      report();
    };
    const queries = group.map((input): HeadJob => async (work) => {
      own.set(input, await work.queries(queryInput(input), options));
      report();
    });
    return [keyValues, ...queries];
  });
}

/** `HeadWork` of this thread. */
export function headWork(kernels: HeadKernels): HeadWork {
  return {
    keyValues: (input, options) => Promise.resolve(keyValueNumbers(input, options, kernels)),
    queries: (input, options) => Promise.resolve(queryNumbers(input, options, kernels)),
  };
}

/** Names in the order that `result.json` has. */
function joined(input: HeadInput, shared: KeyValueNumbers, own: QueryNumbers): HeadResult {
  return {
    index: input.head,
    kvHead: input.kvHead,
    attention: own.attention,
    ...(own.weights === undefined ? {} : { weights: own.weights }),
    spectrum: shared.spectrum,
    alignment: shared.alignment,
    gamma: shared.gamma,
    projection: own.projection,
    reproduction: shared.reproduction,
    rpc: own.rpc,
    noise: own.noise,
    ...(own.rpcSweep === undefined ? {} : { rpcSweep: own.rpcSweep }),
    ...(own.rpc === null ? { reason: input.foreign?.own?.reason ?? rpcNotAsked } : {}),
  };
}
