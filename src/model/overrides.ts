// `--set name=value` and the answers to questions, checked before anything else is looked at. Values that need
// the file to be judged (does 4 divide the width?) are judged where the fact is used.

import * as l10n from '@vscode/l10n';
import { ModelSpecError, type Activation, type RpcVariant, type SpecOverrides } from './modelSpec';
import { asBoolean, asInteger, asLayers, asNumber, asNumbers, asSize } from './parseValues';

export type AttentionOverride = 'softmax' | 'symmetric' | 'scaled' | 'rpc' | 'reconstruction';

export type Tower = 'vision' | 'text';

export interface ParsedOverrides {
  readonly heads?: number;
  readonly decoderHeads?: number;
  readonly eps?: number;
  readonly attention?: AttentionOverride;
  readonly rpcVariant?: RpcVariant;
  readonly rpcIterations?: number;
  readonly rpcLambda?: number;
  readonly rpcLayers?: 'all' | 'none' | readonly number[];
  readonly activation?: Activation;
  readonly grid?: { readonly height: number; readonly width: number };
  readonly image?: { readonly height: number; readonly width: number };
  readonly frames?: number;
  readonly tower?: Tower;
  readonly tokens?: number;
  readonly state?: string;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly cutoffs?: readonly number[];
  readonly standardise?: boolean;
  /** A file of the tokenizer, or 'bytes'. Read by whoever makes the input. */
  readonly tokenizer?: string;
  /** Where options came from that were not given with --set, for facts and messages. */
  readonly sources?: Readonly<Record<string, string>>;
}

/** How facts and messages name the place where a person gave `option`. */
export function givenBy(overrides: ParsedOverrides, option: string): string {
  return overrides.sources?.[option] ?? `--set ${option}`;
}

/** Whether a fact's source is what `givenBy` says: a person decided it, not the file. */
export function isGiven(source: string): boolean {
  return source.startsWith('--set ') || / (overrides|mapping)\.[\w.]+$/.test(source);
}

/** More RPC iterations than any published run; against a crafted or mistyped 1e9. */
export const maxRpcIterations = 64;

interface Option {
  readonly expected: string;
  readonly parse: (text: string) => ParsedOverrides | null;
}

function oneOf<T extends string>(values: readonly T[], make: (value: T) => ParsedOverrides): Option {
  return {
    expected: l10n.t('one of {0}', values.join(', ')),
    parse: (text) => {
      const found = values.find((value) => value === text);
      return found === undefined ? null : make(found);
    },
  };
}

function parsed<T>(expected: string, parse: (text: string) => T | null, make: (value: T) => ParsedOverrides): Option {
  return {
    expected,
    parse: (text) => {
      const value = parse(text);
      return value === null ? null : make(value);
    },
  };
}

const atLeastOne = (text: string): number | null => {
  const value = asInteger(text);
  return value !== null && value >= 1 ? value : null;
};

/** Every option of `--set`, in the order messages list them. */
const options: Readonly<Record<string, Option>> = {
  heads: parsed(l10n.t('a whole number, 1 or more'), atLeastOne, (heads) => ({ heads })),
  'decoder.heads': parsed(l10n.t('a whole number, 1 or more'), atLeastOne, (decoderHeads) => ({ decoderHeads })),
  eps: parsed(
    l10n.t('a number above 0 and at most 0.1'),
    (text) => within(asNumber(text), (eps) => eps > 0 && eps <= 0.1),
    (eps) => ({ eps }),
  ),
  attention: oneOf(['softmax', 'symmetric', 'scaled', 'rpc', 'reconstruction'], (attention) => ({ attention })),
  'rpc.variant': oneOf(['code', 'code-headdim', 'paper', 'admm'], (rpcVariant) => ({ rpcVariant })),
  'rpc.iterations': parsed(
    l10n.t('a whole number from {0} to {1}', 1, maxRpcIterations),
    (text) => within(atLeastOne(text), (n) => n <= maxRpcIterations),
    (rpcIterations) => ({ rpcIterations }),
  ),
  'rpc.lambda': parsed(
    l10n.t('a number, 0 or more'),
    (text) => within(asNumber(text), (lambda) => lambda >= 0),
    (rpcLambda) => ({ rpcLambda }),
  ),
  'rpc.layers': parsed(l10n.t('all, none, or layer indexes such as 0 or 0/2 or 0-2'), asLayers, (rpcLayers) => ({
    rpcLayers,
  })),
  activation: oneOf<Activation>(['gelu', 'gelu_tanh', 'quick_gelu', 'relu', 'silu'], (activation) => ({ activation })),
  grid: parsed(l10n.t('rows x columns of patches, such as 7x5'), asSize, (grid) => ({ grid })),
  image: parsed(l10n.t('height x width in pixels, such as 28x20'), asSize, (image) => ({ image })),
  tokens: parsed(l10n.t('a whole number, 1 or more'), atLeastOne, (tokens) => ({ tokens })),
  frames: parsed(
    l10n.t('an even whole number of feature frames, 2 or more'),
    (text) => within(atLeastOne(text), (frames) => frames % 2 === 0),
    (frames) => ({ frames }),
  ),
  tower: oneOf<Tower>(['vision', 'text'], (tower) => ({ tower })),
  state: parsed(
    l10n.t('the name of a state in the file, such as model_ema'),
    (text) => (text === '' ? null : text),
    (state) => ({ state }),
  ),
  mean: parsed(l10n.t('one number, or one a channel such as 0.485/0.456/0.406'), asNumbers, (mean) => ({ mean })),
  std: parsed(
    l10n.t('one number above 0, or one a channel such as 0.229/0.224/0.225'),
    (text) => within(asNumbers(text), (std) => std.every((value) => value > 0)),
    (std) => ({ std }),
  ),
  cutoffs: parsed(l10n.t('word indexes such as 20000/40000/200000'), asNumbers, (cutoffs) => ({ cutoffs })),
  standardise: parsed(l10n.t('true or false'), asBoolean, (standardise) => ({ standardise })),
  tokenizer: parsed(
    l10n.t('a file (tokenizer.json, vocab.json, vocab.txt, tokenizer.model), or bytes'),
    (text) => (text === '' ? null : text),
    (tokenizer) => ({ tokenizer }),
  ),
};

/** Names that `--set` takes, for help texts. */
export const overrideNames: readonly string[] = Object.keys(options);

/**
 * Checks names and values; throws ModelSpecError 'badOverride'. `sources`: where options came from that were not
 * given with --set.
 */
export function parseOverrides(
  overrides: SpecOverrides,
  sources: Readonly<Record<string, string>> = {},
): ParsedOverrides {
  let result: ParsedOverrides = { sources };
  for (const [name, text] of Object.entries(overrides)) {
    const given = `${givenBy(result, name)}=${text}`;
    if (!Object.hasOwn(options, name)) {
      throw new ModelSpecError(
        'badOverride',
        `${given}: there is no option "${name}". The options are ${overrideNames.join(', ')}.`,
      );
    }
    const option = options[name]!;
    const value = option.parse(text.trim());
    if (value === null) {
      throw new ModelSpecError('badOverride', `${given}: ${l10n.t('{0} must be {1}.', name, option.expected)}`);
    }
    result = { ...result, ...value };
  }
  return result;
}

function within<T>(value: T | null, holds: (value: T) => boolean): T | null {
  return value !== null && holds(value) ? value : null;
}
