// Pictures and arrays against Pillow and NumPy (test/fixtures/model/images.json says which versions), and hostile ones.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { encode } from 'fast-png';
import { zlibSync } from 'fflate';
import { describe, it } from 'mocha';
import { decodeImage } from '../../../src/model/image/decodeImage';
import { imageInput } from '../../../src/model/image/imageInput';
import { npyInput } from '../../../src/model/image/npyInput';
import { parseNpy } from '../../../src/model/image/npyArray';
import { randomInput } from '../../../src/model/image/randomInput';
import { resize } from '../../../src/model/image/resize';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { ModelSpecError, type ImagePreprocessing, type ImageShape, type ModelSpec } from '../../../src/model/modelSpec';
import { timmIndex } from './syntheticIndex';

interface Golden {
  resizes: {
    interpolation: 'bicubic' | 'bilinear';
    height: number;
    width: number;
    channels: number;
    outHeight: number;
    outWidth: number;
    input: string;
    output: string;
  }[];
  pictures: { name: string; width: number; height: number; bytes: string; rgb: string; luma: string }[];
  pipeline: { bytes: string; output: string; straight: string };
  arrays: { name: string; shape: number[]; bytes: string; values: number[] }[];
  refusedArrays: { name: string; bytes: string }[];
}
const golden = JSON.parse(readFileSync('test/fixtures/model/images.json', 'utf8')) as Golden;
const bytesOf = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'));
const picture = (name: string): Uint8Array => bytesOf(golden.pictures.find((entry) => entry.name === name)!.bytes);

/** JPEG decoders round differently in the inverse cosine transform and the colour conversion (measured: 1 of 255). */
const jpegTolerance = 2;

const sha256 = (bytes: Uint8Array): string => `sha of ${bytes.byteLength}`;
const grey = inferModelSpec(timmIndex({ positions: 13 }), null, { heads: '4', grid: '3x4', mean: '0.25', std: '0.5' });
const withImage = (
  spec: ModelSpec,
  image: Partial<ImageShape>,
  preprocessing: Partial<ImagePreprocessing>,
): ModelSpec => ({
  ...spec,
  image: { ...spec.image!, ...image },
  preprocessing: { ...spec.preprocessing!, ...preprocessing },
});
const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  assert.equal(a.length, b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
};
function sentence(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ModelSpecError, String(error));
    assert.equal(error.reason, 'badInput');
    return error.message;
  }
  assert.fail('nothing was refused');
}

describe('model: resize', () => {
  for (const c of golden.resizes) {
    it(`equals Pillow to the byte: ${c.interpolation} ${c.height}x${c.width}x${c.channels} to ${c.outHeight}x${c.outWidth}`, () => {
      const plane = {
        width: c.width,
        height: c.height,
        channels: c.channels,
        data: new Uint8ClampedArray(bytesOf(c.input)),
      };
      const out = resize(plane, c.outWidth, c.outHeight, c.interpolation);
      assert.equal(largest(out.data, bytesOf(c.output)), 0);
    });
  }
});

describe('model: pictures', () => {
  for (const entry of golden.pictures.filter(({ name }) => name !== 'cmyk.jpg')) {
    it(`decodes ${entry.name} as Pillow does`, () => {
      const { width, height, rgba } = decodeImage(bytesOf(entry.bytes), entry.name);
      assert.deepEqual([width, height], [entry.width, entry.height]);
      const rgb = rgba.filter((_, i) => i % 4 !== 3);
      const tolerance = entry.name.endsWith('.png') ? 0 : jpegTolerance;
      const error = largest(rgb, bytesOf(entry.rgb));
      assert.ok(error <= tolerance, `largest difference ${error} of 255, allowed ${tolerance}`);
    });
  }

  it('reads 16-bit samples by their high byte and 2-bit grey stretched to 0..255', () => {
    const deep = decodeImage(craftPng(2, 1, Uint8Array.of(0, 0x12, 0xff, 0xfe, 0x00), { depth: 16 }), 'deep.png');
    assert.deepEqual([...deep.rgba], [0x12, 0x12, 0x12, 255, 0xfe, 0xfe, 0xfe, 255]);
    const few = decodeImage(craftPng(5, 1, Uint8Array.of(0, 0b00011011, 0b01000000), { depth: 2 }), 'few.png');
    assert.deepEqual([...few.rgba.filter((_, i) => i % 4 === 0)], [0, 85, 170, 255, 85]);
  });

  it('makes grey of RGB as Pillow does', () => {
    const entry = golden.pictures.find(({ name }) => name === 'rgb.png')!;
    const spec = withImage(grey, { width: entry.width, height: entry.height }, { mean: [0], std: [1] });
    const input = imageInput(bytesOf(entry.bytes), entry.name, spec, sha256);
    assert.equal(
      largest(
        input.pixels.map((value) => value * 255),
        bytesOf(entry.luma),
      ) < 1e-9,
      true,
    );
  });

  it('resizes the short side, crops the centre and normalises as training code does', () => {
    const [mean, std] = [
      [0.1, 0.2, 0.3],
      [0.5, 0.6, 0.7],
    ];
    const spec = withImage(
      grey,
      { channels: 3, width: 8, height: 8 },
      { resizeShortSide: 10, interpolation: 'bicubic', mean, std },
    );
    const input = imageInput(bytesOf(golden.pipeline.bytes), 'whole.png', spec, sha256);
    const expected = bytesOf(golden.pipeline.output);
    const wanted = Float64Array.from(
      { length: 192 },
      (_, i) =>
        (expected[(i % 64) * 3 + Math.floor(i / 64)]! / 255 - mean[Math.floor(i / 64)]!) / std[Math.floor(i / 64)]!,
    );
    assert.ok(largest(input.pixels, wanted) < 1e-12);
    assert.deepEqual(
      [input.kind, input.label, input.channels, input.height, input.width],
      ['image', 'whole.png', 3, 8, 8],
    );
    assert.equal(input.sha256, `sha of ${bytesOf(golden.pipeline.bytes).byteLength}`);
    assert.deepEqual([...input.picture!.rgba.filter((_, i) => i % 4 !== 3)], [...expected]);
  });

  it('resizes straight to a network that is not square', () => {
    const spec = withImage(
      grey,
      { channels: 3, width: 12, height: 8 },
      { resizeShortSide: null, interpolation: 'bilinear', mean: [0, 0, 0], std: [1, 1, 1] },
    );
    const { rgba } = imageInput(bytesOf(golden.pipeline.bytes), 'whole.png', spec, sha256).picture!;
    assert.deepEqual([...rgba.filter((_, i) => i % 4 !== 3)], [...bytesOf(golden.pipeline.straight)]);
  });

  it('leaves a picture of the network size alone', () => {
    const data = Uint8Array.from({ length: 12 * 16 }, (_, i) => (i * 29) % 256);
    const spec = withImage(grey, {}, { resizeShortSide: 99 });
    const input = imageInput(encode({ width: 16, height: 12, data, channels: 1, depth: 8 }), 'g.png', spec, sha256);
    assert.ok(
      largest(
        input.pixels,
        Float64Array.from(data, (v) => (v / 255 - 0.25) / 0.5),
      ) < 1e-12,
    );
  });

  it('is not asked for networks of other channel counts', () => {
    const spec = withImage(grey, { channels: 4 }, {});
    assert.equal(
      sentence(() => imageInput(picture('rgb.png'), 'rgb.png', spec, sha256)),
      'The network takes 4 channels, so a picture cannot be its input. Give an array with npy:FILE.',
    );
  });
});

/** A PNG of any header and any inflated bytes. Chunk sums are left 0: nobody checks them. */
function craftPng(
  width: number,
  height: number,
  data: Uint8Array,
  header: { depth?: number; colour?: number; interlace?: number } = {},
): Uint8Array {
  const chunk = (type: string, body: Uint8Array): number[] => {
    const { length } = body;
    return [
      length >>> 24,
      (length >>> 16) & 255,
      (length >>> 8) & 255,
      length & 255,
      ...Buffer.from(type),
      ...body,
      0,
      0,
      0,
      0,
    ];
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([header.depth ?? 8, header.colour ?? 0, 0, 0, header.interlace ?? 0], 8);
  return Uint8Array.from([
    0x89,
    0x50,
    0x4e,
    0x47,
    13,
    10,
    26,
    10,
    ...chunk('IHDR', head),
    ...chunk('IDAT', zlibSync(data)),
    ...chunk('IEND', new Uint8Array()),
  ]);
}

describe('model: hostile pictures', () => {
  const good = picture('rgb.png');
  const jpeg = picture('full-chroma.jpg');
  const giantJpeg = Uint8Array.from(jpeg);
  const frameAt = jpeg.findIndex((byte, i) => byte === 0xff && jpeg[i + 1] === 0xc0);
  giantJpeg.set([0xff, 0xff, 0xff, 0xff], frameAt + 5);
  const brokenJpeg = Uint8Array.from(jpeg);
  brokenJpeg.fill(0xaa, frameAt + 40, frameAt + 160);
  const cases: readonly (readonly [what: string, name: string, bytes: Uint8Array, message: string | RegExp])[] = [
    ['empty', 'a.png', new Uint8Array(), 'a.png is empty. Choose a PNG or JPEG picture.'],
    ['text', 'a.png', Buffer.from('hello'), 'a.png is neither a PNG nor a JPEG picture. Save it as PNG.'],
    ['GIF', 'a.png', Buffer.from('GIF89a....'), 'a.png is a GIF; Gramlens reads PNG and JPEG. Save it as PNG.'],
    ['WebP', 'a.jpg', Buffer.from('RIFF....WEBP'), 'a.jpg is a WebP; Gramlens reads PNG and JPEG. Save it as PNG.'],
    [
      'NumPy',
      'a.npy',
      bytesOf(golden.arrays[0]!.bytes),
      'a.npy is a NumPy array (use npy:FILE for it); Gramlens reads PNG and JPEG. Save it as PNG.',
    ],
    [
      'half a PNG',
      'a.png',
      good.slice(0, good.length >> 1),
      `a.png is cut off: the PNG ends at byte ${good.length >> 1} before its end mark. Copy or save it again.`,
    ],
    [
      'giant PNG header',
      'a.png',
      craftPng(2 ** 31 - 1, 2 ** 31 - 1, new Uint8Array(9)),
      'a.png says it is 2147483647 x 2147483647 pixels; Gramlens reads pictures of at most 50 megapixels. Make it smaller first.',
    ],
    [
      'zero-size PNG',
      'a.png',
      craftPng(0, 5, new Uint8Array(9)),
      'a.png says it is 0 x 5 pixels; a picture needs at least one. Save it again and retry.',
    ],
    [
      'PNG bomb',
      'a.png',
      craftPng(4, 4, new Uint8Array(30_000_000)),
      'a.png: the PNG holds more data than its 4 x 4 pixels need; the file is crafted or damaged.',
    ],
    [
      'PNG with too few pixels',
      'a.png',
      craftPng(4, 400, new Uint8Array(50)),
      'a.png is cut off: the PNG holds pixels for a part of its 4 x 400 only. Copy or save it again.',
    ],
    [
      'PNG of an unknown filter',
      'a.png',
      craftPng(4, 1, Uint8Array.of(9, 1, 2, 3, 4)),
      'a.png: the PNG picture is damaged (Unsupported filter: 9). Save it again and retry.',
    ],
    [
      'PNG of an odd colour type',
      'a.png',
      craftPng(4, 1, new Uint8Array(5), { colour: 5 }),
      'a.png has a damaged PNG header. Save it again and retry.',
    ],
    [
      'PNG of odd depth',
      'a.png',
      craftPng(4, 1, new Uint8Array(5), { depth: 7 }),
      'a.png has a damaged PNG header (7 bits a channel). Save it again and retry.',
    ],
    [
      'PNG palette without colours',
      'a.png',
      craftPng(1, 1, new Uint8Array(2), { colour: 3 }),
      'a.png has no palette, which its pixels need; the PNG is damaged. Save it again and retry.',
    ],
    [
      'interlaced PNG of few bits',
      'a.png',
      craftPng(4, 1, new Uint8Array(50), { depth: 1, interlace: 1 }),
      'a.png is an interlaced PNG of 1 bits a channel, which Gramlens does not read. Save it without interlacing.',
    ],
    [
      'half a JPEG',
      'a.jpg',
      jpeg.slice(0, jpeg.length - 40),
      `a.jpg is cut off: the JPEG ends at byte ${jpeg.length - 40} before its end mark. Copy or save it again.`,
    ],
    [
      'JPEG without frame',
      'a.jpg',
      Uint8Array.of(0xff, 0xd8, 0xff, 0xd9, 0, 0),
      'a.jpg is cut off: the JPEG has no frame header. Copy or save it again.',
    ],
    [
      'giant JPEG',
      'a.jpg',
      giantJpeg,
      'a.jpg says it is 65535 x 65535 pixels; Gramlens reads pictures of at most 50 megapixels. Make it smaller first.',
    ],
    [
      'CMYK JPEG',
      'a.jpg',
      picture('cmyk.jpg'),
      'a.jpg is a JPEG of 4 colour channels (CMYK?). Save it as RGB or grey.',
    ],
    ['broken JPEG', 'a.jpg', brokenJpeg, /^a\.jpg: the JPEG picture is damaged \(.+\)\. Save it again and retry\.$/],
  ];
  for (const [what, name, bytes, message] of cases) {
    it(what, () => {
      const said = sentence(() => decodeImage(bytes, name));
      if (typeof message === 'string') assert.equal(said, message);
      else assert.match(said, message);
    });
  }

  it('one pixel wide and far too long', () => {
    const spec = withImage(grey, { width: 16, height: 16 }, { resizeShortSide: 256 });
    const strip = encode({ width: 1, height: 5000, data: new Uint8Array(5000), channels: 1, depth: 8 });
    assert.equal(
      sentence(() => imageInput(strip, 'strip.png', spec, sha256)),
      'strip.png is 1 x 5000 pixels, too narrow to be resized to a short side of 256. Crop it first.',
    );
  });

  it('any cut of a good file is a sentence, never a crash', () => {
    for (const file of [good, jpeg]) {
      for (let end = 0; end < file.length - 14; end += 7) sentence(() => decodeImage(file.slice(0, end), 'cut'));
    }
  });

  it('any flipped byte gives a picture or a sentence, never another error', () => {
    for (const file of [good, jpeg, picture('palette-transparent.png'), picture('bits.png')]) {
      for (let at = 0; at < file.length; at += 3) {
        const flipped = Uint8Array.from(file);
        flipped[at] = flipped[at]! ^ 0x5b;
        try {
          decodeImage(flipped, 'flipped');
        } catch (error) {
          assert.ok(error instanceof ModelSpecError, `byte ${at}: ${String(error)}`);
        }
      }
    }
  });
});

describe('model: npy input', () => {
  for (const entry of golden.arrays) {
    it(`reads ${entry.name} as NumPy does`, () => {
      const { shape, values } = parseNpy(bytesOf(entry.bytes), 'a.npy');
      assert.deepEqual(shape, entry.shape);
      assert.deepEqual([...values], entry.values);
    });
  }

  const spec = withImage(grey, { height: 3, width: 4 }, {});
  it('takes [C, H, W] and [1, C, H, W] as they are, with a picture for people', () => {
    for (const name of ['f8', 'fortran f8']) {
      const entry = golden.arrays.find((array) => array.name === name)!;
      const input = npyInput(bytesOf(entry.bytes), 'x.npy', spec, sha256);
      assert.deepEqual([...input.pixels], entry.values);
      assert.deepEqual([input.kind, input.label, input.picture!.width, input.picture!.height], ['npy', 'x.npy', 4, 3]);
      const undone = entry.values.map((value) => Math.min(255, Math.max(0, Math.round((value * 0.5 + 0.25) * 255))));
      assert.deepEqual([...input.picture!.rgba.filter((_, i) => i % 4 === 1)], undone);
    }
  });

  const npy = (header: string, data: Uint8Array = new Uint8Array()): Uint8Array =>
    Uint8Array.from([
      0x93,
      ...Buffer.from('NUMPY'),
      1,
      0,
      header.length & 255,
      header.length >> 8,
      ...Buffer.from(header),
      ...data,
    ]);
  const literal = (shape: string, descr = '<f4'): string =>
    `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  const numbers = (values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
  const refused = (name: string): Uint8Array =>
    bytesOf(golden.refusedArrays.find((entry) => entry.name === name)!.bytes);
  const cut = bytesOf(golden.arrays[0]!.bytes).slice(0, -5);
  const cases: readonly (readonly [what: string, bytes: Uint8Array, message: string])[] = [
    ['text', Buffer.from('hello, world'), 'x.npy is not a NumPy .npy file. Write it with numpy.save.'],
    [
      'objects',
      refused('objects'),
      'x.npy holds pickled Python objects, which are never loaded. Save a plain float array instead.',
    ],
    [
      'structured',
      refused('structured'),
      'x.npy holds a structured or unknown dtype. Save a plain float array instead.',
    ],
    [
      'complex',
      refused('complex'),
      "x.npy has the dtype c8; known are f8, f4, f2, i8, i4, u1. Convert it with .astype('float32').",
    ],
    [
      'version 9',
      Uint8Array.of(0x93, ...Buffer.from('NUMPY'), 9, 0, 0, 0, 0, 0),
      'x.npy has version 9 of the .npy format; 1 to 3 are known. Write it again with numpy.save.',
    ],
    [
      'giant header',
      Uint8Array.of(0x93, ...Buffer.from('NUMPY'), 2, 0, 255, 255, 255, 255),
      'x.npy has a header of 4294967295 bytes; at most 65536 are read. The file is crafted or damaged.',
    ],
    ['cut header', npy(literal('1, 3, 4')).slice(0, 30), 'x.npy is cut off inside its header. Copy or save it again.'],
    [
      'no shape',
      npy("{'descr': '<f4', 'fortran_order': False}"),
      'x.npy has a damaged .npy header. Write it again with numpy.save.',
    ],
    [
      'cut data',
      cut,
      'x.npy should hold 12 numbers of 4 bytes after byte 128, but has 43 bytes there. It is cut off or damaged; save it again.',
    ],
    [
      'giant shape',
      npy(literal('99999, 99999, 9')),
      'x.npy should hold 89998200009 numbers of 4 bytes after byte 80, but has 0 bytes there. It is cut off or damaged; save it again.',
    ],
    [
      'other size',
      npy(literal('1, 2, 2'), numbers([1, 2, 3, 4])),
      'x.npy has shape [1, 2, 2], but the network takes [1, 3, 4] or [1, 1, 3, 4] (channels, height, width).',
    ],
    [
      'tokens',
      npy(literal('3,'), numbers([1, 2, 3])),
      'x.npy has shape [3], but the network takes [1, 3, 4] or [1, 1, 3, 4] (channels, height, width).',
    ],
    [
      'several images',
      npy(literal('2, 1, 3, 4'), numbers(new Array<number>(24).fill(1))),
      'x.npy holds 2 images; this version takes one a file. Save each as [1, 3, 4].',
    ],
    [
      'NaN',
      npy(literal('1, 3, 4'), numbers([0, 0, NaN, ...new Array<number>(9).fill(1)])),
      'x.npy holds NaN at position 2; an input must be finite numbers.',
    ],
  ];
  for (const [what, bytes, message] of cases) {
    it(`refuses ${what}`, () =>
      assert.equal(
        sentence(() => npyInput(bytes, 'x.npy', spec, sha256)),
        message,
      ));
  }
});

describe('model: random input', () => {
  it('takes the numbers it is given and names its seed', () => {
    const spec = withImage(grey, { height: 2, width: 3 }, {});
    const input = randomInput(7, spec, (count) => Float64Array.from({ length: count }, (_, i) => i / 10), sha256);
    assert.deepEqual([...input.pixels], [0, 0.1, 0.2, 0.3, 0.4, 0.5]);
    assert.deepEqual([input.kind, input.label, input.sha256], ['random', 'random:7', 'sha of 48']);
  });
});
