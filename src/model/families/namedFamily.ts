// A family that is told by its tensor names alone: where it stands in a file, and how its spec is built.

import type { TensorIndex } from '../../checkpoint/tensorIndex';
import type { ModelSpec } from '../modelSpec';
import type { Tower } from '../overrides';
import type { SpecContext } from '../specContext';

export interface NamedFamily {
  /** What is expected, for messages: "a ViT with Hugging Face names". */
  readonly layout: string;
  /** Maps of the configuration that speak of this part of the model and come first (`vision_config`). */
  readonly configKeys?: readonly string[];
  /** Which half of a model with an image and a text tower this is. */
  readonly tower?: Tower;
  /**
   * Every place of the file where the network stands, as a prefix ('' or ending in '.' or '/'); none: the file is
   * not of this family. `modelType` is `model_type` of the configuration, null where it says none.
   * @throws ModelSpecError unsupported for a relative of the family that is known and not run.
   */
  readonly places: (index: TensorIndex, modelType: string | null) => readonly string[];
  /** true: the family itself judges `--set attention=` (default: softmax is all there is). */
  readonly choosesAttention?: true;
  /** The spec at one place; `context.prefix` is that place. */
  readonly build: (context: SpecContext) => ModelSpec;
}

/** More places than any file has; against crafted files with thousands of prefixes. */
const maxPlaces = 32;

/** Prefixes (group 1) of the names that match `anchor` and pass `check`, each once, in file order. */
export function placesOf(
  index: TensorIndex,
  anchor: RegExp,
  check: (match: RegExpExecArray) => boolean = () => true,
): readonly string[] {
  const places = new Set<string>();
  for (const name of index.entries.keys()) {
    if (places.size === maxPlaces) break;
    const match = anchor.exec(name);
    const place = match?.[1] ?? '';
    if (match !== null && (place === '' || /[./]$/.test(place)) && check(match)) places.add(place);
  }
  return [...places];
}
