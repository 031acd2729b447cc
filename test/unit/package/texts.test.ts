// Texts that are ready for translation: each is in the bundle as it stands in the source, and its placeholders are filled.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ts from 'typescript';

const folder = 'media/l10n';
const bundleName = 'bundle.l10n.json';

interface Call {
  /** file:line */
  readonly at: string;
  /** null: made at run time. */
  readonly text: string | null;
  /** null: handed on as a list. */
  readonly given: number | null;
  readonly source: string;
}

const readTexts = (path: string): Readonly<Record<string, string>> =>
  JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;

/** Every call of `l10n.t` and `vscode.l10n.t` in a file. */
function callsIn(path: string): readonly Call[] {
  const text = readFileSync(path, 'utf8');
  if (!text.includes('l10n.t(')) return [];
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const calls: Call[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(vscode\.)?l10n\.t$/.test(node.expression.getText())) {
      const [first, ...rest] = node.arguments;
      const { line } = file.getLineAndCharacterOfPosition(node.getStart());
      calls.push({
        at: `${path}:${line + 1}`,
        text: first !== undefined && ts.isStringLiteralLike(first) ? first.text : null,
        given: rest.some((argument) => ts.isSpreadElement(argument)) ? null : rest.length,
        source: first?.getText() ?? '',
      });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return calls;
}

const placeholders = (text: string): readonly string[] =>
  [...new Set([...text.matchAll(/\{(\d+)\}/g)].map(([, digits]) => digits!))].sort((a, b) => Number(a) - Number(b));

describe('texts for translation', () => {
  const calls = ['src', 'webview'].flatMap((root) =>
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => callsIn(join(root, name))),
  );

  it('are whole literals, which the collector of texts can read', () => {
    // @vscode/l10n-dev 0.0.35 sees no text that is put together, and reads \u and \x escapes wrongly.
    const strange = calls.filter(({ text, source }) => text === null || /\\[ux]/.test(source));
    assert.deepEqual(
      strange.map(({ at, source }) => `${at} ${source}`),
      [],
    );
  });

  it('are in the bundle, every one and no other', () => {
    const bundle = readTexts(join(folder, bundleName));
    const used = new Set(calls.flatMap(({ text }) => text ?? []));
    const missing = [...used].filter((text) => bundle[text] !== text);
    const left = Object.keys(bundle).filter((text) => !used.has(text));
    assert.deepEqual({ missing, left }, { missing: [], left: [] }, 'the bundle is out of date: npm run l10n');
  });

  it('get a value for each of their placeholders', () => {
    const wrong = calls.filter(({ text, given }) => {
      const numbers = placeholders(text ?? '');
      return given !== null && (numbers.length !== given || numbers.some((digits, i) => Number(digits) !== i));
    });
    assert.deepEqual(
      wrong.map(({ at, text, given }) => `${at} hands ${given ?? ''} values to: ${text ?? ''}`),
      [],
    );
  });

  it('keep their placeholders in every translation', () => {
    const wrong = readdirSync(folder)
      .filter((name) => name !== bundleName)
      .flatMap((name) =>
        Object.entries(readTexts(join(folder, name)))
          .filter(([text, there]) => String(placeholders(text)) !== String(placeholders(there)))
          .map(([text]) => `${name}: ${text}`),
      );
    assert.deepEqual(wrong, []);
  });
});
