// Options as a person types them: what they become, and the sentence when they are wrong.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import {
  checkSetIsUsed,
  parseFailOn,
  parseFormats,
  parseGram,
  parseIndexes,
  parseLevels,
  parseNoise,
  parseRpc,
  parseRpcSweep,
  parseSet,
  parseWhole,
} from '../../../src/cli/options';

const gramSentence = (text: string): string =>
  `--gram ${text}: say full, or prefix:T with a number of tokens, as in prefix:16.`;

const wrong: readonly (readonly [string, () => unknown, string])[] = [
  [
    'a word for an index',
    () => parseIndexes('0,x', '--layers'),
    '--layers 0,x: "x" is not an index or a range such as 2-5.',
  ],
  [
    'a range backwards',
    () => parseIndexes('5-2', '--heads'),
    '--heads 5-2: "5-2" is not an index or a range such as 2-5.',
  ],
  [
    'an endless range',
    () => parseIndexes('0-999999999', '--layers'),
    '--layers 0-999999999: "0-999999999" is not an index or a range such as 2-5.',
  ],
  ['half a draw', () => parseWhole('1.5', '--nulls', 0, 10), '--nulls 1.5: must be a whole number from 0 to 10.'],
  ['an empty number', () => parseWhole('', '--seed', 0, 10), '--seed : must be a whole number from 0 to 10.'],
  [
    'an unknown variant',
    () => parseRpc('variant=best'),
    '--rpc variant=best: the variants are code, code-headdim, paper, admm.',
  ],
  [
    'an unknown RPC setting',
    () => parseRpc('mu=3'),
    '--rpc mu=3: there is no "mu"; known are variant, iterations, lambda, layers.',
  ],
  ['no iterations', () => parseRpc('iterations=0'), '--rpc iterations 0: must be a whole number from 1 to 64.'],
  ['a negative lambda', () => parseRpc('lambda=-1'), '--rpc lambda -1: must be a number, 0 or more.'],
  ['a value without a name', () => parseSet(['4']), '--set 4: expected name=value pairs, found "4".'],
  ['a fact said twice', () => parseSet(['heads=4', 'heads=6']), '--set heads is given twice.'],
  ['a prefix without a length', () => parseGram('prefix'), gramSentence('prefix')],
  ['a negative prefix', () => parseGram('prefix:-3'), gramSentence('prefix:-3')],
  ['a prefix of nothing', () => parseGram('prefix:0'), '--gram prefix 0: must be a whole number from 1 to 100000.'],
  ['a lambda of a sweep said twice', () => parseRpcSweep('lambda=1,1', null), '--rpc-sweep lambda 1 is given twice.'],
  [
    'a part of a sweep said twice',
    () => parseRpcSweep('lambda=1;lambda=2', null),
    '--rpc-sweep lambda is given twice.',
  ],
  [
    'a sweep without names',
    () => parseRpcSweep('1,2', null),
    '--rpc-sweep "1,2": expected "lambda=0.5,1,2;iterations=1,2,4;noise=key_gauss", or default.',
  ],
  [
    'a sweep over half an iteration',
    () => parseRpcSweep('iterations=1.5', null),
    '--rpc-sweep iterations 1.5: must be a whole number from 1 to 64.',
  ],
  [
    'a sweep under unknown noise',
    () => parseRpcSweep('noise=pink', null),
    '--rpc-sweep noise=pink: say one of token_gauss, key_gauss, key_sparse, token_replace, token_drop, or none.',
  ],
  [
    'unknown noise',
    () => parseNoise('pink'),
    '--noise pink: the kinds are token_gauss, key_gauss, key_sparse, token_replace, token_drop, or none.',
  ],
  ['levels that fall', () => parseLevels('.2,.1'), '--levels .2,.1: levels must be above 0 and ascending.'],
  ['an unknown format', () => parseFormats('html,pdf'), '--format pdf: this version writes html, md, json, csv, npz.'],
  ['an RPC setting said twice', () => parseRpc('iterations=4,iterations=5'), '--rpc iterations is given twice.'],
  [
    'RPC settings where RPC is left out',
    () => parseRpc('layers=none,lambda=3'),
    '--rpc layers=none leaves RPC out, so lambda would have no effect. Leave one of them out.',
  ],
  ['noise said twice', () => parseNoise('key_gauss,key_gauss'), '--noise key_gauss is given twice.'],
  ['a format said twice', () => parseFormats('html,html'), '--format html is given twice.'],
  [
    'RPC facts of a model without RPC',
    () => checkSetIsUsed({ 'rpc.lambda': '3' }, { attention: 'softmax' }, { kind: 'image', label: 'a.png' }),
    "--set rpc.lambda: the model's own attention is softmax, not rpc, so this would have no effect. RPC beside the model is set with --rpc lambda=….",
  ],
  [
    'picture statistics of an input that is no picture',
    () => checkSetIsUsed({ heads: '4', std: '1' }, { attention: 'rpc' }, { kind: 'npy', label: 'a.npy' }),
    '--set std: the input a.npy is normalised already, so this would have no effect. It is for pictures.',
  ],
  [
    'a rule without an operator',
    () => parseFailOn('overlap'),
    '--fail-on "overlap": expected "metric op value", such as "alignment.theory.overlap < 0.2".',
  ],
];

describe('options', () => {
  for (const [what, parse, sentence] of wrong) {
    it(`refuses ${what}`, () => assert.throws(parse, { name: 'UsageError', message: sentence }));
  }

  it('reads lists and ranges', () => assert.deepEqual(parseIndexes('0, 2-4', '--layers'), [0, 2, 3, 4]));

  it('reads RPC settings over the published ones', () => {
    assert.deepEqual(parseRpc('variant=admm,layers=0,2,lambda=.5'), {
      variant: 'admm',
      iterations: 4,
      lambda: 0.5,
      layers: [0, 2],
    });
    assert.deepEqual(parseRpc('layers=none').layers, 'none');
  });

  it('reads facts, commas inside values included', () => {
    assert.deepEqual(parseSet(['heads=4,rpc.layers=0,2', 'eps=1e-6']), {
      heads: '4',
      'rpc.layers': '0,2',
      eps: '1e-6',
    });
  });

  it('compares as the rule says', () => {
    const cases: readonly (readonly [string, number, boolean])[] = [
      ['rpc.cleanGap < 0.2', 0.1, true],
      ['rpc.cleanGap < 0.2', 0.2, false],
      ['rpc.cleanGap<=0.2', 0.2, true],
      ['rpc.cleanGap >= 1e-3', 0, false],
      ['rpc.cleanGap != 2', 3, true],
      ['rpc.cleanGap == 2', 2, true],
      ['rpc.cleanGap > -1', -2, false],
    ];
    for (const [rule, value, holds] of cases) assert.equal(parseFailOn(rule).holds(value), holds, rule);
  });
});
