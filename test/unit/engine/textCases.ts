// The tiny language models of test/fixtures/text: drawn from the portable generator into a file in memory with the
// names of the family, read back as any checkpoint is, and what PyTorch computed for them (make_*.py).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { bytesSource } from '../../../src/checkpoint/byteSource';
import type { TensorEntry, TensorIndex } from '../../../src/checkpoint/tensorIndex';
import { adaptiveLogProbabilities } from '../../../src/engine/adaptiveSoftmax';
import type { Backend, LayerTrace } from '../../../src/engine/backend';
import { hasOutput, specForInput } from '../../../src/model/blockShape';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { createWeightLoader, type WeightLoader } from '../../../src/model/loadWeights';
import type { ModelFamily, ModelSpec, TokenInput } from '../../../src/model/modelSpec';
import { tokenInput } from '../../../src/model/text/tokenInput';
import { normals, relativeError } from './portableNormals';

type Place = readonly [number, number];

export interface TextCase {
  readonly name: string;
  readonly family: ModelFamily;
  readonly config: Readonly<Record<string, unknown>>;
  readonly ids: readonly number[];
  readonly mask: readonly number[] | null;
  /** Metadata of a GGUF file; absent: the tensors of a safetensors file. */
  readonly gguf?: NonNullable<TensorIndex['tree']>;
  /** Of each tensor: shape, scale, shift. */
  readonly tensors: Readonly<Record<string, readonly [readonly number[], number, number]>>;
  readonly expected: {
    readonly embedded: Place;
    readonly layers: readonly { readonly k?: Place; readonly pattern?: Place; readonly next: Place }[];
    readonly logits: Place;
    /** Of an adaptive softmax. */
    readonly logProbabilities?: Place;
  };
  /** What the places point into. */
  readonly numbers: Float64Array;
}

/** Numbers of a .bin that places point into. */
export function goldenNumbers(name: string): Float64Array {
  const bytes = readFileSync(`test/fixtures/text/${name}.bin`);
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

function readCases(name: string): readonly TextCase[] {
  const { cases } = JSON.parse(readFileSync(`test/fixtures/text/${name}.json`, 'utf8')) as {
    cases: readonly Omit<TextCase, 'numbers'>[];
  };
  const numbers = goldenNumbers(name);
  return cases.map((text) => ({ ...text, numbers }));
}

export const textCases: readonly TextCase[] = ['text', 'fwms', 'nomic'].flatMap(readCases);

export interface LoadedCase {
  readonly index: TensorIndex;
  readonly file: Uint8Array;
  readonly spec: ModelSpec;
  readonly loader: WeightLoader;
  readonly input: TokenInput;
}

/** The file's bytes: float32, one tensor after the other in the order drawn. */
export function fileOf(text: TextCase): { readonly index: TensorIndex; readonly file: Uint8Array } {
  const entries = new Map<string, TensorEntry>();
  const parts: Float32Array[] = [];
  let byteOffset = 0;
  for (const [name, [shape, scale, shift]] of Object.entries(text.tensors)) {
    const count = shape.reduce((product, n) => product * n, 1);
    const values = Float32Array.from(normals(`${text.name}/${name}`, count), (z) => z * scale + shift);
    const byteLength = values.byteLength;
    entries.set(name, { name, dtype: 'float32', dtypeName: 'F32', shape, byteOffset, byteLength, bigEndian: false });
    parts.push(values);
    byteOffset += byteLength;
  }
  const file = new Uint8Array(byteOffset);
  let at = 0;
  for (const part of parts) {
    file.set(new Uint8Array(part.buffer), at);
    at += part.byteLength;
  }
  const index: TensorIndex = {
    format: text.gguf === undefined ? 'safetensors' : 'gguf',
    fileName: `${text.name}.${text.gguf === undefined ? 'safetensors' : 'gguf'}`,
    byteLength: byteOffset,
    entries,
    metadata: {},
    tree: text.gguf ?? null,
    notes: [],
  };
  return { index, file };
}

/** `stored`: the same network in another file, `config` what stands beside it. */
export function loadCase(text: TextCase, stored = fileOf(text), config: unknown = text.config): LoadedCase {
  const { index, file } = stored;
  const known = inferModelSpec(index, config, {});
  const list = { ids: text.ids, mask: text.mask };
  const input = tokenInput(list, text.name, known, (all) => `sha of ${all.byteLength}`, null);
  const spec = specForInput(known, input);
  return { index, file, spec, input, loader: createWeightLoader(index, bytesSource(index.fileName, file), spec) };
}

/** Runs the network and compares every hidden state (and keys and patterns where PyTorch's are known). */
export async function checkCase(
  backend: Backend,
  text: TextCase,
  tolerance: number,
  loaded = loadCase(text),
): Promise<number> {
  const { spec, loader, input } = loaded;
  let worst = 0;
  const close = (what: string, actual: ArrayLike<number> | null, place: Place | undefined): void => {
    if (place === undefined) return;
    assert.ok(actual !== null, `${what} is missing`);
    const error = relativeError(actual, text.numbers.subarray(place[0], place[0] + place[1]));
    worst = Math.max(worst, error);
    assert.ok(error <= tolerance, `${what}: relative error ${error}, allowed ${tolerance}`);
  };
  let x = await backend.embed(spec, await loader.embed(input.ids), input);
  close('embedded tokens', x.data, text.expected.embedded);
  for (const [layer, golden] of text.expected.layers.entries()) {
    const weights = await loader.block(layer);
    const trace: LayerTrace = await backend.runLayer(spec, weights, x, {
      layer,
      forward: 'native',
      rpc: null,
      wantPattern: true,
    });
    close(`layer ${layer} keys`, trace.k, golden.k);
    close(`layer ${layer} pattern`, trace.pattern, golden.pattern);
    close(`layer ${layer} output`, trace.next.data, golden.next);
    x = trace.next;
  }
  const logits = await backend.unembed(spec, await loader.head(), x);
  if (hasOutput(spec)) close('output', logits, text.expected.logits);
  else assert.equal(logits, null);
  const { clusters } = spec.head;
  assert.equal(clusters === undefined, text.expected.logProbabilities === undefined);
  if (clusters !== undefined && logits !== null) {
    const rows = await backend.unembed(spec, await loader.head('clusters'), x);
    const all = adaptiveLogProbabilities(logits, rows ?? new Float64Array(0), clusters.cutoffs);
    close('log-probabilities', all, text.expected.logProbabilities);
  }
  return worst;
}

/** PyTorch's logits of a case. */
export function goldenLogits(text: TextCase): readonly number[] {
  const [offset, length] = text.expected.logits;
  return [...text.numbers.subarray(offset, offset + length)];
}
