// Symmetric eigendecomposition, float64, one thread: the cpu backend's solver, with its copies and its check, against
// numpy and scipy on the same matrices, runs taking turns. `npm run bench`; table to stdout, JSON to out/bench.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCpuKernels } from '../../src/engine/cpu/kernels';
import { plainEigen } from '../../src/engine/reference/eigen';
import { centredGram } from '../unit/engine/eigenMatrices';
import { median } from './median';
import { machine, machineLine, pythonWith, startPeer } from './peer';
import type { Peer } from './peer';

const headDim = 64;
const top = 64;
/** Turns per size; the largest takes about half a second a turn. */
const turns: Readonly<Record<number, number>> = { 197: 41, 512: 21, 1024: 11 };
/** The plain solver needs seconds from here on. */
const largestPlain = 512;

interface Row {
  readonly n: number;
  readonly pairs: number;
  readonly ownMs: number;
  readonly plainMs: number | null;
  readonly peer: string;
  readonly peerMs: number;
  readonly ratio: number;
  readonly bar: number;
}

async function startNumpy(): Promise<Peer> {
  const python = pythonWith('numpy, scipy');
  if (python === null) {
    throw new Error('The peer is numpy: install it first (Debian: apt-get install python3-numpy python3-scipy).');
  }
  return startPeer(python, 'test/bench/eigen_peer.py');
}

function timed(run: () => unknown): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

async function measure(peer: Peer, folder: string): Promise<Row[]> {
  const kernels = await createCpuKernels();
  const rows: Row[] = [];
  for (const [size, count] of Object.entries(turns)) {
    const n = Number(size);
    const a = centredGram(n, headDim, 1);
    const file = join(folder, `${n}.f64`);
    writeFileSync(file, a);
    await peer.ask(`load ${file} ${n}`);
    const own = { all: [] as number[], top: [] as number[] };
    const theirs = { all: [] as number[], top: [] as number[] };
    for (let turn = -1; turn < count; turn++) {
      const all = timed(() => kernels.symmetricEigen(a, n, n));
      const peerAll = await peer.ask('all');
      const some = timed(() => kernels.symmetricEigen(a, n, top));
      const peerSome = await peer.ask(`top ${top}`);
      // The first turn warms up.
      if (turn < 0) continue;
      own.all.push(all);
      own.top.push(some);
      theirs.all.push(peerAll);
      theirs.top.push(peerSome);
    }
    const plainMs = n > largestPlain ? null : timed(() => plainEigen(a, n, n));
    const row = (pairs: number, ownMs: number, name: string, peerMs: number, bar: number): Row => ({
      n,
      pairs,
      ownMs,
      plainMs: pairs === n ? plainMs : null,
      peer: name,
      peerMs,
      ratio: ownMs / peerMs,
      bar,
    });
    rows.push(row(n, median(own.all), 'numpy eigh, all', median(theirs.all), 4));
    rows.push(row(top, median(own.top), 'numpy eigh, all', median(theirs.all), 3));
    rows.push(row(top, median(own.top), `scipy eigh, top ${top}`, median(theirs.top), 3));
  }
  return rows;
}

function table(rows: readonly Row[]): string {
  const cell = (value: number | null): string => (value === null ? '' : value.toFixed(1));
  return [
    '| N | pairs | cpu, ms | plain JavaScript, ms | peer | peer, ms | ratio | bar |',
    '|---|---|---|---|---|---|---|---|',
    ...rows.map(
      (row) =>
        `| ${row.n} | ${row.pairs === row.n ? 'all' : row.pairs} | ${cell(row.ownMs)} | ${cell(row.plainMs)} | ${row.peer} | ${cell(row.peerMs)} | ${row.ratio.toFixed(2)} | ${row.bar} |`,
    ),
  ].join('\n');
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gramlens-bench-'));
  try {
    const peer = await startNumpy();
    const rows = await measure(peer, folder);
    peer.end();
    const where = machine();
    mkdirSync('out/bench', { recursive: true });
    writeFileSync('out/bench/eigen.json', JSON.stringify({ machine: where, peer: peer.version, rows }, null, 2));
    console.log(`${machineLine(where)}, ${peer.version}; medians, float64, one thread\n\n${table(rows)}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 3;
});
