// Item 6: every format that the dialog offers, with the numbers that the panels showed.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { InspectionResult } from '../../../src/inspection/inspectionResult';
import { formatNumber } from '../../../src/report/format';
import { chosen } from './overview';
import { inspectorPage, type Visit } from './visit';

export async function report(visit: Visit): Promise<void> {
  const inspector = await visit.frame(inspectorPage);
  const read = (name: string): string => readFileSync(join(visit.folder, name), 'utf8');
  const exported = async (name: string): Promise<string> => {
    if (visit.manner === 'mouse') await inspector.locator('header vscode-button', { hasText: 'Export Report' }).click();
    else await visit.command('Gramlens: Export Diagnostics Report');
    if (name.endsWith('html')) {
      await visit.page.locator('.quick-input-widget input[type="text"]').first().waitFor();
      await visit.shot(6, 'dialog');
    }
    await visit.takePath('Export', join(visit.folder, name), 'OK');
    await visit.eventually(`the file ${name}`, () => Promise.resolve(existsSync(join(visit.folder, name))));
    return read(name);
  };
  const html = await exported('heads.html');
  const markdown = await exported('notes.md');
  const csv = await exported('heads.csv');
  const json = await exported('alone.json');
  await visit.shot(6, 'exported');
  assert.deepEqual(
    readdirSync(visit.folder)
      .filter((name) => /^(alone|heads|notes)/.test(name))
      .sort(),
    [
      'alone.json',
      'heads.csv',
      'heads.gramlens.json',
      'heads.html',
      'notes-figures',
      'notes.gramlens.json',
      'notes.md',
    ],
  );
  const { layers, provenance } = JSON.parse(json) as InspectionResult;
  assert.equal(read('heads.gramlens.json'), json);
  assert.equal(provenance.nulls, 20, 'as typed into the settings');
  const number = layers[chosen.layer]!.heads[chosen.head]!.alignment.theory.overlap!;
  const panel = visit.seen.get('overlap')!;
  assert.equal(formatNumber(number), panel);
  assert.ok(html.includes(panel) && markdown.includes(panel));
  const [columns, ...rows] = csv
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  const cells = rows.find(([layer, head]) => Number(layer) === chosen.layer && Number(head) === chosen.head)!;
  assert.equal(Number(cells[columns!.indexOf('alignment.theory.overlap')]), number);
}
