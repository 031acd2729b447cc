// The 32-value blocks of GGUF: a scale, perhaps a minimum, and one code of 4, 5 or 8 bits a value. Layouts:
// ggml-quants.h of ggml; value = scale * code + minimum.

import { type BlockReader, halfAt } from './blockReader';

/** [scale f16][16 bytes]: low nibbles are values 0 to 15, high ones 16 to 31, all minus 8. */
export const q40: BlockReader = (bytes, b, out, o, half) => {
  const scale = halfAt(bytes, b, half);
  for (let i = 0; i < 16; i++) {
    const pair = bytes[b + 2 + i]!;
    out[o + i] = scale * ((pair & 15) - 8);
    out[o + i + 16] = scale * ((pair >> 4) - 8);
  }
};

/** [scale f16][minimum f16][16 bytes as in Q4_0]. */
export const q41: BlockReader = (bytes, b, out, o, half) => {
  const scale = halfAt(bytes, b, half);
  const minimum = halfAt(bytes, b + 2, half);
  for (let i = 0; i < 16; i++) {
    const pair = bytes[b + 4 + i]!;
    out[o + i] = scale * (pair & 15) + minimum;
    out[o + i + 16] = scale * (pair >> 4) + minimum;
  }
};

/** Bit i of the 32 fifth bits that begin at `bytes[b]`, as 0 or 16. */
const fifthBit = (bytes: Uint8Array, b: number, i: number): number => ((bytes[b + (i >> 3)]! >> (i & 7)) & 1) << 4;

/** [scale f16][32 fifth bits][16 bytes as in Q4_0], all minus 16. */
export const q50: BlockReader = (bytes, b, out, o, half) => {
  const scale = halfAt(bytes, b, half);
  for (let i = 0; i < 16; i++) {
    const pair = bytes[b + 6 + i]!;
    out[o + i] = scale * (((pair & 15) | fifthBit(bytes, b + 2, i)) - 16);
    out[o + i + 16] = scale * (((pair >> 4) | fifthBit(bytes, b + 2, i + 16)) - 16);
  }
};

/** [scale f16][minimum f16][32 fifth bits][16 bytes as in Q4_0]. */
export const q51: BlockReader = (bytes, b, out, o, half) => {
  const scale = halfAt(bytes, b, half);
  const minimum = halfAt(bytes, b + 2, half);
  for (let i = 0; i < 16; i++) {
    const pair = bytes[b + 8 + i]!;
    out[o + i] = scale * ((pair & 15) | fifthBit(bytes, b + 4, i)) + minimum;
    out[o + i + 16] = scale * ((pair >> 4) | fifthBit(bytes, b + 4, i + 16)) + minimum;
  }
};

/** [scale f16][32 signed bytes]. */
export const q80: BlockReader = (bytes, b, out, o, half) => {
  const scale = halfAt(bytes, b, half);
  for (let i = 0; i < 32; i++) out[o + i] = scale * ((bytes[b + 2 + i]! << 24) >> 24);
};
