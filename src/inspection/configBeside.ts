// config.json and preprocessor_config.json, which lie beside a checkpoint: read whole wherever the folder is, within a
// bound, and parsed.

import { CheckpointError } from '../checkpoint/checkpointError';
import { grouped } from '../checkpoint/nextSteps';
import type { TensorIndex } from '../checkpoint/tensorIndex';
import { segmenter } from '../model/families/segmenter';
import type { ReadBeside } from '../model/text/findTokenizer';
import { maxYamlBytes, parseYamlConfig, variantFile } from '../model/yamlConfig';

/** A config.json of a model is a few kilobytes; a larger one is something else. */
const maxConfigBytes = 4 * 1024 * 1024;

export interface ConfigFiles {
  /** Parsed config.json, or the variant.yml that Segmenter has instead, or null. */
  readonly config: unknown;
  /** Parsed preprocessor_config.json, or null. */
  readonly preprocessor: unknown;
}

/** @throws CheckpointError for a file that is too large or no JSON. */
export async function readConfigs(index: TensorIndex, read: ReadBeside): Promise<ConfigFiles> {
  return {
    config: (await readJson(read, 'config.json')) ?? (await readVariant(index, read)),
    preprocessor: await readJson(read, 'preprocessor_config.json'),
  };
}

async function readJson(read: ReadBeside, name: string): Promise<unknown> {
  const bytes = await read(name, maxConfigBytes);
  if (bytes === null) return null;
  if (bytes === 'tooLarge') {
    throw new CheckpointError(
      'tooLarge',
      `${name} beside the checkpoint has more than ${grouped(maxConfigBytes)} bytes, which no model's config has. Move it away, or say the facts with --set.`,
    );
  }
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new CheckpointError(
      'corrupt',
      `${name} beside the checkpoint is not JSON (${detail}). Mend it or move it away.`,
    );
  }
}

/** What Segmenter's training code writes beside its checkpoint; of other models such a file says nothing. */
async function readVariant(index: TensorIndex, read: ReadBeside): Promise<unknown> {
  if (segmenter.places(index, null).length === 0) return null;
  const bytes = await read(variantFile, maxYamlBytes);
  return bytes === null ? null : parseYamlConfig(bytes, variantFile);
}
