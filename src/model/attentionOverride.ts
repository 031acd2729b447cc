// `--set attention=` and `standardise=` against what the weights allow: a person may choose among the readings of a
// file, not contradict it.

import type { AttentionProbe } from './families/family';
import { ModelSpecError } from './modelSpec';
import { givenBy } from './overrides';
import type { SpecContext } from './specContext';

/** Named families have softmax attention: nothing to choose from. */
export function checkSoftmaxOverride({ overrides, fileName }: SpecContext): void {
  const { attention, standardise } = overrides;
  if ((attention === undefined || attention === 'softmax') && standardise !== true) return;
  const given =
    attention !== undefined && attention !== 'softmax'
      ? `${givenBy(overrides, 'attention')}=${attention}`
      : `${givenBy(overrides, 'standardise')}=true`;
  throw new ModelSpecError(
    'badOverride',
    `${given}: ${fileName} is of a family whose attention is softmax. RPC beside it is a what-if: use --rpc for it.`,
  );
}

/** `--set attention=` may choose among what the weights allow, not contradict them. */
export function checkAttentionOverride(context: SpecContext, probe: AttentionProbe): void {
  const { attention, standardise } = context.overrides;
  const kind = probe.hasScale ? 'scaled' : probe.projections === 2 ? 'symmetric' : 'softmax';
  if (probe.hasScale && probe.projections === 2) {
    throw new ModelSpecError(
      'unsupported',
      `${context.fileName} has Scaled Attention without queries ([2C, C] projections and attn.s). Gramlens knows no such model.`,
    );
  }
  const allowed = { scaled: ['scaled'], symmetric: ['symmetric', 'rpc'], softmax: ['softmax', 'reconstruction'] }[kind];
  if (attention !== undefined && !allowed.includes(attention)) {
    const why = {
      scaled: 'has the Scaled Attention parameter attn.s',
      symmetric: 'has key and value projections only ([2C, C])',
      softmax: 'has query, key and value projections ([3C, C]) and no attn.s',
    }[kind];
    const hint = attention === 'rpc' ? ' RPC beside the attention of such a model is a what-if: use --rpc for it.' : '';
    throw new ModelSpecError(
      'badOverride',
      `${givenBy(context.overrides, 'attention')}=${attention}: ${context.fileName} ${why}, so attention can be ${allowed.join(' or ')}.${hint}`,
    );
  }
  if (standardise === true && kind !== 'softmax') {
    throw new ModelSpecError(
      'badOverride',
      `${givenBy(context.overrides, 'standardise')}=true: standardised queries and keys belong to the Reconstruction model, which has [3C, C] projections and no attn.s; ${context.fileName} has not.`,
    );
  }
  if ((standardise === false && attention === 'reconstruction') || (standardise === true && attention === 'softmax')) {
    throw new ModelSpecError(
      'badOverride',
      `${givenBy(context.overrides, 'attention')}=${attention},standardise=${standardise} contradict each other; give one of them.`,
    );
  }
}
