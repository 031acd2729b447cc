// What a file is that is none of ours, by its first bytes: so that the message names it instead of "unknown".

import { copyAgain, supportedFiles } from './nextSteps';

export interface Finding {
  /** Completes "this is …". */
  readonly what: string;
  /** The next step, a sentence. */
  readonly next: string;
}

const convert = (how: string): string => `${how}; ${supportedFiles}`;

const magics: readonly {
  readonly at?: number;
  readonly bytes: readonly number[] | string;
  readonly finding: Finding;
}[] = [
  {
    bytes: '\x89HDF\r\n\x1a\n',
    finding: { what: 'an HDF5 file (Keras .h5)', next: convert('Export the weights as safetensors') },
  },
  { bytes: 'ggml', finding: { what: 'a GGML file', next: convert('Use the original safetensors weights') } },
  { bytes: 'lmgg', finding: { what: 'a GGML file', next: convert('Use the original safetensors weights') } },
  { bytes: 'tjgg', finding: { what: 'a GGML file', next: convert('Use the original safetensors weights') } },
  { at: 4, bytes: 'TFL3', finding: { what: 'a TensorFlow Lite model', next: supportedFiles } },
  { bytes: [0x1f, 0x8b], finding: { what: 'a gzip archive', next: 'Unpack it and open the checkpoint inside.' } },
  {
    bytes: [0x28, 0xb5, 0x2f, 0xfd],
    finding: { what: 'a Zstandard archive', next: 'Unpack it and open the checkpoint inside.' },
  },
  {
    bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a],
    finding: { what: 'an xz archive', next: 'Unpack it and open the checkpoint inside.' },
  },
  { bytes: 'BZh', finding: { what: 'a bzip2 archive', next: 'Unpack it and open the checkpoint inside.' } },
  { bytes: '7z\xbc\xaf\x27\x1c', finding: { what: 'a 7z archive', next: 'Unpack it and open the checkpoint inside.' } },
  {
    bytes: '\x89PNG',
    finding: { what: 'a PNG picture', next: `A picture is an input, not a checkpoint. ${supportedFiles}` },
  },
  {
    bytes: [0xff, 0xd8, 0xff],
    finding: { what: 'a JPEG picture', next: `A picture is an input, not a checkpoint. ${supportedFiles}` },
  },
  { bytes: '%PDF', finding: { what: 'a PDF document', next: supportedFiles } },
  { bytes: '\x7fELF', finding: { what: 'a program', next: supportedFiles } },
  { bytes: 'MZ', finding: { what: 'a program', next: supportedFiles } },
  {
    bytes: 'version https://git-lfs',
    finding: {
      what: 'a Git LFS pointer, not the file itself',
      next: 'Run `git lfs pull` in its folder and open it again.',
    },
  },
  { bytes: 'Entry not found', finding: { what: "a download server's error text", next: copyAgain } },
];

/** First bytes of a file (up to 512) -> what it is. Never empty-handed. */
export function identify(head: Uint8Array): Finding {
  for (const { at = 0, bytes, finding } of magics) if (startsWith(head, bytes, at)) return finding;
  if (startsWith(head, 'ustar', 257)) {
    return {
      what: 'a tar archive (PyTorch before 0.1.10 saved such files)',
      next: 'Unpack it and open the checkpoint inside, or load and save it again with a newer PyTorch.',
    };
  }
  if (head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5) {
    return {
      what: "a plain Python pickle without PyTorch's magic number",
      next: `Load it in Python and save the weights with torch.save or as safetensors. ${supportedFiles}`,
    };
  }
  const text = textKind(head);
  if (text !== null) return text;
  if (head.every((byte) => byte === 0)) {
    return { what: 'a file that begins with zeros only, as an interrupted download leaves it', next: copyAgain };
  }
  const shown = [...head.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return { what: `a file of unknown format (first bytes ${shown})`, next: supportedFiles };
}

function startsWith(head: Uint8Array, wanted: readonly number[] | string, at: number): boolean {
  const bytes = typeof wanted === 'string' ? Array.from(wanted, (c) => c.charCodeAt(0)) : wanted;
  return bytes.every((byte, i) => head[at + i] === byte);
}

function textKind(head: Uint8Array): Finding | null {
  const printable =
    head.every((byte) => byte >= 0x20 || byte === 9 || byte === 10 || byte === 13) && !head.includes(0x7f);
  if (!printable) return null;
  const text = new TextDecoder().decode(head).trimStart();
  if (text.includes('\ufffd') && !text.endsWith('\ufffd')) return null;
  if (/^(<!doctype|<html|<\?xml)/i.test(text)) {
    return { what: 'an HTML page, as a download behind a login leaves it', next: copyAgain };
  }
  if (/^[{[]/.test(text)) {
    return {
      what: 'a JSON text',
      next: `Open the weights beside it, or their folder. ${supportedFiles}`,
    };
  }
  return { what: 'a text file', next: supportedFiles };
}
