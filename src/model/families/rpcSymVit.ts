// RPC-SymViT: a SymViT whose training arguments (or the person) say that RPC-Attention ran. RPC has no parameters;
// robust, num_iter, lambd and layer stand in the pickled `args` of a training checkpoint (spec sections 1 and 2).

import { ModelSpecError, type RpcSettings, type SpecQuestion } from '../modelSpec';
import { givenBy, maxRpcIterations } from '../overrides';
import { asBoolean, asInteger, asLayers, asNumber } from '../parseValues';
import type { SpecContext } from '../specContext';
import { imageNetPictures } from '../pictureDefaults';
import type { RecogniseFamily } from './family';

export const rpcSymVit: RecogniseFamily = (context, probe) => {
  if (probe.projections !== 2 || context.overrides.attention === 'symmetric') return null;
  const robust = context.settings.find(['robust'], asBoolean, 'true or false');
  const wanted = context.overrides.attention === 'rpc';
  if (!wanted && robust?.value !== true) return null;
  return {
    family: 'rpc-symvit',
    attention: 'rpc',
    standardise: false,
    rpc: rpcSettings(context, probe.layers),
    picture: imageNetPictures,
    source: wanted ? givenBy(context.overrides, 'attention') : robust!.source,
  };
};

function rpcSettings(context: SpecContext, layers: number): RpcSettings {
  const { overrides, settings } = context;
  const variant = overrides.rpcVariant ?? 'code';
  context.fact(
    'rpc.variant',
    variant,
    overrides.rpcVariant === undefined ? 'default: the released code' : givenBy(overrides, 'rpc.variant'),
  );
  const iterations =
    overrides.rpcIterations !== undefined
      ? { value: overrides.rpcIterations, source: givenBy(overrides, 'rpc.iterations') }
      : (settings.find(['num_iter'], iterationCount, `a whole number from 1 to ${maxRpcIterations}`) ??
        ask(context, 'rpc.iterations', 'How many RPC iterations did the training run use (args.num_iter)?', [
          '4',
          '2',
          '1',
        ]));
  const lambda =
    overrides.rpcLambda !== undefined
      ? { value: overrides.rpcLambda, source: givenBy(overrides, 'rpc.lambda') }
      : (settings.find(['lambd'], nonNegative, 'a number, 0 or more') ??
        ask(context, 'rpc.lambda', 'Which RPC lambda did the training run use (args.lambd)?', ['4', '3', '0.5']));
  const where =
    overrides.rpcLayers !== undefined
      ? { value: overrides.rpcLayers, source: givenBy(overrides, 'rpc.layers') }
      : (settings.find(['layer'], asLayers, 'a layer index') ??
        ask(context, 'rpc.layers', 'In which layers did the training run use RPC (args.layer)?', ['0', 'all']));
  const outside = Array.isArray(where.value) ? where.value.filter((layer) => layer >= layers) : [];
  if (outside.length > 0 && overrides.rpcLayers !== undefined) {
    throw new ModelSpecError(
      'badOverride',
      `${givenBy(overrides, 'rpc.layers')}: ${context.fileName} has ${layers} layers, numbered 0 to ${layers - 1}; there is no layer ${outside.join(', ')}.`,
    );
  }
  if (outside.length > 0) {
    context.notes.push(
      `${where.source} names layer ${outside.join(', ')}, but there are ${layers} layers: RPC runs in none of them.`,
    );
  }
  context.fact('rpc.iterations', iterations.value, iterations.source);
  context.fact('rpc.lambda', lambda.value, lambda.source);
  context.fact('rpc.layers', typeof where.value === 'string' ? where.value : where.value.join(', '), where.source);
  return { variant, iterations: iterations.value, lambda: lambda.value, layers: where.value };
}

function ask(context: SpecContext, option: string, text: string, values: readonly string[]): never {
  const question: SpecQuestion = {
    option,
    question: `${context.fileName} does not say its RPC settings. ${text}`,
    choices: values.map((value, i) => ({
      value,
      label: value,
      ...(i === 0 ? { detail: 'as the README of the released code' } : {}),
    })),
  };
  throw new ModelSpecError(
    'question',
    `${context.fileName} does not say its RPC settings. ${text} Give it with --set ${option}=VALUE, for example ${option}=${values[0]!}.`,
    question,
  );
}

function iterationCount(value: unknown): number | null {
  const n = asInteger(value);
  return n !== null && n >= 1 && n <= maxRpcIterations ? n : null;
}

function nonNegative(value: unknown): number | null {
  const n = asNumber(value);
  return n !== null && n >= 0 ? n : null;
}
