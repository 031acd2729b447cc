// Which GELU a CLIP model has: weights of OpenAI and of OpenCLIP have the same names and differ in nothing else.

import type { ModelSpec } from '../modelSpec';
import type { Default } from '../numerics';
import { asBoolean, asRecord } from '../parseValues';
import type { SpecContext } from '../specContext';

export const quickGelu: Default<ModelSpec['activation']> = {
  value: 'quick_gelu',
  source: "default of OpenAI's CLIP",
};

/** open_clip_config.json says quick_gelu where it is on, and nothing where it is off; without it QuickGELU, noted. */
export function openClipActivation(context: SpecContext): Default<ModelSpec['activation']> {
  const config = context.settings.values('config.json');
  const model = asRecord(config?.['model_cfg']) ?? config;
  if (asRecord(model?.['vision_cfg']) === null) {
    context.notes.push(
      "The MLP uses QuickGELU, as OpenAI's own weights do. Most weights that OpenCLIP trained use GELU with the same names: for those give --set activation=gelu.",
    );
    return quickGelu;
  }
  const quick = asBoolean(model?.['quick_gelu']) === true;
  return { value: quick ? 'quick_gelu' : 'gelu', source: 'config.json quick_gelu' };
}
