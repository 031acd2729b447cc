// A YAML file that stands beside a checkpoint as its configuration (Segmenter's variant.yml), read as plain data: tags
// name nothing that is made, and sizes are bounded before the parser sees the text.

import { isMap, parseDocument } from 'yaml';
import { ModelSpecError } from './modelSpec';
import { asRecord } from './parseValues';
import { decodeUtf8 } from './text/utf8';

/** What Segmenter's training code writes beside its checkpoint. */
export const variantFile = 'variant.yml';
/** Such a file has two kilobytes; the parser is recursive, and one of this size cannot be deep. */
export const maxYamlBytes = 64 * 1024;
/** Levels of nesting: brackets, dashes in one line, columns of indentation. Real files have three. */
const maxDepth = 64;
/** Repetitions of one anchored value. PyYAML writes a few; a bomb needs many. */
const maxAliases = 16;

/** Settings of `name`, in place of a config.json. */
export class YamlConfig {
  constructor(
    readonly name: string,
    readonly values: Readonly<Record<string, unknown>>,
  ) {}
}

/** `bytes`: 'tooLarge' where they were not read. @throws ModelSpecError badInput naming the file: too large, not UTF-8, too deep, not YAML, no mapping of names. */
export function parseYamlConfig(bytes: Uint8Array | 'tooLarge', name: string): YamlConfig {
  const refuse = (why: string): ModelSpecError =>
    new ModelSpecError('badInput', `${name}: ${why}. Mend it or move it away, or say the facts with --set.`);
  if (bytes === 'tooLarge' || bytes.length > maxYamlBytes) {
    throw refuse(`a model's configuration has ${maxYamlBytes} bytes at most, and this file has more`);
  }
  const text = decodeUtf8(bytes);
  if (text === null) throw refuse('this is not UTF-8 text');
  if (isDeep(text)) throw refuse(`its values are nested deeper than ${maxDepth} levels; it is damaged or crafted`);
  const document = parseDocument(text, { schema: 'core', logLevel: 'error', prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) throw refuse(`this is not YAML (${error.message} at character ${error.pos[0]})`);
  if (!isMap(document.contents)) throw refuse('it must hold names with values, as in "n_heads: 12"');
  try {
    // Through JSON, so that no value holds itself.
    const values: unknown = JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: maxAliases })));
    return new YamlConfig(name, asRecord(values) ?? {});
  } catch (caught) {
    if (!(caught instanceof ReferenceError || caught instanceof TypeError)) throw caught;
    throw refuse('its aliases name nothing, themselves, or more than a configuration needs; it is damaged or crafted');
  }
}

/** More than a nested value can have, by what makes levels; counted without recursion. */
function isDeep(text: string): boolean {
  let brackets = 0;
  for (const letter of text) {
    if (letter === '[' || letter === '{') brackets++;
    else if (letter === ']' || letter === '}') brackets--;
    if (brackets > maxDepth) return true;
  }
  return text.split('\n').some((line) => {
    const lead = /^[\s?:-]*/.exec(line)![0];
    return lead.length > 2 * maxDepth;
  });
}
