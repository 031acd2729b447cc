// Layers as they come from the host, read a few at a time.

import type { LayerResult } from '../../src/inspection/inspectionResult';
import type { SessionSnapshot, WireSnapshot } from '../../src/protocol/messages';
import { unpackLayer, type WireLayer } from '../../src/protocol/wireLayers';
import { inSlices } from './slices';

/** One slice, milliseconds: nothing is drawn meanwhile, and a person waits for the whole. */
const sliceMs = 24;

export async function readLayers(wire: readonly WireLayer[]): Promise<readonly LayerResult[]> {
  const layers: LayerResult[] = [];
  await inSlices(wire.values(), (text) => layers.push(unpackLayer(text)) > 0, sliceMs);
  return layers;
}

export async function readSnapshot(wire: WireSnapshot): Promise<SessionSnapshot> {
  return { ...wire, layers: await readLayers(wire.layers) };
}

/** What comes while layers are read waits until they are, so that everything happens in the order in which it came. */
export class InTurn {
  private last: Promise<void> = Promise.resolve();

  do(work: () => void | Promise<void>): Promise<void> {
    const done = this.last.then(work);
    // Whoever asked hears that it failed; what comes behind it goes on.
    this.last = done.catch(() => undefined);
    return done;
  }
}
