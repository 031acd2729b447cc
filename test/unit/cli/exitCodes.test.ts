// Whose fault it was.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { failureOf } from '../../../src/cli/exitCodes';
import { UsageError } from '../../../src/cli/options';
import { headMetrics, resultFault } from '../../../src/inspection/resultSchema';
import { CheckpointError } from '../../../src/checkpoint/checkpointError';
import { EngineError } from '../../../src/engine/backend';
import { RemoteError } from '../../../src/protocol/rpc';
import { headScalars } from '../../../src/report/headsCsv';
import { exampleResult } from '../report/exampleResult';

describe('exit codes', () => {
  const outOfMemory = Object.assign(new Error('Worker terminated due to reaching memory limit'), {
    code: 'ERR_WORKER_OUT_OF_MEMORY',
  });
  const cases: readonly (readonly [unknown, number, RegExp])[] = [
    [new UsageError('wrong'), 2, /^wrong$/],
    [new CheckpointError('corrupt', 'torn'), 2, /^torn$/],
    [new RemoteError('torn', 'CheckpointError', 'corrupt'), 2, /^torn$/],
    [new EngineError('nonFinite', 'the weights overflow'), 2, /^the weights overflow$/],
    [new EngineError('noAdapter', 'no adapter'), 3, /^no adapter$/],
    [outOfMemory, 3, /memory of this machine/],
    [new Error("the inspection's worker thread stopped: JavaScript heap out of memory"), 3, /memory of this machine/],
    [new TypeError('x is not a function'), 3, /^TypeError: x is not a function\nThis is a defect of Gramlens/],
    [new RemoteError('bad length', 'RangeError', ''), 3, /^RangeError: bad length\nThis is a defect of Gramlens/],
    [new RemoteError('cancelled', 'CancelledError', ''), 130, /^cancelled$/],
  ];
  for (const [error, code, sentence] of cases) {
    it(`${String(error).slice(0, 60)} is ${code}`, () => {
      const failure = failureOf(error);
      assert.equal(failure.code, code);
      assert.match(failure.sentence, sentence);
    });
  }
});

describe('the schema in the command line', () => {
  it('knows every number of a head', () => {
    const [head] = exampleResult({ layers: 1, heads: 1 }).layers[0]!.heads;
    for (const [name, value] of Object.entries(headScalars(head!))) {
      if (value !== null) assert.equal(headMetrics.has(name), typeof value === 'number', name);
    }
    assert.ok(headMetrics.has('alignment.theory.nulls.untrained.overlap.q'));
    assert.ok(!headMetrics.has('alignment.verdict') && !headMetrics.has('index'));
  });

  it('accepts whole results and names the place where one is not', () => {
    for (const rpc of [true, false]) assert.equal(resultFault(exampleResult({ layers: 2, heads: 2, rpc })), null);
    const text = JSON.stringify(exampleResult({ layers: 1, heads: 2 }));
    const spoilt = JSON.parse(text) as { layers: { heads: { noise: unknown }[] }[] };
    spoilt.layers[0]!.heads[1]!.noise = 3;
    assert.equal(resultFault(spoilt), 'layers[0].heads[1].noise is number, not array');
    assert.equal(resultFault(JSON.parse(readFileSync('package.json', 'utf8'))), 'schema is missing');
    for (const [path, value, words] of [
      ['model.layers', 1.5, 'model.layers is 1.5, not an integer'],
      ['model.layers', 0, 'model.layers is 0, below 1'],
      ['model.grid', [7], 'model.grid has 1 items, at least 2 are needed'],
    ] as const) {
      const result = JSON.parse(text) as Record<string, unknown>;
      const names = path.split('.');
      const last = names.pop()!;
      const place = names.reduce((at, name) => at[name] as Record<string, unknown>, result);
      place[last] = value;
      assert.equal(resultFault(result), words);
    }
  });
});
