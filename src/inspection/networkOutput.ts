// What the network gave away at its end, for the result: the largest logits, or shape and length of what is no logits.

import type { FloatArray } from '../checkpoint/tensorIndex';
import { imageShape } from '../model/blockShape';
import { familyName } from '../model/describeSpec';
import type { ModelSpec } from '../model/modelSpec';
import type { NetworkOutput } from './inspectionResult';
import { maskSummary } from './maskSummary';

const listedLogits = 10;

/** `numbers`: logits [classes], an embedding [E], states [N, C] or masks [classes, gridHeight, gridWidth], as `spec.head.output` says. */
export function networkOutput(spec: ModelSpec, numbers: FloatArray): NetworkOutput {
  const kind = outputKind(spec);
  if (kind === 'masks') {
    const reason = 'the output is a mask a class, with logits of its own at every patch';
    return {
      kind,
      logitsTop: [],
      shape: outputShape(spec, numbers),
      masks: maskSummary(numbers, outputGrid(spec)),
      reason,
    };
  }
  if (kind !== 'logits') {
    const shape = outputShape(spec, numbers);
    const what = kind === 'states' ? 'a vector a token' : `an embedding${endOfText(spec)}`;
    const reason = `the output of a ${familyName(spec.family)} is ${what}`;
    return { kind, logitsTop: [], shape, norm: meanLength(numbers, shape.at(-1)!), reason };
  }
  const top = Array.from(numbers, (logit, index) => ({ index, label: String(index), logit }));
  top.sort((a, b) => b.logit - a.logit || a.index - b.index);
  const ofTokens = spec.text?.vocabulary === numbers.length;
  return { kind, logitsTop: top.slice(0, listedLogits), ...(ofTokens ? { logitsOf: 'tokens' as const } : {}) };
}

/** `output` with its tokens named by `labels`, those of the largest logits in their order; null: the id stays. */
export function withTokenLabels(output: NetworkOutput, labels: readonly (string | null)[]): NetworkOutput {
  if (output.logitsOf !== 'tokens') return output;
  return { ...output, logitsTop: output.logitsTop.map((top, i) => ({ ...top, label: labels[i] ?? top.label })) };
}

/** Which token a text embedding was read from. */
function endOfText({ head, text }: ModelSpec): string {
  if (head.pooling !== 'end' || !text) return '';
  const { endsAt = null } = text;
  return endsAt === null
    ? ', read from token 0 because the input has no end of text'
    : `, read from token ${endsAt}, the end of the text`;
}

export function outputKind(spec: ModelSpec): 'logits' | 'embedding' | 'states' | 'masks' {
  return spec.head.output ?? 'logits';
}

export function outputShape(spec: ModelSpec, numbers: FloatArray): readonly number[] {
  const kind = outputKind(spec);
  if (kind === 'masks') {
    const [rows, columns] = outputGrid(spec);
    return [numbers.length / (rows * columns), rows, columns];
  }
  return kind === 'states' ? [numbers.length / spec.embedDim, spec.embedDim] : [numbers.length];
}

function outputGrid(spec: ModelSpec): readonly [number, number] {
  const { gridHeight, gridWidth } = imageShape(spec);
  return [gridHeight, gridWidth];
}

/** Euclidean length of rows of `width` numbers, averaged. */
function meanLength(values: FloatArray, width: number): number {
  const rows = values.length / width;
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    let squares = 0;
    for (let i = row * width; i < (row + 1) * width; i++) squares += values[i]! ** 2;
    sum += Math.sqrt(squares);
  }
  return sum / rows;
}
