// The same weights in five formats, from the file to every number of the result: safetensors, .pt and .npz are one
// result; GGUF is that of its weights rounded to F16; ONNX is that of a float32 runtime. PyTorch in float64 beside them
// (test/fixtures/formats/make_formats.py).

import { before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { headJobs, headWork } from '../../../src/diagnostics/diagnoseHead';
import { createCpuBackend } from '../../../src/engine/cpu/backend';
import { createCpuKernels } from '../../../src/engine/cpu/kernels';
import { defaultNoiseKinds, noiseSettings, publishedRpc } from '../../../src/inspection/defaults';
import { engineLayers } from '../../../src/inspection/engineLayers';
import { openBytes } from '../../../src/inspection/node/checkpointFile';
import { openNodeOnnx } from '../../../src/inspection/node/nodeOnnx';
import { openCheckpoint } from '../../../src/inspection/node/openCheckpoint';
import { readInput } from '../../../src/inspection/node/readInput';
import { onnxLayers } from '../../../src/inspection/onnxLayers';
import { makeRequest } from '../../../src/inspection/request';
import { runInspection, type InspectionOutcome } from '../../../src/inspection/runInspection';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { createWeightLoader } from '../../../src/model/loadWeights';
import { relativeError } from '../engine/portableNormals';
import { dist, root } from '../onnx/graphs';
import { numbersOf } from './sampleRun';

const folder = join(root, 'test', 'fixtures', 'formats');
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
  readonly ids: readonly number[];
  readonly layers: readonly Readonly<Record<string, readonly number[]>>[];
  readonly logits: readonly number[];
};

const files = [
  'model.safetensors',
  'model.pt',
  'model.npz',
  'rounded.safetensors',
  'model.gguf',
  'model.onnx',
] as const;
type File = (typeof files)[number];

async function inspectFile(file: File, twins: number): Promise<InspectionOutcome> {
  const opened = await openCheckpoint(join(folder, file));
  const spec = inferModelSpec(opened.index, opened.config, {});
  const input = await readInput(`tokens:${expected.ids.join(',')}`, spec);
  const choices = {
    layers: null,
    heads: null,
    rpc: publishedRpc,
    forward: 'native' as const,
    noise: noiseSettings(defaultNoiseKinds, null, 2),
    nulls: 4,
    twins,
    seed: 0,
    keepTensors: true,
  };
  const request = makeRequest(opened.index, spec, input, { kind: 'cpu', reason: 'test' }, choices, '0.0.0-test');
  const kernels = await createCpuKernels();
  const backend = await createCpuBackend();
  const bytes = openBytes(opened.file);
  const { signal } = new AbortController();
  try {
    const weights = createWeightLoader(request.index, bytes, request.spec);
    return await runInspection(request, {
      source:
        request.spec.onnx === undefined
          ? engineLayers(request, { weights, backend, metrics: backend, companions: backend, signal })
          : onnxLayers(request, { runtime: await openNodeOnnx(dist), check: null, bytes, backend, kernels, signal }),
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
    backend.dispose();
  }
}

/** Half a unit in the last place, relative: what storing a number rounds it by. */
const rounding = { float64: 2 ** -53, float32: 2 ** -24, float16: 2 ** -11 } as const;
/** Of q, k, v, patterns, outputs, logits: roundings that two layers of sums over 12 to 36 terms add up. */
const tensorRoundings = 16;
/** RPC takes four steps of alternating shrinkage, which carry a difference on. */
const rpcRoundings = 64;
/**
 * Of the numbers of the heads, which come from eigenvectors: a perturbation grows by the largest eigenvalue over the
 * gap to the next one (up to 1,200 here), and again by the smallest column of gamma over the largest.
 */
const metricRoundings = 2 ** 13;
/** Float64 sums in another order (GGUF holds its matrices turned), with the same growth and the draws of the nulls. */
const orderTolerance = metricRoundings * 2 ** 13 * rounding.float64;
/** The float64 forward pass against PyTorch's. */
const goldenTolerance = 1e-12;

/** Numbers that are 0 in exact arithmetic, so that all digits are round-off: eigenvectors tested on themselves, the eigenvalue that centring removes. */
const roundOff = /\.gamma\.eig\.(?!mean\.)|\.spectrum\.(log10E|e)igenvalues\.8$/;
const roundOffBound = 1e-9;

/**
 * Where two results differ, in units of the number's size: of the largest of its list. A spread (of a null, of
 * repeats) is a difference of draws, so its unit is their mean; z divides by it, and differs mean / sd times as much.
 * `missing`: numbers that `b` must not have.
 */
function differences(
  a: InspectionOutcome,
  b: InspectionOutcome,
  missing: RegExp | null = null,
): ReadonlyMap<string, number> {
  const of = ({ result: { layers, output } }: InspectionOutcome): Map<string, number> => {
    const all = numbersOf({ layers, output });
    for (const [path, value] of all) {
      if (!roundOff.test(path)) continue;
      assert.ok(path.includes('log10') || Math.abs(value) < roundOffBound, `${path} is ${value}, not round-off`);
      all.delete(path);
    }
    return all;
  };
  const [ours, theirs] = [of(a), of(b)];
  if (missing !== null) for (const path of ours.keys()) if (missing.test(path)) ours.delete(path);
  assert.deepEqual([...theirs.keys()], [...ours.keys()]);
  assert.ok(ours.size > 1500, `${ours.size} numbers`);
  const listOf = (path: string): string => path.replace(/\.\d+$/, '');
  const sizes = new Map<string, number>();
  for (const [path, value] of ours) sizes.set(listOf(path), Math.max(sizes.get(listOf(path)) ?? 0, Math.abs(value)));
  const differ = [...ours].map(([path, value]): [string, number] => {
    const sibling = (name: string): number => Math.abs(ours.get(path.replace(/[^.]+$/, name)) ?? 0);
    const sizeOf = (): number => {
      if (path.endsWith('.sd')) return Math.max(value, sibling('mean'));
      if (path.endsWith('.z')) return Math.max(1, Math.abs(value)) * Math.max(1, sibling('mean') / sibling('sd'));
      const list = listOf(path);
      return Math.max(sizes.get(list)!, sizes.get(list.replace(/\.ci$/, '.mean')) ?? 0);
    };
    const size = sizeOf();
    return [path, Math.abs(value - theirs.get(path)!) / (size || 1)];
  });
  return new Map(differ);
}

function assertClose(what: string, found: ReadonlyMap<string, number>, allowed: number): void {
  const [path, worst] = [...found].reduce((a, b) => (b[1] > a[1] ? b : a));
  console.log(`      ${what}: ${found.size} numbers, largest difference ${worst.toExponential(1)} (${path})`);
  assert.ok(worst <= allowed, `${what}: ${path} differs by ${worst}, allowed ${allowed}`);
}

/** q, k, v, patterns, outputs and logits, relative to the largest of each; RPC apart. */
function assertTensors(what: string, a: InspectionOutcome, b: InspectionOutcome, unit: number): void {
  const found = b.tensors.map(({ name, data }): [string, number] => {
    const other = a.tensors.find((tensor) => tensor.name === name)!;
    return [name, relativeError(data, other.data)];
  });
  const isRpc = ([name]: readonly [string, number]): boolean => name.endsWith('.rpc');
  const plain = found.filter((item) => !isRpc(item));
  assert.ok(plain.length >= 15, plain.map(([name]) => name).join());
  assertClose(`${what}, tensors`, new Map(plain), tensorRoundings * unit);
  const rpc = found.filter(isRpc);
  if (rpc.length > 0) assertClose(`${what}, RPC`, new Map(rpc), rpcRoundings * unit);
}

describe('inspection: one network in five formats', () => {
  const outcomes = {} as Record<File, InspectionOutcome>;
  before(async () => {
    for (const file of files) outcomes[file] = await inspectFile(file, 0);
  });

  it('safetensors agrees with PyTorch', () => {
    const { tensors } = outcomes['model.safetensors'];
    const named = (name: string): ArrayLike<number> => tensors.find((tensor) => tensor.name === name)?.data ?? [];
    const golden: [string, readonly number[]][] = [
      ['logits', expected.logits],
      ...expected.layers.flatMap((layer, i) =>
        Object.entries(layer).map(([part, values]): [string, readonly number[]] => [`layer${i}.${part}`, values]),
      ),
    ];
    const found = golden.map(([name, values]): [string, number] => [name, relativeError(named(name), values)]);
    assertClose('PyTorch', new Map(found), goldenTolerance);
  });

  for (const file of ['model.pt', 'model.npz'] as const) {
    it(`${file} gives every number of safetensors, to the last digit`, () => {
      const [ours, theirs] = [outcomes['model.safetensors'], outcomes[file]];
      assert.deepEqual(theirs.result.layers, ours.result.layers);
      assert.deepEqual(theirs.result.output, ours.result.output);
      assert.deepEqual(theirs.tensors, ours.tensors);
    });
  }

  it('F16 in GGUF gives every number of the weights rounded to F16, untrained twins and verdicts among them', async () => {
    const [ours, theirs] = [await inspectFile('rounded.safetensors', 2), await inspectFile('model.gguf', 2)];
    assertClose('rounded', differences(ours, theirs), orderTolerance);
    const verdicts = ({ result }: InspectionOutcome): readonly unknown[] =>
      result.layers.flatMap(({ heads }) =>
        heads.map(({ alignment, noise }) => [alignment.verdict, noise.map(({ verdict }) => verdict)]),
      );
    assert.deepEqual(verdicts(theirs), verdicts(ours));
  });

  it('F16 in GGUF is one rounding of F16 away from safetensors', () => {
    const [ours, theirs] = [outcomes['model.safetensors'], outcomes['model.gguf']];
    assertTensors('F16', ours, theirs, rounding.float16);
    const tops = (outcome: InspectionOutcome): readonly number[] =>
      outcome.result.output.logitsTop.map(({ index }) => index);
    assert.deepEqual(tops(theirs), tops(ours));
    assert.notDeepEqual(theirs.tensors, ours.tensors, 'the weights are those of F16');
  });

  it('ONNX gives every number of safetensors within float32', () => {
    const [ours, theirs] = [outcomes['model.safetensors'], outcomes['model.onnx']];
    assertTensors('float32', ours, theirs, rounding.float32);
    // A graph runs as it is: the weights of a head are not taken out of it, and the result says so.
    const weights = theirs.result.layers.flatMap(({ heads }) => heads.map((head) => head.weights?.reason));
    assert.deepEqual(
      new Set(weights),
      new Set(['The weights of this head are not at hand (an ONNX graph runs as it is).']),
    );
    const found = differences(ours, theirs, /\.weights\./);
    assertClose('float32', found, metricRoundings * rounding.float32);
  });
});
