// Whether HTML is well nested.

import assert from 'node:assert/strict';

const voidElements = new Set(['meta', 'img', 'br', 'link']);

/** Every start tag has its end tag in order, and ids are unique. Returns the number of elements. */
export function checkNesting(html: string): number {
  const open: string[] = [];
  const ids = new Set<string>();
  let count = 0;
  const body = html.replace(/<style>[\s\S]*?<\/style>/, '');
  for (const [, slash, name = '', attributes = '', self] of body.matchAll(
    /<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"]*")*)\s*(\/?)>/g,
  )) {
    if (slash === '/') {
      assert.equal(open.pop(), name);
      continue;
    }
    count += 1;
    const id = / id="([^"]*)"/.exec(attributes)?.[1];
    if (id !== undefined) {
      assert.ok(!ids.has(id), `id ${id} twice`);
      ids.add(id);
    }
    if (self !== '/' && !voidElements.has(name)) open.push(name);
  }
  assert.deepEqual(open, []);
  // Whatever is left after taking the tags away must hold no angle bracket.
  assert.doesNotMatch(
    body.replace(/<!DOCTYPE html>/, '').replace(/<\/?[a-zA-Z][\w-]*(?:\s+[\w:-]+="[^"]*")*\s*\/?>/g, ''),
    /[<>]/,
  );
  return count;
}
