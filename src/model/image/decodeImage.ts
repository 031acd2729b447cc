// Picture files to pixels: PNG and JPEG, told by their first bytes, never by their name.

import { decodeJpeg } from './jpegPixels';
import { badPicture, maxPictureBytes, type Rgba } from './pictureLimits';
import { decodePng } from './pngPixels';

const otherFormats: readonly { readonly start: string; readonly what: string }[] = [
  { start: 'GIF8', what: 'a GIF' },
  { start: 'RIFF', what: 'a WebP' },
  { start: 'BM', what: 'a BMP' },
  { start: 'II*\0', what: 'a TIFF' },
  { start: 'MM\0*', what: 'a TIFF' },
  { start: '\x93NUMPY', what: 'a NumPy array (use npy:FILE for it)' },
];

/**
 * RGBA of a PNG or JPEG file of at most 64 MB and 50 megapixels. Orientation tags and colour profiles are ignored,
 * as training code does. Throws ModelSpecError 'badInput' with a sentence that names the file.
 */
export function decodeImage(bytes: Uint8Array, name: string): Rgba {
  if (bytes.byteLength === 0) throw badPicture(`${name} is empty. Choose a PNG or JPEG picture.`);
  if (bytes.byteLength > maxPictureBytes) {
    throw badPicture(
      `${name} has ${bytes.byteLength} bytes; Gramlens reads pictures of at most ${maxPictureBytes / 1024 / 1024} MB. Make it smaller first.`,
    );
  }
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return decodePng(bytes, name);
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return decodeJpeg(bytes, name);
  const other = otherFormats.find(({ start }) =>
    startsWith(
      bytes,
      Array.from(start, (c) => c.charCodeAt(0)),
    ),
  );
  throw badPicture(
    other === undefined
      ? `${name} is neither a PNG nor a JPEG picture. Save it as PNG.`
      : `${name} is ${other.what}; Gramlens reads PNG and JPEG. Save it as PNG.`,
  );
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, i) => bytes[i] === byte);
}
