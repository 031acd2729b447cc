// Where in the file the network stands. A training checkpoint may hold several copies (model and model_ema, student
// and teacher) under several prefixes (module., backbone.); each place that has transformer blocks is a state.

import type { TensorIndex } from '../checkpoint/tensorIndex';
import { ModelSpecError, type SpecFact } from './modelSpec';

export interface ModelState {
  /** Value of `--set state=`; 'top level' where the names have no prefix. */
  readonly name: string;
  /** Prefix of its tensor names, '' or ending in a dot. */
  readonly prefix: string;
  readonly tensors: number;
  readonly elements: number;
}

const topLevel = 'top level';
const firstBlock = 'blocks.0.';
/** More states than any training loop saves; against crafted files with thousands of prefixes. */
const maxStates = 32;

const meaning: Readonly<Record<string, string>> = {
  model: 'the weights as trained',
  state_dict: 'the weights as trained',
  model_state_dict: 'the weights as trained',
  model_ema: 'moving average of the weights',
  state_dict_ema: 'moving average of the weights',
  teacher: 'teacher (moving average of the student)',
  student: 'student (trained by gradient)',
  encoder: 'encoder',
  target_encoder: 'target encoder (moving average of the encoder)',
};

/** All places of the file that hold `blocks.0.*`, in file order; empty when the names are another family's. */
export function listStates(index: TensorIndex): readonly ModelState[] {
  const prefixes = new Set<string>();
  for (const name of index.entries.keys()) {
    const at = name.indexOf(firstBlock);
    if (at > 0 && name[at - 1] !== '.') continue;
    if (at >= 0 && prefixes.size < maxStates) prefixes.add(name.slice(0, at));
  }
  // Nested encoders (a text tower's blocks) have no patches: with a choice, only whole vision towers count.
  const all = [...prefixes];
  const withPatches = all.filter(
    (prefix) => index.entries.has(`${prefix}patch_embed.proj.weight`) || index.entries.has(`${prefix}cls_token`),
  );
  return (withPatches.length > 0 ? withPatches : all).map((prefix) => measure(index, prefix));
}

/** The states at these prefixes. */
export function statesAt(index: TensorIndex, prefixes: readonly string[]): readonly ModelState[] {
  return prefixes.map((prefix) => measure(index, prefix));
}

/**
 * The one state to inspect; throws a 'question' when there are several and `wanted` names none of them. `given`: where
 * a person said `wanted`.
 */
export function chooseState(
  index: TensorIndex,
  states: readonly ModelState[],
  wanted: string | undefined,
  facts: SpecFact[],
  given = '--set state',
): ModelState {
  const names = states.map((state) => state.name).join(', ');
  if (wanted !== undefined) {
    const matches = states.filter((state) => state.name === wanted || state.prefix.startsWith(`${wanted}.`));
    if (matches.length === 1) {
      facts.push({ fact: 'state', value: matches[0]!.name, source: given });
      return matches[0]!;
    }
    throw new ModelSpecError(
      'badOverride',
      `${given}=${wanted}: ${index.fileName} has ${matches.length === 0 ? 'no such state' : 'several states of that name'}. Its states are ${names}.`,
    );
  }
  if (states.length === 1) {
    const only = states[0]!;
    if (only.prefix !== '') facts.push({ fact: 'state', value: only.name, source: 'tensor names' });
    return only;
  }
  throw new ModelSpecError(
    'question',
    `${index.fileName} holds ${states.length} networks: ${names}. Choose one with --set state=NAME.`,
    {
      option: 'state',
      question: `${index.fileName} holds ${states.length} networks. Which one shall be inspected?`,
      choices: states.map((state) => ({ value: state.name, label: state.name, detail: detailOf(state) })),
    },
  );
}

function measure(index: TensorIndex, prefix: string): ModelState {
  let tensors = 0;
  let elements = 0;
  for (const entry of index.entries.values()) {
    if (!entry.name.startsWith(prefix)) continue;
    tensors++;
    elements += entry.shape.reduce((product, n) => product * n, 1);
  }
  return { name: prefix === '' ? topLevel : prefix.slice(0, -1), prefix, tensors, elements };
}

function detailOf(state: ModelState): string {
  const key = state.name.split('.')[0]!;
  const what = Object.hasOwn(meaning, key) ? `${meaning[key]!}, ` : '';
  return `${what}${state.tensors} tensors, ${state.elements} numbers`;
}
