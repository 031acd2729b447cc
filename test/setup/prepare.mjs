// Runs before the tests: finds or installs what the machine lacks, and says nothing when everything is there.
//   node test/setup/prepare.mjs
import { ensureSystem } from './system.mjs';
import { isWorkbenchInstalled } from './workbench.mjs';

try {
  ensureSystem({ chromium: true, vulkan: true, workbench: !isWorkbenchInstalled() });
} catch (error) {
  // Not fatal: what can run without the missing part still runs, and what cannot fails with the same sentence.
  console.error(`${error.message}\n`);
}
