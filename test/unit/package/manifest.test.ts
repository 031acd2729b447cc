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

const { contributes } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const commands = new Set(contributes.commands.map(({ command }) => command));
const views = new Set(Object.values(contributes.views).flatMap((all) => all.map(({ id }) => id)));

function linked(text: string): string[] {
  return [...text.matchAll(/\]\(command:([^)]+)\)/g)].map((match) => match[1]!);
}

describe('package.json', () => {
  const steps = contributes.walkthroughs.flatMap((walkthrough) => walkthrough.steps);

  it('links commands that exist, from the walkthrough and from empty views', () => {
    const texts = [...steps.map((step) => step.description), ...contributes.viewsWelcome.map((one) => one.contents)];
    const all = texts.flatMap(linked);
    assert.ok(all.length >= 6, `${all.length} links`);
    assert.deepEqual(
      all.filter((command) => !commands.has(command)),
      [],
    );
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
