// Runs the test groups and closes with `N passed, N failed`.
//   node test/run.mjs [unit|hostile|kernels|webview|workbench ...] [--grep WORD] [--full]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const args = process.argv.slice(2);
const grepAt = args.indexOf('--grep');
const grep = grepAt >= 0 ? args.splice(grepAt, 2)[1] : null;
const full = args.includes('--full');
const wanted = args.filter((arg) => !arg.startsWith('--'));
/** Group whose tests wait for a graphics device a third of their time: the workbench is installed meanwhile. */
const besideInstall = 'kernels';
/** Groups whose files run two at a time, those of long files first: the others have one graphics device, or one window. */
const sideBySide = ['webview', 'unit', 'hostile'];
const groups = wanted.length > 0 ? wanted : [besideInstall, ...sideBySide, 'workbench'];

/** Groups of one call: files that run side by side need not wait for the last file of a group. */
function batchesOf(names) {
  const batches = [];
  for (const name of names) {
    const last = batches.at(-1);
    if (last !== undefined && [last[0], name].every((one) => sideBySide.includes(one))) last.push(name);
    else batches.push([name]);
  }
  return batches;
}

function walk(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

/** Exit code of a command whose output is ours; null where a signal ended it. */
function run(args, env = process.env) {
  const child = spawn(process.execPath, args, { stdio: 'inherit', env });
  return new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve));
}

const built = spawnSync(process.execPath, ['esbuild.mjs', '--tests'], { stdio: 'inherit' });
if (built.status !== 0) {
  console.log('0 passed, 1 failed');
  process.exit(1);
}
// Nobody's own cache answers for the code that is tested; runs of one suite may share what they keep.
process.env.XDG_CACHE_HOME = mkdtempSync(join(tmpdir(), 'gramlens-cache-'));
let installed = null;
let passed = 0;
let failed = 0;
for (const batch of batchesOf(groups)) {
  const files = batch
    .flatMap((group) => walk(join('out', 'test', group)))
    .filter((file) => file.endsWith('.test.cjs') && !file.includes(`${join('workbench', 'suite')}`));
  if (files.length === 0) continue;
  const [group] = batch;
  console.log(`\n== ${batch.join(', ')}`);
  if (group === besideInstall && groups.includes('workbench')) installed = run(['test/setup/installWorkbench.mjs']);
  // What it could not install the group itself says once more, as a failed test.
  if (group === 'workbench') await installed;
  const report = join(mkdtempSync(join(tmpdir(), 'gramlens-test-')), 'report.json');
  const status = await run(
    [
      'node_modules/mocha/bin/mocha.js',
      '--reporter',
      './test/reporter.cjs',
      '--timeout',
      '120000',
      ...(sideBySide.includes(group) ? ['--parallel', '--jobs', '2'] : []),
      ...(grep === null ? [] : ['--grep', grep]),
      ...files,
    ],
    { ...process.env, GRAMLENS_TEST_REPORT: report, GRAMLENS_FULL: full ? '1' : '' },
  );
  if (!existsSync(report)) {
    failed += 1;
    console.log(`${batch.join(', ')}: the runner ended without a report (exit ${status ?? 'by a signal'})`);
    continue;
  }
  const counts = JSON.parse(readFileSync(report, 'utf8'));
  passed += counts.passed;
  failed += counts.failed;
  if (counts.failed === 0 && status !== 0) failed += 1;
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
