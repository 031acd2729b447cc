// Builder of .npy arrays in memory, right or wrong on purpose. Shared by the unit and the hostile tests.

import { type Bytes, concat, u16, u32 } from './crafted';

export interface CraftedNpy {
  readonly descr?: string;
  readonly fortran?: boolean;
  readonly shape?: readonly (number | string)[];
  /** The whole header text, instead of the three above. */
  readonly header?: string;
  readonly version?: number;
  /** Length of the header as the array claims it. */
  readonly headerBytes?: number;
}

/** A .npy array with `data` behind its header. */
export function npy(facts: CraftedNpy, data: Bytes = []): Uint8Array {
  const { descr = "'<f4'", fortran = false, shape = [1], version = 1 } = facts;
  const sizes = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
  const header =
    facts.header ?? `{'descr': ${descr}, 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${sizes}, }\n`;
  const length = facts.headerBytes ?? header.length;
  return concat([0x93], 'NUMPY', [version, 0], version === 1 ? u16(length) : u32(length), header, data);
}
