// Which file of a folder is its checkpoint: the names that the Hugging Face hub uses first, else the only candidate.

import { parseSplitName } from './splitGguf';

/**
 * Whole checkpoints under the hub's names, in the order in which `from_pretrained` looks for them. A folder often has
 * the same weights as safetensors and as .bin; that is no ambiguity.
 */
const hubNames: readonly string[] = [
  'model.safetensors',
  'model.safetensors.index.json',
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
];

const weightFile = /\.(safetensors|gguf|npz|onnx|pt|pth|bin|ckpt)$/i;
/** Names of index files. */
export const indexFile = /\.(safetensors|bin|pt|pth)\.index\.json$/i;
/** ONNX models, which may have their values in other files. */
export const onnxFile = /\.onnx$/i;
/** What trainers leave beside the weights. */
const leftover =
  /^(training_args|optimizer|scheduler|scaler|rng_state|random_states|trainer_state)(?:\b|_).*\.(bin|pt|pth|pkl)$/i;
const shardFile = /^(.*)-(\d{5})-of-(\d{5})(\.(?:safetensors|bin|pt|pth))$/;

export interface ShardName {
  /** 1-based, as in the file name. */
  readonly number: number;
  readonly count: number;
  /** Name of the index file that belongs beside it. */
  readonly indexName: string;
}

/** `model-00002-of-00003.safetensors` as what it says; null for other names. */
export function parseShardName(name: string): ShardName | null {
  const match = shardFile.exec(name);
  if (match === null) return null;
  const [, stem = '', number = '', count = '', suffix = ''] = match;
  return { number: Number(number), count: Number(count), indexName: `${stem}${suffix}.index.json` };
}

/** Checkpoints among the files of a folder: one that is meant, several to choose from, or none. Sorted by name. */
export function checkpointCandidates(names: readonly string[]): readonly string[] {
  const known = new Set(names);
  const hub = hubNames.find((name) => known.has(name));
  if (hub !== undefined) return [hub];
  const isCandidate = (name: string): boolean => {
    if (indexFile.test(name)) return true;
    if (!weightFile.test(name) || leftover.test(name)) return false;
    // The first part of a split GGUF model stands for all of them.
    if ((parseSplitName(name)?.number ?? 1) > 1) return false;
    const shard = parseShardName(name);
    return shard === null || !known.has(shard.indexName);
  };
  return names.filter(isCandidate).sort();
}
