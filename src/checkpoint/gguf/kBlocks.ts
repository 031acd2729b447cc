// The 256-value blocks of GGUF ("K-quants"): one or two scales for the block, small scales for each 16 or 32 values,
// codes whose upper bits lie apart. Layouts: ggml-quants.h of ggml; value = scale * code - minimum.

import { type BlockReader, halfAt } from './blockReader';

const signed8 = (byte: number): number => (byte << 24) >> 24;

/** [16 bytes: scale in the low, minimum in the high nibble, one for 16 values][64 bytes of 2-bit codes][scale f16][minimum f16]. */
export const q2K: BlockReader = (bytes, b, out, o, half) => {
  const scale = halfAt(bytes, b + 80, half);
  const minimum = halfAt(bytes, b + 82, half);
  for (let group = 0; group < 16; group++) {
    const packed = bytes[b + group]!;
    const groupScale = scale * (packed & 15);
    const groupMinimum = minimum * (packed >> 4);
    const codes = b + 16 + twoBitByte(group);
    const shift = twoBitShift(group);
    for (let i = 0; i < 16; i++) {
      out[o + group * 16 + i] = groupScale * ((bytes[codes + i]! >> shift) & 3) - groupMinimum;
    }
  }
};

/** 2-bit codes: 32 bytes for each 128 values, whose 1st, 2nd, 3rd and 4th 32 values are the bit pairs from below. */
const twoBitByte = (group: number): number => (group >> 3) * 32 + (group & 1) * 16;
const twoBitShift = (group: number): number => ((group >> 1) & 3) * 2;

/** [32 bytes: bit g of byte i is the third bit of value 32 g + i][64 bytes of 2-bit codes][12 bytes: 16 6-bit scales][scale f16]. */
export const q3K: BlockReader = (bytes, b, out, o, half) => {
  const scale = halfAt(bytes, b + 108, half);
  const packed = b + 96;
  for (let group = 0; group < 16; group++) {
    const low = group < 8 ? bytes[packed + group]! & 15 : bytes[packed + group - 8]! >> 4;
    const high = (bytes[packed + 8 + (group & 3)]! >> (2 * (group >> 2))) & 3;
    const groupScale = scale * ((low | (high << 4)) - 32);
    const codes = b + 32 + twoBitByte(group);
    const shift = twoBitShift(group);
    const topBits = b + (group & 1) * 16;
    const topBit = 1 << (group >> 1);
    for (let i = 0; i < 16; i++) {
      // A third bit that is set means no offset: codes run from -4 to 3.
      const offset = (bytes[topBits + i]! & topBit) === 0 ? 4 : 0;
      out[o + group * 16 + i] = groupScale * (((bytes[codes + i]! >> shift) & 3) - offset);
    }
  }
};

/** 6-bit scale of 32 values in the 12 bytes at `bytes[b]`: the first four plain, the others' upper bits above those. */
const sixBitScale = (bytes: Uint8Array, b: number, group: number): number =>
  group < 4 ? bytes[b + group]! & 63 : (bytes[b + group + 4]! & 15) | ((bytes[b + group - 4]! >> 6) << 4);

/** 6-bit minimum of 32 values, packed likewise. */
const sixBitMinimum = (bytes: Uint8Array, b: number, group: number): number =>
  group < 4 ? bytes[b + group + 4]! & 63 : (bytes[b + group + 4]! >> 4) | ((bytes[b + group]! >> 6) << 4);

/** [scale f16][minimum f16][12 bytes of 6-bit scales and minima][128 bytes: 32 for 64 values, low nibbles first]. */
export const q4K: BlockReader = (bytes, b, out, o, half) => {
  const scale = halfAt(bytes, b, half);
  const minimum = halfAt(bytes, b + 2, half);
  for (let group = 0; group < 8; group++) {
    const groupScale = scale * sixBitScale(bytes, b + 4, group);
    const groupMinimum = minimum * sixBitMinimum(bytes, b + 4, group);
    const codes = b + 16 + (group >> 1) * 32;
    const shift = (group & 1) * 4;
    for (let i = 0; i < 32; i++) {
      out[o + group * 32 + i] = groupScale * ((bytes[codes + i]! >> shift) & 15) - groupMinimum;
    }
  }
};

/** As Q4_K, with 32 bytes before the nibbles: bit g of byte i is the fifth bit of value 32 g + i. */
export const q5K: BlockReader = (bytes, b, out, o, half) => {
  const scale = halfAt(bytes, b, half);
  const minimum = halfAt(bytes, b + 2, half);
  for (let group = 0; group < 8; group++) {
    const groupScale = scale * sixBitScale(bytes, b + 4, group);
    const groupMinimum = minimum * sixBitMinimum(bytes, b + 4, group);
    const codes = b + 48 + (group >> 1) * 32;
    const shift = (group & 1) * 4;
    for (let i = 0; i < 32; i++) {
      const fifth = ((bytes[b + 16 + i]! >> group) & 1) << 4;
      out[o + group * 32 + i] = groupScale * (((bytes[codes + i]! >> shift) & 15) | fifth) - groupMinimum;
    }
  }
};

/** [128 bytes: 64 for 128 values, low nibbles first][64 bytes of upper bit pairs as 2-bit codes][16 signed scales][scale f16]. */
export const q6K: BlockReader = (bytes, b, out, o, half) => {
  const scale = halfAt(bytes, b + 208, half);
  for (let group = 0; group < 16; group++) {
    const groupScale = scale * signed8(bytes[b + 192 + group]!);
    const nibbles = b + (group >> 3) * 64 + (group & 3) * 16;
    const nibbleShift = ((group >> 2) & 1) * 4;
    const pairs = b + 128 + twoBitByte(group);
    const pairShift = twoBitShift(group);
    for (let i = 0; i < 16; i++) {
      const low = (bytes[nibbles + i]! >> nibbleShift) & 15;
      const high = (bytes[pairs + i]! >> pairShift) & 3;
      out[o + group * 16 + i] = groupScale * ((low | (high << 4)) - 32);
    }
  }
};

/** [scale f32][256 signed bytes][16 sums of them, which dot products use]. */
export const q8K: BlockReader = (bytes, b, out, o) => {
  const scale = new DataView(bytes.buffer, bytes.byteOffset).getFloat32(b, true);
  for (let i = 0; i < 256; i++) out[o + i] = scale * signed8(bytes[b + 4 + i]!);
};
