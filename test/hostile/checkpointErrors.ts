// The exact sentence for every broken or crafted file of checkpointFiles.ts, behind "<file name>: ". Closing sentences that
// many share are named once.

const again = 'Copy or download the file again.';
const resave = "Save it again in Python: torch.save(model.state_dict(), 'weights.pt') or safetensors.torch.save_file.";
const rewrite = 'Write the file again with the safetensors library.';
const ours =
  'Gramlens opens safetensors, ONNX, GGUF and NumPy .npz files, checkpoints written by torch.save, and folders with one of them.';
const unsafe =
  'which can run code when Python loads the file. Gramlens refuses it; nothing was executed. ' +
  'If you trust its author, load it in Python in a sandbox and save the weights as safetensors.';

/** name -> reason of the CheckpointError, message. */
export const checkpointErrors: Readonly<Record<string, readonly [reason: string, message: string]>> = {
  empty: ['empty', `the file is empty. ${again}`],
  'one-byte': [
    'unknownFormat',
    `this is a file that begins with zeros only, as an interrupted download leaves it. ${again}`,
  ],
  zeros: [
    'unknownFormat',
    `this is a file that begins with zeros only, as an interrupted download leaves it. ${again}`,
  ],
  random: ['unknownFormat', `this is a file of unknown format (first bytes de ad be ef 01 02 03 04). ${ours}`],
  hdf5: ['unknownFormat', `this is an HDF5 file (Keras .h5). Export the weights as safetensors; ${ours}`],
  gguf: [
    'tooLarge',
    'the GGUF header claims 9,223,372,036,854,775,808 tensors, more than the 65,536 Gramlens accepts. The file is damaged or crafted.',
  ],
  onnx: ['truncated', `the ONNX model ends before its graph. ${again}`],
  npz: ['truncated', `array "weights" ends inside its .npy header. ${again}`],
  keras: ['unknownFormat', `this is a Keras archive. Export the weights as safetensors. ${ours}`],
  'zipped-checkpoint': [
    'unknownFormat',
    'this is a zip archive with the checkpoint run/model.safetensors inside. Unpack it and open that file.',
  ],
  'other-zip': ['unknownFormat', `this is a zip archive without data.pkl, so torch.save did not write it. ${ours}`],
  'empty-zip': ['unknownFormat', `this is an empty zip archive. ${again}`],
  'lfs-pointer': [
    'unknownFormat',
    'this is a Git LFS pointer, not the file itself. Run `git lfs pull` in its folder and open it again.',
  ],
  html: ['unknownFormat', `this is an HTML page, as a download behind a login leaves it. ${again}`],
  json: ['unknownFormat', `this is a JSON text. Open the weights beside it, or their folder. ${ours}`],
  'json-brace-at-8': ['unknownFormat', `this is a JSON text. Open the weights beside it, or their folder. ${ours}`],
  text: ['unknownFormat', `this is a text file. ${ours}`],
  tar: [
    'unknownFormat',
    'this is a tar archive (PyTorch before 0.1.10 saved such files). Unpack it and open the checkpoint inside, or load and save it again with a newer PyTorch.',
  ],
  gzip: ['unknownFormat', 'this is a gzip archive. Unpack it and open the checkpoint inside.'],
  'plain-pickle': [
    'unknownFormat',
    `this is a plain Python pickle without PyTorch's magic number. Load it in Python and save the weights with torch.save or as safetensors. ${ours}`,
  ],
  'st-count-only': ['truncated', `the safetensors header needs 100 bytes, the file holds 0 after the count. ${again}`],
  'st-cut-header': [
    'truncated',
    `the safetensors header needs 5,000 bytes, the file holds 10 after the count. ${again}`,
  ],
  'st-giant-header': [
    'tooLarge',
    'the safetensors header claims 9,223,372,036,854,775,808 bytes, more than the 100,000,000 the format allows. The file is damaged or crafted; copy or download the file again.',
  ],
  'st-giant-header-100mb': [
    'tooLarge',
    'the safetensors header claims 100,000,001 bytes, more than the 100,000,000 the format allows. The file is damaged or crafted; copy or download the file again.',
  ],
  'st-not-json': ['corrupt', `the safetensors header is not valid JSON. ${again}`],
  'st-not-utf8': ['corrupt', `the safetensors header is not UTF-8 text. ${again}`],
  'st-deep': ['corrupt', `the safetensors header is nested deeper than the format has levels. ${again}`],
  'st-twice': ['corrupt', `the safetensors header names "w" twice. ${rewrite}`],
  'st-list-entry': ['corrupt', `tensor "w": its description is not an object. ${rewrite}`],
  'st-no-dtype': ['corrupt', `tensor "w": its dtype is not a string. ${rewrite}`],
  'st-negative-shape': ['corrupt', `tensor "w": its shape is not a list of whole numbers from 0 to 2^53. ${rewrite}`],
  'st-fractional-shape': ['corrupt', `tensor "w": its shape is not a list of whole numbers from 0 to 2^53. ${rewrite}`],
  'st-huge-size': ['corrupt', `tensor "w": its shape is not a list of whole numbers from 0 to 2^53. ${rewrite}`],
  'st-overflow': [
    'corrupt',
    `tensor "w": shape [1099511627776, 1099511627776] has more elements than a file can hold. ${rewrite}`,
  ],
  'st-rank': [
    'corrupt',
    `tensor "w": its shape has 100,000 dimensions, more than the 64 any library makes. ${rewrite}`,
  ],
  'st-huge-offset': ['corrupt', `tensor "w": its data_offsets are not two whole numbers from 0 to 2^53. ${rewrite}`],
  'st-backwards': ['corrupt', `tensor "w": its bytes end (0) before they begin (4). ${rewrite}`],
  'st-cut-data': ['truncated', `tensor "w" ends at byte 16 of the data, the file holds 4. ${again}`],
  'st-overlap': ['corrupt', `tensors "a" and "b" overlap at byte 4 of the data. ${rewrite}`],
  'st-gap': ['corrupt', `bytes 4 to 8 of the data, before tensor "b", belong to no tensor. ${rewrite}`],
  'st-tail': ['corrupt', `8 bytes after the last tensor belong to no tensor. ${rewrite}`],
  'st-wrong-size': ['corrupt', `tensor "a": F32 with shape [3] needs 12 bytes, its data_offsets span 8. ${rewrite}`],
  'st-metadata-list': ['corrupt', `__metadata__ in the safetensors header is not a map of strings. ${rewrite}`],
  'zip-cut-half': ['truncated', `the zip archive has no directory at its end, so the file was cut off. ${again}`],
  'zip-cut-end': ['truncated', `the zip archive has no directory at its end, so the file was cut off. ${again}`],
  'zip-cut-start': ['truncated', `the zip archive has no directory at its end, so the file was cut off. ${again}`],
  'zip-count': ['corrupt', `the zip directory of 56 bytes cannot hold the 65,535 members it claims. ${again}`],
  'zip-directory-beyond': [
    'corrupt',
    `the zip directory should lie at bytes 1000000 to 1000056, past the end of the file (277). ${again}`,
  ],
  'zip-directory-giant': [
    'tooLarge',
    `the zip directory claims 4,000,000,000 bytes, more than the 67,108,864 Gramlens reads. The file is damaged or crafted. ${again}`,
  ],
  'zip-directory-wrong-place': ['corrupt', `entry 1 of the zip directory is damaged. ${again}`],
  'zip64-count': ['corrupt', `the zip directory holds the number 9223372036854775808, larger than any file. ${again}`],
  'zip64-offset': ['corrupt', `the zip directory holds the number 9223372036854775808, larger than any file. ${again}`],
  'zip64-size': [
    'tooLarge',
    `the zip directory claims 1,125,899,906,842,624 bytes, more than the 67,108,864 Gramlens reads. The file is damaged or crafted. ${again}`,
  ],
  'zip64-record': [
    'corrupt',
    `the zip64 record should lie at byte 1099511627776, past the end of the file (353). ${again}`,
  ],
  'zip-twice': ['corrupt', `the zip directory lists "a/data.pkl" twice. ${again}`],
  'zip-overlap': ['corrupt', `the zip members "a/data.pkl" and "a/data/0" overlap. ${again}`],
  'zip-member-beyond': [
    'corrupt',
    `the zip member "a/data.pkl" reaches into the zip directory (byte 9000030 of 199). ${again}`,
  ],
  'zip-no-local-header': ['corrupt', `there is no zip member "a/data.pkl" at byte 5. ${again}`],
  'zip-encrypted': ['unsupported', `the zip archive is encrypted. ${resave}`],
  'zip-method': [
    'unsupported',
    `"a/data.pkl" is compressed with zip method 12, which Gramlens does not read. ${resave}`,
  ],
  'zip-bomb': ['corrupt', `"a/data.pkl" inflates to more than the 1,000 bytes it promises. ${again}`],
  'zip-bomb-promise': [
    'corrupt',
    `"a/data.pkl" promises 200,000,000 bytes, more than its 4,886 compressed bytes can hold. ${again}`,
  ],
  'zip-bomb-giant': [
    'tooLarge',
    `"a/data.pkl" claims 4,000,000,000 bytes, more than the 268,435,456 Gramlens reads. The file is damaged or crafted. ${again}`,
  ],
  'zip-bad-deflate': ['corrupt', `"a/data.pkl" cannot be inflated. ${again}`],
  'zip-short-deflate': ['corrupt', `"a/data.pkl" inflates to 159 of the 160 bytes it promises. ${again}`],
  'zip-two-sizes': ['corrupt', `the stored zip member "a/data/0" gives two sizes, 16 and 64 bytes. ${again}`],
  'zip-byteorder': ['corrupt', `the member byteorder should hold "little" or "big". ${again}`],
  'zip-storage-missing': ['corrupt', `tensor "w" lies on storage "0", which is not in the file. ${resave}`],
  'zip-storage-short': [
    'corrupt',
    `storage "a/data/0" should have 16 bytes (4 elements of torch.FloatStorage), the archive holds 4. ${again}`,
  ],
  'pkl-cut': ['truncated', `data.pkl ends in the middle of an instruction. ${again}`],
  'pkl-opcode': ['corrupt', `data.pkl is damaged at byte 2: 0xfe where an instruction should stand. ${again}`],
  'pkl-protocol': [
    'corrupt',
    `data.pkl is damaged at byte 0: pickle protocol 9, newer than the 5 known ones. ${again}`,
  ],
  'pkl-underflow': ['corrupt', `data.pkl is damaged at byte 2: an instruction that finds the stack empty. ${again}`],
  'pkl-no-mark': ['corrupt', `data.pkl is damaged at byte 2: an instruction that finds no mark. ${again}`],
  'pkl-memo': [
    'corrupt',
    `data.pkl is damaged at byte 2: a reference to memo entry 7, which was never stored. ${again}`,
  ],
  'pkl-string-2e63': ['corrupt', `data.pkl is damaged at byte 3: a length of 9223372036854775808 bytes. ${again}`],
  'pkl-string-4gb': ['truncated', `data.pkl ends in the middle of an instruction. ${again}`],
  'pkl-long-4gb': ['corrupt', `data.pkl is damaged at byte 7: a whole number of 2147483647 bytes. ${again}`],
  'pkl-digits': ['corrupt', `data.pkl is damaged at byte 3: a line that should be a whole number. ${again}`],
  'pkl-append-to-none': ['corrupt', `data.pkl is damaged at byte 4: an APPEND to something that is no list. ${again}`],
  'pkl-setitem-on-list': ['corrupt', `data.pkl is damaged at byte 5: a SETITEM on something that is no dict. ${again}`],
  'pkl-out-of-band': [
    'corrupt',
    `data.pkl is damaged at byte 2: data kept outside the file (out-of-band buffers). ${again}`,
  ],
  'pkl-persistent-id': ['corrupt', `data.pkl refers to something that is no storage. ${resave}`],
  'pkl-storage-2e63': ['corrupt', `data.pkl refers to something that is no storage. ${resave}`],
  'pkl-storage-too-many': [
    'corrupt',
    `storage "a/data/0" should have 8,589,934,588 bytes (2,147,483,647 elements of torch.FloatStorage), the archive holds 16. ${again}`,
  ],
  'pkl-shape-overflow': [
    'corrupt',
    `data.pkl is damaged at byte 158: a tensor whose offset, shape or strides no file can hold. ${again}`,
  ],
  'pkl-shape-beyond': [
    'corrupt',
    `tensor "tensor" with shape [5] and strides [1] ends at byte 20 of storage "0", which has 16. ${resave}`,
  ],
  'pkl-stride-beyond': [
    'corrupt',
    `tensor "w" with shape [2, 2] and strides [1000000, 1] ends at byte 4000008 of storage "0", which has 16. ${resave}`,
  ],
  'pkl-offset-beyond': [
    'corrupt',
    `tensor "w" with shape [3] and strides [1] ends at byte 20 of storage "0", which has 16. ${resave}`,
  ],
  'pkl-negative-offset': [
    'corrupt',
    `data.pkl is damaged at byte 138: a tensor whose offset, shape or strides no file can hold. ${again}`,
  ],
  'pkl-laughs': [
    'tooLarge',
    `the checkpoint unfolds to more than 1,000,000 lists, maps and tensors; real ones stay far below, so the file is damaged or crafted. ${again}`,
  ],
  'pkl-memo-flood': [
    'tooLarge',
    `data.pkl builds more than 5,000,000 values; real checkpoints stay far below, so the file is damaged or crafted. ${again}`,
  ],
  'pkl-dict-flood': [
    'tooLarge',
    `data.pkl builds more than 1,000,000 lists, maps and objects; real checkpoints stay far below, so the file is damaged or crafted. ${again}`,
  ],
  'pkl-mark-flood': [
    'tooLarge',
    `data.pkl builds more than 100,000 open levels; real checkpoints stay far below, so the file is damaged or crafted. ${again}`,
  ],
  'pkl-copy-flood': [
    'tooLarge',
    `data.pkl builds more than 5,000,000 values; real checkpoints stay far below, so the file is damaged or crafted. ${again}`,
  ],
  'pkl-deep': [
    'tooLarge',
    `the checkpoint unfolds to more than 200 levels of nesting; real ones stay far below, so the file is damaged or crafted. ${again}`,
  ],
  'pkl-long-name': ['corrupt', `data.pkl is damaged at byte 2: a class name longer than any real one. ${again}`],
  'pkl-os-system': ['unsafe', `data.pkl names "os.system", ${unsafe}`],
  'pkl-uncalled': ['unsafe', `data.pkl names "subprocess.Popen", ${unsafe}`],
  'pkl-stack-global': ['unsafe', `data.pkl names "torch.serialization.os.system", ${unsafe}`],
  'pkl-getattr': ['unsafe', `data.pkl names "builtins.object.__subclasses__", ${unsafe}`],
  'pkl-inst': ['unsafe', `data.pkl names "posix.system", ${unsafe}`],
  'pkl-obj': ['unsafe', `data.pkl names "runpy.run_path", ${unsafe}`],
  'pkl-importlib': ['unsafe', `data.pkl names "importlib.import_module", ${unsafe}`],
  'pkl-torch-load': ['unsafe', `data.pkl names "torch.load", ${unsafe}`],
  'legacy-cut-magic': ['truncated', `the file ends inside the magic number. ${again}`],
  'legacy-cut-version': ['truncated', `the file ends inside the format version. ${again}`],
  'legacy-version': ['unsupported', `the legacy PyTorch format has version 1001, this file another one. ${resave}`],
  'legacy-cut-system': ['truncated', `the file ends inside the system facts. ${again}`],
  'legacy-cut-object': ['truncated', `the file ends inside the object pickle. ${again}`],
  'legacy-cut-keys': ['truncated', `the file ends inside the list of storages. ${again}`],
  'legacy-keys-no-list': ['corrupt', `the list of storages is no list. ${again}`],
  'legacy-keys-unknown': ['corrupt', `the list of storages names one that no tensor uses, or one twice. ${again}`],
  'legacy-keys-missing': ['corrupt', `tensor "w" lies on storage "0", which is not in the file. ${resave}`],
  'legacy-cut-count': ['truncated', `the file ends inside storage "0" (4 elements of torch.FloatStorage). ${again}`],
  'legacy-count-2e63': [
    'corrupt',
    `storage "0" has 9,223,372,036,854,775,808 elements where its data begin and 4 in the object pickle. ${again}`,
  ],
  'legacy-cut-storage': ['truncated', `the file ends inside storage "0" (4 elements of torch.FloatStorage). ${again}`],
  'legacy-string-beyond': ['truncated', `the file ends inside the object pickle. ${again}`],
  'legacy-unknown-storage': [
    'unsupported',
    `storage type "torch.QuaternionStorage" has an unknown element size, so what follows it cannot be found. ${resave}`,
  ],
};
