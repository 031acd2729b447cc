// A small check that a text is well-formed XML (what an SVG viewer would refuse, this refuses) and its parts.

import assert from 'node:assert/strict';

export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** Text directly inside, entities resolved. */
  text: string;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function resolve(text: string): string {
  return text.replace(/&([^;\s]*);?/g, (whole, name: string) => {
    const found = entities[name];
    assert.ok(found !== undefined && whole.endsWith(';'), `unknown entity ${whole}`);
    return found;
  });
}

/** All elements in document order. Fails on anything that is not well-formed. */
export function parseXml(source: string): XmlElement[] {
  const elements: XmlElement[] = [];
  const open: XmlElement[] = [];
  let at = 0;
  while (at < source.length) {
    if (source[at] !== '<') {
      const end = source.indexOf('<', at);
      const text = source.slice(at, end === -1 ? source.length : end);
      const parent = open.at(-1);
      assert.ok(parent ?? text.trim() === '', `text outside the root: ${text.slice(0, 40)}`);
      if (parent) parent.text += resolve(text);
      at += text.length;
      continue;
    }
    const close = /^<\/([\w:-]+)>/.exec(source.slice(at, at + 100));
    if (close) {
      assert.equal(open.pop()?.name, close[1], 'closing tag');
      at += close[0].length;
      continue;
    }
    const end = source.indexOf('>', at);
    assert.ok(end > at, 'tag never ends');
    const tag = /^<([\w:-]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>$/.exec(source.slice(at, end + 1));
    assert.ok(tag, `not a tag: ${source.slice(at, Math.min(end + 1, at + 200))}`);
    const attributes = new Map<string, string>();
    for (const [, key = '', value = ''] of (tag[2] ?? '').matchAll(/([\w:-]+)="([^"]*)"/g)) {
      assert.ok(!attributes.has(key), `attribute ${key} twice`);
      attributes.set(key, resolve(value));
    }
    const element = { name: tag[1] ?? '', attributes, text: '' };
    elements.push(element);
    if (tag[3] === '') open.push(element);
    at = end + 1;
  }
  assert.equal(open.length, 0, 'unclosed elements');
  return elements;
}
