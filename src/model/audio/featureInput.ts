// Log-mel features as network input: an exact array of the family's feature extractor, or seeded noise. Sound itself is
// not read: its spectrogram depends on the extractor, and an array can be compared with other tools to the last digit.

import { audioShape } from '../blockShape';
import { parseNpy } from '../image/npyArray';
import { ModelSpecError, type FeatureInput, type ModelSpec } from '../modelSpec';

export type Sha256 = (bytes: Uint8Array) => string;

/** A .npy file with [mels, frames] or [1, mels, frames]. Throws ModelSpecError 'badInput'. */
export function npyFeatures(bytes: Uint8Array, name: string, spec: ModelSpec, sha256: Sha256): FeatureInput {
  const { mels, frames } = audioShape(spec);
  const { shape, values } = parseNpy(bytes, name);
  const [rows, columns] = shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape.length === 2 ? shape : [];
  if (rows !== mels || columns !== frames) {
    throw new ModelSpecError(
      'badInput',
      `${name} has shape [${shape.join(', ')}], but the encoder takes [${mels}, ${frames}] or [1, ${mels}, ${frames}] (mel bins, frames). ${nextStep(spec, rows, columns)}`,
    );
  }
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new ModelSpecError(
      'badInput',
      `${name} holds ${values[bad]!} at position ${bad}; an input must be finite numbers.`,
    );
  }
  return { kind: 'npy', label: name, features: values, mels, frames, sha256: sha256(bytes), picture: null };
}

/** `normal(count)` gives `count` standard normal numbers; they fill [mels, frames] row-major. */
export function randomFeatures(
  seed: number,
  spec: ModelSpec,
  normal: (count: number) => Float64Array,
  sha256: Sha256,
): FeatureInput {
  const { mels, frames } = audioShape(spec);
  const features = normal(mels * frames);
  const bytes = new DataView(new ArrayBuffer(features.length * 8));
  features.forEach((value, i) => {
    bytes.setFloat64(8 * i, value, true);
  });
  const hash = sha256(new Uint8Array(bytes.buffer));
  return { kind: 'random', label: `random:${seed}`, features, mels, frames, sha256: hash, picture: null };
}

function nextStep(spec: ModelSpec, rows: number | undefined, columns: number | undefined): string {
  const { mels, frames } = audioShape(spec);
  if (columns === mels && rows === frames) return 'Save it transposed: mel bins first.';
  if (rows === mels && columns !== undefined && columns > 0 && columns < frames && columns % 2 === 0) {
    return `Pad the sound as the feature extractor does, or run on fewer frames with --set frames=${columns}.`;
  }
  return "Write it with the model's own feature extractor (input_features).";
}
