import type { HeadAddress } from '../protocol/messages';

/** Of what a tab or a link of an earlier session says; null: it names no head. */
export function asAddress(value: unknown): HeadAddress | null {
  if (typeof value !== 'object' || value === null || !('layer' in value) || !('head' in value)) return null;
  const [layer, head] = [Number(value.layer), Number(value.head)];
  return Number.isSafeInteger(layer) && Number.isSafeInteger(head) ? { layer, head } : null;
}
