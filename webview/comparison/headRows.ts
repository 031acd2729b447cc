// Lines of a table whose first cell leads to a head.

import type { HeadAddress } from '../../src/protocol/messages';
import { h } from '../ui/dom';

/** `cells`: layer and head first, which become one button. */
export function headRow(
  address: HeadAddress,
  cells: readonly string[],
  select: (address: HeadAddress) => void,
): HTMLElement {
  const [layer = '', head = '', ...rest] = cells;
  const go = h(
    'button',
    {
      class: 'link',
      on: {
        click: () => {
          select(address);
        },
      },
    },
    `${layer} · ${head}`,
  );
  return h(
    'tr',
    { attributes: { 'data-head': `${address.layer} ${address.head}` } },
    h('th', { attributes: { scope: 'row' } }, go),
    ...rest.map((text) => h('td', {}, text)),
  );
}

/** Marks the lines of the selected head. */
export function markSelected(table: HTMLElement, selected: HeadAddress | null): void {
  for (const row of table.querySelectorAll<HTMLElement>('tr[data-head]')) {
    const here = selected !== null && row.dataset['head'] === `${selected.layer} ${selected.head}`;
    row.classList.toggle('selected', here);
  }
}
