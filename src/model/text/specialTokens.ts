// The tokens that stand before and behind a text: from the post-processor of tokenizer.json, else from
// tokenizer_config.json and the family. Padding is never added.

import { quoted } from '../../checkpoint/nextSteps';
import { asBoolean, asRecord } from '../parseValues';
import { shown, type Json } from './jsonValues';
import { tokenizerFault, type AddedToken } from './tokenizer';

export interface Around {
  readonly before: readonly AddedToken[];
  readonly after: readonly AddedToken[];
}

export const nothingAround: Around = { before: [], after: [] };

/** Special tokens of one side; real files have 1 or 2. */
const maxAround = 16;

/** Classes that say in tokenizer_config.json, over the post-processor, whether <s> and </s> are added. */
const configured = /^(Code)?(Llama|Gemma)Tokenizer(Fast)?$/;

type TokenId = (content: string) => number | undefined;

/**
 * What a post-processor puts around one text.
 * @throws ModelSpecError 'badInput' for processors and tokens that are not known.
 */
export function aroundOfProcessor(value: unknown, idOf: TokenId, name: string): Around {
  const config = asRecord(value);
  if (config === null) {
    if (value === null || value === undefined) return nothingAround;
    throw tokenizerFault(name, `post_processor is ${shown(value)}, not a map with a type.`);
  }
  const type = config['type'];
  if (type === 'ByteLevel') return nothingAround;
  if (type === 'BertProcessing' || type === 'RobertaProcessing') {
    return { before: [pair(config['cls'], 'cls', name)], after: [pair(config['sep'], 'sep', name)] };
  }
  if (type === 'TemplateProcessing') return template(config, idOf, name);
  if (type === 'Sequence' && Array.isArray(config['processors'])) {
    let around = nothingAround;
    for (const part of config['processors'] as readonly unknown[]) {
      const outer = aroundOfProcessor(part, idOf, name);
      around = { before: [...outer.before, ...around.before], after: [...around.after, ...outer.after] };
    }
    return checked(around, name);
  }
  throw tokenizerFault(name, `it uses the post-processor ${shown(type)}, which is not in this version.`);
}

/** [content, id] */
function pair(value: unknown, key: string, name: string): AddedToken {
  const [content, id] = Array.isArray(value) ? (value as readonly unknown[]) : [];
  if (typeof content === 'string' && typeof id === 'number' && Number.isInteger(id) && id >= 0) return { content, id };
  throw tokenizerFault(name, `"${key}" of the post-processor is ${shown(value)}, not a token with its id.`);
}

function template(config: Json, idOf: TokenId, name: string): Around {
  const single = config['single'];
  const known = asRecord(config['special_tokens']);
  if (!Array.isArray(single)) throw tokenizerFault(name, 'the template of the post-processor has no "single" list.');
  const before: AddedToken[] = [];
  const after: AddedToken[] = [];
  let side = before;
  for (const part of single as readonly unknown[]) {
    const item = asRecord(part);
    const special = asRecord(item?.['SpecialToken']);
    if (special === null) {
      const isText = asRecord(item?.['Sequence'])?.['id'] === 'A';
      if (!isText || side === after) {
        throw tokenizerFault(name, 'the template of the post-processor does not have the text exactly once.');
      }
      side = after;
      continue;
    }
    const content = special['id'];
    if (typeof content !== 'string') throw tokenizerFault(name, `the template has the token ${shown(content)}.`);
    const ids = asRecord(known?.[content])?.['ids'];
    const [id = idOf(content)] = Array.isArray(ids) ? (ids as readonly unknown[]) : [];
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0) {
      throw tokenizerFault(name, `the template adds ${quoted(content)}, which is not in the vocabulary.`);
    }
    side.push({ content, id });
    checked({ before, after }, name);
  }
  if (side === before) throw tokenizerFault(name, 'the template of the post-processor leaves the text out.');
  return { before, after };
}

function checked(around: Around, name: string): Around {
  if (around.before.length + around.after.length > maxAround) {
    throw tokenizerFault(name, `the post-processor adds more than ${maxAround} special tokens.`);
  }
  return around;
}

/** Names of the special tokens: 'bos_token' -> '<s>', from tokenizer_config.json, else special_tokens_map.json. */
export function specialName(key: string, config: Json, map: Json): string | null {
  for (const source of [config[key], map[key]]) {
    const content = typeof source === 'string' ? source : asRecord(source)?.['content'];
    if (typeof content === 'string' && content !== '') return content;
  }
  return null;
}

/** `add_bos_token` and `add_eos_token` of LLaMA's tokenizers have the last word. */
export function aroundAsConfigured(around: Around, config: Json, map: Json, idOf: TokenId): Around {
  if (!configured.test(String(config['tokenizer_class']))) return around;
  const side = (tokens: readonly AddedToken[], add: string, key: string): readonly AddedToken[] => {
    const wanted = asBoolean(config[add]);
    const content = specialName(key, config, map);
    const id = content === null ? undefined : idOf(content);
    if (wanted === null || content === null || id === undefined) return tokens;
    return wanted ? [{ content, id }] : [];
  };
  return {
    before: side(around.before, 'add_bos_token', 'bos_token'),
    after: side(around.after, 'add_eos_token', 'eos_token'),
  };
}
