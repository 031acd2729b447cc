// Segmenter's variant.yml beside a checkpoint: what it says, whether it speaks of this checkpoint, and hostile YAML.

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planInspection } from '../../../src/inspection/plan';
import { openCheckpoint } from '../../../src/inspection/node/openCheckpoint';
import { makeRequest, type Choices } from '../../../src/inspection/request';
import { planLines } from '../../../src/report/planLines';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { ModelSpecError, type ImageInput, type ModelSpec } from '../../../src/model/modelSpec';
import { parseYamlConfig } from '../../../src/model/yamlConfig';
import { imageCaseInput, imageCases, imageFile } from '../engine/imageCases';

const model = imageCases.find(({ name }) => name === 'segmenter-mask-narrow')!;
const overrides = { 'decoder.heads': '2' };

/** As PyYAML 6.0 writes it (training code: `yaml.dump(variant)`; image_size is a tuple). */
const variant = `amp: false
dataset_kwargs:
  image_size: 512
inference_kwargs:
  im_size: 16
  window_size: 12
  window_stride: 8
net_kwargs:
  backbone: vit_tiny_patch16_384
  d_model: 24
  decoder:
    drop_path_rate: 0.0
    dropout: 0.1
    n_layers: 2
    name: mask_transformer
  distilled: true
  image_size: !!python/tuple
  - 12
  - 12
  n_cls: 6
  n_heads: 2
  n_layers: 2
  normalization: vit
  patch_size: 4
optimizer_kwargs:
  clip_grad: null
  min_lr: 1.0e-05
`;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const specWith = (text: string): ModelSpec =>
  inferModelSpec(imageFile(model).index, parseYamlConfig(bytesOf(text), 'variant.yml'), overrides);

async function folderWith(file: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'gramlens-segmenter-'));
  const { index, source } = imageFile(model);
  const header = Object.fromEntries(
    [...index.entries.values()].map(({ name, shape, byteOffset, byteLength }) => [
      name,
      { dtype: 'F32', shape, data_offsets: [byteOffset, byteOffset + byteLength] },
    ]),
  );
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const data = await source.read(0, source.byteLength);
  writeFileSync(join(folder, 'checkpoint.safetensors'), Buffer.concat([length, json, data]));
  writeFileSync(join(folder, 'variant.yml'), file);
  return folder;
}

const fact = (spec: ModelSpec, name: string): readonly [string, string] | undefined => {
  const found = spec.facts.find((entry) => entry.fact === name);
  return found === undefined ? undefined : [found.value, found.source];
};

describe('model: variant.yml of a Segmenter', () => {
  it('is found beside the checkpoint and says heads, picture size, normalisation and windows', async () => {
    const { index, config } = await openCheckpoint(await folderWith(variant));
    const spec = inferModelSpec(index, config, overrides);
    assert.deepEqual(fact(spec, 'heads'), ['2', 'variant.yml net_kwargs n_heads']);
    assert.deepEqual(fact(spec, 'grid'), ['3 x 3 patches of 4 pixels', 'variant.yml net_kwargs image_size']);
    // The backbone has a distillation token, and the file says what that alone would not.
    assert.deepEqual(spec.preprocessing?.mean, [0.5, 0.5, 0.5]);
    assert.deepEqual(spec.preprocessing.resizeShortSide, 16);
    assert.deepEqual(fact(spec, 'window'), [
      '12 pixels, of pictures with a short side of 16',
      'variant.yml inference_kwargs',
    ]);
    assert.ok(spec.notes.some((note) => note.includes('slides windows of 12 pixels in steps of 8 over the whole')));
  });

  it('the plan says that one window of a picture is inspected', () => {
    const spec = specWith(variant);
    const { index } = imageFile(model);
    const input = { ...imageCaseInput(model), kind: 'image', label: 'street.png' } as ImageInput;
    const choices: Choices = {
      layers: null,
      heads: null,
      rpc: { variant: 'code', iterations: 2, lambda: 0.5, layers: 'none' },
      forward: 'native',
      noise: { kinds: [], levels: {}, repeats: 2 },
      nulls: 0,
      twins: 3,
      seed: 0,
      keepTensors: false,
    };
    const request = makeRequest(index, spec, input, { kind: 'cpu', reason: 'test' }, choices, '0.0.0-test');
    const plan = planInspection(request, 0, 1, '');
    assert.deepEqual(planLines(plan)[1], ['input', 'street.png, one window of 12 x 12 from the middle, N 11']);
    // 3 twins, two blocks of the encoder and two of the decoder with their own widths: (4 C + 2 M) C each.
    const drawn = 3 * (2 * (4 * 24 + 2 * 20) * 24 + 2 * (4 * 14 + 2 * 22) * 14);
    const forward = planInspection({ ...request, twins: 0 }, 0, 1, '').forwardFlops * 4;
    assert.equal(plan.forwardFlops, forward);
    const seconds = drawn * 6e-8;
    const without = plan.estimatedSeconds - planInspection({ ...request, twins: 0 }, 0, 1, '').estimatedSeconds;
    // Layers of twins have float32 products.
    const products = (forward * 3) / 4 / 13.5e9;
    const spectra = plan.diagnosticsFlops - planInspection({ ...request, twins: 0 }, 0, 1, '').diagnosticsFlops;
    assert.ok(Math.abs(without - seconds - products - spectra / 6e9) < 1e-9, `${without} s for twins`);
  });

  it('is not looked at beside other checkpoints', async () => {
    const folder = await folderWith('[');
    const { index } = imageFile(imageCases[0]!);
    const [entry] = index.entries.values();
    const json = Buffer.from(JSON.stringify({ [entry!.name]: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    writeFileSync(join(folder, 'checkpoint.safetensors'), Buffer.concat([length, json, Buffer.alloc(4)]));
    assert.equal((await openCheckpoint(folder)).config, null);
  });

  for (const [change, to, said] of [
    ['d_model: 24', 'd_model: 192', 'has 24 numbers a token, but variant.yml net_kwargs d_model says 192'],
    [
      '  n_layers: 2\n  norm',
      '  n_layers: 12\n  norm',
      'has 2 layers in the encoder, but variant.yml net_kwargs n_layers says 12',
    ],
    ['patch_size: 4', 'patch_size: 16', 'has 4 pixels a patch, but variant.yml net_kwargs patch_size says 16'],
    ['n_cls: 6', 'n_cls: 150', 'has 6 classes, but variant.yml net_kwargs n_cls says 150'],
    ['name: mask_transformer', 'name: linear', 'has the decoder mask_transformer, but its decoder.name says linear'],
    ['    n_layers: 2', '    n_layers: 4', 'has 2 layers in the decoder, but its decoder.n_layers says 4'],
  ] as const) {
    it(`of another checkpoint is refused: ${to.trim().split('\n')[0]!}`, () => {
      assert.ok(variant.includes(change));
      assert.throws(() => specWith(variant.replace(change, to)), {
        name: 'ModelSpecError',
        reason: 'shapeMismatch',
        message: `tiny.safetensors ${said}. Check that the file is whole and that the variant.yml beside it belongs to it.`,
      });
    });
  }

  const end = 'Mend it or move it away, or say the facts with --set.';
  const hostile: Readonly<Record<string, readonly [Uint8Array, RegExp]>> = {
    'a file of 1 MB': [new Uint8Array(1 << 20).fill(0x61), /a model's configuration has 65536 bytes at most/],
    'bytes that are no text': [Uint8Array.of(0x61, 0x3a, 0x20, 0xff), /this is not UTF-8 text/],
    'twenty thousand brackets': [bytesOf(`a: ${'['.repeat(20_000)}`), /nested deeper than 64 levels/],
    'twenty thousand braces': [bytesOf(`a: ${'{'.repeat(20_000)}`), /nested deeper than 64 levels/],
    'twenty thousand dashes': [bytesOf('- '.repeat(20_000)), /nested deeper than 64 levels/],
    'twenty thousand question marks': [bytesOf('? '.repeat(20_000)), /nested deeper than 64 levels/],
    'two hundred levels of indentation': [
      bytesOf(Array.from({ length: 200 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')),
      /nested deeper than 64 levels/,
    ],
    'a billion laughs': [
      bytesOf(
        `a: &a [x, x, x, x, x, x, x, x, x]\n${'bcdefghi'.replace(/./g, (l) => {
          const before = String.fromCharCode(l.charCodeAt(0) - 1);
          return `${l}: &${l} [${Array.from({ length: 9 }, () => `*${before}`).join(', ')}]\n`;
        })}`,
      ),
      /aliases name nothing, themselves, or more/,
    ],
    'a value that holds itself': [bytesOf('a: &a [*a]'), /aliases name nothing, themselves, or more/],
    'a bracket that stays open': [bytesOf('a: [1, 2'), /this is not YAML \(.* at character \d+\)/],
    'a key twice': [bytesOf('a: 1\na: 2'), /this is not YAML \(Map keys must be unique/],
    'two documents': [bytesOf('a: 1\n---\na: 2'), /this is not YAML/],
    'a list': [bytesOf('- 1\n- 2'), /it must hold names with values/],
    'a number': [bytesOf('7'), /it must hold names with values/],
    nothing: [bytesOf(''), /it must hold names with values/],
    'an alias of nothing': [bytesOf('a: *b'), /aliases name nothing, themselves, or more/],
    'a tabulator as indentation': [bytesOf('a:\n\tb: 1'), /this is not YAML/],
  };
  for (const [what, [bytes, sentence]] of Object.entries(hostile)) {
    it(`refuses ${what}`, () => {
      const start = Date.now();
      assert.throws(
        () => parseYamlConfig(bytes, 'variant.yml'),
        (error: unknown) => {
          assert.ok(error instanceof ModelSpecError, String(error));
          assert.match(error.message, sentence);
          assert.ok(error.message.startsWith('variant.yml: ') && error.message.endsWith(end), error.message);
          return true;
        },
      );
      assert.ok(Date.now() - start < 2000);
    });
  }

  it('makes nothing of what a tag names', () => {
    const text = 'a: !!python/object/apply:os.system ["true"]\nb: !!js/function "1"\n__proto__: {heads: 9}\n';
    const { values } = parseYamlConfig(bytesOf(text), 'variant.yml');
    assert.deepEqual([values['a'], values['b']], [['true'], '1']);
    assert.equal((values as { heads?: unknown }).heads, undefined);
  });
});
