// Tiny language models as folders on disk, with vocabularies wide enough for the tokenizers of test/fixtures/tokenizers.
// What their networks compute is checked elsewhere; here it is the way from text to a report.

import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TensorIndex } from '../../../src/checkpoint/tensorIndex';
import { concat, u32 } from '../checkpoint/crafted';
import { array, gguf, ggufText, pair } from '../checkpoint/ggufCrafted';
import { fileOf, textCases, type TextCase } from '../engine/textCases';

export const tokenizerFixtures = join(process.cwd(), 'test', 'fixtures', 'tokenizers');

export const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(join(tokenizerFixtures, name)));
export const fixtureJson = (name: string): unknown => JSON.parse(readFileSync(join(tokenizerFixtures, name), 'utf8'));

export interface SmallBytePairs {
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly string[];
}
export const smallBytePairs = fixtureJson('small.json') as SmallBytePairs;

export interface Golden {
  readonly texts: readonly string[];
  /** Those without special tokens in them. */
  readonly plain: readonly string[];
  /** Ids of each plain text. */
  readonly cases: Readonly<Record<string, readonly (readonly number[])[]>>;
  /** Text, score, type. */
  readonly pieces: Readonly<Record<string, readonly (readonly [string, number, number])[]>>;
}
export const golden = fixtureJson('golden.json') as Golden;

const words = /(wte|word_embeddings|embed_tokens|lm_head|embed_out)\.weight$|cls\.predictions\.bias$/;
const positions = /(wpe|position_embeddings)\.weight$/;

/** A model of the goldens with another vocabulary and context. */
function widened(name: string, vocabulary: number, context: number): TextCase {
  const text = textCases.find((entry) => entry.name === name)!;
  const tensors = Object.entries(text.tensors).map(([tensor, [shape, scale, shift]]) => {
    const rows = words.test(tensor) ? vocabulary : positions.test(tensor) ? context : shape[0]!;
    return [tensor, [[rows, ...shape.slice(1)], scale, shift]] as const;
  });
  return { ...text, tensors: Object.fromEntries(tensors) };
}

/** A folder with model.safetensors, config.json and the other `files`. */
export function modelFolder(
  name: string,
  vocabulary: number,
  context: number,
  files: Readonly<Record<string, string | Uint8Array | object>> = {},
  config: object = {},
): string {
  const folder = mkdtempSync(join(tmpdir(), `gramlens-${name}-`));
  const text = widened(name, vocabulary, context);
  const { index, file } = fileOf(text);
  const header = Object.fromEntries(
    [...index.entries.values()].map(({ name: tensor, shape, byteOffset, byteLength }) => [
      tensor,
      { dtype: 'F32', shape, data_offsets: [byteOffset, byteOffset + byteLength] },
    ]),
  );
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(join(folder, 'model.safetensors'), Buffer.concat([length, json, file]));
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...text.config, ...config }));
  for (const [path, content] of Object.entries(files)) {
    const plain = typeof content === 'string' || content instanceof Uint8Array;
    writeFileSync(join(folder, path), plain ? content : JSON.stringify(content));
  }
  return folder;
}

export function copyFixture(name: string, folder: string, as: string): void {
  copyFileSync(join(tokenizerFixtures, name), join(folder, as));
}

const ggufNames: readonly (readonly [RegExp, string])[] = [
  [/^model\.embed_tokens/, 'token_embd'],
  [/^model\.norm/, 'output_norm'],
  [/^lm_head/, 'output'],
  [/^model\.layers\./, 'blk.'],
  [/self_attn\.([qkv])_proj/, 'attn_$1'],
  [/self_attn\.o_proj/, 'attn_output'],
  [/mlp\.(gate|up|down)_proj/, 'ffn_$1'],
  [/post_attention_layernorm/, 'ffn_norm'],
  [/input_layernorm/, 'attn_norm'],
];

const utf8 = new TextEncoder();
const f32 = (value: number): Uint8Array => new Uint8Array(Float32Array.of(value).buffer);
const [uint32, float32, text, list, int32, bool] = [4, 6, 8, 9, 5, 7];

/** The vocabulary of the SentencePiece model `pieces` of the goldens, as GGUF metadata. */
export function ggufPieces(name: string): readonly Uint8Array[] {
  const pieces = golden.pieces[name]!;
  const key = (end: string): string => `tokenizer.ggml.${end}`;
  return [
    pair(key('model'), text, ggufText('llama')),
    pair(key('tokens'), list, array(text, pieces.length, ...pieces.map(([piece]) => ggufText(utf8.encode(piece))))),
    pair(key('scores'), list, array(float32, pieces.length, ...pieces.map(([, score]) => f32(score)))),
    pair(key('token_type'), list, array(int32, pieces.length, ...pieces.map(([, , type]) => u32(type)))),
    pair(key('bos_token_id'), uint32, u32(1)),
    pair(key('eos_token_id'), uint32, u32(2)),
    pair(key('unknown_token_id'), uint32, u32(0)),
    pair(key('add_bos_token'), bool, [1]),
  ];
}

/** A folder with model.gguf: a LLaMA whose vocabulary is in the file. */
export function ggufFolder(vocabulary: number, metadata: readonly Uint8Array[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'gramlens-gguf-'));
  const { index, file }: { index: TensorIndex; file: Uint8Array } = fileOf(widened('llama-linear', vocabulary, 0));
  const parts: Uint8Array[] = [];
  let offset = 0;
  const tensors = [...index.entries.values()].map(({ name, shape, byteOffset, byteLength }) => {
    const tensor = {
      name: ggufNames.reduce((from, [pattern, to]) => from.replace(pattern, to), name),
      sizes: [...shape].reverse(),
      offset,
    };
    const padding = (32 - (byteLength % 32)) % 32;
    parts.push(file.subarray(byteOffset, byteOffset + byteLength), new Uint8Array(padding));
    offset += byteLength + padding;
    return tensor;
  });
  const facts = [
    pair('general.architecture', text, ggufText('llama')),
    pair('llama.attention.head_count', uint32, u32(2)),
    pair('llama.context_length', uint32, u32(64)),
  ];
  const bytes = gguf({ metadata: [...facts, ...metadata], tensors, data: concat(...parts) });
  writeFileSync(join(folder, 'model.gguf'), bytes);
  return folder;
}
