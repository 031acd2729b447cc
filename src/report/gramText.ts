// Which Gram matrix a number rests on, in words: every figure and table that uses one says it where there was a choice.

import * as l10n from '@vscode/l10n';
import type { HeadResult, SpectrumNumbers } from '../diagnostics/headResult';
import type { LayerResult, Provenance } from '../inspection/inspectionResult';

type Choice = Pick<SpectrumNumbers, 'gram' | 'gramKeys' | 'keys' | 'standardised'>;

const keyWords = { 'post-rope': l10n.t('post-RoPE keys'), 'pre-rope': l10n.t('pre-RoPE keys') } as const;

/** What the provenance of a run says of it. */
export function gramChoice({ gram, keys, standardised }: Pick<Provenance, 'gram' | 'keys' | 'standardised'>): Choice {
  return {
    ...(gram === undefined ? {} : { gram }),
    ...(keys === undefined ? {} : { keys }),
    ...(standardised === undefined ? {} : { standardised }),
  };
}

/** `prefix-16, pre-RoPE keys`; '' where the model leaves no choice and none was made. */
export function gramLabel({ gram, keys, standardised }: Choice): string {
  const parts = [gram, keys === undefined ? undefined : keyWords[keys], standardised && l10n.t('standardised keys')];
  return parts.filter((part) => part !== undefined).join(', ');
}

/** `title` with the label behind it. */
export function withGram(title: string, choice: Choice | null): string {
  const label = choice === null ? '' : gramLabel(choice);
  return label === '' ? title : `${title}, ${label}`;
}

/** Sentences with a space before them; '' where the model leaves no choice. */
export function gramSentence({ gram, gramKeys, keys, standardised }: Choice): string {
  const t = gramKeys?.to ?? 0;
  const which =
    gram === undefined
      ? ''
      : gramKeys === undefined
        ? ` ${l10n.t('full-Gram: one Gram matrix of all N keys, although each query sees its own part of them only.')}`
        : gramKeys.from === 0
          ? ` ${l10n.t('{0}: the Gram matrix of the first T = {1} keys, which are those that query {2} sees.', gram, t, t - 1)}`
          : ` ${l10n.t("{0}: the Gram matrix of keys {1} to {2}, which are those that query {3} sees in this layer's sliding window.", gram, gramKeys.from, t - 1, t - 1)}`;
  const rotation =
    keys === undefined
      ? ''
      : keys === 'pre-rope'
        ? ` ${l10n.t('Keys are taken before their rotary positions.')}`
        : ` ${l10n.t('Keys are taken after their rotary positions.')}`;
  const standard =
    standardised === undefined
      ? ''
      : ` ${l10n.t('Each key is standardised over d before, (k - mean)/(sd + 1e-8), which the model itself does not do: every self-score is then (d - 1)/sqrt(d).')}`;
  return which + rotation + standard;
}

/** The choice of a run, from its first head; null while there is none. */
export function gramOfRun(layers: readonly LayerResult[]): Choice | null {
  const first: HeadResult | undefined = layers.flatMap(({ heads }) => heads)[0];
  return first?.spectrum ?? null;
}
