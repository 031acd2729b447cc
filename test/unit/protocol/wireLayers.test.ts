import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { packLayers, unpackLayer } from '../../../src/protocol/wireLayers';
import { headNumbers } from '../../../src/report/figures/headNumbers';
import { InTurn, readLayers } from '../../../webview/ui/layers';
import { exampleResult } from '../report/exampleResult';

describe('protocol: layers on their way to a page', () => {
  const { layers } = exampleResult({ layers: 40, heads: 8 });

  it('are the numbers of every head, a layer a text, made once', () => {
    const packed = packLayers(layers);
    assert.deepEqual(
      packed.map(unpackLayer),
      layers.map((layer) => ({ ...layer, heads: layer.heads.map(headNumbers) })),
    );
    assert.equal(packLayers(layers.slice(3, 4))[0], packed[3]);
  });

  it('are read in slices, and what comes meanwhile waits for all of them', async () => {
    const inTurn = new InTurn();
    const order: string[] = [];
    const packed = packLayers(layers);
    const first = inTurn.do(async () => {
      const read = await readLayers(Array.from({ length: 8 }, () => packed).flat());
      order.push(`${read.length} layers`);
    });
    const failed = inTurn.do(() => Promise.reject(new Error('a broken message')));
    const last = inTurn.do(() => void order.push('select'));
    setTimeout(() => order.push('something else of the page'));
    await assert.rejects(failed, /a broken message/);
    await Promise.all([first, last]);
    assert.deepEqual(order, ['something else of the page', '320 layers', 'select']);
  });
});
