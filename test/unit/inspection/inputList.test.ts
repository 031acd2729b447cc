// What makes several inputs: folders, lines of a text, batches of arrays, and what is refused.

import { describe, it } from 'mocha';
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listInputs } from '../../../src/inspection/node/inputList';
import { readInput } from '../../../src/inspection/node/readInput';
import { npyHeadBytes, npyItem, parseNpy, parseNpyHeader } from '../../../src/model/image/npyArray';
import type { ImageInput, ModelSpec } from '../../../src/model/modelSpec';
import { samplePath, sampleRequest } from './sampleRun';

const folder = (): string => mkdtempSync(join(tmpdir(), 'gramlens-list-'));
const picture = samplePath('digit-3.npy');

async function pictureSpec(): Promise<ModelSpec> {
  return (await sampleRequest('digits-softmax.safetensors', 'cpu')).spec;
}

/** The array of `picture` as the items of a batch, each with another number in front. */
function batch(count: number, order = 'False'): { file: Uint8Array; items: Uint8Array[] } {
  const bytes = new Uint8Array(readFileSync(picture));
  const header = parseNpyHeader(bytes, bytes.length, 'picture');
  const items = Array.from({ length: count }, (_, k) => {
    const item = bytes.slice(header.dataStart);
    new DataView(item.buffer).setFloat32(0, k, header.little);
    return item;
  });
  const inner = header.shape.slice(-3);
  const file = npyItem({ ...header, shape: [1, count, ...inner] }, Buffer.concat(items));
  return { file: Buffer.from(Buffer.from(file).toString('latin1').replace('False', order.padEnd(5)), 'latin1'), items };
}

describe('listing inputs', () => {
  it('takes the pictures and arrays of a folder by name, and counts the rest', async () => {
    const spec = await pictureSpec();
    const inside = folder();
    for (const name of ['b.png', 'a.PNG', '.hidden.png']) copyFileSync(samplePath('digit-3.png'), join(inside, name));
    copyFileSync(picture, join(inside, 'c.npy'));
    writeFileSync(join(inside, 'notes.md'), '');
    mkdirSync(join(inside, 'd.png'));
    const { inputs, notes } = await listInputs([inside], spec, null);
    assert.deepEqual(
      inputs.map((input) => input.name),
      ['a.PNG', 'b.png', 'c.npy'],
    );
    assert.deepEqual(notes, [`${inside}: 3 of its entries are no PNG, JPEG or .npy and left out.`]);
    assert.equal((await inputs[1]!.load()).kind, 'image');
  });

  it('reads a batch item by item, each as the array saved alone', async () => {
    const spec = await pictureSpec();
    const { file } = batch(3);
    const path = join(folder(), 'batch.npy');
    writeFileSync(path, file);
    const { inputs } = await listInputs([`npy:${path}`], spec, null);
    assert.deepEqual(
      inputs.map((input) => input.name),
      ['batch.npy, item 0', 'batch.npy, item 1', 'batch.npy, item 2'],
    );
    const whole = parseNpy(file, 'batch').values;
    const size = whole.length / 3;
    for (const [k, input] of inputs.entries()) {
      const { pixels } = (await input.load()) as ImageInput;
      assert.deepEqual(pixels, whole.slice(k * size, (k + 1) * size));
    }
    const hashes = await Promise.all(inputs.map(async (input) => (await input.load()).sha256));
    assert.equal(new Set(hashes).size, 3);
  });

  it('leaves a single array what it is', async () => {
    const spec = await pictureSpec();
    const { inputs } = await listInputs([`npy:${picture}`], spec, null);
    assert.equal(inputs.length, 1);
    assert.deepEqual(await inputs[0]!.load(), await readInput(`npy:${picture}`, spec));
  });

  it('refuses, naming what and what to do', async () => {
    const spec = await pictureSpec();
    const text: ModelSpec = {
      ...spec,
      text: { vocabulary: 10, context: null } as unknown as NonNullable<ModelSpec['text']>,
    };
    const inside = folder();
    const fortran = join(inside, 'f.npy');
    writeFileSync(fortran, batch(2, 'True').file);
    const many = join(inside, 'many.txt');
    writeFileSync(many, 'word\n'.repeat(10_001));
    const blank = join(inside, 'blank.txt');
    writeFileSync(blank, '\n \n');
    const latin = join(inside, 'latin.txt');
    writeFileSync(latin, Buffer.from([0xe9, 0x0a]));
    const empty = folder();
    const cases: readonly (readonly [string, ModelSpec, string])[] = [
      [empty, spec, `The folder ${empty} has no PNG, JPEG or .npy file. Give one that has, or the files one by one.`],
      [`npy:${fortran}`, spec, 'f.npy holds a batch in Fortran order. Save it with numpy.ascontiguousarray.'],
      [`lines:${many}`, text, 'many.txt has 10001 lines, more than the 10000 inputs of one run. Split it.'],
      [`lines:${blank}`, text, 'blank.txt has no line with text in it. Give a file with one text a line.'],
      [`lines:${latin}`, text, 'latin.txt is not UTF-8 text. Save it as UTF-8.'],
      [`lines:${inside}/none.txt`, text, `The input ${inside}/none.txt: it cannot be read (ENOENT).`],
    ];
    for (const [spelled, of, message] of cases)
      await assert.rejects(listInputs([spelled], of, null), { name: 'ModelSpecError', message });
    const lines = join(inside, 'lines.txt');
    writeFileSync(lines, 'one\r\n\r\ntwo\n');
    const listed = await listInputs([`lines:${lines}`], text, null);
    assert.deepEqual(
      listed.inputs.map((input) => input.name),
      ['lines.txt, line 1', 'lines.txt, line 3'],
    );
    assert.ok(npyHeadBytes > 64 * 1024);
  });
});
