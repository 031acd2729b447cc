import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import * as l10n from '@vscode/l10n';
import { progressText, type ProgressLabel, type Texts } from '../../../src/inspection/progressLabel';

describe('what a run is at', () => {
  const label: ProgressLabel = {
    at: 'input',
    ...{ input: 2, inputs: 3, name: 'seven.png' },
    now: { at: 'diagnostics', layer: 4, layers: 6 },
  };

  it('is said in the reader’s language, the values as they are', () => {
    assert.equal(progressText(label, l10n), 'Input 2 of 3 (seven.png): Layer 4 of 6: spectra, nulls and noise');
    const french: Readonly<Record<string, string>> = {
      'Input {0} of {1} ({2}): {3}': 'Entrée {0} sur {1} ({2}) : {3}',
      'Layer {0} of {1}: spectra, nulls and noise': 'Couche {0} sur {1} : spectres',
    };
    const texts: Texts = {
      t: (message, ...values) => french[message]!.replaceAll(/\{(\d)\}/g, (_, at) => String(values[Number(at)])),
    };
    assert.equal(progressText(label, texts), 'Entrée 2 sur 3 (seven.png) : Couche 4 sur 6 : spectres');
  });
});
