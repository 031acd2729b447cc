// How far a run over several inputs has come, in words.

import * as l10n from '@vscode/l10n';
import type { SessionSnapshot } from '../../src/protocol/messages';

/** What the numbers on show are of; '' where they are of one input, or of all. */
export function inputsText({ inputs, phase }: Pick<SessionSnapshot, 'inputs' | 'phase'>): string {
  if (inputs === null) return '';
  const { finished, total } = inputs;
  if (phase !== 'running')
    return finished === 0
      ? l10n.t('None of {0} inputs was finished; numbers are of the one that ran.', total)
      : l10n.t('Numbers are means over {0} of {1} inputs.', finished, total);
  return finished === 0
    ? l10n.t('Numbers of the first of {0} inputs to run, as they come; means follow.', total)
    : l10n.t('Running means over {0} of {1} inputs; ± is their 95 % interval.', finished, total);
}
