// Entry of the suite inside the extension host (extensionTestsPath). Says beforehand which tests there are and then how
// each ended, so that every one of them counts as a test of its own outside.
import Mocha from 'mocha';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { outer } from './outer';
import type { PlannedTest, TestOutcome } from './outerCalls';

/** `loadFilesAsync` imports as ES modules, where the extension host does not hand out `vscode` on every version. */
class LoadableMocha extends Mocha {
  load(): void {
    this.loadFiles();
  }
}

/** Removes the tests that were not asked for; a suite left empty runs no hooks. */
function keepOnly(suite: Mocha.Suite, wanted: Set<Mocha.Test>): void {
  suite.tests = suite.tests.filter((test) => wanted.has(test));
  for (const child of suite.suites) keepOnly(child, wanted);
}

function report(event: TestOutcome): Promise<unknown> {
  return outer('outcome', event);
}

/** Runs every suite/*.test.cjs beside this file; rejects when a test failed. */
export async function run(): Promise<void> {
  const mocha = new LoadableMocha({ ui: 'bdd', timeout: 60_000, reporter: Mocha.reporters.Base });
  const folder = join(__dirname, 'suite');
  const files = readdirSync(folder).filter((name) => name.endsWith('.test.cjs'));
  for (const name of files.sort()) mocha.addFile(join(folder, name));
  mocha.load();

  const tests: Mocha.Test[] = [];
  mocha.suite.eachTest((test: Mocha.Test) => tests.push(test));
  const plan = tests.map((test, id): PlannedTest => ({ id, path: test.titlePath(), timeoutMs: test.timeout() }));
  const asked = await outer('plan', plan);
  keepOnly(mocha.suite, new Set(asked.map((id) => tests[id]!)));
  const idOf = (runnable: Mocha.Runnable): number | null => {
    const id = tests.findIndex((test) => test.titlePath().join('\n') === runnable.titlePath().join('\n'));
    return id < 0 ? null : id;
  };

  // Sent in order, and all of them before run() ends: the window may close right after.
  let sent: Promise<unknown> = Promise.resolve();
  const send = (event: TestOutcome): void => {
    sent = sent.then(() => report(event));
  };
  const failures = await new Promise<number>((done) => {
    const runner = mocha.run(done);
    runner.on('pass', (test) => send({ id: idOf(test), title: test.fullTitle(), state: 'passed' }));
    runner.on('pending', (test) => send({ id: idOf(test), title: test.fullTitle(), state: 'skipped' }));
    // A hook arrives here too, whatever the type says.
    runner.on('fail', (test: Mocha.Runnable, error: unknown) => {
      const failure = error instanceof Error ? error : new Error(String(error));
      const details = { message: failure.message, ...(failure.stack === undefined ? {} : { stack: failure.stack }) };
      send({ id: idOf(test), title: test.fullTitle(), state: 'failed', error: details });
    });
  });
  await sent;
  if (failures > 0) throw new Error(`${failures} failed`);
}
