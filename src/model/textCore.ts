// What families of language models share: where their tensors stand in a file, sizes and switches from config.json,
// rotary positions, and the parts of a spec that have no picture side. One file a family does the rest.

import type { TensorIndex } from '../checkpoint/tensorIndex';
import { placesOf, type NamedFamily } from './families/namedFamily';
import {
  ModelSpecError,
  type Activation,
  type LinearRole,
  type ModelFamily,
  type ModelSpec,
  type RopeShape,
  type SpecFact,
  type TextShape,
} from './modelSpec';
import { givenBy, type ParsedOverrides } from './overrides';
import { asBoolean, asInteger, asNumber, asRecord, asText } from './parseValues';
import type { Found } from './settings';
import { SpecContext, type Axis } from './specContext';

/** A language model that tensor names tell. */
export interface TextFamily {
  /** For messages: 'a GPT-2 model'. */
  readonly what: string;
  /** A tensor of block 0 that only this family has, as the end of its name. */
  readonly mark: string;
  /** Further tensors of block 0 without which it is another family. */
  readonly marks?: readonly string[];
  /** `model_type` of configs whose files have these names and this forward pass; any other one is refused. */
  readonly modelTypes: readonly string[];
  /** false: another family with the same marks (default: always this one). */
  readonly claims?: (prefix: string, modelType: string | null) => boolean;
  readonly build: (reader: TextReader) => ModelSpec;
}

/** As `inferModelSpec` wants it. */
export function namedTextFamily(family: TextFamily): NamedFamily {
  const { what, mark, marks = [], modelTypes, claims = () => true } = family;
  return {
    layout: what,
    places: (index, modelType) => {
      const type = modelType?.toLowerCase() ?? null;
      const places = placesOf(index, new RegExp(`^(.*?)${mark.replaceAll('.', '\\.')}$`)).filter(
        (prefix) => marks.every((name) => index.entries.has(prefix + name)) && claims(prefix, type),
      );
      // Gemma and others share LLaMA's names and compute something else.
      if (places.length > 0 && type !== null && !modelTypes.includes(type)) {
        throw new ModelSpecError(
          'unsupported',
          `${index.fileName} has the tensor names of ${what}, but config.json says model_type "${type}". Gramlens does not run that family in this version: its numbers would be wrong.`,
        );
      }
      return places;
    },
    build: (context) => {
      if (family.modelTypes.length === 1) {
        context.fact('family', what.replace(/^an? /, ''), `tensor ${context.prefix}${mark}`);
      }
      return family.build(new TextReader(context, what));
    },
  };
}

/** Axes as messages name them. */
export const axis = (name: string, length: number): Axis => ({ name, length });

/** Names that hold no weights: buffers that older versions saved. */
const buffers =
  /(attn\.(attention\.)?(bias|masked_bias)|attention\.(bias|masked_bias)|rotary_emb\.inv_freq|position_ids|token_type_ids)$/;

/** One file of a language model while its spec is inferred. */
export class TextReader {
  readonly index: TensorIndex;
  readonly overrides: ParsedOverrides;
  readonly notes: string[];
  /** Tensors of the whole network: heads stand beside the inner model. */
  readonly outer: SpecContext;
  private readonly facts: SpecFact[];

  /** `inner`: tensors of the inner model, without heads. */
  constructor(
    readonly inner: SpecContext,
    what: string,
  ) {
    const { index, settings, overrides, facts, notes } = inner;
    this.index = index;
    this.overrides = overrides;
    this.facts = facts;
    this.notes = notes;
    // `transformer.h.0...`: heads stand where `transformer.` does.
    this.outer = new SpecContext(index, inner.prefix.replace(/[^.]+\.$/, ''), settings, overrides, facts, notes, what);
  }

  fact(fact: string, value: string | number | boolean, source: string): void {
    this.facts.push({ fact, value: String(value), source });
  }

  /** A setting, or its default; either becomes a fact. */
  setting<T extends string | number | boolean>(
    fact: string,
    keys: readonly string[],
    parse: (value: unknown) => T | null,
    expected: string,
    otherwise: T,
  ): T {
    const said = this.inner.settings.find(keys, parse, expected);
    this.fact(fact, said?.value ?? otherwise, said?.source ?? 'default of the family');
    return said?.value ?? otherwise;
  }

  integer(keys: readonly string[]): Found<number> | null {
    return this.inner.settings.find(keys, asInteger, 'a whole number');
  }

  flag(keys: readonly string[], otherwise: boolean): boolean {
    return this.inner.settings.find(keys, asBoolean, 'true or false')?.value ?? otherwise;
  }

  /** Blocks `stem`.0, `stem`.1, ... without a gap. */
  layers(stem: string): number {
    const present = new Set<number>();
    for (const name of this.inner.names()) {
      if (!name.startsWith(`${stem}.`)) continue;
      const number = /^(\d{1,9})\./.exec(name.slice(stem.length + 1));
      if (number !== null) present.add(Number(number[1]));
    }
    for (let i = 0; i < present.size; i++) {
      if (present.has(i)) continue;
      throw new ModelSpecError(
        'missingTensor',
        `${this.index.fileName} has ${present.size} blocks but no "${this.inner.prefix}${stem}.${i}.": blocks must be numbered from 0 without a gap. Check that the file holds the whole model, not a part of it.`,
      );
    }
    this.fact('layers', present.size, `tensor names ${this.inner.prefix}${stem}.*`);
    return present.size;
  }

  /** Epsilon of the norms. */
  eps(otherwise: number): number {
    const { eps } = this.overrides;
    if (eps !== undefined) {
      this.fact('norm eps', eps, givenBy(this.overrides, 'eps'));
      return eps;
    }
    const keys = ['layer_norm_epsilon', 'layer_norm_eps', 'rms_norm_eps', 'layernorm_epsilon', 'norm_eps'];
    const small = (value: unknown): number | null => {
      const number = asNumber(value);
      return number !== null && number > 0 && number <= 0.1 ? number : null;
    };
    return this.setting('norm eps', keys, small, 'a small number above 0', otherwise);
  }

  /** Activation of the MLP. @throws ModelSpecError unsupported for one that is not in this version. */
  activation(otherwise: string): Activation {
    const { activation } = this.overrides;
    if (activation !== undefined) {
      this.fact('activation', activation, givenBy(this.overrides, 'activation'));
      return activation;
    }
    const keys = ['activation_function', 'hidden_act', 'hidden_activation', 'activation'];
    const said = this.inner.settings.find(keys, asText, 'the name of an activation');
    const name = said?.value ?? otherwise;
    const known = activationNames[name.toLowerCase()];
    if (known === undefined) {
      throw new ModelSpecError(
        'unsupported',
        `${this.index.fileName}: ${said?.source ?? 'its family'} says the activation "${name}", which is not in this version. If it is wrong, give --set activation=gelu (or another).`,
      );
    }
    this.fact('activation', known, said?.source ?? 'default of the family');
    return known;
  }

  /** H: `--set heads`, config, a table of known widths, else a question. `rows`: H d of the query projection. */
  heads(keys: readonly string[], rows: number, table: ReadonlyMap<number, number> = new Map()): number {
    const wanted = this.overrides.heads;
    const said =
      wanted === undefined
        ? this.integer([...keys, 'num_heads', 'n_head'])
        : { value: wanted, source: givenBy(this.overrides, 'heads') };
    if (said !== null) {
      if (said.value < 1 || rows % said.value !== 0) {
        throw new ModelSpecError(
          wanted === undefined ? 'shapeMismatch' : 'badOverride',
          `${this.index.fileName}: ${said.source} says ${said.value} heads, but the queries have ${rows} rows, which ${said.value} does not divide. Give the right number with --set heads=N.`,
        );
      }
      this.fact('heads', said.value, said.source);
      return said.value;
    }
    const known = table.get(rows);
    if (known !== undefined) {
      this.fact('heads', known, `width ${rows} in the table of known widths`);
      return known;
    }
    const choices = Array.from({ length: rows }, (_, i) => i + 1).filter((n) => rows % n === 0 && rows / n >= 2);
    throw new ModelSpecError(
      'question',
      `${this.index.fileName} does not say how many attention heads it has, and there is no config.json beside it that does. Give it with --set heads=N, N one of ${choices.join(', ')}.`,
      {
        option: 'heads',
        question: `How many attention heads has each layer of ${this.index.fileName} (${rows} query rows)?`,
        choices: choices.map((n) => ({ value: String(n), label: `${n} heads`, detail: `d ${rows / n}` })),
      },
    );
  }

  /** weight or gamma, bias or beta; an RMSNorm has no bias. */
  norm(context: SpecContext, name: string, width: Axis): LinearRole {
    const old = !context.has(`${name}.weight`) && context.has(`${name}.gamma`);
    const [weight, bias] = old ? ['gamma', 'beta'] : ['weight', 'bias'];
    return {
      weight: context.tensor(`${name}.${weight}`, [width]),
      bias: context.optionalTensor(`${name}.${bias}`, [width]),
    };
  }

  /** A matrix stored [in, out] (Conv1D). */
  transposed(name: string, out: Axis, input: Axis): LinearRole {
    return {
      weight: this.inner.tensor(`${name}.weight`, [input, out]),
      bias: this.inner.optionalTensor(`${name}.bias`, [out]),
      layout: 'in-out',
    };
  }

  /** Separate q, k, v matrices as one role. */
  fused(query: LinearRole, key: LinearRole, value: LinearRole): LinearRole {
    return { ...query, then: [key, value] };
  }

  /** First of several names (without prefix) that the file has, in the whole network. */
  first(names: readonly string[]): string | null {
    return names.find((name) => this.outer.has(name)) ?? null;
  }

  /** Rotary positions, v4 and v5 spelling. @throws ModelSpecError unsupported for a type that is not in this version. */
  rope(headDim: number, partial = 1): RopeShape {
    const { settings } = this.inner;
    const nested = ['rope_parameters', 'rope_scaling'].flatMap((key) => {
      const found = settings.find([key], asRecord, 'a map')?.value;
      return found === undefined ? [] : [found];
    });
    const number = (keys: readonly string[]): Found<number> | null => {
      for (const map of nested) {
        for (const key of keys) {
          const value = asNumber(map[key]);
          if (value !== null) return { value, source: `config.json rope parameters ${key}` };
        }
      }
      return settings.find(keys, asNumber, 'a number');
    };
    const theta = number(['rope_theta', 'rotary_emb_base']);
    if (theta === null) {
      this.notes.push(
        'Nothing says the base of the rotary positions (rope_theta); 10000 was taken. Put the config.json of the model beside the file: with another base the numbers are wrong.',
      );
    }
    this.fact('rope theta', theta?.value ?? 10000, theta?.source ?? 'default of the family');
    const share = number(['partial_rotary_factor', 'rotary_pct'])?.value ?? partial;
    const dims = Math.trunc(headDim * share);
    this.fact('rope dims', dims, share === 1 ? 'head size' : `${share} of the head size`);
    const type =
      nested.map((map) => asText(map['rope_type'] ?? map['type'])).find((value) => value !== null) ?? 'default';
    return {
      theta: theta?.value ?? 10000,
      dims: dims - (dims % 2),
      style: 'half',
      scaling: this.ropeScaling(type, (key) => number([key])?.value ?? null),
    };
  }

  private ropeScaling(type: string, number: (key: string) => number | null): RopeShape['scaling'] {
    if (type === 'default') return null;
    const need = (key: string): number => {
      const value = number(key);
      if (value !== null && value > 0) return value;
      throw new ModelSpecError(
        'unsupported',
        `${this.index.fileName}: the rotary positions are of type "${type}", but config.json does not say ${key}. Add it there.`,
      );
    };
    this.fact('rope scaling', type, 'config.json rope parameters');
    if (type === 'linear') return { kind: 'linear', factor: need('factor') };
    if (type === 'llama3') {
      return {
        kind: 'llama3',
        factor: need('factor'),
        lowFrequency: need('low_freq_factor'),
        highFrequency: need('high_freq_factor'),
        originalContext: need('original_max_position_embeddings'),
      };
    }
    throw new ModelSpecError(
      'unsupported',
      `${this.index.fileName} has rotary positions of type "${type}", which is not in this version (default, linear and llama3 are): its numbers would be wrong.`,
    );
  }

  /** Unknown tensors inside blocks change the forward pass: refused. Outside they are noted. */
  checkUnused(stem: string): void {
    const used = new Set<string>();
    for (const context of [this.inner, this.outer]) for (const name of context.used) used.add(context.prefix + name);
    const ignored: string[] = [];
    for (const name of this.outer.names()) {
      const full = this.outer.prefix + name;
      if (used.has(full) || buffers.test(full)) continue;
      if (full.startsWith(`${this.inner.prefix}${stem}.`)) {
        throw new ModelSpecError(
          'unsupported',
          `${this.index.fileName}: tensor "${full}" has no place in a family Gramlens knows, and leaving it out would make the numbers wrong. Remove it from the file if the forward pass does not use it.`,
        );
      }
      ignored.push(name);
    }
    if (ignored.length === 0) return;
    const listed = ignored.slice(0, 4).join(', ') + (ignored.length > 4 ? ', ...' : '');
    this.notes.push(`${ignored.length} tensors outside the network that is inspected were ignored: ${listed}.`);
  }

  /** A spec with what has no meaning without pictures filled in. */
  spec(
    family: ModelFamily,
    parts: Pick<
      ModelSpec,
      | 'causal'
      | 'layers'
      | 'heads'
      | 'headDim'
      | 'embedDim'
      | 'mlpDim'
      | 'layerNormEps'
      | 'activation'
      | 'embed'
      | 'blocks'
      | 'head'
      | 'block'
    > & { readonly kvHeads?: number; readonly text: Pick<TextShape, 'context'> & Partial<TextShape> },
  ): ModelSpec {
    const vocabulary = this.index.entries.get(parts.embed.words ?? '')?.shape[0] ?? 0;
    this.fact('head size', parts.headDim, 'rows of the queries / heads');
    this.fact('vocabulary', vocabulary, `shape of ${parts.embed.words ?? ''}`);
    const classifier = parts.head.classifier;
    const classes = classifier === null ? null : (this.index.entries.get(classifier.weight)?.shape[0] ?? null);
    if ((parts.head.output ?? 'logits') === 'logits') {
      this.fact('classes', classes ?? 'none: no head in the file', classifier?.weight ?? 'tensor names');
    }
    return {
      family,
      attention: 'softmax',
      kvHeads: parts.heads,
      ...parts,
      // As many as the context until an input is chosen.
      tokens: parts.text.context ?? 1,
      prefixTokens: 0,
      positionCoversPrefix: true,
      image: null,
      text: { positionOffset: 0, scale: 1, ...parts.text, vocabulary },
      classes,
      standardise: false,
      rpc: null,
      preprocessing: null,
      facts: this.facts,
      notes: this.notes,
    };
  }
}

const activationNames: Readonly<Partial<Record<string, Activation>>> = {
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_fast: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  gelu_tanh: 'gelu_tanh',
  quick_gelu: 'quick_gelu',
  relu: 'relu',
  silu: 'silu',
  swish: 'silu',
};
