// npm run test:desktop: the workbench suite in a desktop VS Code instead of the one in the browser.
//   node test/setup/desktop.mjs [version ...]     versions as in "1.100.3", "stable"; default: the oldest supported, and stable
// GRAMLENS_VSCODE=/path/to/code takes an installed VS Code and downloads nothing. On Linux without a display: xvfb-run -a.
import { downloadAndUnzipVSCode } from '@vscode/test-electron';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const oldest = JSON.parse(readFileSync('package.json', 'utf8')).engines.vscode.replace(/^[^\d]*/, '');
const versions = process.argv.slice(2).length > 0 ? process.argv.slice(2) : [oldest, 'stable'];

async function executables() {
  if (process.env.GRAMLENS_VSCODE) return [process.env.GRAMLENS_VSCODE];
  const found = [];
  for (const version of versions) found.push(await downloadAndUnzipVSCode(version));
  return found;
}

let failed = false;
try {
  for (const executable of await executables()) {
    console.log(`\nDesktop VS Code: ${executable}`);
    const run = spawnSync(process.execPath, ['test/run.mjs', 'workbench'], {
      stdio: 'inherit',
      env: { ...process.env, GRAMLENS_VSCODE: executable },
    });
    failed ||= run.status !== 0;
  }
} catch (error) {
  console.error(
    `No desktop VS Code could be downloaded (${error.message ?? error}). Set GRAMLENS_VSCODE to the executable of an installed one, or run the same suite in the browser workbench with \`npm test -- workbench\`.`,
  );
  failed = true;
}
process.exit(failed ? 1 : 0);
