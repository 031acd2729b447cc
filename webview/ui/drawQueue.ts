// Figures that wait to be drawn: as many a frame as fit into a part of it, so that a page with dozens of them answers
// meanwhile. What they need to know of the layout is read of all before any of them changes it.

/** A frame has 16 milliseconds, and the browser's own part of it. */
const frameMs = 8;
/** A hidden page gets no frames, but a test or a reload may look at it. */
const hiddenMs = 200;

export interface Waiting {
  /** Reads its size. */
  measure(): void;
  /** Takes its place on the page. */
  reserve(): void;
  paint(): void;
}

const waiting = new Set<Waiting>();
let isScheduled = false;

/** Draws it in one of the next frames, once however often it was asked. */
export function drawSoon(one: Waiting): void {
  waiting.add(one);
  if (!isScheduled) schedule();
}

function schedule(): void {
  isScheduled = true;
  const begin = (): void => {
    if (!isScheduled) return;
    isScheduled = false;
    drawWaiting();
  };
  requestAnimationFrame(begin);
  setTimeout(begin, hiddenMs);
}

function drawWaiting(): void {
  const all = [...waiting];
  for (const one of all) one.measure();
  for (const one of all) one.reserve();
  const end = performance.now() + frameMs;
  for (const one of all) {
    waiting.delete(one);
    one.paint();
    if (performance.now() > end) break;
  }
  if (waiting.size > 0) schedule();
}
