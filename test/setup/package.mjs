// npm run package: a clean production build, the notices, and the .vsix.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';

function run(...args) {
  const done = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

rmSync('dist', { recursive: true, force: true });
run('esbuild.mjs', '--production');
run('test/setup/thirdPartyNotices.mjs');
run(
  'node_modules/@vscode/vsce/vsce',
  'package',
  '--no-dependencies',
  '--allow-missing-repository',
  '--no-rewrite-relative-links',
);
