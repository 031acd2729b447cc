// Softmax against RPC within one result: the same heads, the same noise, so that differences are paired.

import type { HeadResult } from '../diagnostics/headResult';
import {
  ComparisonError,
  comparisonSchemaName,
  type ComparedHead,
  type ComparedMetric,
  type ComparedNumber,
  type Comparison,
} from './comparison';
import { dispersion, methodNoise } from './comparedMetrics';
import { comparedRun, sharedFacts } from './compareResults';
import type { ComparedSource } from './pairRuns';
import { rankChanges, withSpreads } from './ranking';

function methodNumber(values: readonly [number | null, number | null], band?: ComparedNumber['band']): ComparedNumber {
  const [softmax, rpc] = values;
  if (softmax === null || rpc === null)
    return { values, difference: null, reason: `Not measured with ${softmax === null ? 'softmax' : 'RPC'}.` };
  const difference = rpc - softmax;
  return { values, difference, ...(band === undefined ? {} : { band, inBands: difference / band.half }) };
}

function methodHead(head: HeadResult): ComparedHead {
  const noise = head.noise.map(({ kind, auc }) => {
    const half = auc.ci.difference;
    const of = head.over === undefined ? 'repeats' : 'inputs';
    const band = half === null || half === 0 ? undefined : ({ half, centre: 0, of } as const);
    return [`noise.${kind}`, methodNumber([auc.softmax, auc.rpc], band)] as const;
  });
  const both = head.rpc?.dispersion;
  return {
    index: head.index,
    partners: [head.index, head.index],
    verdicts: [],
    noiseVerdicts: Object.fromEntries(
      head.noise.map(({ kind, verdict }) => [kind, [verdict ?? 'the inputs differ']] as const),
    ),
    metrics: Object.fromEntries([
      ...noise,
      [dispersion.id, methodNumber([both?.softmax ?? null, both?.rpc ?? null])] as const,
    ]),
  };
}

/** The two methods as two runs. @throws ComparisonError where RPC was not computed. */
export function compareMethods(source: ComparedSource): Comparison {
  const { result, name } = source;
  const heads = result.layers.flatMap((layer) => layer.heads);
  if (heads.every(({ rpc }) => rpc === null)) {
    throw new ComparisonError(
      `${name} was inspected without RPC, so there is nothing to compare softmax with. Inspect it with --rpc layers=all.`,
    );
  }
  const kinds = [...new Set(heads.flatMap(({ noise }) => noise.map(({ kind }) => kind)))];
  const metrics: ComparedMetric[] = [...kinds.map(methodNoise), dispersion];
  const whole = (head: ComparedHead): ComparedHead => ({
    ...head,
    metrics: Object.fromEntries(metrics.map(({ id }) => [id, head.metrics[id] ?? methodNumber([null, null])] as const)),
  });
  const layers = withSpreads(
    result.layers.map(({ index, heads: own }) => ({
      index,
      matching: [null, null],
      heads: own.map(methodHead).map(whole),
    })),
    metrics,
  );
  const { rpc } = result.provenance;
  return {
    schema: comparisonSchemaName,
    kind: 'methods',
    runs: ['softmax', 'RPC'].map((method) => ({ ...comparedRun(source, null), name: method })),
    order: null,
    matchedBy: 'index',
    ...sharedFacts(result),
    notes: [
      `Both methods in ${name}, on the same q, k, v under the same noise: RPC variant ${rpc.variant}, ${rpc.iterations} iterations, lambda ${rpc.lambda}.`,
      'Low deviation with low dispersion is collapse, not robustness.',
    ],
    metrics,
    layers,
    ranked: rankChanges(layers, metrics),
  };
}
