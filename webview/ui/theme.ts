// The editor's theme as colours for the charts, read from --vscode-* and read again when it changes.

import { blueToYellow, darkToLight, divergingOnDark, divergingOnLight } from '../charts/colormap';
import type { Rgb } from '../charts/colormap';
import { darkTheme, reportTheme } from '../charts/theme';
import type { ChartTheme } from '../charts/theme';
import { inFrame } from './frame';

export type Palette = 'blueToYellow' | 'darkToLight';

const transparent = /^(transparent|rgba\(0, 0, 0, 0\))?$/;

const known = new Map<Palette, ChartTheme>();
let isWatched = false;

/** Colours of the theme that is on now. Read once a theme: reading them makes the browser settle all styles. */
export function readTheme(palette: Palette = 'blueToYellow'): ChartTheme {
  if (!isWatched) {
    isWatched = true;
    watchTheme(() => {
      known.clear();
    });
  }
  const theme = known.get(palette) ?? coloursNow(palette);
  known.set(palette, theme);
  return theme;
}

/** Variables that are missing fall back to ours. */
function coloursNow(palette: Palette): ChartTheme {
  const kind = document.body.dataset['vscodeThemeKind'] ?? '';
  const light = kind === 'vscode-light' || kind === 'vscode-high-contrast-light';
  const contrast = kind.startsWith('vscode-high-contrast');
  const fallback = light ? reportTheme : darkTheme;
  const computed = getComputedStyle(document.documentElement);
  const read = (name: string, otherwise: string): string => {
    const value = computed.getPropertyValue(`--vscode-${name}`).trim();
    return value === '' ? otherwise : value;
  };
  // The page's own ground: the editor's in a tab, the side bar's in the side bar.
  const ground = getComputedStyle(document.body).backgroundColor;
  const foreground = read('editor-foreground', read('foreground', fallback.foreground));
  const muted = contrast ? foreground : read('descriptionForeground', fallback.muted);
  const notMeasured: Rgb = light ? [200, 200, 200] : [80, 80, 80];
  return {
    foreground,
    muted,
    grid: fallback.grid,
    background: transparent.test(ground) ? read('editor-background', fallback.background) : ground,
    focus: read('focusBorder', fallback.focus),
    // High-contrast themes give two of the charts-* colours the same blue: there ours, which keep apart.
    series: contrast
      ? { ...fallback.series, chance: foreground, reference: foreground }
      : {
          softmax: read('charts-blue', fallback.series.softmax),
          rpc: read('charts-orange', fallback.series.rpc),
          difference: read('charts-purple', fallback.series.difference),
          data: read('charts-blue', fallback.series.data),
          data2: read('charts-green', fallback.series.data2),
          chance: fallback.series.chance,
          reference: foreground,
        },
    sequential: palette === 'darkToLight' ? darkToLight : blueToYellow,
    diverging: light ? divergingOnLight : divergingOnDark,
    notMeasured,
    font: read('font-family', fallback.font),
  };
}

/** Calls `listener` when the person switches the theme. */
export function onThemeChange(listener: () => void): void {
  watchTheme(() => {
    inFrame(listener);
  });
}

function watchTheme(listener: () => void): void {
  const observer = new MutationObserver(listener);
  observer.observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id'] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
}
