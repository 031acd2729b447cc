// Fused attention and RPC iterations in our WGSL against tfjs's stock operations and ONNX Runtime's WebGPU provider, in one
// page and on one adapter; [H, N, N] is never stored by ours. Table to stdout, JSON to out/bench.  --repeats R --seconds S --tokens 197,1024

import { createServer } from 'node:http';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { basename, extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { chromiumArgs, requireChromium } from '../setup/system.mjs';
import { machine, machineLine } from './peer';
import type { GpuCase, GpuPage, GpuTimes } from './webgpu.entry';

const bar = 10;
const heads = 12;
const headDim = 64;
const script = 'out/test/bench/webgpu.entry.js';
const ortFolder = 'node_modules/onnxruntime-web/dist';
const types: Readonly<Record<string, string>> = { '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

declare global {
  // Of the page.
  var gpuPage: GpuPage;
}

function startServer(): Promise<{ address: string; close(): void }> {
  const server = createServer((request, response) => {
    const url = request.url ?? '/';
    const send = (type: string, body: Buffer | string): void => {
      response.writeHead(200, { 'content-type': type });
      response.end(body);
    };
    if (url === '/') send('text/html', '<!DOCTYPE html><title>bench</title><script src="/bench.js"></script>');
    else if (url === '/bench.js') send('text/javascript', readFileSync(script));
    else if (url.startsWith('/ort/')) {
      const type = types[extname(url)] ?? 'application/octet-stream';
      send(type, readFileSync(join(ortFolder, basename(url))));
    } else {
      response.writeHead(404);
      response.end();
    }
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({ address: `http://127.0.0.1:${port}/`, close: () => server.close() });
    });
  });
}

interface Row extends GpuTimes {
  readonly work: string;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      repeats: { type: 'string', default: '15' },
      seconds: { type: 'string', default: '60' },
      tokens: { type: 'string', default: '197,1024' },
    },
  });
  const [repeats, seconds] = [Number(values.repeats), Number(values.seconds)];
  const sizes = values.tokens.split(',').map(Number);
  const server = await startServer();
  // Hardware is used where the browser has it: the bar is for software adapters, where kernels can be told apart here.
  const browser = await chromium.launch({ executablePath: requireChromium(), args: [...chromiumArgs] });
  try {
    const page = await browser.newPage();
    await page.goto(server.address);
    const { adapter, kernels, ort } = await page.evaluate(() => globalThis.gpuPage.open());
    const rows: Row[] = [];
    for (const tokens of sizes) {
      for (const rpcIterations of [0, 2]) {
        const wanted: GpuCase = { heads, tokens, headDim, rpcIterations, repeats, seconds };
        const times = await page.evaluate((given) => globalThis.gpuPage.measure(given), wanted);
        const what = rpcIterations === 0 ? 'attention' : `RPC, ${rpcIterations} iterations`;
        const row = { work: `${what}, ${heads} heads, N ${tokens}, d ${headDim}`, ...times };
        rows.push(row);
        console.error(row);
      }
    }
    const where = machine();
    mkdirSync('out/bench', { recursive: true });
    writeFileSync(
      'out/bench/webgpu.json',
      JSON.stringify({ machine: where, adapter, kernels, ort, bar, rows }, null, 2),
    );
    const cell = (ms: number, own: number): string => `${ms.toFixed(1)} (${(ms / own).toFixed(1)}x)`;
    console.log(
      [
        `${machineLine(where)}; ${adapter}; tfjs 4.22, ONNX Runtime Web ${ort}; kernels ${kernels}; medians, milliseconds (bar ${bar}x)`,
        '',
        '| work | turns | own WGSL | tfjs stock operations | ONNX Runtime WebGPU |',
        '|---|---|---|---|---|',
        ...rows.map(
          ({ work, turns, own, tfjs, ort: theirs }) =>
            `| ${work} | ${turns} | ${own.toFixed(1)} | ${cell(tfjs, own)} | ${cell(theirs, own)} |`,
        ),
      ].join('\n'),
    );
  } finally {
    await browser.close();
    server.close();
  }
}

void main();
