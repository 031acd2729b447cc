// Long work in slices of time, so that the page answers in between.

/** One slice, milliseconds: a frame has 16. */
const frameSliceMs = 8;

/** Lets the page answer. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Takes every step; resolves when all are done. `each` may end the work by answering false. */
export async function inSlices<Step>(
  steps: Iterator<Step>,
  each: (step: Step) => boolean,
  sliceMs = frameSliceMs,
): Promise<boolean> {
  for (;;) {
    const end = performance.now() + sliceMs;
    do {
      const next = steps.next();
      if (next.done === true) return true;
      if (!each(next.value)) return false;
    } while (performance.now() < end);
    await pause();
  }
}
