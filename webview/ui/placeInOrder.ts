// Figures that are made one after the other, and not always in their order.

interface Placed {
  readonly element: HTMLElement;
}

/** Puts the element of `id` into `parent`, before the first of those that follow it in `ids` and are there already. */
export function placeInOrder(
  parent: HTMLElement,
  id: string,
  ids: readonly string[],
  views: ReadonlyMap<string, Placed>,
): void {
  const next = ids.slice(ids.indexOf(id) + 1).find((other) => views.has(other));
  parent.insertBefore(views.get(id)!.element, next === undefined ? null : views.get(next)!.element);
}
