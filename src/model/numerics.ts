// Two facts that weights never say: the LayerNorm epsilon and the activation of the MLP. timm's defaults unless a
// person or a configuration says otherwise (model-families.md section 4).

import { ModelSpecError, type ModelSpec } from './modelSpec';
import { asNumber, asText } from './parseValues';
import type { SpecContext } from './specContext';

/** timm's default; Hugging Face's ViT has 1e-12. */
const defaultEps = 1e-6;

/** LayerNorm epsilon. */
export function inferEps(context: SpecContext): number {
  if (context.overrides.eps !== undefined) {
    context.fact('LayerNorm eps', context.overrides.eps, '--set eps');
    return context.overrides.eps;
  }
  const small = (value: unknown): number | null => {
    const eps = asNumber(value);
    return eps !== null && eps > 0 && eps <= 0.1 ? eps : null;
  };
  const said = context.settings.find(['layer_norm_eps', 'norm_eps'], small, 'a small number above 0');
  context.fact('LayerNorm eps', said?.value ?? defaultEps, said?.source ?? 'default of timm');
  return said?.value ?? defaultEps;
}

const activationNames: Readonly<Record<string, ModelSpec['activation']>> = {
  gelu: 'gelu',
  gelu_erf: 'gelu',
  gelu_tanh: 'gelu_tanh',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  relu: 'relu',
};

/** Activation of the MLP; throws 'unsupported' for one that is not in this version. */
export function inferActivation(context: SpecContext): ModelSpec['activation'] {
  if (context.overrides.activation !== undefined) {
    context.fact('activation', context.overrides.activation, '--set activation');
    return context.overrides.activation;
  }
  const said = context.settings.find(['hidden_act', 'act_layer'], asText, 'the name of an activation');
  if (said === null) {
    context.fact('activation', 'gelu', 'default of timm');
    return 'gelu';
  }
  const name = said.value.toLowerCase();
  if (!Object.hasOwn(activationNames, name)) {
    throw new ModelSpecError(
      'unsupported',
      `${context.fileName}: ${said.source} says the activation "${said.value}", which is not in this version. ` +
        'If it is wrong, give --set activation=gelu, gelu_tanh or relu.',
    );
  }
  context.fact('activation', activationNames[name]!, said.source);
  return activationNames[name]!;
}
