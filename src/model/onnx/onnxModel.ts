// What a ModelSpec says about a graph: what goes in, where its attention is, what comes out. Plain data.

import type { AttentionSite } from './attentionSite';
import type { Sizes } from './knownValue';

/**
 * What an input of the graph is given. 'pixels': the picture [1, C, H, W]. 'tokens': the ids. 'ones', 'zeros': the mask
 * of a text without padding, its segment. 'positions': 0, 1, 2, … 'empty': a cache of earlier tokens with none in it.
 */
export type InputRole = 'pixels' | 'tokens' | 'ones' | 'zeros' | 'positions' | 'empty';

export interface OnnxInput {
  readonly name: string;
  /** Number of enum TensorProto.DataType. */
  readonly elemType: number;
  /** The batch is 1; null: open until there is an input. */
  readonly shape: Sizes;
  readonly role: InputRole;
}

export interface OnnxModel {
  readonly inputs: readonly OnnxInput[];
  /** One a layer, in the order of the graph. */
  readonly sites: readonly AttentionSite[];
  /** The graph's first output; null: it has none. */
  readonly output: string | null;
}
