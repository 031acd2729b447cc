// The sample input of a model, which a run takes where nobody names another: a picture that is drawn, features as speech
// has them, a text where there is a tokenizer, else token ids. All of them the same on every machine.

import { createRandom } from '../../diagnostics/random';
import type { Sha256 } from '../../model/image/imageInput';
import {
  ModelSpecError,
  type ModelInput,
  type ModelSpec,
  type TextShape,
  type TokenInput,
} from '../../model/modelSpec';
import { sampleFeatures } from '../../model/sample/sampleFeatures';
import { samplePicture } from '../../model/sample/samplePicture';
import { chooseSentences, sampleStory, wantedTokens, type SampleText } from '../../model/sample/sampleText';
import { textInput } from '../../model/text/textInput';
import { randomTokenInput, randomTokens } from '../../model/text/tokenInput';
import type { TokenizerSource } from './tokenizerSource';

/**
 * `tokenizer`: null where none was looked for. A tokenizer that the person named must work; one that happens to lie
 * beside the checkpoint and does not is told in the input's label.
 * @throws ModelSpecError badInput
 */
export async function sampleInput(
  seed: number,
  spec: ModelSpec,
  tokenizer: TokenizerSource | null,
  sha256: Sha256,
): Promise<ModelInput> {
  const stream = createRandom(`${seed}/sample`);
  const uniform = (): number => stream.uniform();
  if (spec.audio) return sampleFeatures(seed, spec, uniform, sha256);
  if (!spec.text) return samplePicture(seed, spec, uniform, sha256);
  const said = await sampleWords(spec, spec.text, tokenizer, sha256);
  if (typeof said !== 'string') return said;
  const uniforms = (count: number): Float64Array => Float64Array.from({ length: count }, uniform);
  const ids = randomTokenInput(seed, spec, uniforms, sha256, Math.max(randomTokens, wantedTokens(spec)));
  return { ...ids, kind: 'sample', label: `sample token ids, seed ${seed} (${said})` };
}

/** The sample text as tokens, or why there is none. */
async function sampleWords(
  spec: ModelSpec,
  { sample = sampleStory, context, exact }: TextShape,
  tokenizer: TokenizerSource | null,
  sha256: Sha256,
): Promise<TokenInput | string> {
  if (sample === null) return 'its vocabulary is not in the file';
  if (tokenizer === null) return 'no tokenizer was looked for';
  if (tokenizer.setting === null && (await tokenizer.find()).problem !== null) return 'no tokenizer beside the file';
  try {
    const runner = await tokenizer.open();
    const count = async (text: string): Promise<number> => (await runner.encode(text)).ids.length;
    const text = await chooseSentences(sample, exact ?? wantedTokens(spec), exact ?? context ?? Infinity, count);
    if (text === null) return `the sample text is longer than the ${exact ?? context ?? 0} tokens of the model`;
    const encoding = await runner.encode(text);
    if (exact !== undefined && encoding.ids.length !== exact) return `the model takes exactly ${exact} tokens`;
    const label = `sample text, ${sentencesOf(sample, text)}`;
    const bytes = new TextEncoder().encode(text);
    return { ...textInput(encoding, runner.facts.source, label, bytes, spec, sha256), kind: 'sample' };
  } catch (error) {
    if (!(error instanceof ModelSpecError) || tokenizer.setting !== null) throw error;
    return `the tokenizer beside the file cannot be used: ${error.message}`;
  }
}

function sentencesOf({ sentences }: SampleText, text: string): string {
  const count = sentences.findIndex((_, i) => sentences.slice(0, i + 1).join(' ') === text) + 1;
  return count === 1 ? '1 sentence' : `${count} sentences`;
}
