// Noise between the layers as curves: divergence of the output over the levels, and how far the residual stream is from
// its clean run layer by layer. One pair a place and kind of noise.

import * as l10n from '@vscode/l10n';
import type { NetworkEffect, NetworkNoise, NetworkNoiseRow, OutputEffect } from '../../diagnostics/networkNoise';
import { formatInterval, formatNumber, noiseLevelUnits, noiseNames, notMeasured } from '../format';
import type { LineFigure, Series, SeriesRole } from './figure';
import type { HeadContext } from './headFigures';
import { whatIf } from './noiseFigures';
import { formulas } from './sources';

interface Model extends Pick<HeadContext, 'trainedWith'> {
  readonly causal: boolean;
}

export const placeName = (place: NetworkNoiseRow['place']): string =>
  place === 'input' ? l10n.t('the embedded input') : l10n.t('the output of layer {0}', place);

/** What RPC in this run is, where it is not the model's own. */
function extension(rpc: NetworkNoise['rpc'], { trainedWith, causal }: Model): string {
  if (rpc === null) return '';
  const symmetric = trainedWith === 'symmetric' || trainedWith === 'rpc';
  const cleaned = symmetric
    ? ''
    : ` ${l10n.t('In heads with queries only the keys are cleaned (+asym), an extension of Gramlens.')}`;
  const masked = causal ? ` ${l10n.t('The mask inside the iteration is an extension of Gramlens.')}` : '';
  return `${whatIf({ trainedWith })}${cleaned}${masked}`;
}

const methods = [
  ['softmax', 'softmax', (row) => row.softmax],
  [l10n.t('RPC vs clean RPC'), 'rpc', (row) => row.rpc],
  [l10n.t('RPC vs clean softmax'), 'data2', (row) => row.rpcVsCleanSoftmax],
] as const satisfies readonly (readonly [string, SeriesRole, (row: NetworkNoiseRow) => OutputEffect | null])[];

function divergenceSeries(rows: readonly NetworkNoiseRow[], clean: NetworkNoise['clean']): Series[] {
  return methods.flatMap(([name, role, effectOf]) => {
    const effects = rows.map(effectOf).filter((effect) => effect !== null);
    if (effects.length === 0) return [];
    const atZero = role === 'data2' ? (clean?.kl ?? null) : 0;
    const bound = (sign: 1 | -1): (number | null)[] => [
      atZero,
      ...effects.map(({ kl }) => (kl.mean === null || kl.ci === null ? null : Math.max(0, kl.mean + sign * kl.ci))),
    ];
    return [
      {
        name,
        role,
        x: [0, ...rows.map((row) => row.level)],
        y: [atZero, ...effects.map(({ kl }) => kl.mean)],
        low: bound(-1),
        high: bound(1),
        draw: 'line+points' as const,
      },
    ];
  });
}

function streamSeries(name: string, role: SeriesRole, { stream }: NetworkEffect): Series {
  const { firstLayer, mean, ci } = stream;
  const bound = (sign: 1 | -1): (number | null)[] =>
    mean.map((value, i) => {
      const half = ci[i] ?? null;
      return value === null || half === null ? null : Math.max(0, value + sign * half);
    });
  return {
    name,
    role,
    x: mean.map((_, i) => firstLayer + i),
    y: mean,
    low: bound(-1),
    high: bound(1),
    draw: 'line+points',
  };
}

/** Curves of every place and kind; the stream at the largest level. */
export function networkFigures(noise: NetworkNoise, model: Model): LineFigure[] {
  const extra = extension(noise.rpc, model);
  return noise.places.flatMap((place) =>
    noise.kinds.flatMap((kind): LineFigure[] => {
      const rows = noise.rows.filter((row) => row.place === place && row.kind === kind);
      const last = rows.at(-1);
      if (last === undefined) return [];
      const base = { kind: 'lines', formula: formulas.networkNoise, levels: [] } as const;
      const where = l10n.t('{0} at {1}', noiseNames[kind], placeName(place));
      const difference =
        last.klDifference === null
          ? ''
          : ` ${l10n.t('At level {0} softmax minus RPC is {1}.', last.level, formatInterval(last.klDifference.mean, last.klDifference.ci))}`;
      const output: LineFigure = {
        ...base,
        id: `network-kl-${kind}-${place}`,
        title: l10n.t('Output under {0}', where),
        shows: `${l10n.t("KL divergence of the network's output from its clean one, mean and 95 % interval over {0} repeats; both methods get the same draws.", noise.repeats)}${difference}`,
        caution: `${l10n.t('An output that moves less need not be a better one: a network that ignores its input does not move at all.')}${extra}`,
        x: {
          label: l10n.t('noise level'),
          unit: kind === 'token_gauss' ? l10n.t('x rms of the stream') : noiseLevelUnits[kind],
          scale: 'linear',
        },
        y: { label: l10n.t('KL(clean ‖ noisy)'), unit: l10n.t('nats'), scale: 'linear' },
        series: divergenceSeries(rows, noise.clean),
      };
      if (last.softmax.stream.mean.length === 0) return [output];
      const stream: LineFigure = {
        ...base,
        id: `network-stream-${kind}-${place}`,
        title: l10n.t('Layer by layer under {0}', where),
        shows: l10n.t(
          'How far the residual stream after each layer is from its clean run, at level {0}: a falling line is noise that the layers take out again.',
          last.level,
        ),
        caution: `${l10n.t('Relative to a stream whose length differs from layer to layer; what the classifier reads is a small part of it.')}${extra}`,
        x: { label: l10n.t('layer'), unit: '', scale: 'linear', integer: true },
        y: { label: l10n.t('relative deviation'), unit: '', scale: 'linear' },
        series: [
          streamSeries('softmax', 'softmax', last.softmax),
          ...(last.rpc === null ? [] : [streamSeries(l10n.t('RPC vs clean RPC'), 'rpc', last.rpc)]),
        ],
      };
      return [output, stream];
    }),
  );
}

const flips = ({ topFlips: { share, low, high } }: OutputEffect): string =>
  `${(100 * share).toFixed(0)} % (${(100 * low).toFixed(0)}–${(100 * high).toFixed(0)})`;
const divergence = ({ kl }: OutputEffect): string => formatInterval(kl.mean, kl.ci);
const orNot = (effect: OutputEffect | null, text: (effect: OutputEffect) => string): string =>
  effect === null ? notMeasured : text(effect);

/** Every row in words. */
export const networkColumns = [
  l10n.t('Place'),
  l10n.t('Noise'),
  l10n.t('Level'),
  l10n.t('softmax: KL'),
  l10n.t('flips'),
  l10n.t('RPC: KL'),
  l10n.t('flips'),
  l10n.t('KL vs clean softmax'),
  l10n.t('KL softmax − RPC'),
] as const;

export function networkRows({ rows }: NetworkNoise): string[][] {
  return rows.map(({ place, kind, level, softmax, rpc, rpcVsCleanSoftmax, klDifference }) => [
    place === 'input' ? l10n.t('input') : l10n.t('layer {0}', place),
    kind,
    String(level),
    divergence(softmax),
    flips(softmax),
    orNot(rpc, divergence),
    orNot(rpc, flips),
    orNot(rpcVsCleanSoftmax, divergence),
    klDifference === null ? notMeasured : formatInterval(klDifference.mean, klDifference.ci),
  ]);
}

/** What was run, and how far the two methods are apart without any noise. */
export function networkSentence({ rpc, clean, repeats }: NetworkNoise, model: Model): string {
  const runs =
    repeats === 1
      ? l10n.t('1 repeat a level; Gaussian noise has the size of the stream it is added to.')
      : l10n.t('{0} repeats a level; Gaussian noise has the size of the stream it is added to.', repeats);
  if (rpc === null || clean === null)
    return l10n.t('Softmax attention in every layer; {0} RPC flows on in no layer, so there is no second run.', runs);
  const settings = l10n.t('variant {0}, {1} iterations, λ {2}', rpc.variant, rpc.iterations, rpc.lambda);
  const both =
    rpc.layers === 'all'
      ? l10n.t(
          'Softmax attention in every layer, and RPC ({0}) in every layer under the same draws; {1}',
          settings,
          runs,
        )
      : l10n.t(
          'Softmax attention in every layer, and RPC ({0}) in layers {1} under the same draws; {2}',
          settings,
          [rpc.layers].flat().join(', '),
          runs,
        );
  const apart = clean.topChanged
    ? l10n.t(
        'Without noise its output is KL {0} from that of softmax, and the first class is another.',
        formatNumber(clean.kl),
      )
    : l10n.t(
        'Without noise its output is KL {0} from that of softmax, and the first class is the same.',
        formatNumber(clean.kl),
      );
  return `${both} ${apart}${extension(rpc, model)}`;
}
