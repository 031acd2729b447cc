// The sample input of speech encoders: log-mel features as speech has them, three moving bands in syllables over a
// floor eight decades below the loudest bin. Only + - * /, so that every machine makes the same numbers.

import { audioShape } from '../blockShape';
import type { FeatureInput, ModelSpec } from '../modelSpec';
import type { Sha256, Uniform } from './samplePicture';

/** Decades between the loudest bin and the floor, and (log10 + 4) / 4: what Whisper's feature extractor does. */
const decades = 8;
const scaled = (log10: number): number => (log10 + 4) / 4;

/** Loudest log10 energy of a syllable at most; quieter ones go one decade lower. */
const loudest = 1.6;
/** Frames (10 ms) of a syllable and of the silence behind it. */
const syllable = { least: 12, most: 34 };
const silence = { least: 2, most: 16 };
/** Bands of a vowel as shares of the mel axis: where each may lie, its half-width, decades below the first. */
const bands = [
  { from: 0.12, to: 0.32, width: 0.06, below: 0 },
  { from: 0.35, to: 0.62, width: 0.07, below: 0.6 },
  { from: 0.66, to: 0.85, width: 0.08, below: 1.2 },
];
/** Decades of hiss about a mean 5.5 below the loudest. */
const hiss = { mean: -5.5, spread: 1.2 };

/** [mels, frames] as `seed` has them; `uniform` is its stream. Kind 'sample'. */
export function sampleFeatures(seed: number, spec: ModelSpec, uniform: Uniform, sha256: Sha256): FeatureInput {
  const { mels, frames } = audioShape(spec);
  const features = drawFeatures(mels, frames, uniform);
  const bytes = new DataView(new ArrayBuffer(features.length * 8));
  features.forEach((value, i) => {
    bytes.setFloat64(8 * i, value, true);
  });
  const hash = sha256(new Uint8Array(bytes.buffer));
  return {
    kind: 'sample',
    label: `sample features, seed ${seed}`,
    features,
    mels,
    frames,
    sha256: hash,
    picture: null,
  };
}

export function drawFeatures(mels: number, frames: number, uniform: Uniform): Float64Array {
  const between = (least: number, most: number): number => least + (most - least) * uniform();
  const log10 = Float64Array.from({ length: mels * frames }, () => hiss.mean + hiss.spread * (uniform() - 0.5));
  for (let start = 0; start < frames;) {
    const length = Math.round(between(syllable.least, syllable.most));
    const peak = loudest - between(0, 1);
    const tracks = bands.map((band) => ({
      ...band,
      start: between(band.from, band.to),
      end: between(band.from, band.to),
    }));
    for (let t = start; t < Math.min(frames, start + length); t++) {
      const place = (t - start + 0.5) / length;
      // A parabola in decades: up and down again within the syllable.
      const loudness = peak - 3 * (2 * place - 1) ** 2;
      for (const { start: from, end: to, width, below } of tracks) {
        const middle = from + (to - from) * place;
        for (let m = 0; m < mels; m++) {
          const away = ((m + 0.5) / mels - middle) / width;
          const at = m * frames + t;
          log10[at] = Math.max(log10[at]!, loudness - below - away * away);
        }
      }
    }
    start += length + Math.round(between(silence.least, silence.most));
  }
  const top = log10.reduce((most, value) => Math.max(most, value), -Infinity);
  return log10.map((value) => scaled(Math.max(value, top - decades)));
}
