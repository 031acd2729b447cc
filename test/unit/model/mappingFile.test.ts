// `<checkpoint>.gramlens.json`: what it may hold, what it overrides and what is said of a wrong one.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020';
import { after, before, describe, it } from 'mocha';
import { findMapping, readMapping } from '../../../src/inspection/node/mappingFiles';
import { inferModelSpec } from '../../../src/model/inferModelSpec';
import { factTable } from '../../../src/model/mapping/architecture';
import { mappingNames, maxMappingBytes, parseMapping, parseMappingText } from '../../../src/model/mapping/mappingFile';
import { nearestNames } from '../../../src/model/mapping/nearestNames';
import { roleNames } from '../../../src/model/mapping/roleTable';
import { ModelSpecError, type SpecOverrides } from '../../../src/model/modelSpec';
import { isGiven } from '../../../src/model/overrides';
import { timmIndex } from './syntheticIndex';

const name = 'tiny.safetensors.gramlens.json';
const schema = 'gramlens.mapping/1';

const schemaFile = JSON.parse(readFileSync('src/model/mapping/mapping.schema.json', 'utf8')) as {
  properties: { mapping: { properties: Record<'architecture' | 'roles', { properties: object }> } };
};
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schemaFile);

function sentence(value: unknown): string {
  try {
    parseMapping(value, name);
  } catch (error) {
    assert.ok(error instanceof ModelSpecError, String(error));
    return error.message;
  }
  assert.fail('nothing was refused');
}

describe('mapping file: overrides of any checkpoint', () => {
  const facts = (overrides: SpecOverrides, config: unknown, given: object): Record<string, string> => {
    const file = parseMapping({ schema, overrides: given }, name);
    const spec = inferModelSpec(timmIndex({ width: 12 }), config, overrides, null, file);
    return Object.fromEntries(spec.facts.map(({ fact, value, source }) => [fact, `${value} (${source})`]));
  };

  it('come before config.json and behind --set, and say where they are from', () => {
    const config = { num_heads: 6, layer_norm_eps: 1e-5, hidden_act: 'relu' };
    assert.equal(facts({}, config, {})['heads'], '6 (config.json num_heads)');
    const found = facts({ activation: 'silu' }, config, { heads: 2, eps: 1e-7, activation: 'gelu_tanh' });
    assert.equal(found['heads'], `2 (${name} overrides.heads)`);
    assert.equal(found['LayerNorm eps'], `1e-7 (${name} overrides.eps)`);
    assert.equal(found['activation'], 'silu (--set activation)');
    assert.ok(isGiven(`${name} overrides.heads`) && isGiven('--set heads') && !isGiven('config.json num_heads'));
  });

  it('may be numbers, texts and lists', () => {
    const file = parseMapping(
      { schema, overrides: { heads: '4', image: '16x16', mean: [0.25], standardise: false, 'rpc.layers': [0, 2] } },
      name,
    );
    assert.deepEqual(file.overrides, {
      heads: '4',
      image: '16x16',
      mean: '0.25',
      standardise: 'false',
      'rpc.layers': '0/2',
    });
    assert.equal(inferModelSpec(timmIndex(), null, {}, null, file).preprocessing?.mean[0], 0.25);
  });

  it('are refused where they do not fit, by their place in the file', () => {
    assert.throws(() => facts({}, null, { heads: 5 }), {
      message: `${name} overrides.heads=5: the width of tiny.safetensors is 12, which 5 does not divide. Use one of 1, 2, 3, 4, 6.`,
    });
    assert.throws(() => facts({}, null, { heads: 2, image: 15 }), {
      message: `${name} overrides.image=15x15: the patches of tiny.safetensors are 4 pixels wide, and both sides must be multiples of 4.`,
    });
  });
});

describe('mapping file: what is refused', () => {
  const table: readonly (readonly [value: unknown, sentence: string])[] = [
    [[], `${name} is not a JSON object, so it is no mapping. Write one with gramlens map.`],
    [{}, `${name} has no "schema"; a mapping has "schema": "gramlens.mapping/1".`],
    [
      { schema: 'gramlens.inspection/1', layers: [] },
      `${name} is the result of an inspection ("schema": "gramlens.inspection/1"), not a mapping. Give the file that gramlens map wrote.`,
    ],
    [
      { schema: 'gramlens.mapping/2' },
      `${name} has "schema": "gramlens.mapping/2"; this version reads mappings of "gramlens.mapping/1".`,
    ],
    [{ schema, overide: {} }, `${name}: there is no overide. Did you mean "overrides"?`],
    [{ schema, overrides: 4 }, `${name}: overrides is 4, not an object in braces.`],
    [{ schema, overrides: { head: 4 } }, `${name}: there is no overrides.head. Did you mean "heads"?`],
    [
      { schema, overrides: { heads: null } },
      `${name}: overrides.heads is null, not a text, a number, a list of numbers, true or false.`,
    ],
    [{ schema, overrides: { heads: 0 } }, `${name} overrides.heads=0: heads must be a whole number, 1 or more.`],
    [{ schema, mapping: {} }, `${name}: mapping.roles is missing, not an object in braces.`],
    [
      { schema, mapping: { architecture: { causal: 'yes' }, roles: {} } },
      `${name}: mapping.architecture.causal is "yes", not true or false.`,
    ],
    [
      { schema, mapping: { architecture: { placement: 'before' }, roles: {} } },
      `${name}: mapping.architecture.placement is "before", not one of pre, post, parallel.`,
    ],
    [
      { schema, mapping: { architecture: { layers: 1e9 }, roles: {} } },
      `${name}: mapping.architecture.layers is 1000000000, not a whole number from 1 to 100000, or null (as the names say).`,
    ],
    [
      { schema, mapping: { roles: { 'qvk.weight': 'a.{i}' } } },
      `${name}: there is no mapping.roles.qvk.weight. Did you mean "qkv.weight", "q.weight" or "k.weight"?`,
    ],
    [
      { schema, mapping: { roles: { 'q.weight': 'layers.0.q' } } },
      `${name}: mapping.roles.q.weight is "layers.0.q", which has no layer index; write {i} where the number of the block stands, as in "layers.{i}.q.weight".`,
    ],
    [
      { schema, mapping: { roles: { words: 'e.{i}' } } },
      `${name}: mapping.roles.words is "e.{i}", but there is one such tensor, not one a block.`,
    ],
    [{ schema, mapping: { roles: { words: 7 } } }, `${name}: mapping.roles.words is 7, not the name of a tensor.`],
    [{ schema, mapping: { roles: {}, ignore: 'x' } }, `${name}: mapping.ignore is "x", not a list of tensor names.`],
    [
      JSON.parse(`{"schema": "${schema}", "__proto__": {}}`),
      `${name}: there is no __proto__. Known are schema, overrides, mapping.`,
    ],
  ];
  for (const [value, wanted] of table) {
    it(wanted.slice(name.length + 1, name.length + 70), () => {
      assert.equal(sentence(value), wanted);
      // The schema refuses the same, names and ranges of overrides aside.
      if (!/overrides\.heads?[=.]|there is no overrides/.test(wanted)) assert.equal(validate(value), false);
    });
  }

  it('text that is no JSON, however deep', () => {
    assert.throws(
      () => parseMappingText('{', name),
      /is not JSON \(.*\)\. Mend it, or write it anew with gramlens map\.$/,
    );
    assert.throws(() => parseMappingText('['.repeat(maxMappingBytes), name), ModelSpecError);
  });
});

describe('mapping file: where it is found', () => {
  let folder: string;
  const write = (file: string, value: unknown): string => {
    writeFileSync(join(folder, file), JSON.stringify(value));
    return join(folder, file);
  };
  const heads = (n: number): unknown => ({ schema, overrides: { heads: n } });
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gramlens-mapping-'));
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('beside the checkpoint, under its whole name first', async () => {
    assert.deepEqual(mappingNames('model.safetensors.index.json'), [
      'model.safetensors.index.json.gramlens.json',
      'model.safetensors.gramlens.json',
      'model.gramlens.json',
    ]);
    assert.equal(await findMapping(join(folder, 'm.pt')), null);
    write('m.gramlens.json', heads(2));
    assert.deepEqual((await findMapping(join(folder, 'm.pt')))?.overrides, { heads: '2' });
    write('m.pt.gramlens.json', heads(3));
    assert.deepEqual((await findMapping(join(folder, 'm.pt')))?.overrides, { heads: '3' });
  });

  it('a result of that name is left alone, unless somebody gives it as a mapping', async () => {
    const path = write('r.pt.gramlens.json', { schema: 'gramlens.inspection/1' });
    assert.equal(await findMapping(join(folder, 'r.pt')), null);
    await assert.rejects(readMapping(path), /^ModelSpecError: r\.pt\.gramlens\.json is the result of an inspection/);
  });

  it('a file that cannot be one is refused before it is read', async () => {
    const path = write('large.pt.gramlens.json', {});
    truncateSync(path, 5_000_000_000);
    await assert.rejects(findMapping(join(folder, 'large.pt')), {
      message: `large.pt.gramlens.json has 5000000000 bytes, more than a mapping can have (${maxMappingBytes}). Move it away, or write it anew with gramlens map.`,
    });
    await assert.rejects(readMapping(join(folder, 'none.json')), /there is no such file/);
  });
});

describe('mapping file: schema and tables', () => {
  it('know the same roles and facts', () => {
    const { architecture, roles } = schemaFile.properties.mapping.properties;
    assert.deepEqual(Object.keys(roles.properties), roleNames);
    assert.deepEqual(
      Object.keys(architecture.properties),
      factTable.map((row) => row.name),
    );
  });

  it('names near a name', () => {
    assert.deepEqual(nearestNames('layers.0.att.q', ['layers.0.attn.q', 'layers.0.attn.k', 'head']), [
      'layers.0.attn.q',
    ]);
    assert.deepEqual(nearestNames('xyz', ['layers.0.attn.q']), []);
  });
});
