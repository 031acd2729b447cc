// The options of `gramlens inspect` as text -> values, each with a sentence when it is wrong. Exit code 2.

import type { NoiseKind } from '../diagnostics/headResult';
import type { NoisePlace } from '../diagnostics/networkNoise';
import { defaultLevels } from '../diagnostics/noiseLevels';
import { defaultSweep, maxSweepIterations, type RpcSweepSettings } from '../diagnostics/rpcSweep';
import { defaultRepeats, noiseKinds, publishedRpc } from '../inspection/defaults';
import type { ModelInput, ModelSpec, RpcSettings, RpcVariant, SpecOverrides } from '../model/modelSpec';
import { headMetrics } from '../inspection/resultSchema';

/** Wrong options: exit code 2, and the sentence says which one. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const variants: readonly RpcVariant[] = ['code', 'code-headdim', 'paper', 'admm'];
/** Against a mistyped range such as 0-99999999; no model has more layers or heads. */
const maxIndex = 100_000;

/** '0,2-5' -> [0, 2, 3, 4, 5]. `option` is named in the message. */
export function parseIndexes(text: string, option: string): number[] {
  const result: number[] = [];
  for (const part of text.split(',')) {
    const match = /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || last < first || last > maxIndex) {
      throw new UsageError(`${option} ${text}: "${part}" is not an index or a range such as 2-5.`);
    }
    for (let index = first; index <= last; index += 1) result.push(index);
  }
  return result;
}

export function parseWhole(text: string, option: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most) {
    throw new UsageError(`${option} ${text}: must be a whole number from ${least} to ${most}.`);
  }
  return value;
}

function parseReal(text: string, option: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new UsageError(`${option} ${text}: must be a number, 0 or more.`);
  }
  return value;
}

/** Saying a thing twice is a mistake, not a choice. */
function refuseTwice(names: readonly string[], option: string): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new UsageError(`${option} ${twice} is given twice.`);
}

/** 'a=1,b=2' -> pairs, each name once; a part without '=' continues the value before it ('rpc.layers=0,2'). */
function parsePairs(text: string, option: string): [string, string][] {
  const pairs: [string, string][] = [];
  for (const part of text.split(',')) {
    const at = part.indexOf('=');
    const before = pairs.at(-1);
    if (at > 0) pairs.push([part.slice(0, at).trim(), part.slice(at + 1).trim()]);
    else if (before !== undefined) before[1] += `,${part.trim()}`;
    else throw new UsageError(`${option} ${text}: expected name=value pairs, found "${part}".`);
  }
  return pairs;
}

/** Several `--set` may be given. */
export function parseSet(texts: readonly string[]): SpecOverrides {
  const pairs = texts.flatMap((text) => parsePairs(text, '--set'));
  refuseTwice(
    pairs.map(([name]) => name),
    '--set',
  );
  return Object.fromEntries(pairs);
}

/** The tower of a CLIP model that `--input SPEC` is for; null where arrays and noise fit both. */
export function towerOf(input: string): 'vision' | 'text' | null {
  if (/^(tokens|text):|\.(json|txt)$/i.test(input)) return 'text';
  return /\.(png|jpe?g)$/i.test(input) ? 'vision' : null;
}

/** Facts that are true of nothing in this run: the person believes something else about the model or the input. */
export function checkSetIsUsed(
  overrides: SpecOverrides,
  spec: Pick<ModelSpec, 'attention' | 'audio' | 'text'>,
  input: Pick<ModelInput, 'kind' | 'label'>,
): void {
  for (const name of Object.keys(overrides)) {
    if (name.startsWith('rpc.') && spec.attention !== 'rpc') {
      const hint = spec.attention === 'symmetric' ? ' Say --set attention=rpc if it was trained with RPC;' : '';
      throw new UsageError(
        `--set ${name}: the model's own attention is ${spec.attention}, not rpc, so this would have no effect.${hint} RPC beside the model is set with --rpc ${name.slice('rpc.'.length)}=….`,
      );
    }
    if (name === 'frames' && !spec.audio) {
      throw new UsageError('--set frames: this is no speech encoder, so this would have no effect. Leave it out.');
    }
    if (name === 'tokenizer' && !spec.text) {
      throw new UsageError(
        '--set tokenizer: this model takes no text, so a tokenizer would have no effect. Leave it out.',
      );
    }
    if ((name === 'mean' || name === 'std') && input.kind !== 'image' && input.kind !== 'sample') {
      throw new UsageError(
        `--set ${name}: the input ${input.label} is normalised already, so this would have no effect. It is for pictures.`,
      );
    }
  }
}

/** `--rpc variant=code,iterations=4,lambda=4,layers=all|none|0`; what is not said comes from `base`. */
export function parseRpc(text: string, base: RpcSettings = publishedRpc): RpcSettings {
  let result = base;
  const pairs = parsePairs(text, '--rpc');
  const names = pairs.map(([name]) => name);
  refuseTwice(names, '--rpc');
  for (const [name, value] of pairs) {
    switch (name) {
      case 'variant': {
        const variant = variants.find((known) => known === value);
        if (variant === undefined) {
          throw new UsageError(`--rpc variant=${value}: the variants are ${variants.join(', ')}.`);
        }
        result = { ...result, variant };
        break;
      }
      case 'iterations':
        result = { ...result, iterations: parseWhole(value, '--rpc iterations', 1, 64) };
        break;
      case 'lambda':
        result = { ...result, lambda: parseReal(value, '--rpc lambda') };
        break;
      case 'layers':
        result = {
          ...result,
          layers: value === 'all' || value === 'none' ? value : parseIndexes(value, '--rpc layers'),
        };
        break;
      default:
        throw new UsageError(
          `--rpc ${name}=${value}: there is no "${name}"; known are variant, iterations, lambda, layers.`,
        );
    }
  }
  const idle = names.find((name) => name !== 'layers');
  if (result.layers === 'none' && idle !== undefined) {
    throw new UsageError(`--rpc layers=none leaves RPC out, so ${idle} would have no effect. Leave one of them out.`);
  }
  return result;
}

/** Noise of a sweep that does not name its own: it needs nothing but q, k, v, as the editor's laboratory. */
const sweepNoise: NoiseKind = 'key_gauss';

/**
 * `--rpc-sweep lambda=0.5,1,2;iterations=1,2,4;noise=key_gauss`, or `default`; what is not said comes from the default
 * grid. `levels` and `repeats` are those of the run, null where nobody said them.
 */
export function parseRpcSweep(
  text: string,
  levels: readonly number[] | null,
  repeats: number = defaultRepeats,
): Omit<RpcSweepSettings, 'variant'> {
  let { lambdas, iterations } = defaultSweep;
  let kind: NoiseKind | null = sweepNoise;
  const parts = text === 'default' ? [] : text.split(';').map((part) => part.trim());
  const names: string[] = [];
  const ascending = (values: number[], name: string): number[] => {
    refuseTwice(values.map(String), `--rpc-sweep ${name}`);
    return values.sort((a, b) => a - b);
  };
  for (const part of parts) {
    const at = part.indexOf('=');
    const name = part.slice(0, Math.max(at, 0)).trim();
    const value = part.slice(at + 1).trim();
    names.push(name);
    switch (name) {
      case 'lambda':
        lambdas = ascending(
          value.split(',').map((one) => parseReal(one, '--rpc-sweep lambda')),
          name,
        );
        break;
      case 'iterations':
        iterations = ascending(
          value.split(',').map((one) => parseWhole(one, '--rpc-sweep iterations', 1, maxSweepIterations)),
          name,
        );
        break;
      case 'noise': {
        kind = value === 'none' ? null : (noiseKinds.find((known) => known === value) ?? null);
        if (kind === null && value !== 'none') {
          throw new UsageError(`--rpc-sweep noise=${value}: say one of ${noiseKinds.join(', ')}, or none.`);
        }
        break;
      }
      default:
        throw new UsageError(
          `--rpc-sweep "${part}": expected "lambda=0.5,1,2;iterations=1,2,4;noise=key_gauss", or default.`,
        );
    }
  }
  refuseTwice(names, '--rpc-sweep');
  return {
    lambdas,
    iterations,
    noise: kind === null ? null : { kind, levels: levels ?? defaultLevels(kind), repeats },
  };
}

export function parseNoise(text: string): NoiseKind[] {
  if (text === 'none') return [];
  const kinds = text.split(',').map((name) => {
    const kind = noiseKinds.find((known) => known === name.trim());
    if (kind === undefined) throw new UsageError(`--noise ${name}: the kinds are ${noiseKinds.join(', ')}, or none.`);
    return kind;
  });
  refuseTwice(kinds, '--noise');
  return kinds;
}

export function parseLevels(text: string): number[] {
  const levels = text.split(',').map((part) => parseReal(part, '--levels'));
  if (levels.some((level, i) => level <= (i === 0 ? 0 : levels[i - 1]!))) {
    throw new UsageError(`--levels ${text}: levels must be above 0 and ascending.`);
  }
  return levels;
}

/** 'input,2-4': the embedded input, and outputs of layers. */
export function parseNoisePlaces(text: string): NoisePlace[] {
  const parts = text.split(',').map((part) => part.trim());
  const places = parts.flatMap((part): NoisePlace[] => {
    return part === 'input' ? ['input'] : parseIndexes(part, '--network-noise');
  });
  refuseTwice(places.map(String), '--network-noise');
  return places;
}

/** `full`, or `prefix:T`: how many keys of a causal model are in its Gram matrix; null: all of them. */
export function parseGram(text: string): number | null {
  if (text === 'full') return null;
  const match = /^prefix[:=](\d+)$/.exec(text);
  if (match === null)
    throw new UsageError(`--gram ${text}: say full, or prefix:T with a number of tokens, as in prefix:16.`);
  return parseWhole(match[1]!, '--gram prefix', 1, maxIndex);
}

/** What this version writes; the contract's `md` is refused by name. */
const formats = ['html', 'md', 'json', 'csv', 'npz'] as const;
export type Format = (typeof formats)[number];

export function parseFormats(text: string): Format[] {
  const chosen = text.split(',').map((name) => {
    const format = formats.find((known) => known === name.trim());
    if (format === undefined)
      throw new UsageError(`--format ${name.trim()}: this version writes ${formats.join(', ')}.`);
    return format;
  });
  refuseTwice(chosen, '--format');
  return chosen;
}

export interface FailOn {
  readonly text: string;
  readonly metric: string;
  readonly holds: (value: number) => boolean;
}

/** 'alignment.theory.overlap < 0.2', the metric one of `names`; `where` says where they stand. */
export function parseFailOn(
  text: string,
  names: ReadonlySet<string> = headMetrics,
  where = 'names are the columns of heads.csv that hold numbers',
): FailOn {
  const match = /^\s*([\w.]+)\s*(<=|>=|==|!=|<|>)\s*(\S+)\s*$/.exec(text);
  const bound = Number(match?.[3]);
  if (match === null || !Number.isFinite(bound)) {
    throw new UsageError(`--fail-on "${text}": expected "metric op value", such as "alignment.theory.overlap < 0.2".`);
  }
  const comparisons: Record<string, (value: number) => boolean> = {
    '<': (value) => value < bound,
    '<=': (value) => value <= bound,
    '>': (value) => value > bound,
    '>=': (value) => value >= bound,
    '==': (value) => value === bound,
    '!=': (value) => value !== bound,
  };
  const metric = match[1]!;
  if (!names.has(metric)) {
    throw new UsageError(`--fail-on "${text}": there is no metric ${metric}; ${where}.`);
  }
  return { text, metric, holds: comparisons[match[2]!]! };
}
