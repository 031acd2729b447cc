// A button that opens a small menu, as the ARIA practices have it: Enter, Space and arrows open it, arrows, Home, End
// and letters go through it, Escape gives the focus back, and a press elsewhere closes it.

import { h } from './dom';
import { iconButton } from './toolkit';

export interface MenuItem {
  readonly label: string;
  readonly run: () => void;
}

/** Between button and menu, and to the edge of the page, CSS pixels. */
const gap = 4;

/** An icon button named `label` with these items below it. */
export function menuButton(iconName: string, label: string, items: readonly MenuItem[]): HTMLElement {
  const menu = new Menu(iconName, label, items);
  return menu.element;
}

class Menu {
  readonly element: HTMLElement;
  private readonly button: HTMLElement;
  private readonly list: HTMLElement;
  private readonly entries: readonly HTMLElement[];
  /** The press on the button that comes now has closed the menu already. */
  private wasOpen = false;

  constructor(iconName: string, label: string, items: readonly MenuItem[]) {
    this.entries = items.map((item) =>
      h(
        'button',
        {
          attributes: { role: 'menuitem', tabindex: '-1', type: 'button' },
          on: {
            click: () => {
              this.close();
              item.run();
            },
            pointermove: (event) => {
              (event.currentTarget as HTMLElement).focus();
            },
          },
        },
        item.label,
      ),
    );
    this.list = h(
      'div',
      { class: 'menu', attributes: { role: 'menu', 'aria-label': label, popover: 'auto' } },
      ...this.entries,
    );
    this.button = iconButton(iconName, label, () => {
      if (!this.wasOpen) this.open(0);
      this.wasOpen = false;
    });
    this.button.setAttribute('aria-haspopup', 'menu');
    this.button.setAttribute('aria-expanded', 'false');
    this.button.addEventListener('pointerdown', () => {
      this.wasOpen = this.isOpen;
    });
    this.button.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
      event.preventDefault();
      this.open(event.key === 'ArrowDown' ? 0 : this.entries.length - 1);
    });
    this.list.addEventListener('keydown', (event) => {
      this.key(event);
    });
    this.list.addEventListener('toggle', () => {
      this.button.setAttribute('aria-expanded', String(this.isOpen));
      if (!this.isOpen) window.removeEventListener('scroll', this.follow, { capture: true });
    });
    this.element = h('div', { class: 'menu-button' }, this.button, this.list);
  }

  private get isOpen(): boolean {
    return this.list.matches(':popover-open');
  }

  private open(entry: number): void {
    if (!this.isOpen) this.list.showPopover();
    this.place();
    this.entries[entry]?.focus();
    // What is fixed would stay behind when the page moves; the focus that came to the button may have moved it just now.
    window.addEventListener('scroll', this.follow, { capture: true });
    window.addEventListener('resize', this.dismiss, { once: true });
  }

  private readonly dismiss = (): void => {
    if (this.isOpen) this.list.hidePopover();
  };

  private readonly follow = (): void => {
    const { top, bottom } = this.button.getBoundingClientRect();
    if (bottom < 0 || top > innerHeight) this.dismiss();
    else this.place();
  };

  private close(): void {
    this.dismiss();
    this.button.focus();
  }

  /** Below the button, or above it where there is no room, within the page. */
  private place(): void {
    const { left, top, bottom } = this.button.getBoundingClientRect();
    const { offsetWidth, offsetHeight, style } = this.list;
    const below = bottom + gap;
    const fits = below + offsetHeight <= innerHeight;
    style.left = `${Math.max(gap, Math.min(left, innerWidth - offsetWidth - gap))}px`;
    style.top = `${fits ? below : Math.max(gap, top - offsetHeight - gap)}px`;
  }

  private key(event: KeyboardEvent): void {
    const { entries } = this;
    const at = entries.indexOf(document.activeElement as HTMLElement);
    const go = (to: number): void => {
      event.preventDefault();
      entries[(to + entries.length) % entries.length]?.focus();
    };
    if (event.key === 'ArrowDown') go(at + 1);
    else if (event.key === 'ArrowUp') go(at - 1);
    else if (event.key === 'Home') go(0);
    else if (event.key === 'End') go(-1);
    else if (event.key === 'Tab') this.close();
    else if (event.key === 'Escape') {
      event.preventDefault();
      // A figure around it would leave its zoom.
      event.stopPropagation();
      this.close();
    } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && event.key !== ' ') {
      const begins = (one: HTMLElement): boolean => one.textContent.toLowerCase().startsWith(event.key.toLowerCase());
      const later = [...entries.slice(at + 1), ...entries.slice(0, at + 1)].find(begins);
      if (later !== undefined) go(entries.indexOf(later));
    }
  }
}
