// JPEG bytes to RGBA. The frame header is found first, so that size and colour model are judged before decoding.
// Chroma is upsampled by repetition, not by libjpeg's smoothing: edges of colour may differ by a few of 255 steps.

import { decode } from 'jpeg-js';
import { badPicture, checkPictureSize, maxPicturePixels, type Rgba } from './pictureLimits';

/** What jpeg-js may take for coefficients and pixels of one picture. */
const maxDecoderMegabytes = 512;

/** Throws ModelSpecError 'badInput'. */
export function decodeJpeg(bytes: Uint8Array, name: string): Rgba {
  const frame = findFrame(bytes, name);
  checkPictureSize(frame.width, frame.height, name);
  if (frame.components !== 1 && frame.components !== 3) {
    throw badPicture(`${name} is a JPEG of ${frame.components} colour channels (CMYK?). Save it as RGB or grey.`);
  }
  if (!endsProperly(bytes)) {
    throw badPicture(
      `${name} is cut off: the JPEG ends at byte ${bytes.byteLength} before its end mark. Copy or save it again.`,
    );
  }
  try {
    const picture = decode(bytes, {
      useTArray: true,
      formatAsRGBA: true,
      tolerantDecoding: false,
      maxResolutionInMP: maxPicturePixels / 1e6,
      maxMemoryUsageInMB: maxDecoderMegabytes,
    });
    return { width: picture.width, height: picture.height, rgba: new Uint8ClampedArray(picture.data) };
  } catch (error) {
    const message = error instanceof Error ? error.message : 'unknown error';
    throw badPicture(
      /limit exceeded/.test(message)
        ? `${name} is ${frame.width} x ${frame.height} pixels and needs more than ${maxDecoderMegabytes} MB to decode, although it is below the limit of ${maxPicturePixels / 1e6} megapixels. Make it smaller first, or save it as PNG.`
        : `${name}: the JPEG picture is damaged (${message}). Save it again and retry.`,
    );
  }
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: number;
}

/** Walks the segments up to the first frame header (SOF0 to SOF2; others are not decoded by anyone we know). */
function findFrame(bytes: Uint8Array, name: string): Frame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 2;
  while (offset + 4 <= bytes.byteLength) {
    if (bytes[offset] !== 0xff)
      throw badPicture(`${name}: the JPEG picture is damaged at byte ${offset}. Save it again and retry.`);
    const marker = bytes[offset + 1]!;
    if (marker === 0xff) {
      offset++;
      continue;
    }
    const length = view.getUint16(offset + 2);
    if (marker >= 0xc0 && marker <= 0xc2 && offset + 10 <= bytes.byteLength) {
      return { height: view.getUint16(offset + 5), width: view.getUint16(offset + 7), components: bytes[offset + 9]! };
    }
    if (marker >= 0xc3 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      throw badPicture(
        `${name} is a lossless or arithmetic-coded JPEG, which Gramlens does not read. Save it as an ordinary JPEG or PNG.`,
      );
    }
    if (marker === 0xda || marker === 0xd9) break;
    offset += 2 + length;
  }
  throw badPicture(`${name} is cut off: the JPEG has no frame header. Copy or save it again.`);
}

function endsProperly(bytes: Uint8Array): boolean {
  for (let i = bytes.byteLength - 2; i >= 2; i--) if (bytes[i] === 0xff && bytes[i + 1] === 0xd9) return true;
  return false;
}
