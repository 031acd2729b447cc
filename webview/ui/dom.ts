// Elements without a framework: attributes and listeners in, node out. Text is always text, never markup.

type Child = Node | string | null;

interface Options {
  readonly class?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
}

export function h(tag: string, options: Options = {}, ...children: readonly Child[]): HTMLElement {
  const element = document.createElement(tag);
  if (options.class !== undefined) element.className = options.class;
  for (const [name, value] of Object.entries(options.attributes ?? {})) element.setAttribute(name, value);
  for (const [name, listener] of Object.entries(options.on ?? {})) element.addEventListener(name, listener);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Replaces everything inside `parent`. */
export function fill(parent: HTMLElement, ...children: readonly Child[]): void {
  parent.replaceChildren(...children.filter((child) => child !== null));
}

/** A part that scrolls by itself: reached by keyboard, and it says what it is. */
export function scrollRegion(label: string, ...children: readonly Child[]): HTMLElement {
  return h('div', { class: 'scroll', attributes: { tabindex: '0', role: 'region', 'aria-label': label } }, ...children);
}

/** As `fill`, for what is written anew while somebody reads: parts that scroll stay where they were, and keep the focus. */
export function refill(parent: HTMLElement, ...children: readonly Child[]): void {
  const regions = (): HTMLElement[] => [...parent.querySelectorAll<HTMLElement>('.scroll')];
  const before = regions().map((region) => ({
    left: region.scrollLeft,
    top: region.scrollTop,
    focused: region === document.activeElement,
  }));
  fill(parent, ...children);
  for (const [i, region] of regions().entries()) {
    const { left = 0, top = 0, focused = false } = before[i] ?? {};
    // Said only where it must be: it makes the browser lay out the page at once.
    if (left > 0) region.scrollLeft = left;
    if (top > 0) region.scrollTop = top;
    if (focused) region.focus({ preventScroll: true });
  }
}

/** Puts SVG text made by our own draw functions (all strings escaped there) into `parent`. */
export function setSvg(parent: HTMLElement, svg: string): void {
  parent.innerHTML = svg;
}

export function icon(name: string): HTMLElement {
  return h('span', { class: `codicon codicon-${name}`, attributes: { 'aria-hidden': 'true' } });
}
