// Writes ThirdPartyNotices.txt: the licences of every package whose code is inside dist/. Which those are
// the build writes to out/bundled.json, so what esbuild left out is not named and nothing is forgotten.
//   node test/setup/thirdPartyNotices.mjs
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Licences that allow what we do: shipping inside an MIT-licensed package, with their text. */
const allowed = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Zlib',
  'BlueOak-1.0.0',
  'CC-BY-4.0',
  '(MIT AND Zlib)',
]);
/** In the package without passing through a bundle: files copied by the build, and the library compiled into the kernels. */
const unbundled = {
  '@vscode/codicons': 'dist/webview/codicon.css',
  assemblyscript: 'out/kernels.wasm',
  'onnxruntime-common': 'dist/onnx/ort.wasm.bundle.min.mjs',
  'onnxruntime-web': 'dist/onnx/ort.wasm.bundle.min.mjs',
};

/** Packages whose published file already holds code of others, which no build of ours can see. */
const carried = {
  '@tensorflow/tfjs-core': ['long', 'seedrandom', 'tslib'],
  '@vscode/webview-ui-toolkit': [
    '@microsoft/fast-element',
    '@microsoft/fast-foundation',
    'exenv-es6',
    'tabbable',
    'tslib',
  ],
};

/** Folders of the packages that dist/ holds code of, e.g. node_modules/@tensorflow/tfjs-core. */
export function bundledPackages() {
  const copied = Object.keys(unbundled).filter((name) => existsSync(unbundled[name]));
  const folders = new Set(copied.map((name) => `node_modules/${name}`));
  for (const file of JSON.parse(readFileSync('out/bundled.json', 'utf8'))) {
    // esbuild's empty stand-in for a file that a package switches off in browsers: none of its code is there.
    if (file.startsWith('(disabled):')) continue;
    const found = /.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file);
    if (found !== null) folders.add(found[0]);
  }
  for (const [name, others] of Object.entries(carried)) {
    const root = [...folders].find((folder) => folder.endsWith(`node_modules/${name}`))?.slice(0, -name.length);
    if (root !== undefined) for (const other of others) if (existsSync(root + other)) folders.add(root + other);
  }
  return [...folders].sort();
}

/** Without a licence file of its own, a package's text is the standard one with its author. */
function standardText(licence, holder) {
  if (licence === 'Apache-2.0') return readFileSync('node_modules/typescript/LICENSE.txt', 'utf8').trim();
  if (licence === 'ISC')
    return readFileSync('node_modules/d3-scale/LICENSE', 'utf8')
      .replace(/Copyright.*/, `Copyright (c) ${holder}`)
      .trim();
  if (licence === 'MIT')
    return readFileSync('LICENSE', 'utf8')
      .replace(/Copyright.*/, `Copyright (c) ${holder}`)
      .trim();
  return null;
}

/** One package: {name, version, licence, source, text}; throws when its licence is not among the allowed ones. */
export function noticeOf(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const licence = typeof manifest.license === 'object' ? manifest.license.type : manifest.license;
  if (!allowed.has(licence))
    throw new Error(
      `${manifest.name} ${manifest.version} is under "${licence}", which test/setup/thirdPartyNotices.mjs does not allow. Leave the package out, or add the licence there after reading it.`,
    );
  const files = readdirSync(folder).filter(
    (name) => /^(licen[cs]e|notice|copying)/i.test(name) && !/\.(js|ts)$/.test(name),
  );
  const holder =
    (typeof manifest.author === 'object' ? manifest.author.name : manifest.author) ?? `the authors of ${manifest.name}`;
  const text =
    files.length > 0
      ? files.map((name) => readFileSync(join(folder, name), 'utf8').trim()).join('\n\n')
      : standardText(licence, holder);
  if (text === null)
    throw new Error(
      `${manifest.name} ${manifest.version} (${licence}) brings no licence text. Add it to test/setup/thirdPartyNotices.mjs.`,
    );
  const repository = typeof manifest.repository === 'object' ? manifest.repository.url : manifest.repository;
  const source = (manifest.homepage ?? repository ?? '').replace(/^git\+/, '').replace(/\.git$/, '');
  return { name: manifest.name, version: manifest.version, licence, source, text };
}

export function thirdPartyNotices() {
  const notices = bundledPackages().map(noticeOf);
  const line = '-'.repeat(100);
  const parts = notices.map(
    ({ name, version, licence, source, text }) =>
      `${line}\n${name} ${version} (${licence})\n${source}\n\n${text.replaceAll('\r', '')}\n`,
  );
  return `Gramlens contains code of the following packages, under their own licences.\n\n${parts.join('\n')}`;
}

if (/thirdPartyNotices\.mjs$/.test(process.argv[1] ?? '')) {
  const text = thirdPartyNotices();
  writeFileSync('ThirdPartyNotices.txt', text);
  console.log(`ThirdPartyNotices.txt: ${bundledPackages().length} packages, ${text.length} bytes`);
}
