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
    const scaling = { ropeScaling: 'linear', ropeFactor: 4 } as const;
    const { guess, spec } = await checkText(
      textCase('llama-linear'),
      xTransformers,
      { heads: '2', eps: '1e-6' },
      scaling,
    );
    assert.equal(guess.mapping.roles['q.weight'], 'net.attn_layers.layers.{2i}.1.to_q.weight');
    assert.equal(guess.mapping.roles['gate.weight'], 'net.attn_layers.layers.{2i+1}.1.ff.gate.weight');
    assert.equal(guess.mapping.architecture.norm, 'rms');
    assert.equal(spec.kvHeads, 1);
  });

  it('LLaMA 3.1 scaling by wavelength, once a person says so', async () => {
    const facts = { ropeTheta: 500_000, ropeScaling: 'llama3', ropeFactor: 8, ropeContext: 16 } as const;
    await checkText(textCase('llama-gqa'), xTransformers, { heads: '4', eps: '1e-5' }, facts);
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

async function checkImage(
  model: ImageCase,
  { index, file }: Stored,
  spec: ModelSpec,
  numbers = expected,
): Promise<void> {
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
    const error = relativeError(actual, numbers.subarray(at, at + length));
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

/** Networks that no family is: test/fixtures/model/make_mapped.py. */
const unknown = JSON.parse(readFileSync('test/fixtures/model/mapped.json', 'utf8')) as {
  cases: readonly (ImageCase & { readonly ids: readonly number[] | null })[];
};
const unknownBytes = readFileSync('test/fixtures/model/mapped.bin');
const unknownNumbers = new Float64Array(
  unknownBytes.buffer.slice(unknownBytes.byteOffset, unknownBytes.byteOffset + unknownBytes.byteLength),
);

describe('mapping: networks that no family is, against PyTorch', () => {
  const asIs = (model: ImageCase): Stored => imageFile(model, (_, shape, values) => [shape, values]);

  it('vit-pytorch with its norms around the patch projection', async () => {
    const model = unknown.cases.find(({ name }) => name === 'vit-pytorch')!;
    const stored = asIs(model);
    const { guess, spec } = mapped(stored.index, { heads: '2', eps: '1e-5', grid: '2x3' });
    const { roles, architecture } = guess.mapping;
    assert.deepEqual(
      [roles['patchNorm.weight'], roles['tokenNorm.weight'], architecture.patchOrder],
      ['to_patch_embedding.1.weight', 'to_patch_embedding.3.weight', 'channels-last'],
    );
    await checkImage(model, stored, spec, unknownNumbers);
  });

  for (const [name, heads, positions, firstPosition] of [
    ['sinusoid', '3', 'sinusoid', 0],
    ['sinusoid-halves', '2', 'sinusoid-halves', 2],
  ] as const) {
    it(`a post-LN encoder of torch on words with positions "${positions}"`, async () => {
      const { ids, tensors, expected: places } = unknown.cases.find((model) => model.name === name)!;
      const text = { name, ids: ids!, mask: null, tensors, expected: { ...places, layers: [] } } as unknown as TextCase;
      const stored = fileOf(text);
      const guess = guessMapping(shapesOf(stored.index)).mapping;
      const width = tensors['src_tok_emb.embedding.weight']![0][1]!;
      const architecture: Architecture = {
        ...guess.architecture,
        placement: 'post',
        causal: false,
        positions,
        firstPosition,
        wordScale: Math.sqrt(width),
        pooling: 'last',
      };
      const roles = { ...guess.roles, 'classifier.weight': 'src_tok_emb.embedding.weight' };
      const made = mappingJson({ ...guess, architecture, roles }, { heads, activation: 'relu' });
      const known = inferModelSpec(stored.index, null, {}, null, parseMappingText(made, 'tiny.gramlens.json'));
      const input = tokenInput({ ids: ids!, mask: null }, name, known, () => 'sha', null);
      const spec = specForInput(known, input);
      const loader = createWeightLoader(stored.index, bytesSource(name, stored.file), spec);
      const layers = places.layers.map((next) => ({ next }));
      const whole = { ...text, expected: { ...places, layers }, numbers: unknownNumbers } as unknown as TextCase;
      const loaded = { index: stored.index, file: stored.file, spec, input, loader };
      await checkCase(createReferenceBackend(), whole, tolerance, loaded);
    });
  }

  it('a distilled DeiT: its second token and its second classifier', async () => {
    const model = imageCase('timm-distilled');
    const stored = asIs(model);
    const index = renamed(stored.index, vitPytorch);
    const { guess, spec } = mapped(index, { heads: '2', eps: '1e-6', grid: '2x3' });
    assert.deepEqual(
      [guess.mapping.roles['distToken'], guess.mapping.roles['distClassifier.weight']],
      ['dist_token', 'head_dist.weight'],
    );
    await checkImage(model, { index, file: stored.file }, spec);
    const roles = Object.fromEntries(
      Object.entries(guess.mapping.roles).filter(([role]) => !role.startsWith('classifier.')),
    );
    const text = mappingJson({ ...guess.mapping, roles }, { heads: '2', grid: '2x3' });
    const file = parseMappingText(text, 'tiny.gramlens.json');
    assert.throws(() => inferModelSpec(index, null, {}, null, file), {
      message: /mapping\.roles\.distClassifier\.weight reads .* as many classes \(none is mapped\)/,
    });
  });
});

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
