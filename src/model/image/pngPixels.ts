// PNG bytes to RGBA. The chunks are walked first, so that sizes are bounded before anything is inflated, and only
// the chunks that carry pixels reach the decoder (profiles and texts may be bombs of their own).

import { decode, type DecodedPng } from 'fast-png';
import { Unzlib } from 'fflate';
import type { ModelSpecError } from '../modelSpec';
import { badPicture, checkPictureSize, type Rgba } from './pictureLimits';

const signatureLength = 8;
const pixelChunks = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']);
const channelsByColourType: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);
/** Compressed bytes inflated at a time while counting: bounds what one step can produce (deflate is at most 1032:1). */
const countingStep = 64 * 1024;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly channels: number;
  readonly interlaced: boolean;
  /** Pixels are indexes into PLTE. */
  readonly palette: boolean;
}

/** Throws ModelSpecError 'badInput'. */
export function decodePng(bytes: Uint8Array, name: string): Rgba {
  const chunks = readChunks(bytes, name);
  const header = readHeader(chunks[0]!.data, name);
  checkPictureSize(header.width, header.height, name);
  if (header.interlaced && header.depth < 8) {
    throw badPicture(
      `${name} is an interlaced PNG of ${header.depth} bits a channel, which Gramlens does not read. Save it without interlacing.`,
    );
  }
  checkInflatedSize(chunks, header, name);
  let png: DecodedPng;
  try {
    png = decode(join(bytes.subarray(0, signatureLength), chunks));
  } catch (error) {
    throw damaged(name, error);
  }
  if (header.palette && png.palette === undefined) {
    throw badPicture(`${name} has no palette, which its pixels need; the PNG is damaged. Save it again and retry.`);
  }
  return toRgba(png, header, name);
}

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
  /** Length, type, data and CRC as they stand in the file. */
  readonly raw: Uint8Array;
}

function readChunks(bytes: Uint8Array, name: string): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kept: Chunk[] = [];
  let offset = signatureLength;
  while (offset + 12 <= bytes.byteLength) {
    const length = view.getUint32(offset);
    const end = offset + 12 + length;
    if (end > bytes.byteLength) break;
    const type = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
    if (kept.length === 0 && type !== 'IHDR')
      throw badPicture(`${name} begins like a PNG, but its first chunk is not the header. Save it again and retry.`);
    if (pixelChunks.has(type))
      kept.push({ type, data: bytes.subarray(offset + 8, offset + 8 + length), raw: bytes.subarray(offset, end) });
    if (type === 'IEND') return kept;
    offset = end;
  }
  throw badPicture(
    `${name} is cut off: the PNG ends at byte ${bytes.byteLength} before its end mark. Copy or save it again.`,
  );
}

function readHeader(data: Uint8Array, name: string): Header {
  const channels = channelsByColourType.get(data[9] ?? -1);
  if (data.byteLength !== 13 || channels === undefined)
    throw badPicture(`${name} has a damaged PNG header. Save it again and retry.`);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const depth = data[8]!;
  if (![1, 2, 4, 8, 16].includes(depth))
    throw badPicture(`${name} has a damaged PNG header (${depth} bits a channel). Save it again and retry.`);
  return {
    width: view.getUint32(0),
    height: view.getUint32(4),
    depth,
    channels,
    interlaced: data[12] === 1,
    palette: data[9] === 3,
  };
}

/** Inflates in small steps and counts: neither less nor more than the header promises. */
function checkInflatedSize(chunks: readonly Chunk[], header: Header, name: string): void {
  const lineBytes = Math.ceil((header.width * header.channels * header.depth) / 8) + 1;
  // Interlaced pictures have up to seven passes, each line with a filter byte and padding of its own.
  const most = header.interlaced ? lineBytes * header.height + 16 * (header.height + 8) : lineBytes * header.height;
  let count = 0;
  const inflate = new Unzlib((part) => {
    count += part.byteLength;
  });
  try {
    for (const { type, data } of chunks) {
      if (type !== 'IDAT') continue;
      for (let at = 0; at < data.byteLength && count <= most; at += countingStep) {
        inflate.push(data.slice(at, at + countingStep), false);
      }
    }
    if (count <= most) inflate.push(new Uint8Array(0), true);
  } catch (error) {
    throw damaged(name, error);
  }
  const least = header.interlaced ? header.width * header.height * ((header.channels * header.depth) / 8) : most;
  if (count > most)
    throw badPicture(
      `${name}: the PNG holds more data than its ${header.width} x ${header.height} pixels need; the file is crafted or damaged.`,
    );
  if (count < least)
    throw badPicture(
      `${name} is cut off: the PNG holds pixels for a part of its ${header.width} x ${header.height} only. Copy or save it again.`,
    );
}

function join(signature: Uint8Array, chunks: readonly Chunk[]): Uint8Array {
  const parts = [signature, ...chunks.map((chunk) => chunk.raw)];
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.byteLength;
  }
  return joined;
}

/** 16-bit samples keep their high byte, 1- to 4-bit grey is stretched to 0..255, as Pillow's convert does. */
function toRgba(png: DecodedPng, header: Header, name: string): Rgba {
  const { width, height, channels } = header;
  const samples = to8Bits(png, header);
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  const alpha = channels === 2 || channels === 4 ? channels - 1 : -1;
  for (let from = 0, to = 0; to < rgba.length; from += channels, to += 4) {
    const first = samples[from]!;
    if (header.palette) {
      const colour = png.palette?.[first];
      if (colour === undefined) {
        throw badPicture(
          `${name}: a pixel names colour ${first} of a palette of ${png.palette?.length ?? 0}; the PNG is damaged.`,
        );
      }
      for (let c = 0; c < colour.length; c++) rgba[to + c] = colour[c]!;
      continue;
    }
    rgba[to] = first;
    rgba[to + 1] = channels <= 2 ? first : samples[from + 1]!;
    rgba[to + 2] = channels <= 2 ? first : samples[from + 2]!;
    if (alpha > 0) rgba[to + 3] = samples[from + alpha]!;
  }
  return { width, height, rgba };
}

/** One byte a sample, lines without padding; palette indexes are left as they are. */
function to8Bits(png: DecodedPng, header: Header): ArrayLike<number> {
  const { width, height, depth, channels, palette } = header;
  if (depth === 8) return png.data;
  if (depth === 16) return Uint8Array.from(png.data, (value) => value >> 8);
  const mask = (1 << depth) - 1;
  const stretch = palette ? 1 : 255 / mask;
  const lineSamples = width * channels;
  const lineBytes = Math.ceil((lineSamples * depth) / 8);
  const out = new Uint8Array(lineSamples * height);
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < lineSamples; i++) {
      const bit = i * depth;
      const byte = png.data[y * lineBytes + (bit >> 3)]!;
      out[y * lineSamples + i] = ((byte >> (8 - depth - (bit & 7))) & mask) * stretch;
    }
  }
  return out;
}

function damaged(name: string, error: unknown): ModelSpecError {
  const why = error instanceof Error ? error.message : 'unknown error';
  return badPicture(`${name}: the PNG picture is damaged (${why}). Save it again and retry.`);
}
