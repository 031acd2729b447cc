// The checkpoint page alone: its table with any number of tensors, statistics, hostile texts, every theme.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe } from 'mocha';
import type { Page } from 'playwright-core';
import { bytesSource, type ClosableSource } from '../../src/checkpoint/byteSource';
import { readCheckpoint } from '../../src/checkpoint/readCheckpoint';
import type { TensorEntry, TensorIndex } from '../../src/checkpoint/tensorIndex';
import { computeTensorStatistics } from '../../src/checkpoint/tensorStatistics';
import { readShardIndex } from '../../src/checkpoint/shards/shardIndex';
import { readShards } from '../../src/checkpoint/shards/readShards';
import { begunEarly } from '../../src/inspection/begunEarly';
import { summariseCheckpoint } from '../../src/inspection/checkpointSummary';
import { packSummary } from '../../src/protocol/checkpointMessages';
import type { CheckpointHostCalls, CheckpointPageCalls, WireSummary } from '../../src/protocol/checkpointMessages';
import { safetensors } from '../unit/checkpoint/crafted';
import { full, fullIt } from '../setup/full';
import { seriousFindings } from './axe';
import { pageTests, settle, startPageLab, until } from './openPage';
import type { PageLab, PagePlace, ShownPage } from './openPage';
import { editorThemes, shownThemes } from './themeColours';

const folder = 'out/screenshots';
/** Read of every file to tell its format. */
const signatureBytes = 512;

/** A page with a host of its own and what the page asked of it. */
interface CheckpointView extends ShownPage<CheckpointPageCalls> {
  readonly asked: unknown[][];
}

interface OpenedFile {
  readonly summary?: WireSummary;
  readonly index: TensorIndex;
  readonly statistics?: CheckpointHostCalls['statistics'];
}

async function sample(name: string): Promise<OpenedFile> {
  const source = bytesSource(name, new Uint8Array(readFileSync(join('media/samples', name))));
  const index = await readCheckpoint(source);
  const entries = [...index.entries.values()];
  return { index, statistics: (row) => computeTensorStatistics(source, entries[row]!) };
}

async function crafted(
  header: Record<string, unknown>,
  byteLength: number,
  name = 'crafted.safetensors',
): Promise<OpenedFile> {
  const source = bytesSource(name, safetensors(header, new Uint8Array(byteLength)));
  const index = await readCheckpoint(source);
  const entries = [...index.entries.values()];
  return { index, statistics: (row) => computeTensorStatistics(source, entries[row]!) };
}

/** `count` tensors of 4 bytes. */
function manyTensors(count: number): Promise<OpenedFile> {
  const header: Record<string, unknown> = {};
  for (let i = 0; i < count; i++)
    header[`model.layers.${i >> 3}.mlp.experts.${i & 7}.weight`] = {
      dtype: 'F32',
      shape: [1],
      data_offsets: [4 * i, 4 * i + 4],
    };
  return crafted(header, 4 * count, 'many.safetensors');
}

/** A file of `byteLength` bytes that has nothing behind its header, and what was read of it. */
function headerOnly(
  name: string,
  header: Record<string, unknown>,
  dataBytes: number,
  reads: number[],
): ClosableSource & { readonly headerBytes: number } {
  const start = safetensors(header, new Uint8Array(0));
  const byteLength = start.length + dataBytes;
  return {
    name,
    byteLength,
    headerBytes: start.length,
    read: (offset, length) => {
      reads.push(length);
      if (offset + length > Math.max(start.length, signatureBytes))
        return Promise.reject(new Error(`bytes ${offset} to ${offset + length} of ${name} are no header`));
      const bytes = new Uint8Array(length);
      bytes.set(start.subarray(offset, offset + length));
      return Promise.resolve(bytes);
    },
    close: () => Promise.resolve(),
  };
}

const names = (page: Page): Promise<string[]> => page.locator('.rows .cell.name').allInnerTexts();
const chosen = (page: Page): Promise<string> => page.locator('.row.selected .cell.name').innerText();

describe('the checkpoint page', () => {
  let lab: PageLab;
  let view: CheckpointView;

  before(async () => {
    mkdirSync(folder, { recursive: true });
    lab = await startPageLab();
  });
  after(() => lab.close());

  const open = async (
    file: OpenedFile | (() => Promise<OpenedFile>),
    place: Partial<PagePlace> = {},
  ): Promise<CheckpointView> => {
    const asked: unknown[][] = [];
    const found: string[] = [];
    let current: OpenedFile | null = null;
    const note = (...call: unknown[]): Promise<void> => {
      asked.push(call);
      return Promise.resolve();
    };
    const handlers: CheckpointHostCalls = {
      open: async () => {
        asked.push(['open']);
        current = typeof file === 'function' ? await file() : file;
        return current.summary ?? packSummary(summariseCheckpoint(current.index, null));
      },
      statistics: (row) => {
        asked.push(['statistics', row]);
        return current!.statistics!(row);
      },
      cancelStatistics: (row) => note('cancelStatistics', row),
      copyName: (row) => note('copyName', row),
      inspect: () => note('inspect'),
      map: () => note('map'),
      log: (level, message) => {
        found.push(`log ${level}: ${message}`);
        return Promise.resolve();
      },
    };
    const shown = await lab.show<CheckpointHostCalls, CheckpointPageCalls>(
      { page: 'checkpoint', width: 1200, height: 800, ...place },
      handlers,
      found,
    );
    await shown.page.locator('#app[data-phase="done"], #app[data-phase="failed"]').waitFor();
    await settle(shown.page);
    view = { ...shown, asked };
    return view;
  };
  const check = pageTests(() => view);

  check('says what the file holds, what it is, and why', async () => {
    const { page, asked } = await open(await sample('digits-softmax.safetensors'));
    const message = await page.locator('.message').first().innerText();
    assert.match(message, /^safetensors · \d+ tensors · [\d,]+ parameters in [\d.]+ [kM]B · file of [\d.]+ [kM]B$/);
    assert.match(await page.locator('.cards').innerText(), /ViT, 6 layers x 4 heads, d \d+, N \d+/);
    await page.getByText('How this was recognised').click();
    assert.match(await page.locator('.cards').innerText(), /layers\s+6 \(/);
    await page.getByText('Inspect', { exact: true }).click();
    assert.deepEqual(asked, [['open'], ['inspect']]);
    // Nothing but the header was asked for.
    assert.ok((await names(page)).includes('blocks.0.attn.qkv.weight'));
  });

  check('goes to the next name with the letters that are typed on the table', async () => {
    const { page } = await open(await sample('digits-softmax.safetensors'));
    const selected = page.locator('.row.selected .name');
    const said = page.locator('.bar [role="status"]');
    await page.locator('.tensors').focus();
    await page.keyboard.type('mlp.fc2.w');
    const first = await selected.innerText();
    assert.match(first, /^blocks\.\d+\.mlp\.fc2\.weight$/);
    assert.equal(await said.innerText(), `"mlp.fc2.w": ${first}`);
    await page.waitForTimeout(1100);
    await page.keyboard.type('qkv.b');
    assert.match(await selected.innerText(), /^blocks\.\d+\.attn\.qkv\.bias$/);
    await page.keyboard.type('zz');
    assert.match(await selected.innerText(), /qkv\.bias$/);
    assert.equal(await said.innerText(), 'No name has "qkv.bzz" in it.');
  });

  check('shows the settings of a training checkpoint', async () => {
    const { page } = await open(await sample('digits-rpc.pt'));
    const text = await page.locator('.cards').textContent();
    assert.match(text ?? '', /RPC-SymViT/);
    assert.match(text ?? '', /Metadata \(\d+\)/);
    assert.match(text ?? '', /args\./);
  });

  check('computes statistics when asked, and keeps them', async () => {
    const file = await sample('digits-softmax.safetensors');
    const { page, asked } = await open(file);
    await page.locator('.search').click();
    await page.keyboard.type('blocks.3 QKV.weight');
    await settle(page);
    assert.deepEqual(await names(page), ['blocks.3.attn.qkv.weight']);
    await page.locator('.rows .row').click();
    assert.equal(asked.length, 1, 'a click reads no tensor');
    await page.getByText('Compute Statistics').click();
    await page.locator('.statistics dl').waitFor();
    const row = [...file.index.entries.keys()].indexOf('blocks.3.attn.qkv.weight');
    assert.deepEqual(asked, [['open'], ['statistics', row]]);
    const wanted = await file.statistics!(row);
    const shown = await page.locator('.statistics dl').innerText();
    assert.match(shown, new RegExp(`minimum\\s+${wanted.min!.toPrecision(6).replace('.', '\\.')}`));
    assert.match(shown, new RegExp(`standard deviation\\s+${wanted.sd!.toPrecision(6).replace('.', '\\.')}`));
    assert.match(shown, /NaN\s+0/);
    assert.match((await page.locator('.tensor [role=status]').textContent()) ?? '', /qkv\.weight: minimum -/);
    await page.locator('.search').click();
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Delete');
    await page.keyboard.press('Tab');
    await page.locator('.tensors').focus();
    await page.keyboard.press('ArrowDown');
    assert.ok(await page.getByText('Compute Statistics').isVisible());
    await page.keyboard.press('ArrowUp');
    assert.ok(await page.locator('.statistics dl').isVisible(), 'the result stays');
    assert.equal(asked.length, 2);
  });

  check('is sorted by its headings and walked with the keyboard', async () => {
    const { page, asked } = await open(await sample('digits-rpc.pt'));
    const inFile = await names(page);
    const nameHeading = page.locator('.head .name');
    await nameHeading.locator('button').focus();
    await page.keyboard.press('Enter');
    await settle(page);
    assert.equal(await nameHeading.getAttribute('aria-sort'), 'ascending');
    const ascending = await names(page);
    assert.notDeepEqual(ascending, inFile);
    assert.deepEqual(
      ascending,
      [...ascending].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })),
    );
    // The focus is still on the button that was drawn anew.
    await page.keyboard.press('Enter');
    assert.equal(await nameHeading.getAttribute('aria-sort'), 'descending');
    await page.keyboard.press('Enter');
    assert.equal(await nameHeading.getAttribute('aria-sort'), 'none');
    assert.deepEqual(await names(page), inFile);
    await page.locator('.head .bytes button').click();
    await page.locator('.head .bytes button').click();
    await page.locator('.tensors').focus();
    await page.keyboard.press('Home');
    assert.match(await chosen(page), /mlp\.fc[12]\.weight|pos_embed|qkv\.weight/);
    const marked = await page.locator('.tensors').getAttribute('aria-activedescendant');
    assert.equal(marked, await page.locator('.row.selected').getAttribute('id'));
    await page.keyboard.press('End');
    await page.keyboard.press('PageUp');
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.locator('.row.selected').getAttribute('aria-selected'), 'true');
    const row = Number(await page.locator('.row.selected').getAttribute('data-row'));
    await page.keyboard.press('Control+c');
    await page.keyboard.press('Enter');
    await page.locator('.statistics dl').waitFor();
    assert.deepEqual(asked.slice(1), [
      ['copyName', row],
      ['statistics', row],
    ]);
  });

  check('has nothing but headers read for it, once, before it asks: one file of 10 GB, 36 of 30 GB', async () => {
    const half = 5e9;
    const header = {
      a: { dtype: 'BF16', shape: [half / 2], data_offsets: [0, half] },
      b: { dtype: 'F32', shape: [half / 4], data_offsets: [half, 2 * half] },
    };
    const shardNames = Array.from({ length: 36 }, (_, i) => `model-${i + 1}.safetensors`);
    const weightMap = Object.fromEntries(shardNames.map((name, i) => [`w.${i}`, name]));
    const indexBytes = new TextEncoder().encode(JSON.stringify({ weight_map: weightMap }));
    const read: number[] = [];
    let headerBytes = 0;
    const one = (): Promise<TensorIndex> => {
      const source = headerOnly('ten.safetensors', header, 2 * half, read);
      headerBytes = source.headerBytes;
      return readCheckpoint(source);
    };
    const sharded = async (): Promise<TensorIndex> => {
      const bytes = bytesSource('model.safetensors.index.json', indexBytes);
      return readShards(bytes.name, await readShardIndex(bytes), (name) => {
        const own = { [`w.${shardNames.indexOf(name)}`]: { dtype: 'F32', shape: [2.1e8], data_offsets: [0, 8.4e8] } };
        const source = headerOnly(name, own, 8.4e8, read);
        headerBytes += source.headerBytes;
        return Promise.resolve(source);
      });
    };
    for (const [readIndex, files] of [
      [one, 1],
      [sharded, 36],
    ] as const) {
      read.length = 0;
      headerBytes = 0;
      let times = 0;
      const begun = begunEarly(async () => {
        times += 1;
        const index = await readIndex();
        return { index, summary: packSummary(summariseCheckpoint(index, null)) };
      });
      // What the extension host does before the page is there, and what the page then gets.
      assert.equal(times, 1, 'begun before the page asks');
      const { page, asked } = await open(begun);
      assert.match(
        await page.locator('.message').first().innerText(),
        files === 1 ? /10\.0 GB/ : /36 files of 30\.2 GB/,
      );
      const total = read.reduce((sum, length) => sum + length, 0);
      const allowed = headerBytes + files * signatureBytes;
      assert.ok(total <= allowed, `${total} bytes read, ${allowed} are headers`);
      assert.deepEqual([asked, times], [[['open']], 1]);
      if (files === 1) await view.close();
    }
  });

  // The suite in the workbench opens as many every time.
  pageTests(() => view, fullIt)('shows 100,000 tensors with a few dozen rows', async () => {
    const file = await manyTensors(100_000);
    const begun = performance.now();
    summariseCheckpoint(file.index, null);
    console.log(`      100,000 tensors: summarised in ${(performance.now() - begun).toFixed(0)} ms`);
    const { page } = await open(file);
    const timed = async (what: string, act: () => Promise<void>): Promise<void> => {
      const start = performance.now();
      await act();
      const ms = performance.now() - start;
      console.log(`      100,000 tensors: ${what} ${ms.toFixed(0)} ms`);
      assert.ok(ms < 3000, `${what} took ${ms} ms`);
    };
    assert.match(await page.locator('.message').first().innerText(), /100,000 tensors · 100,000 parameters in 400 kB/);
    const rowCount = await page.locator('.rows .row').count();
    assert.ok(rowCount > 10 && rowCount < 60, `${rowCount} rows drawn`);
    assert.equal(await page.locator('.tensors').getAttribute('aria-rowcount'), '100001');
    await page.locator('.tensors').focus();
    await timed('End', async () => {
      await page.keyboard.press('End');
      await settle(page);
    });
    assert.equal(await chosen(page), 'model.layers.12499.mlp.experts.7.weight');
    assert.equal(await page.locator('.row.selected').getAttribute('aria-rowindex'), '100001');
    const table = (await page.locator('.tensors').boundingBox())!;
    const last = (await page.locator('.row.selected').boundingBox())!;
    assert.ok(last.y + last.height <= table.y + table.height + 1, 'the last row is in sight');
    await timed('sort by name', async () => {
      await page.locator('.head .name button').click();
      await settle(page);
    });
    await page.locator('.search').click();
    await timed('search', async () => {
      await page.keyboard.type('layers.777.');
      await settle(page);
    });
    assert.equal(await page.locator('.bar .quiet').innerText(), '8 of 100,000 tensors');
    assert.equal((await names(page)).length, 8);
  });

  check('shows names, metadata and sentences from a file as text', async () => {
    const evil = '<img src=x onerror="document.title=\'owned\'">';
    const long = `${'x'.repeat(5000)}.weight`;
    const header = {
      __metadata__: { [evil]: `${evil}${'y'.repeat(3000)}`, __proto__x: 'z' },
      [evil]: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
      [long]: { dtype: 'F32', shape: [1], data_offsets: [4, 8] },
      'line\nbreak\u202e\t\u0000end': { dtype: 'F32', shape: [1], data_offsets: [8, 12] },
      '': { dtype: 'F32', shape: [], data_offsets: [12, 16] },
      constructor: { dtype: 'C64', shape: [1], data_offsets: [16, 24] },
    };
    const { page } = await open(await crafted(header, 24, `${evil}.safetensors`));
    assert.equal(await page.locator('img').count(), 0);
    assert.equal(await page.title(), 'Gramlens page test');
    assert.match(await page.locator('h1').innerText(), /^<img src=x/);
    assert.equal((await page.locator('.rows .cell.name').allTextContents())[0], evil);
    assert.deepEqual(await page.locator('.rows .cell.name').nth(2).allTextContents(), [
      'line\ufffdbreak\ufffd\ufffd\ufffdend',
    ]);
    assert.equal(await page.locator('.rows .cell.name').nth(3).innerText(), '(empty name)');
    for (const row of await page.locator('.rows .row').all()) assert.equal((await row.boundingBox())?.height, 24);
    await page.locator('.rows .row').nth(1).click();
    assert.equal(await page.locator('h2.name').textContent(), long);
    assert.match(await page.locator('.cards').innerText(), /yyy… \(\d+ more letters\)/);
    // The page does not grow sideways because of them.
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    await page.locator('.rows .row').nth(4).click();
    assert.match(await page.locator('.row.selected .problem').innerText(), /C64/);
    assert.equal(await page.getByText('Compute Statistics').count(), 0);
    await page.locator('.tensors').focus();
    await page.keyboard.press('Enter');
    assert.ok(!view.asked.some(([method]) => method === 'statistics'), 'a tensor with a problem is not read');
    await page.screenshot({ path: `${folder}/checkpoint-hostile.png` });
  });

  check('says the reader’s sentence when the file cannot be read, and opens it once it can', async () => {
    let whole = false;
    const good = await sample('digits-softmax.safetensors');
    const { page } = await open(async () => {
      if (whole) return good;
      return { index: await readCheckpoint(bytesSource('cut.safetensors', safetensors('{"a":', [], 5000))) };
    });
    const sentence = await page.locator('.message.failed').innerText();
    assert.match(sentence, /^cut\.safetensors: .*Copy or download the file again\.$/);
    assert.ok(!(await page.locator('.body').isVisible()));
    assert.ok(!(await page.getByText('Inspect', { exact: true }).isVisible()));
    await page.screenshot({ path: `${folder}/checkpoint-failed.png` });
    assert.deepEqual(await seriousFindings(page), []);
    whole = true;
    await page.locator('[aria-label="Read the header again"]').first().click();
    await page.locator('#app[data-phase="done"]').waitFor();
    assert.equal(await page.locator('h1').innerText(), 'digits-softmax.safetensors');
    assert.equal(await page.locator('.message.failed').count(), 0);
  });

  check('says why a file is not recognised, and what is left to ask', async () => {
    const tensor = (name: string, shape: number[], at: number): [string, object] => [
      name,
      { dtype: 'F32', shape, data_offsets: [at, at + 4 * shape.reduce((a, b) => a * b, 1)] },
    ];
    const strange = Object.fromEntries([tensor('a.weight', [2, 3], 0), tensor('b.running_mean', [4], 24)]);
    const { page } = await open(await crafted(strange, 40));
    assert.match(await page.locator('.cards').innerText(), /^Not recognised\s+crafted\.safetensors/);
    await view.close();
    const { index } = await sample('digits-softmax.safetensors');
    // Without its metadata, nothing says how many heads there are.
    await open({ index: { ...index, metadata: {} } });
    const text = await view.page.locator('.cards').innerText();
    assert.match(text, /^Recognised, with a question left\s.*heads/s);
    assert.match(text, /Inspect asks this before it runs\./);
  });

  check('tells how far it is with a large tensor, and leaves it when asked', async () => {
    const { index } = await sample('digits-softmax.safetensors');
    let fail: (error: Error) => void = () => undefined;
    const { page, remote, asked } = await open({
      index,
      statistics: () => new Promise((_, reject) => (fail = reject)),
    });
    await page.locator('.rows .row').nth(2).dblclick();
    await until(() => asked.some(([method]) => method === 'statistics'), 'statistics are asked for');
    await remote.statisticsProgress(2, 0.375);
    assert.equal(await page.locator('progress').evaluate((bar) => (bar as HTMLProgressElement).value), 0.375);
    await page.getByText('Cancel', { exact: true }).click();
    assert.deepEqual(asked.slice(1), [
      ['statistics', 2],
      ['cancelStatistics', 2],
    ]);
    fail(new Error('Cancelled.'));
    await settle(page);
    assert.match(await page.locator('.statistics').innerText(), /Cancelled\./);
    await page.getByText('Compute Statistics').click();
    await until(() => asked.length === 4, 'statistics are asked for again');
    fail(new Error('digits: tensor "w" ends at byte 20, the file at 16. Copy or download the file again.'));
    await page.locator('.statistics .failed').waitFor();
    assert.match(await page.locator('.statistics .failed').innerText(), /ends at byte 20/);
    assert.ok(await page.getByText('Compute Statistics').isVisible());
  });

  check('names the file of every tensor of a sharded checkpoint', async () => {
    const { index } = await sample('digits-softmax.safetensors');
    const shards = ['model-1-of-2.safetensors', 'model-2-of-2.safetensors'];
    const entries = new Map(
      [...index.entries].map(([name, entry], i): [string, TensorEntry] => [name, { ...entry, shard: shards[i % 2]! }]),
    );
    const files = shards.map((name) => ({ name, byteLength: 1e6 }));
    const { page } = await open({ index: { ...index, entries, shards: files } });
    assert.match(await page.locator('.message').first().innerText(), /2 files of/);
    assert.match(await page.locator('.cards').innerText(), /Files \(2\)\s+model-1-of-2\.safetensors\s+1\.0 MB/);
    await page.locator('.rows .row').nth(1).click();
    assert.match(await page.locator('.tensor').innerText(), /file\s+model-2-of-2\.safetensors/);
  });

  for (const theme of shownThemes) {
    for (const width of full ? [1200, 560] : [theme === 'dark' ? 1200 : 560]) {
      check(`looks right and is accessible: ${theme}, ${width} px`, async () => {
        const { index, statistics } = await sample('digits-rpc.pt');
        const entries = new Map(index.entries);
        const [first] = entries.keys();
        const problem = `Its storage lies on the device "meta". Save the model again on the CPU.`;
        entries.set(first!, { ...entries.get(first!)!, problem });
        const file = { index: { ...index, entries }, ...(statistics === undefined ? {} : { statistics }) };
        const { page } = await open(file, { theme, width, height: 820 });
        await page.locator('.rows .row').nth(4).click();
        await page.getByText('Compute Statistics').click();
        await page.locator('.statistics dl').waitFor();
        await page.locator('.head .bytes button').click();
        await page.locator('.tensors').focus();
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('ArrowUp');
        await settle(page);
        await page.screenshot({ path: `${folder}/checkpoint-${theme}-${width}.png`, fullPage: true });
        const ground = editorThemes[theme].colours['editor-background']!;
        const channels = [1, 3, 5].map((at) => Number.parseInt(ground.slice(at, at + 2), 16));
        const painted = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        assert.equal(painted, `rgb(${channels.join(', ')})`);
        assert.deepEqual(await seriousFindings(page), []);
      });
    }
  }
});
