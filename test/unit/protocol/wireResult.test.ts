import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ArrivingResult, resultEvents } from '../../../src/protocol/wireResult';
import { exampleResult } from '../report/exampleResult';

describe('protocol: a finished result on its way through a page', () => {
  const result = exampleResult({ layers: 32, heads: 8 });

  it('comes a layer at a time and is whole with the last of what was said', () => {
    const arriving = new ArrivingResult();
    const events = [...resultEvents(result)];
    const last = events.pop()!;
    assert.equal(events.length, 32);
    for (const event of events) assert.equal(arriving.receive(event), null);
    // As the editor brings a message: through JSON.
    assert.deepEqual(JSON.parse(JSON.stringify(arriving.receive(last))), JSON.parse(JSON.stringify(result)));
  });

  it('is never said at once', () => {
    const whole = JSON.stringify(result).length;
    for (const event of resultEvents(result))
      assert.ok(
        JSON.stringify(event).length < whole / 10,
        `${event.kind}: ${JSON.stringify(event).length} of ${whole}`,
      );
  });
});
