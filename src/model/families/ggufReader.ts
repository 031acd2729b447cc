// What the families of GGUF files share: the architecture that the metadata names, and numbers under its keys.

import type { TensorIndex } from '../../checkpoint/tensorIndex';
import { ModelSpecError, type Activation, type RopeShape } from '../modelSpec';
import { givenBy } from '../overrides';
import { asBoolean, asNumber, asText } from '../parseValues';
import type { SpecContext } from '../specContext';
import { TextReader } from '../textCore';

/** Of llama.cpp where a file has no rope.freq_base: converters leave it out for GPT-NeoX. */
const defaultTheta = 10000;

/** `general.architecture` of a GGUF file; null for other files. */
export function ggufArchitecture(index: TensorIndex): string | null {
  return index.format === 'gguf' ? asText(index.tree?.['general.architecture']) : null;
}

export class GgufReader extends TextReader {
  readonly architecture: string;

  constructor(context: SpecContext, what: string) {
    super(context, what);
    this.architecture = ggufArchitecture(context.index) ?? '';
  }

  /** Full key: `llama.attention.head_count`. */
  key(end: string): string {
    return `${this.architecture}.${end}`;
  }

  number(end: string): number | null {
    return this.inner.settings.find([this.key(end)], asNumber, 'a number')?.value ?? null;
  }

  text(end: string): string | null {
    return this.inner.settings.find([this.key(end)], asText, 'a name')?.value ?? null;
  }

  switch(end: string, otherwise: boolean): boolean {
    return this.inner.settings.find([this.key(end)], asBoolean, 'true or false')?.value ?? otherwise;
  }

  /** Epsilon under the family's own key. */
  epsAt(end: string, otherwise: number): number {
    const { eps } = this.overrides;
    const said = eps ?? this.number(end);
    const source =
      eps !== undefined ? givenBy(this.overrides, 'eps') : said === null ? 'default of the family' : this.key(end);
    this.fact('norm eps', said ?? otherwise, source);
    return said ?? otherwise;
  }

  /** Activation of the MLP; GGUF files never say it. */
  activationOf(otherwise: Activation, why: string): Activation {
    const { activation } = this.overrides;
    this.fact(
      'activation',
      activation ?? otherwise,
      activation === undefined ? why : givenBy(this.overrides, 'activation'),
    );
    return activation ?? otherwise;
  }

  /** Rotary positions with the scaling that the file names. @throws ModelSpecError unsupported for others than linear. */
  scaledRotary(headDim: number): RopeShape {
    const type = this.text('rope.scaling.type') ?? 'none';
    if (!['none', 'linear'].includes(type)) {
      throw new ModelSpecError(
        'unsupported',
        `${this.index.fileName} has a scaling of its rotary positions of type "${type}", which is not in this version for GGUF files: its numbers would be wrong. Use the safetensors file of the model.`,
      );
    }
    const factor = this.number('rope.scaling.factor');
    return this.rotary(headDim, type === 'linear' && factor !== null ? { kind: 'linear', factor } : null);
  }

  /** Rotary positions over the leading `rope.dimension_count` entries, rotate_half. */
  rotary(headDim: number, scaling: RopeShape['scaling'] = null): RopeShape {
    const base = this.number('rope.freq_base');
    this.fact('rope theta', base ?? defaultTheta, base === null ? "llama.cpp's default" : this.key('rope.freq_base'));
    const count = this.number('rope.dimension_count');
    const dims = count ?? headDim;
    if (!Number.isInteger(dims) || dims < 0 || dims > headDim || dims % 2 !== 0) {
      throw new ModelSpecError(
        'shapeMismatch',
        `${this.index.fileName}: ${this.key('rope.dimension_count')} is ${dims}, but a head has ${headDim} entries and they turn in pairs. Convert the model again.`,
      );
    }
    this.fact('rope dims', dims, count === null ? 'head size' : this.key('rope.dimension_count'));
    return { theta: base ?? defaultTheta, dims, style: 'half', scaling };
  }
}
