// Starts a real VS Code with the extension and runs the suite of test/workbench/suite inside its extension host. Every
// test there appears here under its own name, so it is counted, filtered with --grep, and fails with its own text.
import Mocha, { after, before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import type { Host } from './hosts';
import { openInBrowser, openOnDesktop } from './hosts';
import type { PlannedTest, TestOutcome } from './outerCalls';
import { outerAddressVariable, rootVariable } from './outerCalls';
import { startOuterServer } from './outerServer';

/** The first run on a machine installs the workbench (half a minute), as root perhaps Chromium and a compiler too. */
const openTimeoutMs = 600_000;
/** From opening the page to the suite's first word. */
const activationTimeoutMs = 90_000;
/** Beyond a test's own limit: its hooks, and the way here. */
const graceMs = 180_000;

const name = 'workbench';
const grepAt = process.argv.indexOf('--grep');
const grep = grepAt < 0 ? null : new RegExp(process.argv[grepAt + 1] ?? '');

/** The tests inside are known only once they are loaded there; until then their sources say whether --grep means them. */
function isMeant(): boolean {
  const folder = join('test', 'workbench', 'suite');
  return grep === null || readdirSync(folder).some((file) => grep.test(readFileSync(join(folder, file), 'utf8')));
}

class Outcomes {
  private readonly arrived = new Map<number, TestOutcome>();
  private readonly waiting = new Map<number, (outcome: TestOutcome) => void>();
  private ended: TestOutcome | undefined;
  private hookFailure: TestOutcome | undefined;

  add(outcome: TestOutcome): void {
    if (outcome.id === null) {
      if (outcome.state === 'failed') this.hookFailure ??= outcome;
      return;
    }
    this.arrived.set(outcome.id, outcome);
    this.waiting.get(outcome.id)?.(outcome);
  }

  /** No more will come: what has not ended by now did not run. */
  end(log: string): void {
    const hook = this.hookFailure;
    const message =
      hook === undefined
        ? `the suite ended before this test did. The end of its log:\n${log.slice(-3000)}`
        : `did not run, because ${hook.title} failed: ${hook.error?.message ?? ''}`;
    this.ended = { id: null, title: '', state: 'failed', error: { message } };
    for (const [id, done] of this.waiting) if (!this.arrived.has(id)) done(this.ended);
  }

  of(id: number): Promise<TestOutcome> {
    const known = this.arrived.get(id) ?? this.ended;
    return known === undefined ? new Promise((done) => this.waiting.set(id, done)) : Promise.resolve(known);
  }
}

/** A test that waits for its twin inside and ends as that one ended. */
function twin(test: PlannedTest, outcomes: Outcomes): Mocha.Test {
  const own = new Mocha.Test(test.path.at(-1)!, async function (this: Mocha.Context) {
    const outcome = await outcomes.of(test.id);
    if (outcome.state === 'skipped') this.skip();
    if (outcome.state === 'failed') {
      const error = new Error(outcome.error?.message ?? 'failed');
      if (outcome.error?.stack !== undefined) error.stack = outcome.error.stack;
      throw error;
    }
  });
  own.timeout(test.timeoutMs === 0 ? 0 : test.timeoutMs + graceMs);
  return own;
}

function addTwins(parent: Mocha.Suite, plan: PlannedTest[], outcomes: Outcomes): void {
  for (const test of plan) {
    let suite = parent;
    for (const title of test.path.slice(0, -1))
      suite = suite.suites.find((child) => child.title === title) ?? Mocha.Suite.create(suite, title);
    suite.addTest(twin(test, outcomes));
  }
}

describe(name, function () {
  const outcomes = new Outcomes();
  let host: Host | undefined;
  let server: Awaited<ReturnType<typeof startOuterServer>> | undefined;
  let exitCode: number | undefined;

  before(async function () {
    this.timeout(openTimeoutMs);
    const parent = this.test!.parent!;
    let givePage: (page: Page | Promise<Page>) => void = () => undefined;
    const page = new Promise<Page>((done) => (givePage = done));
    let givePlan: (plan: PlannedTest[]) => void = () => undefined;
    const planned = new Promise<PlannedTest[]>((done) => (givePlan = done));
    server = await startOuterServer(() => page, {
      plan: (plan) => {
        const asked = plan.filter((test) => grep === null || grep.test([name, ...test.path].join(' ')));
        givePlan(asked);
        return Promise.resolve(asked.map((test) => test.id));
      },
      outcome: (outcome) => {
        outcomes.add(outcome);
        return Promise.resolve(null);
      },
      note: (text) => {
        console.log(`      ${text}`);
        return Promise.resolve(null);
      },
    });
    const env = { [outerAddressVariable]: server.address, [rootVariable]: resolve('.') };
    const desktop = process.env['GRAMLENS_VSCODE'];
    const opened = await (desktop ? openOnDesktop(desktop, env) : openInBrowser(env));
    host = opened;
    givePage(opened.page);
    console.log(`    ${opened.name}`);
    const late = new Promise<never>((_, fail) => {
      setTimeout(
        fail,
        activationTimeoutMs,
        new Error(`the suite said nothing for ${activationTimeoutMs / 1000} s`),
      ).unref();
    });
    const gone = opened.exitCode.then((code) => {
      exitCode = code;
      outcomes.end(opened.log());
      return Promise.reject(new Error(`the suite ended (exit code ${code}) before it named its tests`));
    });
    gone.catch(() => undefined);
    const plan = await Promise.race([planned, gone, late]).catch((error: unknown) => {
      throw new Error(`${String(error)}. The end of the log:\n${opened.log().slice(-5000)}`);
    });
    addTwins(parent, plan, outcomes);
    const end = Mocha.Suite.create(parent, 'the end');
    end.addTest(
      new Mocha.Test('closes the suite with an exit code', async () => {
        await opened.exitCode;
        assert.ok(exitCode === 0 || exitCode === 1, `exit code ${exitCode}`);
      }),
    );
  });

  after(async function () {
    this.timeout(60_000);
    server?.close();
    await host?.stop();
  });

  const opens = it('opens with the extension under development and loads the suite', () => {
    assert.ok(host !== undefined);
  });
  // --grep drops a describe without a match before its hooks run; this one stands for the tests still to come.
  if (isMeant()) opens.fullTitle = () => `${name} ${grep?.source ?? opens.title}`;
});
