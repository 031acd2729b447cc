// The front door of `checkpoint`: looks at the first bytes (never at the suffix) and hands the file to its reader.

import type { ByteSource, OpenFile } from './byteSource';
import { CheckpointError } from './checkpointError';
import { isGguf, readGguf } from './gguf/readGguf';
import { copyAgain, supportedFiles } from './nextSteps';
import { isOnnx } from './onnx/isOnnx';
import { readOnnx } from './onnx/readOnnx';
import { isNpz, readNpy, readNpz } from './npz/npz';
import { readSafetensors } from './safetensors';
import { identify } from './signatures';
import type { TensorIndex } from './tensorIndex';
import { pickleAt, readTorchLegacy } from './torchLegacy';
import { readTorchZip, torchRoot } from './torchZip';
import { type ZipMember, readZipDirectory } from './zipDirectory';

/** Enough for every signature, tar's at byte 257 included. */
const headBytes = 512;

/**
 * Reads the headers of a checkpoint; no tensor bytes. `open` opens the files beside it that an ONNX model names.
 * @throws CheckpointError whose message names the file, what was found and the next step.
 */
export async function readCheckpoint(source: ByteSource, open: OpenFile | null = null): Promise<TensorIndex> {
  if (source.byteLength === 0) throw new CheckpointError('empty', `${source.name}: the file is empty. ${copyAgain}`);
  const head = await source.read(0, Math.min(headBytes, source.byteLength));
  if (isZip(head)) return readZip(source);
  // Before safetensors: the count 0x7b of a GGUF header stands where its "{" would.
  if (isGguf(head)) return readGguf(source);
  if (isLegacyTorch(head)) return readTorchLegacy(source);
  if (isSafetensors(head)) return readSafetensors(source);
  if (isNpy(head)) return readNpy(source);
  if (await isOnnx(source, head)) return readOnnx(source, open);
  if (head[0] === 0x80) await refuseUnsafePickle(source);
  const { what, next } = identify(head);
  throw new CheckpointError('unknownFormat', `${source.name}: this is ${what}. ${next}`);
}

const isZip = (head: Uint8Array): boolean =>
  head[0] === 0x50 && head[1] === 0x4b && ((head[2] === 3 && head[3] === 4) || (head[2] === 5 && head[3] === 6));

const isNpy = (head: Uint8Array): boolean => Array.from('\x93NUMPY').every((c, i) => head[i] === c.charCodeAt(0));

/** 0x1950a86a20f9469cfc6c as the 10 bytes of a LONG1; behind PROTO, and FRAME from protocol 4 on. */
const legacyMagic = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const legacyMagicText = 'L119547037146038801333356L';

function isLegacyTorch(head: Uint8Array): boolean {
  const at = head[0] !== 0x80 ? 0 : head[2] === 0x95 ? 11 : 2;
  if (head[0] === 0x80 && legacyMagic.every((byte, i) => head[at + i] === byte)) return true;
  return Array.from(legacyMagicText).every((c, i) => head[i] === c.charCodeAt(0));
}

/** A count and "{". Eight letters before the "{" are JSON or other text, whose count would be astronomic. */
function isSafetensors(head: Uint8Array): boolean {
  const count = head.subarray(0, 8);
  if (head.length < 9) return head.length === 8 && count[7] === 0 && count.some((byte) => byte !== 0);
  return head[8] === 0x7b && !count.every((byte) => byte >= 0x09 && byte < 0x7f);
}

async function readZip(source: ByteSource): Promise<TensorIndex> {
  const members = await readZipDirectory(source);
  const root = torchRoot(members);
  if (root !== null) return readTorchZip(source, members, root);
  if (isNpz(members)) return readNpz(source, members);
  throw new CheckpointError('unknownFormat', `${source.name}: this is ${describeZip(members)}`);
}

function describeZip(members: ReadonlyMap<string, ZipMember>): string {
  const names = [...members.keys()];
  if (names.length === 0) return `an empty zip archive. ${copyAgain}`;
  if (names.includes('model.weights.h5'))
    return `a Keras archive. Export the weights as safetensors. ${supportedFiles}`;
  const inner = names.find((name) => /\.(safetensors|pt|pth|bin|ckpt)$/.test(name));
  if (inner !== undefined)
    return `a zip archive with the checkpoint ${inner.slice(0, 200)} inside. Unpack it and open that file.`;
  return `a zip archive without data.pkl, so torch.save did not write it. ${supportedFiles}`;
}

/** A plain pickle is not ours to read, but when it names something that runs code the person should hear that. */
async function refuseUnsafePickle(source: ByteSource): Promise<void> {
  try {
    await pickleAt(source, 0, 'the pickle', () => null);
  } catch (error) {
    if (error instanceof CheckpointError && error.reason === 'unsafe') throw error;
    if (!(error instanceof CheckpointError)) throw error;
  }
}
