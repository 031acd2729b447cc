// Builds everything that ships (dist/) and, with --tests, everything that is tested (out/test/).
//   node esbuild.mjs [--tests] [--production]
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const root = dirname(fileURLToPath(import.meta.url));
process.chdir(root);
const flags = new Set(process.argv.slice(2));
const production = flags.has('--production');

/** AssemblyScript kernels -> out/kernels.wasm, which bundles import as bytes. */
function buildKernels() {
  const entry = 'src/engine/cpu/assembly/index.ts';
  if (!existsSync(entry)) return;
  const output = 'out/kernels.wasm';
  // Renamed when complete: another build may be reading the old one.
  const partial = `out/kernels.${process.pid}.wasm`;
  const sources = readdirSync(dirname(entry)).map((name) => statSync(join(dirname(entry), name)).mtimeMs);
  if (existsSync(output) && statSync(output).mtimeMs > Math.max(...sources, statSync('esbuild.mjs').mtimeMs)) return;
  mkdirSync('out', { recursive: true });
  const asc = spawnSync(
    process.execPath,
    [
      'node_modules/assemblyscript/bin/asc.js',
      entry,
      '--outFile',
      partial,
      '-O3',
      '--noAssert',
      '--enable',
      'simd',
      '--runtime',
      'stub',
      '--importMemory',
      '--noExportMemory',
      '--initialMemory',
      '16',
      '--maximumMemory',
      '65536',
    ],
    { stdio: 'inherit' },
  );
  if (asc.status !== 0) throw new Error('the WebAssembly kernels did not compile (messages above)');
  renameSync(partial, output);
}

const shared = {
  bundle: true,
  sourcemap: production ? false : 'linked',
  minify: production,
  logLevel: 'warning',
  target: ['es2023', 'node20'],
  loader: { '.wgsl': 'text', '.wasm': 'binary', '.svg': 'text' },
  legalComments: 'none',
  alias: { 'gramlens-kernels.wasm': join(root, 'out/kernels.wasm') },
};
const node = { ...shared, platform: 'node', format: 'cjs', external: ['vscode', 'webgpu'] };
const browser = {
  ...shared,
  platform: 'browser',
  format: 'iife',
  target: ['es2023'],
  define: { 'process.env.NODE_ENV': '"production"' },
  // ONNX Runtime asks where its module lies; it is told where its binary is.
  logOverride: { 'empty-import-meta': 'silent' },
};

const bundles = [
  { ...node, entryPoints: { extension: 'src/extension.ts' }, outdir: 'dist' },
  { ...node, entryPoints: { cli: 'src/cli/main.ts' }, outdir: 'dist', banner: { js: '#!/usr/bin/env node' } },
  { ...node, entryPoints: { runner: 'src/inspection/node/runnerThread.ts' }, outdir: 'dist' },
  { ...node, entryPoints: { hash: 'src/inspection/node/hashThread.ts' }, outdir: 'dist' },
  { ...node, entryPoints: { statistics: 'src/inspection/node/statisticsThread.ts' }, outdir: 'dist' },
  { ...node, entryPoints: { tokenizer: 'src/inspection/node/tokenizerThread.ts' }, outdir: 'dist' },
  {
    ...browser,
    entryPoints: {
      inspector: 'webview/inspector/main.ts',
      heatmap: 'webview/heatmap/main.ts',
      checkpoint: 'webview/checkpoint/main.ts',
      mapping: 'webview/mapping/main.ts',
      comparison: 'webview/comparison/main.ts',
      report: 'webview/report/main.ts',
      worker: 'webview/worker/main.ts',
      head: 'webview/worker/head.ts',
    },
    outdir: 'dist/webview',
  },
].filter((bundle) => Object.values(bundle.entryPoints).every((file) => existsSync(file)));

function walk(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}
const testFiles = () =>
  walk('test').filter(
    (file) => /\.(test|bench|entry|program)\.ts$/.test(file) || file === join('test', 'workbench', 'index.ts'),
  );

buildKernels();
const results = await Promise.all(bundles.map((bundle) => esbuild.build({ ...bundle, metafile: true })));
// Files whose code is in dist/, for the licence notices (test/setup/thirdPartyNotices.mjs).
const inputs = results.flatMap(({ metafile }) =>
  Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs)),
);
mkdirSync('out', { recursive: true });
writeFileSync(
  'out/bundled.json',
  JSON.stringify(
    [...new Set(inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file))].sort(),
  ),
);
// A bundle that was renamed must not be packaged beside its successor.
const made = new Set(results.flatMap(({ metafile }) => Object.keys(metafile.outputs)));
for (const file of walk('dist').map((path) => path.replaceAll('\\', '/'))) {
  if (/\.(js|css)(\.map)?$/.test(file) && !file.endsWith('/codicon.css') && !made.has(file)) rmSync(file);
}
// ONNX Runtime: read from here when the first graph is run.
if (existsSync('node_modules/onnxruntime-web/dist')) {
  mkdirSync('dist/onnx', { recursive: true });
  for (const file of [
    'ort.wasm.bundle.min.mjs',
    'ort-wasm-simd-threaded.wasm',
    'ort.webgpu.bundle.min.mjs',
    'ort-wasm-simd-threaded.asyncify.wasm',
  ])
    cpSync(`node_modules/onnxruntime-web/dist/${file}`, `dist/onnx/${file}`);
}
if (existsSync('node_modules/@vscode/codicons/dist/codicon.css')) {
  mkdirSync('dist/webview', { recursive: true });
  for (const file of ['codicon.css', 'codicon.ttf'])
    cpSync(`node_modules/@vscode/codicons/dist/${file}`, `dist/webview/${file}`);
}
if (flags.has('--tests')) {
  // Tests and the programs they start (*.program.ts) run in Node and leave packages outside; pages for the browser
  // (*.entry.ts) are bundled whole.
  const files = testFiles();
  await esbuild.build({
    ...shared,
    platform: 'node',
    format: 'cjs',
    packages: 'external',
    entryPoints: files.filter((f) => !f.endsWith('.entry.ts')),
    outdir: 'out/test',
    outbase: 'test',
    outExtension: { '.js': '.cjs' },
  });
  const entries = files.filter((f) => f.endsWith('.entry.ts'));
  if (entries.length > 0)
    await esbuild.build({ ...browser, entryPoints: entries, outdir: 'out/test', outbase: 'test' });
  // A test that was deleted or renamed must not go on running.
  const current = new Set(files.map((file) => join('out', file).replace(/\.ts$/, '')));
  for (const built of walk('out/test')) {
    if (!current.has(built.replace(/\.(cjs|js|css)(\.map)?$/, ''))) rmSync(built);
  }
}
