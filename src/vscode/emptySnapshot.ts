// What a session shows before anything was opened; apart from it, because it needs nothing of the editor.

import type { SessionSnapshot } from '../protocol/messages';
import { defaultMetricId } from '../report/figures/metrics';

export const emptySnapshot: SessionSnapshot = {
  phase: 'empty',
  inspection: null,
  title: '',
  message: '',
  model: null,
  plan: null,
  provenance: null,
  layers: [],
  inputs: null,
  output: null,
  network: {},
  picture: null,
  progress: null,
  selected: null,
  metric: defaultMetricId,
};
