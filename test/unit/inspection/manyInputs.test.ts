// The run over several inputs by itself, with a runner that computes nothing: what is asked of it, in which order, and what
// is left when it is stopped.

import { beforeEach, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancelledError } from '../../../src/inspection/cancelledError';
import type { InspectionResult } from '../../../src/inspection/inspectionResult';
import { ManyInputs, type InputRunner } from '../../../src/inspection/node/manyInputs';
import { openCheckpoint } from '../../../src/inspection/node/openCheckpoint';
import { readInput } from '../../../src/inspection/node/readInput';
import { TokenizerSource } from '../../../src/inspection/node/tokenizerSource';
import { LiveMeans, type InputsDone } from '../../../src/inspection/overInputs/liveMeans';
import { WatchedCheckpoint } from '../../../src/inspection/node/watchedCheckpoint';
import { resultJsonPieces } from '../../../src/report/resultJson';
import { exampleResult } from '../report/exampleResult';
import { samplePath, sampleRequest } from './sampleRun';

const template = exampleResult({ layers: 1, heads: 1, tokens: 12, headDim: 4 });
const script = join(process.cwd(), 'dist', 'runner.js');

describe('many inputs without a command line', () => {
  let folder = '';
  let started: string[] = [];
  /** What is shown meanwhile, and how many inputs had started by then. */
  let shown: string[] = [];
  /** Called when the input of this label starts. */
  let onStart: (label: string) => Promise<void> = () => Promise.resolve();

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gramlens-inputs-'));
    started = [];
    shown = [];
    onStart = () => Promise.resolve();
  });

  async function manyOf(seeds: readonly number[]): Promise<ManyInputs<InputRunner>> {
    const request = await sampleRequest('digits-softmax.safetensors', 'cpu');
    const { spec } = request;
    const opened = await openCheckpoint(samplePath('digits-softmax.safetensors'));
    const path = join(folder, 'checkpoint');
    writeFileSync(path, 'weights');
    const checkpoint = await WatchedCheckpoint.open(script, { path });
    const resultOf = (label: string): InspectionResult => ({
      ...template,
      provenance: {
        ...template.provenance,
        checkpoint: { ...template.provenance.checkpoint, sha256: checkpoint.sha256 },
        inputs: [{ ...template.provenance.inputs[0]!, label }],
      },
    });
    const many = new ManyInputs<InputRunner>(
      {
        inputs: seeds.map((seed) => ({ name: `random ${seed}`, load: () => readInput(`random:${seed}`, spec) })),
        notes: [],
        requestOf: (input) => ({ ...request, input }),
        file: { path },
        tokenizer: new TokenizerSource(script, opened, spec, null),
        script,
        folder,
        written: {},
        textOf: resultJsonPieces,
        pictured: true,
        twinFolder: null,
        runner: ({ input: { label } }) => ({
          start: (_, host) => {
            started.push(label);
            return Promise.resolve({
              run: async () => {
                await host.head(0, template.layers[0]!.heads[0]!);
                await onStart(label);
                return resultOf(label);
              },
              stop: () => Promise.resolve(),
            });
          },
          stop: () => Promise.resolve(),
        }),
        fallback: () => null,
        words: { place: 'a drawer', again: 'Try again', goesOn: 'it goes on from there' },
      },
      {
        progress: () => undefined,
        warn: () => undefined,
        live: {
          head: () => shown.push(`head ${started.length}`),
          means: ({ finished, total }, layers) =>
            shown.push(`means ${finished} of ${total}, ${layers[0]!.heads[0]!.over!.inputs}, ${started.length}`),
        },
      },
    );
    const { plan, first } = await many.plan(checkpoint);
    assert.equal(plan.inputs?.count, seeds.length);
    assert.equal(first.input.label, labels[seeds[0]!]);
    return many;
  }
  let labels: Record<number, string> = {};
  beforeEach(async () => {
    const { spec } = await sampleRequest('digits-softmax.safetensors', 'cpu');
    labels = {};
    for (const seed of [1, 2, 3]) labels[seed] = (await readInput(`random:${seed}`, spec)).label;
  });

  it('starts nothing after it was stopped, says what is kept, and goes on there, the first input last', async () => {
    const stopped = await manyOf([1, 2, 3]);
    assert.equal(stopped.kept(), null);
    onStart = async (label) => {
      if (label === labels[3]) await stopped.stop();
    };
    await assert.rejects(stopped.run(), CancelledError);
    assert.deepEqual(started, [labels[2], labels[3]]);
    // Heads of the input that runs first, then its means; the second may come too soon after them to be shown.
    assert.deepEqual(shown.slice(0, 2), ['head 1', 'means 1 of 3, 1, 1']);
    assert.ok(!shown.includes('head 2'));
    assert.equal(stopped.kept(), '2 of 3 inputs are finished and kept in a drawer; it goes on from there');
    started = [];
    shown = [];
    const result = await (await manyOf([1, 2, 3])).run();
    // What was finished before is there before anything runs.
    assert.equal(shown[0], 'means 2 of 3, 2, 0');
    assert.deepEqual(started, [labels[1]]);
    assert.equal(result.layers[0]!.heads[0]!.over?.inputs, 3);
    assert.deepEqual(
      result.provenance.inputs.map(({ label }) => label),
      [labels[1], labels[2], labels[3]],
    );
  });

  it('has one key for the same inputs in the same order, another for others', async () => {
    const [one, same, others] = [await manyOf([1, 2]), await manyOf([1, 2]), await manyOf([1, 3])];
    assert.match(one.key, /^[0-9a-f]{16}$/);
    assert.equal(one.key, same.key);
    assert.notEqual(one.key, others.key);
  });

  it('shows means in a quarter of the time at most, whatever they take', () => {
    let clock = 0;
    const told: number[] = [];
    const means = ({ finished }: InputsDone): void => {
      told.push(finished);
      clock += 10;
    };
    const live = new LiveMeans({ head: () => undefined, means }, 9, () => clock);
    for (const wait of [0, 20, 19, 1, 300]) {
      clock += wait;
      live.add(template);
      live.tell();
    }
    // Each takes 10 ms, so that the next may come 40 ms later.
    assert.deepEqual(told, [1, 4, 5]);
  });
});
