// Broken and crafted tokenizer files: one exact sentence each, nothing that runs on, memory within the thread's bound.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openTokenizer, tokenizerLimits } from '../../src/inspection/node/tokenizerRunner';
import { findTokenizer } from '../../src/model/text/findTokenizer';
import type { TokenizerFiles } from '../../src/model/text/tokenizer';
import { describeTable, maxMB, maxMs } from './bars';
import { cpuClock } from './measured';
import { files, json, next, pre } from './tokenizerFiles';

const script = join(process.cwd(), 'dist', 'tokenizer.js');
const megabyte = 2 ** 20;
/** A process of Node with one thread. */
const nodeMB = 55;
/** `maxYoungGenerationSizeMb` of the thread. */
const youngMB = 32;

describe('hostile: tokenizers', () => {
  describeTable('tokenizers');

  for (const [name, most, message] of [
    ['tokenizer.json', 67_108_864, 'the files of the tokenizer have more than the 67,108,864 bytes'],
    ['tokenizer_config.json', 4_194_304, 'the file has more than the 4,194,304 bytes'],
  ] as const) {
    it(`a ${name} of any size`, async () => {
      const read = (file: string, allowed: number): Promise<'tooLarge' | null> => {
        if (file !== name) return Promise.resolve(null);
        assert.equal(allowed, most);
        return Promise.resolve('tooLarge');
      };
      const index = { format: 'safetensors', fileName: 'model.safetensors', tree: null } as const;
      await assert.rejects(findTokenizer({ index, config: null, family: 'gpt2', bytes: false, file: null }, read), {
        message: `${name}: ${message} that Gramlens accepts. Give token ids with tokens:1,2,3.`,
      });
    });
  }

  const endless = pre({ type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated' });

  it('a pattern that never ends is stopped, and the next call is refused as well', async () => {
    const runner = await openTokenizer(script, endless);
    try {
      const cpu = cpuClock();
      const message = `tokenizer.json: taking the text apart took more than 2 seconds and was stopped; a pattern in the file may never end on this text. ${next}`;
      await assert.rejects(runner.encode(`${'a'.repeat(60)}!`), { name: 'ModelSpecError', message });
      await assert.rejects(runner.encode('a'), { name: 'ModelSpecError', message });
      assert.ok(cpu() < 1.5 * maxMs, `${cpu().toFixed(0)} ms`);
    } finally {
      await runner.close();
    }
  });

  it('a vocabulary that fills the memory of its thread', async () => {
    const vocab = Array.from({ length: 4000 }, (_, i) => [`${i}${'xy'.repeat(490)}`, 0]);
    const made = json({}, { type: 'Unigram', unk_id: 0, vocab });
    const message = `tokenizer.json: the tokenizer takes more than the 64 MB of memory that it may have. ${next}`;
    await assert.rejects(openTokenizer(script, made, { heapMb: 64 }), { name: 'ModelSpecError', message });
  });

  it('small files get little memory and time, large ones what their vocabularies take', () => {
    const of = (bytes: number): ReturnType<typeof tokenizerLimits> =>
      tokenizerLimits(files('tokenizer.json', new Uint8Array(bytes)));
    assert.ok(of(1000).openMs < maxMs + 10);
    // Two copies of the bytes: one sent, one received.
    assert.ok(nodeMB + youngMB + of(megabyte).heapMb + 2 < maxMB);
    // 128,000 tokens and 280,000 merges in 10 MB take 130 MB; 262,000 and 580,000 as pairs in 39 MB, 370.
    assert.ok(of(10 * megabyte).heapMb >= 2 * 130);
    assert.ok(of(39 * megabyte).heapMb >= 1.5 * 370);
    assert.equal(of(64 * megabyte).heapMb, 1024);
    const gguf = { 'tokenizer.ggml.tokens': Array.from({ length: 2 ** 17 }, () => 'x'.repeat(8)) };
    const header: TokenizerFiles = files('gguf', '', { gguf });
    assert.ok(tokenizerLimits(header).heapMb > of(megabyte).heapMb);
  });
});
