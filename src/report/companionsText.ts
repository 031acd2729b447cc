// In which precision untrained twins, ablated and noisy runs were computed.

import * as l10n from '@vscode/l10n';
import type { CompanionPrecision } from '../inspection/inspectionResult';
import { formatNumber } from './format';

export function companionsText({ precision, parity, float64From }: CompanionPrecision): string {
  if (precision === 'float64') return 'float64';
  const error = parity.maxRelError === null ? null : formatNumber(parity.maxRelError, 2);
  const products =
    error === null
      ? l10n.t('float32 products')
      : l10n.t('float32 products, largest relative error of the network itself {0}', error);
  return float64From === null
    ? products
    : l10n.t(
        '{0}; ablated and noisy runs float64 from layer {1} on, which float32 could not hold',
        products,
        float64From,
      );
}
