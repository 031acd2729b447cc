// What a page does in its frames: in the order in which it was asked, as much as fits into a part of one. A frame in which
// two long works met would keep the page from answering.

/** A frame has 16 milliseconds, and the browser's own part of it. */
const frameMs = 8;
/** A hidden page gets no frames, but a test or a reload may look at it. */
const hiddenMs = 200;

const asked = new Set<() => void>();
/** Ends the wait for the frame. */
let stopWaiting: (() => void) | null = null;

/** Does it in the next frame that has room for it, once however often it was asked meanwhile. */
export function inFrame(work: () => void): void {
  asked.add(work);
  wait();
}

/** `performance.now()` after which a work that begins now leaves the rest of it to the next frame. */
export function frameEnd(): number {
  return performance.now() + frameMs;
}

function wait(): void {
  if (stopWaiting !== null) return;
  const frame = requestAnimationFrame(begin);
  const timer = setTimeout(begin, hiddenMs);
  stopWaiting = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
}

function begin(): void {
  stopWaiting?.();
  stopWaiting = null;
  const end = frameEnd();
  try {
    // Asked again by a work itself: not in this frame.
    for (const work of [...asked]) {
      asked.delete(work);
      work();
      if (performance.now() > end) break;
    }
  } finally {
    // Also where one failed: the others are still to be done.
    if (asked.size > 0) wait();
  }
}
