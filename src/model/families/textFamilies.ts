// Language models, told by their names alone.

import { namedTextFamily } from '../textCore';
import { bert, roberta } from './bert';
import { distilbert } from './distilbert';
import { ggufBert } from './ggufBert';
import { ggufGpt } from './ggufGpt';
import { ggufNomicBert } from './ggufNomicBert';
import { ggufText } from './ggufText';
import { gpt2 } from './gpt2';
import { gptNeo } from './gptNeo';
import { gptNeox } from './gptNeox';
import { llama } from './llama';
import { lmtoolFwms } from './lmtoolFwms';
import type { NamedFamily } from './namedFamily';

export const textFamilies: readonly NamedFamily[] = [
  ...[gpt2, gptNeo, distilbert, roberta, bert, gptNeox, llama, lmtoolFwms].map(namedTextFamily),
  ggufText,
  ggufGpt,
  ggufBert,
  ggufNomicBert,
];
