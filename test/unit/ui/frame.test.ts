// webview/ui/frame.ts, with frames and timers of the test's own.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { inFrame } from '../../../webview/ui/frame';

type Callback = () => void;

/** Calls of the page that wait for the browser, by the number they were given. */
class Browser {
  private readonly frames = new Map<number, Callback>();
  private readonly timers = new Map<number, Callback>();
  private last = 0;
  private readonly real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };

  enter(): void {
    const add = (to: Map<number, Callback>) => (callback: Callback) => {
      this.last++;
      to.set(this.last, callback);
      return this.last;
    };
    const take = (from: Map<number, Callback>) => (id: number) => {
      from.delete(id);
    };
    Object.assign(globalThis, {
      requestAnimationFrame: add(this.frames),
      cancelAnimationFrame: take(this.frames),
      setTimeout: add(this.timers),
      clearTimeout: take(this.timers),
    });
  }

  leave(): void {
    Object.assign(globalThis, this.real);
    for (const name of ['requestAnimationFrame', 'cancelAnimationFrame']) Reflect.deleteProperty(globalThis, name);
  }

  /** One frame; how many were waiting. */
  frame(): number {
    return this.call(this.frames);
  }

  time(): number {
    return this.call(this.timers);
  }

  private call(from: Map<number, Callback>): number {
    const callbacks = [...from.values()];
    from.clear();
    for (const callback of callbacks) callback();
    return callbacks.length;
  }
}

function busy(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

describe('frames of a page', () => {
  let browser: Browser;
  let done: string[];
  const short = (): void => void done.push('short');
  const long = (): void => {
    done.push('long');
    busy(12);
  };
  beforeEach(() => {
    browser = new Browser();
    browser.enter();
    done = [];
  });
  afterEach(() => {
    browser.leave();
  });

  it('do what was asked once, in the order in which it was asked', () => {
    inFrame(short);
    inFrame(long);
    inFrame(short);
    assert.deepEqual(done, []);
    assert.equal(browser.frame(), 1);
    assert.deepEqual(done, ['short', 'long']);
    assert.equal(browser.frame(), 0);
  });

  it('leave what comes behind a long work to the next one', () => {
    inFrame(long);
    inFrame(short);
    browser.frame();
    assert.deepEqual(done, ['long']);
    browser.frame();
    assert.deepEqual(done, ['long', 'short']);
  });

  it('do what a work asks for in the next one', () => {
    const again = (): void => {
      done.push('again');
      if (done.length < 2) inFrame(again);
    };
    inFrame(again);
    browser.frame();
    assert.deepEqual(done, ['again']);
    browser.frame();
    assert.deepEqual(done, ['again', 'again']);
  });

  it('do the others in the next one where a work fails', () => {
    inFrame(() => {
      throw new Error('a broken figure');
    });
    inFrame(short);
    assert.throws(() => browser.frame(), /a broken figure/);
    assert.equal(browser.frame(), 1);
    assert.deepEqual(done, ['short']);
  });

  it('are not waited for by a hidden page, and do not do it again when they come', () => {
    inFrame(long);
    inFrame(short);
    assert.equal(browser.time(), 1);
    assert.deepEqual(done, ['long']);
    // One frame and one timer for what is left, none of before.
    assert.equal(browser.frame(), 1);
    assert.equal(browser.time(), 0);
    assert.deepEqual(done, ['long', 'short']);
  });
});
