// The keyboard goes on where it was when a page gets the focus back: the editor takes it from the element when another part
// of the window has it, and gives it back to the page as a whole.

/** For the whole life of the page. A click goes where it points. */
export function keepFocus(): void {
  let last: EventTarget | null = null;
  let pointed = 0;
  window.addEventListener('focusin', ({ target }) => {
    last = target;
  });
  window.addEventListener('pointerdown', () => (pointed = performance.now()), { capture: true, passive: true });
  window.addEventListener('focus', ({ target }) => {
    if (target !== window) return;
    const since = performance.now();
    // After the pointer's own events, where it was a click that brought the focus.
    setTimeout(() => {
      const isFree = document.activeElement === null || document.activeElement === document.body;
      if (isFree && pointed < since && last instanceof HTMLElement && last.isConnected)
        last.focus({ preventScroll: true });
    });
  });
}
