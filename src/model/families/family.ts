// What tells one family of the timm layout from another: how queries, keys and values are projected and mixed.
// A family file looks at the probe and the context and says its part, or null when the file is not of its kind.

import type { AttentionKind, ModelFamily, ModelSpec, RpcSettings } from '../modelSpec';
import type { Default } from '../numerics';
import type { PictureDefaults } from '../pictureDefaults';
import type { SpecContext } from '../specContext';

export interface AttentionProbe {
  /** C */
  readonly embedDim: number;
  /** 3: rows q, k, v; 2: rows k, v (symmetric). */
  readonly projections: 2 | 3;
  /** blocks.0.attn.s is there. */
  readonly hasScale: boolean;
  readonly hasDistToken: boolean;
  readonly layers: number;
  /** Prefix of block i: `blocks.i.`, or `blocks.c.i.` in files with chunks. */
  readonly blockAt: (i: number) => string;
  /** blocks.c.i.: block i in chunk c (DINOv2 training, FSDP). */
  readonly chunked: boolean;
}

export interface AttentionPart {
  readonly family: ModelFamily;
  readonly attention: AttentionKind;
  readonly standardise: boolean;
  readonly rpc: RpcSettings | null;
  readonly picture: PictureDefaults;
  /** timm's where absent. */
  readonly eps?: Default<number>;
  readonly activation?: Default<ModelSpec['activation']>;
  /** Why this family, for the facts. */
  readonly source: string;
}

export type RecogniseFamily = (context: SpecContext, probe: AttentionProbe) => AttentionPart | null;
