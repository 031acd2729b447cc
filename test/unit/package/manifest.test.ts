// What package.json promises to the editor: buttons whose commands exist, pictures that are there.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';

interface Step {
  readonly id: string;
  readonly description: string;
  readonly media: { readonly image: string; readonly altText: string };
  readonly completionEvents?: readonly string[];
}
interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly views: Readonly<Record<string, readonly { readonly id: string }[]>>;
    readonly viewsWelcome: readonly { readonly contents: string }[];
    readonly walkthroughs: readonly { readonly steps: readonly Step[] }[];
  };
}

const texts = JSON.parse(readFileSync('package.nls.json', 'utf8')) as Readonly<Record<string, string>>;
const source = readFileSync('package.json', 'utf8');
const { contributes } = JSON.parse(
  source.replace(/%([\w.-]+)%/g, (key, name: string) => JSON.stringify(texts[name] ?? key).slice(1, -1)),
) as Manifest;
const commands = new Set(contributes.commands.map(({ command }) => command));
const views = new Set(Object.values(contributes.views).flatMap((all) => all.map(({ id }) => id)));

function linked(text: string): string[] {
  return [...text.matchAll(/\]\(command:([^)]+)\)/g)].map((match) => match[1]!);
}

describe('package.json', () => {
  it('has every text that people read in package.nls.json, ready to be translated', () => {
    const keys = [...source.matchAll(/"%([^"%]+)%"/g)].map((match) => match[1]!);
    assert.deepEqual([...new Set(keys)].sort(), Object.keys(texts).sort());
    const plain = [
      ...source.matchAll(/"(?:title|name|contents|\w*[dD]escription|displayName|altText)": "([^%][^"]*)"/g),
    ];
    assert.deepEqual(
      plain.map((match) => match[1]).filter((text) => text !== 'gramlens'),
      [],
    );
  });

  const steps = contributes.walkthroughs.flatMap((walkthrough) => walkthrough.steps);

  it('links commands that exist, from the walkthrough and from empty views', () => {
    const written = [...steps.map((step) => step.description), ...contributes.viewsWelcome.map((one) => one.contents)];
    const all = written.flatMap(linked);
    assert.ok(all.length >= 6, `${all.length} links`);
    const split = all.map((link) => link.split('?') as [string, string?]);
    assert.deepEqual(
      split.map(([command]) => command).filter((command) => !commands.has(command)),
      [],
    );
    // What comes with a link is a sample that is there.
    for (const [, file] of split)
      if (file !== undefined) assert.ok(existsSync(`media/samples/${JSON.parse(decodeURIComponent(file)) as string}`));
  });

  it('has a picture with words for each step of the walkthrough, and events that can happen', () => {
    const sources = ['src/vscode/session.ts'].map((file) => readFileSync(file, 'utf8')).join('\n');
    for (const { id, media, completionEvents = [] } of steps) {
      assert.ok(existsSync(media.image) && media.altText.length > 20, `${id}: ${media.image}`);
      for (const event of completionEvents) {
        const [kind = '', name = ''] = event.split(':');
        const known = {
          onCommand: commands.has(name),
          onView: views.has(name),
          onContext: sources.includes(`'${name}'`),
        };
        assert.ok(known[kind as keyof typeof known], `${id}: ${event}`);
      }
    }
  });
});
