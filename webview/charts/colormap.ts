// Colour maps as tables of 256 sRGB triples. Computed in OKLab so that lightness runs evenly: order survives in
// grey and for colour-blind eyes (the hues run blue to yellow, never red against green).

export type Rgb = readonly [number, number, number];
/** 256 entries, low to high. */
export type Colormap = readonly Rgb[];

const entries = 256;

/** OKLab to sRGB bytes (B. Ottosson, "A perceptual color space for image processing", 2020). */
function oklabToRgb(lightness: number, a: number, b: number): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const encode = (value: number): number => {
    const clipped = Math.min(1, Math.max(0, value));
    const gamma = clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055;
    return Math.round(255 * gamma);
  };
  return [encode(linear[0]!), encode(linear[1]!), encode(linear[2]!)];
}

/** A stop in OKLCh: position 0..1, lightness 0..1, chroma, hue in degrees. */
type Stop = readonly [at: number, lightness: number, chroma: number, hue: number];

function throughStops(stops: readonly Stop[]): Colormap {
  const lab = stops.map(([at, lightness, chroma, hue]) => {
    const angle = (hue * Math.PI) / 180;
    return [at, lightness, chroma * Math.cos(angle), chroma * Math.sin(angle)] as const;
  });
  return Array.from({ length: entries }, (_, index) => {
    const at = index / (entries - 1);
    const upper = Math.max(
      1,
      lab.findIndex((stop) => stop[0] >= at),
    );
    const from = lab[upper - 1]!;
    const to = lab[upper]!;
    const part = (at - from[0]) / (to[0] - from[0]);
    const mix = (channel: 1 | 2 | 3): number => from[channel] + part * (to[channel] - from[channel]);
    return oklabToRgb(mix(1), mix(2), mix(3));
  });
}

/** Dark blue through grey to yellow; lightness rises evenly. */
export const blueToYellow: Colormap = throughStops([
  [0, 0.24, 0.09, 262],
  [0.3, 0.44, 0.075, 256],
  [0.55, 0.61, 0.03, 150],
  [0.78, 0.76, 0.1, 98],
  [1, 0.93, 0.16, 102],
]);

/** The same order without colour. */
export const darkToLight: Colormap = throughStops([
  [0, 0.2, 0, 0],
  [1, 0.97, 0, 0],
]);

/** Blue (below 0), light neutral, orange (above 0); for light grounds. */
export const divergingOnLight: Colormap = throughStops([
  [0, 0.4, 0.14, 256],
  [0.25, 0.68, 0.1, 250],
  [0.5, 0.96, 0, 0],
  [0.75, 0.7, 0.12, 55],
  [1, 0.44, 0.12, 45],
]);

/** Blue, dark neutral, orange; for dark grounds, where 0 should recede as well. */
export const divergingOnDark: Colormap = throughStops([
  [0, 0.86, 0.08, 230],
  [0.25, 0.6, 0.13, 250],
  [0.5, 0.27, 0, 0],
  [0.75, 0.6, 0.13, 50],
  [1, 0.87, 0.11, 75],
]);

/** Index 0..255 of a value; values outside the domain take the end colours. */
export function colourIndex(value: number, domain: readonly [number, number]): number {
  const part = (value - domain[0]) / (domain[1] - domain[0]);
  return Math.round(Math.min(1, Math.max(0, part)) * (entries - 1));
}

export function rgbText([red, green, blue]: Rgb): string {
  return `rgb(${red},${green},${blue})`;
}
