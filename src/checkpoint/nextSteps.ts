// The closing sentences of error messages: what a person can do about a file that cannot be read. One wording each,
// so that the same trouble reads the same in every format.

export const copyAgain = 'Copy or download the file again.';
export const saveAgain =
  "Save it again in Python: torch.save(model.state_dict(), 'weights.pt') or safetensors.torch.save_file.";
export const convertSafely =
  'If you trust its author, load it in Python in a sandbox and save the weights as safetensors.';
export const supportedFiles =
  'Gramlens opens safetensors, ONNX, GGUF and NumPy .npz files, checkpoints written by torch.save, and folders with one of them.';

/** 1234567 -> "1,234,567", the same in every locale. */
export function grouped(count: number | bigint): string {
  return count.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** A name from a file, cut so that a crafted one cannot flood a message; control characters made visible. */
export function quoted(name: string): string {
  const clean = name.slice(0, 200).replace(/[\u0000-\u001f\u007f]/g, '\ufffd');
  return `"${clean}${name.length > 200 ? '…' : ''}"`;
}
