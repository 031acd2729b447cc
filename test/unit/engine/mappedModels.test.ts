// Networks of unknown names: PyTorch's golden models under the names of other code bases, guessed from names and
// shapes, mapped, and run to the same hidden states.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { bytesSource } from '../../../src/checkpoint/byteSource';
import type { TensorEntry, TensorIndex } from '../../../src/checkpoint/tensorIndex';
import { createReferenceBackend } from '../../../src/engine/reference/backend';
import { specForInput } from '../../../src/model/blockShape';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { createWeightLoader } from '../../../src/model/loadWeights';
import type { Architecture } from '../../../src/model/mapping/architecture';
import { checkMapping } from '../../../src/model/mapping/checkMapping';
import { guessMapping } from '../../../src/model/mapping/guessMapping';
import type { MappingGuess } from '../../../src/model/mapping/guessTypes';
import { mappingJson, parseMappingText } from '../../../src/model/mapping/mappingFile';
import { shapesOf } from '../../../src/model/mapping/mappedSpec';
import type { ModelInput, ModelSpec, SpecOverrides } from '../../../src/model/modelSpec';
import { tokenInput } from '../../../src/model/text/tokenInput';
import { normals, relativeError } from './portableNormals';
import { checkCase, fileOf, textCases, type TextCase } from './textCases';

/** Spec section 10, float64: relative to max |.|. */
const tolerance = 1e-9;

type Renames = readonly (readonly [pattern: RegExp, name: string])[];

/** The same bytes under other names, in the order of the new names (as safetensors writes them). */
function renamed(index: TensorIndex, renames: Renames): TensorIndex {
  const entries = [...index.entries.values()].map((entry): TensorEntry => {
    const rule = renames.find(([pattern]) => pattern.test(entry.name));
    return { ...entry, name: rule === undefined ? entry.name : entry.name.replace(rule[0], rule[1]) };
  });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  assert.equal(new Set(entries.map(({ name }) => name)).size, entries.length, 'names are different');
  return { ...index, entries: new Map(entries.map((entry) => [entry.name, entry])) };
}

/** The guess as a person keeps it: through the file, with the facts that no tensor says. */
function mapped(
  index: TensorIndex,
  overrides: SpecOverrides,
  facts: Partial<Architecture> = {},
  config: unknown = null,
): { readonly guess: MappingGuess; readonly spec: ModelSpec } {
  const guess = guessMapping(shapesOf(index));
  const { mapping } = guess;
  const architecture = { ...mapping.architecture, ...facts };
  const file = parseMappingText(mappingJson({ ...mapping, architecture }, overrides), 'tiny.gramlens.json');
  return { guess, spec: inferModelSpec(index, config, {}, null, file) };
}

async function checkText(text: TextCase, renames: Renames, ...rest: [SpecOverrides, Partial<Architecture>?, unknown?]) {
  const stored = fileOf(text);
  const index = renamed(stored.index, renames);
  const { guess, spec: known } = mapped(index, ...rest);
  const input = tokenInput({ ids: text.ids, mask: text.mask }, text.name, known, () => 'sha', null);
  const spec = specForInput(known, input);
  const loader = createWeightLoader(index, bytesSource(index.fileName, stored.file), spec);
  const loaded = { index, file: stored.file, spec, input, loader };
  const worst = await checkCase(createReferenceBackend(), text, tolerance, loaded);
  console.log(`      ${text.name}: worst relative error ${worst.toExponential(1)}`);
  return { guess, spec };
}

const textCase = (name: string): TextCase => textCases.find((text) => text.name === name)!;

/** karpathy/nanoGPT has GPT-2's own names; these are those of a code base nobody knows. */
const gptNames: Renames = [
  [/^transformer\.wte\.weight$/, 'tok_emb.weight'],
  [/^transformer\.wpe\.weight$/, 'pos_emb.weight'],
  [/^transformer\.h\.(\d+)\.ln_1\./, 'stack.$1.ln1.'],
  [/^transformer\.h\.(\d+)\.ln_2\./, 'stack.$1.ln2.'],
  [/^transformer\.h\.(\d+)\.attn\.c_attn\./, 'stack.$1.attention.qkv.'],
  [/^transformer\.h\.(\d+)\.attn\.c_proj\./, 'stack.$1.attention.out.'],
  [/^transformer\.h\.(\d+)\.mlp\.c_fc\./, 'stack.$1.ff.0.'],
  [/^transformer\.h\.(\d+)\.mlp\.c_proj\./, 'stack.$1.ff.2.'],
  [/^transformer\.ln_f\./, 'ln_out.'],
];

/** lucidrains/x-transformers: attention and MLP take turns in one list. */
const xTransformers: Renames = [
  [/^model\.embed_tokens\.weight$/, 'net.token_emb.emb.weight'],
  [/^model\.layers\.0\.input_layernorm\.weight$/, 'net.attn_layers.layers.0.0.0.g'],
  [/^model\.layers\.1\.input_layernorm\.weight$/, 'net.attn_layers.layers.2.0.0.g'],
  [/^model\.layers\.0\.self_attn\.([qkv])_proj\./, 'net.attn_layers.layers.0.1.to_$1.'],
  [/^model\.layers\.1\.self_attn\.([qkv])_proj\./, 'net.attn_layers.layers.2.1.to_$1.'],
  [/^model\.layers\.0\.self_attn\.o_proj\./, 'net.attn_layers.layers.0.1.to_out.'],
  [/^model\.layers\.1\.self_attn\.o_proj\./, 'net.attn_layers.layers.2.1.to_out.'],
  [/^model\.layers\.0\.post_attention_layernorm\.weight$/, 'net.attn_layers.layers.1.0.0.g'],
  [/^model\.layers\.1\.post_attention_layernorm\.weight$/, 'net.attn_layers.layers.3.0.0.g'],
  [/^model\.layers\.0\.mlp\.(gate|up)_proj\./, 'net.attn_layers.layers.1.1.ff.$1.'],
  [/^model\.layers\.1\.mlp\.(gate|up)_proj\./, 'net.attn_layers.layers.3.1.ff.$1.'],
  [/^model\.layers\.0\.mlp\.down_proj\./, 'net.attn_layers.layers.1.1.ff.2.'],
  [/^model\.layers\.1\.mlp\.down_proj\./, 'net.attn_layers.layers.3.1.ff.2.'],
  [/^model\.norm\.weight$/, 'net.attn_layers.final_norm.g'],
  [/^lm_head\.weight$/, 'net.to_logits.weight'],
];

/** RoBERTa in facebookresearch/fairseq. */
const fairseq: Renames = [
  [/^.*embeddings\.word_embeddings\.weight$/, 'decoder.sentence_encoder.embed_tokens.weight'],
  [/^.*embeddings\.position_embeddings\.weight$/, 'decoder.sentence_encoder.embed_positions.weight'],
  [/^.*embeddings\.token_type_embeddings\.weight$/, 'decoder.sentence_encoder.segment_embeddings.weight'],
  [/^.*embeddings\.LayerNorm\./, 'decoder.sentence_encoder.emb_layer_norm.'],
  [/^.*layer\.(\d+)\.attention\.self\.query\./, 'decoder.sentence_encoder.layers.$1.self_attn.q_proj.'],
  [/^.*layer\.(\d+)\.attention\.self\.key\./, 'decoder.sentence_encoder.layers.$1.self_attn.k_proj.'],
  [/^.*layer\.(\d+)\.attention\.self\.value\./, 'decoder.sentence_encoder.layers.$1.self_attn.v_proj.'],
  [/^.*layer\.(\d+)\.attention\.output\.dense\./, 'decoder.sentence_encoder.layers.$1.self_attn.out_proj.'],
  [/^.*layer\.(\d+)\.attention\.output\.LayerNorm\./, 'decoder.sentence_encoder.layers.$1.self_attn_layer_norm.'],
  [/^.*layer\.(\d+)\.intermediate\.dense\./, 'decoder.sentence_encoder.layers.$1.fc1.'],
  [/^.*layer\.(\d+)\.output\.dense\./, 'decoder.sentence_encoder.layers.$1.fc2.'],
  [/^.*layer\.(\d+)\.output\.LayerNorm\./, 'decoder.sentence_encoder.layers.$1.final_layer_norm.'],
];

/** Hidden states only: the heads of these cases have a dense layer, which a mapping does not have. */
const withoutLogits = (text: TextCase): TextCase => ({
  ...text,
  expected: { embedded: text.expected.embedded, layers: text.expected.layers } as unknown as TextCase['expected'],
});

describe('mapping: guessed from names and shapes, run against PyTorch', () => {
  it('GPT-2 under names of nobody, [in, out] matrices', async () => {
    const { guess } = await checkText(textCase('gpt2'), gptNames, { heads: '2', activation: 'gelu_tanh' });
    assert.equal(guess.mapping.roles['qkv.weight'], 'stack.{i}.attention.qkv.weight');
    assert.equal(guess.mapping.architecture.stored, 'in-out');
    assert.equal(guess.facts.causal?.value, true);
    assert.deepEqual(guess.notes, []);
  });

  it('LLaMA with grouped keys under the names of x-transformers', async () => {
    const linear = textCase('llama-linear');
    const plain = { ...linear, config: {} };
    const { guess, spec } = await checkTextOf(plain);
    assert.equal(guess.mapping.roles['q.weight'], 'net.attn_layers.layers.{2i}.1.to_q.weight');
    assert.equal(guess.mapping.roles['gate.weight'], 'net.attn_layers.layers.{2i+1}.1.ff.gate.weight');
    assert.equal(guess.mapping.architecture.norm, 'rms');
    assert.equal(spec.kvHeads, 1);
  });

  it('RoBERTa under the names of fairseq, positions from row 2, post-LN', async () => {
    const { guess, spec } = await checkText(withoutLogits(textCase('roberta')), fairseq, { heads: '2', eps: '1e-5' });
    assert.equal(guess.mapping.architecture.placement, 'post');
    assert.equal(guess.mapping.architecture.causal, false);
    assert.equal(spec.text?.positionOffset, 2);
  });

  it('BERT with padding under the names of fairseq', async () => {
    await checkText(
      withoutLogits(textCase('bert-padded')),
      fairseq,
      { heads: '3', eps: '1e-12' },
      { firstPosition: 0 },
    );
  });

  it('GPT-NeoX, head by head and parallel, once a person says so', async () => {
    const text = textCase('gpt-neox');
    const renames: Renames = [[/^gpt_neox\.layers\./, 'gpt_neox.trunk.']];
    await checkText(
      text,
      renames,
      { heads: '3' },
      { fused: 'by-head', placement: 'parallel', ropeDims: ropeDimsOf(text) },
    );
  });
});

/** Half of a head in this case. */
function ropeDimsOf(text: TextCase): number {
  const width = text.tensors['gpt_neox.embed_in.weight']![0][1]!;
  return Math.trunc((width / 3) * 0.5);
}

/** The linear scaling of this case divides every frequency by 4: positions of plain rotation, a quarter as far. */
async function checkTextOf(text: TextCase) {
  const stored = fileOf(text);
  const index = renamed(stored.index, xTransformers);
  const { guess, spec: known } = mapped(index, { heads: '2', eps: '1e-6' });
  const input = tokenInput({ ids: text.ids, mask: text.mask }, text.name, known, () => 'sha', null);
  const rope = { ...known.block!.rope!, scaling: { kind: 'linear' as const, factor: 4 } };
  const spec = { ...specForInput(known, input), block: { ...known.block, rope } };
  const loader = createWeightLoader(index, bytesSource(index.fileName, stored.file), spec);
  await checkCase(createReferenceBackend(), text, tolerance, { index, file: stored.file, spec, input, loader });
  return { guess, spec };
}

interface ImageCase {
  readonly name: string;
  readonly image: readonly [number, number, number];
  readonly tensors: Readonly<Record<string, readonly [number[], number, number]>>;
  readonly expected: {
    readonly embedded: readonly [number, number];
    readonly layers: readonly (readonly [number, number])[];
    readonly logits: readonly [number, number] | null;
  };
}

const { cases: imageCases } = JSON.parse(readFileSync('test/fixtures/model/image-families.json', 'utf8')) as {
  cases: readonly ImageCase[];
};
const bytes = readFileSync('test/fixtures/model/image-families.bin');
const expected = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));

interface Stored {
  readonly index: TensorIndex;
  readonly file: Uint8Array;
}

/** `flatten`: the patch kernel as vit-pytorch stores it, [C, p p channels]. `order`: rows of the fused matrix. */
function imageFile(
  model: ImageCase,
  change: (name: string, shape: readonly number[], values: Float32Array) => [readonly number[], Float32Array],
): Stored {
  const entries = new Map<string, TensorEntry>();
  const parts: Uint8Array[] = [];
  let byteOffset = 0;
  for (const [name, [drawn, scale, shift]] of Object.entries(model.tensors)) {
    const count = drawn.reduce((product, n) => product * n, 1);
    const [shape, values] = change(
      name,
      drawn,
      Float32Array.from(normals(`${model.name}/${name}`, count), (z) => z * scale + shift),
    );
    const { byteLength } = values;
    entries.set(name, { name, dtype: 'float32', dtypeName: 'F32', shape, byteOffset, byteLength, bigEndian: false });
    parts.push(new Uint8Array(values.buffer));
    byteOffset += byteLength;
  }
  const file = Buffer.concat(parts);
  const index: TensorIndex = {
    format: 'safetensors',
    fileName: 'tiny.safetensors',
    byteLength: byteOffset,
    entries,
    metadata: {},
    tree: null,
    notes: [],
  };
  return { index, file: new Uint8Array(file) };
}

/** lucidrains/vit-pytorch, ViT. */
const vitPytorch: Renames = [
  [/^cls_token$/, 'cls_token'],
  [/^pos_embed$/, 'pos_embedding'],
  [/^patch_embed\.proj\./, 'to_patch_embedding.1.'],
  [/^blocks\.(\d+)\.norm1\./, 'transformer.layers.$1.0.norm.'],
  [/^blocks\.(\d+)\.attn\.qkv\./, 'transformer.layers.$1.0.to_qkv.'],
  [/^blocks\.(\d+)\.attn\.proj\./, 'transformer.layers.$1.0.to_out.0.'],
  [/^blocks\.(\d+)\.norm2\./, 'transformer.layers.$1.1.net.0.'],
  [/^blocks\.(\d+)\.mlp\.fc1\./, 'transformer.layers.$1.1.net.1.'],
  [/^blocks\.(\d+)\.mlp\.fc2\./, 'transformer.layers.$1.1.net.4.'],
  [/^norm\./, 'transformer.norm.'],
  [/^fc_norm\./, 'mlp_head.0.'],
  [/^head\./, 'mlp_head.1.'],
];

async function checkImage(model: ImageCase, { index, file }: Stored, spec: ModelSpec): Promise<void> {
  const backend = createReferenceBackend();
  const [channels, height, width] = model.image;
  const pixels = Float64Array.from(normals(`${model.name}/pixels`, channels * height * width), (z) => Math.fround(z));
  const input: ModelInput = {
    kind: 'random',
    label: 'pixels',
    pixels,
    channels,
    height,
    width,
    sha256: '',
    picture: null,
  };
  const weights = createWeightLoader(index, bytesSource(index.fileName, file), spec);
  const close = (what: string, actual: ArrayLike<number>, [at, length]: readonly [number, number]): void => {
    const error = relativeError(actual, expected.subarray(at, at + length));
    assert.ok(error <= tolerance, `${what}: relative error ${error}, allowed ${tolerance}`);
  };
  let x = await backend.embed(spec, await weights.embed(), input);
  close('embedded tokens', x.data, model.expected.embedded);
  for (const [layer, golden] of model.expected.layers.entries()) {
    const options = { layer, forward: 'native', rpc: null, wantPattern: false } as const;
    x = (await backend.runLayer(spec, await weights.block(layer), x, options)).next;
    close(`layer ${layer}`, x.data, golden);
  }
  if (model.expected.logits === null) return;
  const logits = await backend.unembed(spec, await weights.head(), x);
  close('logits', logits!, model.expected.logits);
}

const imageCase = (name: string): ImageCase => imageCases.find((model) => model.name === name)!;

describe('mapping: vision transformers of unknown names against PyTorch', () => {
  it('a ViT under the names of vit-pytorch, patches flat with the channels last', async () => {
    for (const name of ['timm-no-class-token', 'timm-average-pool']) {
      const model = imageCase(name);
      const stored = imageFile(model, (tensor, shape, values) => {
        if (tensor !== 'patch_embed.proj.weight') return [shape, values];
        const [out = 0, channels = 0, p = 0] = shape;
        const flat = new Float32Array(values.length);
        values.forEach((value, at) => {
          const [o, c, yx] = [Math.floor(at / (channels * p * p)), Math.floor(at / (p * p)) % channels, at % (p * p)];
          flat[o * channels * p * p + yx * channels + c] = value;
        });
        return [[out, channels * p * p], flat];
      });
      const index = renamed(stored.index, vitPytorch);
      // Pooling is no tensor: this one averages although it has a class token.
      const { guess, spec } = mapped(index, { heads: '2', eps: '1e-6' }, { pooling: 'mean' });
      assert.equal(guess.mapping.roles['norm2.weight'], 'transformer.layers.{i}.1.net.0.weight');
      assert.equal(guess.mapping.roles['poolNorm.weight'], 'mlp_head.0.weight');
      assert.equal(guess.mapping.architecture.patchOrder, 'channels-last');
      await checkImage(model, { index, file: stored.file }, spec);
    }
  });

  it('rows of q, k, v in any order, and matrices stored [in, out]', async () => {
    const model = imageCase('timm-registers');
    for (const fused of ['vqk', 'kvq'] as const) {
      const stored = imageFile(model, (tensor, shape, values) => {
        if (!tensor.startsWith('blocks.') || shape.length > 2) return [shape, values];
        const [out = 0, input = 1] = shape;
        let rows = values;
        if (tensor.includes('attn.qkv')) {
          const part = values.length / 3;
          rows = new Float32Array(values.length);
          fused.split('').forEach((letter, i) => {
            const from = 'qkv'.indexOf(letter) * part;
            rows.set(values.subarray(from, from + part), i * part);
          });
        }
        if (shape.length === 1) return [shape, rows];
        const turned = new Float32Array(values.length);
        rows.forEach((value, at) => {
          turned[(at % input) * out + Math.floor(at / input)] = value;
        });
        return [[input, out], turned];
      });
      const { guess, spec } = mapped(renamed(stored.index, vitPytorch), { heads: '2', eps: '1e-6' }, { fused });
      assert.equal(guess.mapping.architecture.stored, 'in-out');
      await checkImage(model, { index: renamed(stored.index, vitPytorch), file: stored.file }, spec);
    }
  });

  it('says for every role whether it fits', () => {
    const index = renamed(
      imageFile(imageCase('timm-registers'), (_, shape, values) => [shape, values]).index,
      vitPytorch,
    );
    const { mapping } = guessMapping(shapesOf(index));
    const report = checkMapping(mapping, shapesOf(index));
    assert.equal(report.layers, 2);
    assert.deepEqual(
      report.roles.filter(({ state }) => state === 'missing' || state === 'wrong'),
      [],
    );
    assert.ok(report.roles.filter(({ layers }) => layers === 2).length >= 10);
  });
});
