// Axes on top of d3-scale: domains from data, tidy ticks, log decades, gaps where a value cannot be placed.

import { scaleLinear, scaleLog } from 'd3-scale';
import type { Axis } from '../../src/report/figures/figure';
import { fontSize, textWidth } from './svg';

export interface Tick {
  readonly value: number;
  /** '' for a grid line without a number. */
  readonly text: string;
}

export interface PlacedAxis {
  readonly domain: readonly [number, number];
  readonly ticks: readonly Tick[];
  /** Pixel of a value; null where the axis has no place for it (log of 0, null, NaN). */
  place(value: number | null | undefined): number | null;
}

const superscript: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from('0123456789-').map((digit, index) => [digit, Array.from('⁰¹²³⁴⁵⁶⁷⁸⁹⁻')[index]!]),
);

/** 10⁻³; 1, 10 and 100 stay plain. */
export function powerOfTen(exponent: number): string {
  if (exponent >= 0 && exponent <= 3) return String(10 ** exponent);
  if (exponent === -1) return '0.1';
  return `10${Array.from(String(exponent))
    .map((digit) => superscript[digit] ?? digit)
    .join('')}`;
}

/** A tick's number with just the digits that its step needs; a real minus sign. */
export function tickText(value: number, step: number): string {
  const size = Math.abs(value);
  if (size < step * 1e-6) return '0';
  let text: string;
  if (size >= 1e5 || step < 1e-4) {
    const exponent = Math.floor(Math.log10(size) + 1e-9);
    const mantissa = value / 10 ** exponent;
    const digits = Math.max(0, exponent - Math.floor(Math.log10(step) + 1e-9));
    const shown = Number(mantissa.toFixed(Math.min(digits, 6)));
    const power = `10${Array.from(String(exponent))
      .map((digit) => superscript[digit] ?? digit)
      .join('')}`;
    text = shown === 1 ? power : shown === -1 ? `-${power}` : `${String(shown)}·${power}`;
  } else {
    text = value.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  }
  if (/^-0(\.0*)?$/.test(text)) text = text.slice(1);
  return text.replace('-', '\u2212');
}

function spread(values: readonly (number | null | undefined)[], log: boolean): [number, number] | null {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value === null || value === undefined || !Number.isFinite(value) || (log && value <= 0)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : null;
}

/** Domain of the axis: its own where fixed, else what the values span, widened where they span nothing. */
function domainOf(axis: Axis, values: readonly (number | null | undefined)[]): [number, number] {
  const log = axis.scale === 'log10';
  const usable = axis.domain && axis.domain[0] < axis.domain[1] && (!log || axis.domain[0] > 0);
  if (axis.domain && usable) return [axis.domain[0], axis.domain[1]];
  const found = spread(values, log) ?? (log ? [1, 10] : [0, 1]);
  const [low, high] = found;
  if (axis.integer) return [low - 0.5, high + 0.5];
  if (log) {
    if (high / low < 1.0001) return [low / 3, high * 3];
    return [low / 1.15, high * 1.15];
  }
  if (high - low < 1e-12 * Math.max(Math.abs(low), Math.abs(high), 1e-300)) {
    const reach = Math.abs(low) * 0.2 || 1;
    return [low - reach, high + reach];
  }
  // Numbers that start near 0 read best on an axis that starts at 0.
  return [low > 0 && low < 0.4 * high ? 0 : low, high];
}

function linearTicks(domain: readonly [number, number], count: number, integer: boolean): Tick[] {
  const scale = scaleLinear().domain(domain);
  const raw = scale.ticks(Math.max(2, count)).filter((value) => !integer || Number.isInteger(value));
  const values = raw.length > 0 || !integer ? raw : [Math.ceil(domain[0])];
  const step = values.length > 1 ? values[1]! - values[0]! : integer ? 1 : domain[1] - domain[0];
  return values.map((value) => ({ value, text: tickText(value, integer ? Math.max(1, step) : step) }));
}

function logTicks(domain: readonly [number, number], count: number): Tick[] {
  const first = Math.ceil(Math.log10(domain[0]) - 1e-9);
  const last = Math.floor(Math.log10(domain[1]) + 1e-9);
  const decades = last - first + 1;
  if (decades >= 2) {
    const stride = Math.max(1, Math.ceil(decades / Math.max(2, count)));
    return Array.from({ length: decades }, (_, index) => first + index)
      .filter((exponent) => (exponent - first) % stride === 0)
      .map((exponent) => ({ value: 10 ** exponent, text: powerOfTen(exponent) }));
  }
  const scale = scaleLog().domain(domain);
  const all = scale.ticks(count);
  const wanted = all.length > 6 ? all.filter((value) => /^[125]/.test(value.toExponential())) : all;
  return wanted.map((value) => {
    const exponent = Math.floor(Math.log10(value) + 1e-9);
    return { value, text: tickText(value, 10 ** exponent) };
  });
}

/** Keep labels from touching: of ticks laid out along x, every k-th keeps its number. */
export function thinLabels(ticks: readonly Tick[], pixel: (value: number) => number | null): readonly Tick[] {
  for (let stride = 1; stride < ticks.length; stride++) {
    const kept = ticks.filter((_, index) => index % stride === 0);
    const fits = kept.every((tick, index) => {
      const next = kept[index + 1];
      if (!next) return true;
      const gap = Math.abs((pixel(next.value) ?? 0) - (pixel(tick.value) ?? 0));
      return gap >= (textWidth(tick.text, fontSize.tick) + textWidth(next.text, fontSize.tick)) / 2 + 8;
    });
    if (fits) return kept;
  }
  return ticks.slice(0, 1);
}

/**
 * An axis placed on the pixels `range` (first = low end). `values`: everything that must be visible; `nice` rounds
 * the ends of unfixed domains up to ticks.
 */
export function placeAxis(
  axis: Axis,
  values: readonly (number | null | undefined)[],
  range: readonly [number, number],
  options: { readonly ticks: number; readonly nice: boolean },
): PlacedAxis {
  const log = axis.scale === 'log10';
  const start = domainOf(axis, values);
  const scale = (log ? scaleLog() : scaleLinear()).domain(start).range(range);
  if (options.nice && !axis.domain && !axis.integer && !log) scale.nice(options.ticks);
  const [low = 0, high = 1] = scale.domain();
  const domain = [low, high] as const;
  const slack = (high - low) * 1e-9;
  const ticks = (
    log ? logTicks(domain, options.ticks) : linearTicks(domain, options.ticks, axis.integer === true)
  ).filter((tick) => tick.value >= low - slack && tick.value <= high + slack);
  return {
    domain,
    ticks,
    place: (value) => {
      if (value === null || value === undefined || !Number.isFinite(value) || (log && value <= 0)) return null;
      const pixel = scale(value);
      return Number.isFinite(pixel) ? pixel : null;
    },
  };
}
