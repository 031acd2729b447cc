// From a checkpoint file to a run: where the command is found, the questions on the way, and leaving each of them.
import { after, afterEach, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { SessionSnapshot } from '../../../src/protocol/messages';
import { outer, until } from '../outer';
import {
  answer,
  assertComplete,
  clearNotifications,
  closeEditors,
  gramlens,
  inspectorPage,
  notifications,
  notificationShown,
  openQuestion,
  phase,
  questionShown,
  quick,
  rpcSample,
  runSample,
  sample,
  softmaxSample,
  threadCount,
  threadsBackTo,
  withSettings,
} from './drive';
import { paintedCells } from './figures';

const inputQuestion = 'Input for ';
const planQuestion = 'Plan: 6 layers, 4 heads each';
const headsQuestion = 'How many heads has each layer (width 64)?';

/** The softmax sample without its `__metadata__`: nothing in it says how many heads there are. */
function withoutMetadata(): Buffer {
  const bytes = readFileSync(sample(softmaxSample).fsPath);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, unknown>;
  delete header['__metadata__'];
  const text = Buffer.from(JSON.stringify(header));
  const count = Buffer.alloc(8);
  count.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([count, text, bytes.subarray(8 + length)]);
}

/** A menu does not listen to clicks in its first moment: clicks until it has gone. */
async function takeMenuItem(words: string): Promise<void> {
  const item = `.monaco-menu .action-item:has-text(${JSON.stringify(words)})`;
  await outer('waitFor', { selector: item });
  await until('the menu to take the click', async () => {
    await outer('click', { selector: item, timeoutMs: 500 }).catch(() => undefined);
    return (await outer('count', { selector: item })) === 0 ? true : undefined;
  });
}

describe('Inspect Checkpoint', () => {
  let restore: () => Promise<void>;
  let folder: string;
  let idle: number;
  const file = (name: string, bytes: Uint8Array): vscode.Uri => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return vscode.Uri.file(path);
  };
  const inspect = (uri: vscode.Uri): Thenable<unknown> =>
    vscode.commands.executeCommand('gramlens.inspectCheckpoint', uri);

  before(async () => {
    restore = await withSettings(quick);
    folder = mkdtempSync(join(tmpdir(), 'gramlens-open-'));
    idle = threadCount();
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await restore();
  });
  afterEach(async () => {
    await clearNotifications();
  });

  /** Opens `uri` where an inspection is finished; `left` looks whether leaving brings that inspection back. */
  const opened = async (uri: vscode.Uri): Promise<{ command: Thenable<unknown>; before: SessionSnapshot }> => {
    const last = (await gramlens()).snapshot();
    const before = last.phase === 'done' ? last : await runSample(rpcSample);
    return { command: inspect(uri), before };
  };
  const left = async ({ command, before }: Awaited<ReturnType<typeof opened>>): Promise<void> => {
    assert.equal(await command, null, 'a command that was left gives no result');
    const now = (await gramlens()).snapshot();
    assert.deepEqual([now.phase, now.title, now.message], ['done', before.title, before.message]);
    assert.equal(now.layers, before.layers, 'the finished inspection is there again');
    assert.equal(await openQuestion(), '');
    // The finished run keeps its one thread, for the patterns of its heads.
    await threadsBackTo(idle + 1);
    assert.deepEqual(await notifications(), [], 'leaving is no error');
  };

  it('runs a right-clicked file from the explorer, through input and plan', async () => {
    await closeEditors();
    await vscode.commands.executeCommand('workbench.view.explorer');
    const row = `.explorer-folders-view .monaco-list-row[aria-label*="${softmaxSample}"]`;
    await outer('click', { selector: row, button: 'right' });
    await takeMenuItem('Inspect Checkpoint…');
    await answer(inputQuestion, 'Seeded noise');
    await questionShown(planQuestion);
    const shown = await outer('text', { selector: '.quick-input-list .monaco-list-row.focused' });
    assert.match(shown, /s on cpu, peak memory \d/, 'the plan says what it costs');
    await answer(planQuestion, 'Inspect');
    const done = await phase('done');
    assertComplete(done);
    assert.equal(done.title, softmaxSample);
    assert.deepEqual(
      done.provenance?.inputs.map((input) => input.kind),
      ['random'],
    );
  });

  it('is not offered on a file that is no checkpoint', async () => {
    await vscode.commands.executeCommand('workbench.view.explorer');
    await outer('click', {
      selector: '.explorer-folders-view .monaco-list-row[aria-label*="README.md"]',
      button: 'right',
    });
    await outer('waitFor', { selector: '.monaco-menu .action-item' });
    assert.equal(await outer('count', { selector: '.monaco-menu .action-item:has-text("Inspect Checkpoint…")' }), 0);
    await outer('press', { key: 'Escape' });
    await outer('waitFor', { selector: '.monaco-menu', state: 'detached' });
  });

  it('takes the file of its argument', async () => {
    const command = inspect(sample(softmaxSample));
    await answer(inputQuestion, 'Seeded noise');
    await answer(planQuestion, 'Inspect');
    const result = (await command) as { layers: unknown[] } | null;
    assert.equal(result?.layers.length, 6);
    assertComplete((await gramlens()).snapshot());
  });

  it('can be left with Escape at the input', async () => {
    const open = await opened(sample(softmaxSample));
    await questionShown(inputQuestion);
    assert.equal((await gramlens()).snapshot().phase, 'planning');
    await outer('press', { key: 'Escape' });
    await left(open);
    const cell = '[data-figure="overview-alignment.theory.overlap"] .stage';
    await outer('press', { key: 'Enter', place: { inside: inspectorPage, selector: cell } });
    const { tokens } = open.before.model!;
    await paintedCells(inspectorPage, 'pattern-softmax', { rows: tokens, columns: tokens });
    await outer('click', { inside: inspectorPage, selector: 'vscode-button:has-text("Overview")' });
  });

  it('can be left with Escape at the plan', async () => {
    const open = await opened(sample(softmaxSample));
    await answer(inputQuestion, 'Seeded noise');
    await questionShown(planQuestion);
    await outer('press', { key: 'Escape' });
    await left(open);
  });

  it('cancelling while a question is open takes the question away and runs nothing', async () => {
    const open = await opened(sample(softmaxSample));
    await answer(inputQuestion, 'Seeded noise');
    await questionShown(planQuestion);
    await outer('click', { inside: inspectorPage, selector: 'vscode-button:has-text("Cancel")' });
    await until('the question to be gone', async () => ((await openQuestion()) === '' ? true : undefined));
    await left(open);
  });

  it('a second file takes the place of one whose question is open', async () => {
    const first = inspect(sample(softmaxSample));
    await questionShown(inputQuestion);
    const firstQuestion = await openQuestion();
    const second = inspect(sample(rpcSample));
    assert.equal(await first, null);
    await until('the second file’s question', async () => {
      const question = await openQuestion();
      return question.startsWith(inputQuestion) && question !== firstQuestion ? true : undefined;
    });
    const { phase: now, title } = (await gramlens()).snapshot();
    assert.deepEqual([now, title], ['planning', rpcSample], 'the first one’s end is not the second one’s');
    await answer(inputQuestion, 'Seeded noise');
    await answer(planQuestion, 'Inspect');
    await phase('done');
    assert.notEqual(await second, null);
  });

  it('asks for the number of heads when the file does not say it', async () => {
    const command = inspect(file('bare.safetensors', withoutMetadata()));
    await answer(headsQuestion, '8');
    await answer(inputQuestion, 'Seeded noise');
    await answer('Plan: 6 layers, 8 heads each', 'Inspect');
    await command;
    const { model, layers } = (await gramlens()).snapshot();
    assert.deepEqual([model?.heads, model?.headDim], [8, 8]);
    assert.deepEqual(
      layers.map((layer) => layer.heads.length),
      [8, 8, 8, 8, 8, 8],
    );
  });

  it('can be left with Escape at the number of heads', async () => {
    const open = await opened(file('bare.safetensors', withoutMetadata()));
    await questionShown(headsQuestion);
    await outer('press', { key: 'Escape' });
    await left(open);
  });

  const whole = readFileSync(sample(softmaxSample).fsPath);
  const giant = Buffer.alloc(64);
  giant.writeBigUInt64LE(10n ** 11n);
  giant.write('{', 8);
  const refused: { name: string; bytes: Uint8Array; sentence: RegExp }[] = [
    {
      name: 'cut.safetensors',
      bytes: whole.subarray(0, whole.length - 1000),
      sentence:
        /^cut\.safetensors: tensor "pos_embed" ends at byte \d+ of the data, the file holds \d+\. Copy or download the file again\.$/,
    },
    {
      name: 'giant.safetensors',
      bytes: giant,
      sentence:
        /^giant\.safetensors: the safetensors header claims 100[^ ]*000 bytes, more than the .* the format allows\./,
    },
    {
      name: 'hostile.pt',
      // Legacy pickle, protocol 2: asks for os.system and calls it.
      bytes: Buffer.from('\x80\x02cos\nsystem\nX\x05\x00\x00\x00falseq\x00\x85q\x01Rq\x02.', 'latin1'),
      sentence: /^hostile\.pt: /,
    },
  ];
  for (const { name, bytes, sentence } of refused) {
    it(`says in a sentence why ${name} cannot be inspected`, async () => {
      const result = await inspect(file(name, bytes));
      assert.equal(result, null);
      const snapshot = (await gramlens()).snapshot();
      assert.equal(snapshot.phase, 'failed');
      assert.match(snapshot.message, sentence);
      const shown = await notificationShown(new RegExp(`^${name.replace('.', '\\.')}`));
      assert.equal(shown.replace(/\s+/g, ' '), snapshot.message.replace(/\s+/g, ' '));
      await threadsBackTo(idle);
    });
  }

  it('leaves no open plan behind when another extension’s call fails', async () => {
    const api = await gramlens();
    const uri = file('cut.safetensors', whole.subarray(0, whole.length - 1000));
    await assert.rejects(api.inspect({ uri, input: 'random', unasked: true }), /tensor "pos_embed" ends at byte/);
    assert.equal(api.snapshot().phase, 'failed');
    assert.match(api.snapshot().message, /tensor "pos_embed" ends at byte/);
  });
});
