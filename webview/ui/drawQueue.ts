// Figures that wait to be drawn: as many a frame as fit into a part of it, so that a page with dozens of them answers
// meanwhile. What they need to know of the layout is read of all before any of them changes it. Behind them waits what
// nobody sees at first: figures that are yet to be made, their buttons, the lists of menus.

import { frameEnd, inFrame } from './frame';

export interface Waiting {
  /** Reads its size. */
  measure(): void;
  /** Takes its place on the page. */
  reserve(): void;
  paint(): void;
}

const waiting = new Set<Waiting>();
const behind = new Set<() => void>();

/** Draws it in one of the next frames, once however often it was asked. */
export function drawSoon(one: Waiting): void {
  waiting.add(one);
  schedule();
}

/** Does it in a later frame, when what was to be drawn before is drawn; in order, each once however often it was asked. */
export function afterDrawing(work: () => void): void {
  behind.add(work);
  schedule();
}

function schedule(): void {
  // Tests wait for a page that is at rest.
  document.body.dataset['drawing'] = 'true';
  inFrame(drawSome);
}

function drawSome(): void {
  const end = frameEnd();
  const hasDrawn = waiting.size > 0;
  drawWaiting(end);
  // A frame that drew for too long leaves the rest to the next one.
  if (waiting.size === 0 && (!hasDrawn || performance.now() < end)) workBehind(end);
  if (waiting.size + behind.size > 0) schedule();
  else delete document.body.dataset['drawing'];
}

function drawWaiting(end: number): void {
  const all = [...waiting];
  for (const one of all) one.measure();
  for (const one of all) one.reserve();
  for (const one of all) {
    waiting.delete(one);
    one.paint();
    if (performance.now() > end) break;
  }
}

/** At least one. */
function workBehind(end: number): void {
  for (const work of behind) {
    behind.delete(work);
    work();
    if (performance.now() > end) break;
  }
}
