// In which precision untrained twins, ablated and noisy runs were computed.

import type { CompanionPrecision } from '../inspection/inspectionResult';
import { formatNumber } from './format';

export function companionsText({ precision, parity, float64From }: CompanionPrecision): string {
  if (precision === 'float64') return 'float64';
  const error =
    parity.maxRelError === null
      ? ''
      : `, largest relative error of the network itself ${formatNumber(parity.maxRelError, 2)}`;
  const from =
    float64From === null
      ? ''
      : `; ablated and noisy runs float64 from layer ${float64From} on, which float32 could not hold`;
  return `float32 products${error}${from}`;
}
