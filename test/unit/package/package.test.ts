// What the .vsix holds: only files on the list, under a budget, with a licence text for every bundled package.
import { listFiles, PackageManager } from '@vscode/vsce';
import { before, describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { bundledPackages, noticeOf } from '../../setup/thirdPartyNotices.mjs';

/** The whole package, compressed. An extension is downloaded by everyone who tries it. */
const maxPackageBytes = 16e6;
/** The samples alone, as they lie on disk. */
const maxSamplesBytes = 3e6;

const listed = [
  /^package(\.nls(\.[\w-]+)?)?\.json$/,
  /^(README|CHANGELOG)\.md$/,
  /^(LICENSE|ThirdPartyNotices)(\.txt)?$/,
  /^dist\/(extension|cli|runner|hash|statistics|tokenizer)\.js$/,
  /^dist\/onnx\/ort(\.(wasm|webgpu)\.bundle\.min\.mjs|-wasm-simd-threaded(\.asyncify)?\.wasm)$/,
  /^dist\/webview\/(inspector|heatmap|checkpoint|mapping|comparison|report|worker|head)\.(js|css)$/,
  /^dist\/webview\/codicon\.(css|ttf)$/,
  /^media\/[\w-]+\.(svg|png)$/,
  /^media\/l10n\/bundle\.l10n(\.[\w-]+)?\.json$/,
  /^media\/readme\/[\w-]+\.png$/,
  /^media\/walkthrough\/[\w-]+\.(svg|png|md)$/,
  /^media\/samples\/[\w-]+\.(safetensors|pt|pth|npy|png|json)$/,
  /^media\/samples\/README\.md$/,
];

describe('package', function () {
  // vsce looks through the whole folder, .vscode-test and node_modules too.
  this.timeout(60_000);

  let files: readonly string[];
  before(async () => {
    // vsce answers with names only; PackageManager.None keeps node_modules out, as --no-dependencies does.
    files = await listFiles({ cwd: process.cwd(), packageManager: PackageManager.None });
  });

  it('holds only files that are on the list', () => {
    const strangers = files.filter((file) => !listed.some((pattern) => pattern.test(file)));
    assert.deepEqual(strangers, [], 'put them on the list here, or keep them out through .vscodeignore');
    for (const file of [
      'package.json',
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
      'dist/extension.js',
      'media/l10n/bundle.l10n.json',
    ])
      assert.ok(files.includes(file), `${file} is missing from the package`);
  });

  it('stays under its budget', () => {
    const sizes = files.map((file) => ({
      file,
      bytes: deflateRawSync(readFileSync(file)).length,
      raw: readFileSync(file).length,
    }));
    const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
    const largest = sizes
      .sort((a, b) => b.bytes - a.bytes)
      .slice(0, 5)
      .map(({ file, bytes }) => `${file} ${bytes}`);
    assert.ok(
      total <= maxPackageBytes,
      `${total} bytes compressed, budget ${maxPackageBytes}; largest: ${largest.join(', ')}`,
    );
    const samples = sizes
      .filter(({ file }) => file.startsWith('media/samples/'))
      .reduce((sum, { raw }) => sum + raw, 0);
    assert.ok(samples <= maxSamplesBytes, `media/samples holds ${samples} bytes, budget ${maxSamplesBytes}`);
  });

  it('has an allowed licence and its text for every package inside', () => {
    for (const notice of bundledPackages().map(noticeOf))
      assert.ok(notice.text.length > 100, `${notice.name}: no licence text`);
  });

  it('names a script of every kind that the README promises', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    for (const name of ['build', 'start', 'test', 'test:desktop', 'workbench', 'package', 'check'])
      assert.ok(scripts[name], `npm run ${name} is missing`);
  });
});
