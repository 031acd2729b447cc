// What a run is at, as data: it comes from worker threads and pages, and whoever shows it says it in the reader's language.

// By this name the collector of texts knows what `l10n.t` below is.
import type * as l10n from '@vscode/l10n';

/** Layers and inputs count from 1. */
export type ProgressLabel =
  | { readonly at: 'patches' | 'graph' | 'output' | 'hash' | 'mean' }
  | { readonly at: 'attention' | 'diagnostics'; readonly layer: number; readonly layers: number }
  | { readonly at: 'reading'; readonly input: number; readonly inputs: number }
  | {
      readonly at: 'input';
      readonly input: number;
      readonly inputs: number;
      readonly name: string;
      readonly now: ProgressLabel;
    };

/** Of the editor, or of `@vscode/l10n`, which is English where nobody gave it another language. */
export interface Texts {
  readonly t: (message: string, ...values: l10n.L10nReplacement[]) => string;
}

export function progressText(label: ProgressLabel, l10n: Texts): string {
  switch (label.at) {
    case 'patches':
      return l10n.t('Patch embedding');
    case 'graph':
      return l10n.t('Graph');
    case 'output':
      return l10n.t('Output');
    case 'hash':
      return l10n.t('SHA-256 of the checkpoint');
    case 'mean':
      return l10n.t('Averaging');
    case 'attention':
      return l10n.t('Layer {0} of {1}: attention', label.layer, label.layers);
    case 'diagnostics':
      return l10n.t('Layer {0} of {1}: spectra, nulls and noise', label.layer, label.layers);
    case 'reading':
      return l10n.t('Reading input {0} of {1}', label.input, label.inputs);
    case 'input':
      return l10n.t(
        'Input {0} of {1} ({2}): {3}',
        label.input,
        label.inputs,
        label.name,
        progressText(label.now, l10n),
      );
  }
}
