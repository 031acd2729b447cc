// Two facts that weights never say: the LayerNorm epsilon and the activation of the MLP. timm's defaults unless a
// person or a configuration says otherwise (model-families.md section 4).

import { ModelSpecError, type ModelSpec } from './modelSpec';
import { givenBy } from './overrides';
import { asNumber, asText } from './parseValues';
import type { SpecContext } from './specContext';

/** What a family takes where nothing says otherwise. */
export interface Default<T> {
  readonly value: T;
  readonly source: string;
}

/** Defaults of timm; Hugging Face's ViT has eps 1e-12. */
export const timmEps: Default<number> = { value: 1e-6, source: 'default of timm' };
export const timmActivation: Default<ModelSpec['activation']> = { value: 'gelu', source: 'default of timm' };

/** LayerNorm epsilon. */
export function inferEps(
  context: SpecContext,
  otherwise: Default<number> = timmEps,
  keys: readonly string[] = ['layer_norm_eps', 'norm_eps'],
): number {
  if (context.overrides.eps !== undefined) {
    context.fact('LayerNorm eps', context.overrides.eps, givenBy(context.overrides, 'eps'));
    return context.overrides.eps;
  }
  const small = (value: unknown): number | null => {
    const eps = asNumber(value);
    return eps !== null && eps > 0 && eps <= 0.1 ? eps : null;
  };
  const said = context.settings.find(keys, small, 'a small number above 0');
  context.fact('LayerNorm eps', said?.value ?? otherwise.value, said?.source ?? otherwise.source);
  return said?.value ?? otherwise.value;
}

const activationNames: Readonly<Record<string, ModelSpec['activation']>> = {
  gelu: 'gelu',
  gelu_erf: 'gelu',
  gelu_tanh: 'gelu_tanh',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  relu: 'relu',
  quick_gelu: 'quick_gelu',
  silu: 'silu',
  swish: 'silu',
};

/**
 * Activation of the MLP; throws 'unsupported' for one that is not in this version. `gated`: SwiGLU is SiLU whatever
 * `hidden_act` says (DINOv2's configs say gelu there).
 */
export function inferActivation(
  context: SpecContext,
  otherwise: Default<ModelSpec['activation']> = timmActivation,
  gated = false,
): ModelSpec['activation'] {
  if (context.overrides.activation !== undefined) {
    context.fact('activation', context.overrides.activation, givenBy(context.overrides, 'activation'));
    return context.overrides.activation;
  }
  const said = context.settings.find(
    ['hidden_act', 'act_layer', 'activation_function'],
    asText,
    'the name of an activation',
  );
  if (gated) {
    context.fact('activation', 'silu', 'the gate of SwiGLU');
    return 'silu';
  }
  if (said === null) {
    context.fact('activation', otherwise.value, otherwise.source);
    return otherwise.value;
  }
  const name = said.value.toLowerCase();
  if (!Object.hasOwn(activationNames, name)) {
    throw new ModelSpecError(
      'unsupported',
      `${context.fileName}: ${said.source} says the activation "${said.value}", which is not in this version. ` +
        'If it is wrong, give --set activation=gelu, gelu_tanh, quick_gelu, relu or silu.',
    );
  }
  context.fact('activation', activationNames[name]!, said.source);
  return activationNames[name]!;
}
