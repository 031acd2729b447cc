// A whole inspection through dist/cli.js with its defaults on DeiT-Tiny's shape, against (a) what the reproduction study
// computes in its scripts' way and (b) the same quantities as all of ours in tuned PyTorch; then how time and memory grow
// with layers and with inputs. Table to stdout, JSON to out/bench.  --layers N --repeats R

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultStudyNulls } from '../../src/diagnostics/reproduction';
import { defaultNulls, defaultRepeats, defaultTwins } from '../../src/inspection/defaults';
import { deitHeads, writeDeit } from './deitShape';
import { median } from './median';
import { machine, machineLine, peerEnvironment, pythonWith } from './peer';

const bars = { seconds: 90, study: 0.1, tuned: 4 };
/** Of d = 64; each takes about a second on an idle machine. */
const studyColumns = 2;
/** Growth is measured over these: peaks of few layers or inputs are those of threads that have not filled yet. */
const layerCounts = [3, 6, 12, 24];
const inputCounts = [4, 24, 100];
/** One head of the bundled sample an input: what is measured is what many of them leave behind. */
const smallRun = ['--layers', '0', '--heads', '0', '--nulls', '20', '--twins', '0', '--noise', 'none'];

interface Cost {
  readonly seconds: number;
  /** User and system time of all threads; says more than the clock where the machine is busy. */
  readonly cpuSeconds: number;
  readonly peakMB: number;
}

interface PeerCost {
  readonly version: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly parts: Readonly<Record<string, number>>;
}

/** Prints what a process of Node took, as its last words. */
const preload = `process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  require('node:fs').writeSync(2, '\\ncost ' + JSON.stringify([process.uptime(), (userCPUTime + systemCPUTime) / 1e6, maxRSS / 1e3]));
});`;

/** One inspection with the defaults of the command line, and without what earlier ones kept. */
function inspectDeit(folder: string, checkpoint: string): Cost {
  return inspect(folder, checkpoint, '--set', `heads=${deitHeads}`, '--input', 'random', '--cache', 'none');
}

function inspectMany(folder: string, count: number): Cost {
  const inputs = Array.from({ length: count }, (_, seed) => ['--input', `random:${seed}`]).flat();
  rmSync(join(folder, 'out'), { recursive: true, force: true });
  return inspect(folder, 'media/samples/digits-softmax.safetensors', ...smallRun, ...inputs);
}

function inspect(folder: string, checkpoint: string, ...options: readonly string[]): Cost {
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      ...['--require', join(folder, 'preload.cjs'), 'dist/cli.js', 'inspect', checkpoint],
      ...['--quiet', '--format', 'json', '--out', join(folder, 'out'), ...options],
    ],
    { encoding: 'utf8' },
  );
  const costs = [...stderr.matchAll(/cost (\[.*\])/g)].map(
    (match) => JSON.parse(match[1]!) as [number, number, number],
  );
  if (status !== 0 || costs.length === 0) throw new Error(`The inspection failed (${status}):\n${stderr}`);
  const largest = (at: 0 | 1 | 2): number => Math.max(...costs.map((cost) => cost[at]));
  return { seconds: largest(0), cpuSeconds: largest(1), peakMB: largest(2) };
}

function peer(python: string, script: string, threads: number, ...args: readonly (string | number)[]): PeerCost {
  const env = {
    ...peerEnvironment(threads),
    // Freed memory stays with the process: page faults of large temporaries took a third of the time.
    MALLOC_MMAP_THRESHOLD_: '1000000000',
    MALLOC_TRIM_THRESHOLD_: '1000000000',
  };
  const wrapper = `import resource, runpy, sys
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0])
use = resource.getrusage(resource.RUSAGE_SELF)
print(use.ru_utime + use.ru_stime)`;
  const { status, stdout, stderr } = spawnSync(python, ['-c', wrapper, script, ...args.map(String), String(threads)], {
    encoding: 'utf8',
    env,
  });
  if (status !== 0) throw new Error(`${script} failed:\n${stderr}`);
  const [answer, cpu] = stdout.trim().split('\n');
  return { ...(JSON.parse(answer!) as Omit<PeerCost, 'cpuSeconds'>), cpuSeconds: Number(cpu) };
}

/** What one more layer or input adds, by the least squares line. */
function slope(points: readonly (readonly [number, number])[]): { readonly each: number; readonly first: number } {
  const mean = (at: 0 | 1): number => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const each =
    points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) /
    points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  return { each, first: y - each * x };
}

function main(): void {
  const { values } = parseArgs({ options: { layers: { type: 'string' }, repeats: { type: 'string' } } });
  const layers = Number(values.layers ?? 12);
  const repeats = Number(values.repeats ?? 3);
  const threads = Math.min(2, availableParallelism());
  const folder = mkdtempSync(join(tmpdir(), 'gramlens-bench-'));
  try {
    writeFileSync(join(folder, 'preload.cjs'), preload);
    const checkpoint = (count: number): string => {
      const path = join(folder, `deit-${count}.safetensors`);
      writeDeit(path, count);
      return path;
    };
    const path = checkpoint(layers);
    const own: Cost[] = [];
    const tuned: PeerCost[] = [];
    const python = pythonWith('torch, scipy');
    for (let turn = 0; turn < repeats; turn++) {
      own.push(inspectDeit(folder, path));
      if (python !== null) {
        const counts = [deitHeads, defaultNulls, defaultTwins, defaultRepeats, defaultStudyNulls];
        tuned.push(peer(python, 'test/bench/inspection_tuned.py', threads, path, ...counts));
      }
    }
    const study =
      python === null ? null : peer(python, 'test/bench/inspection_study.py', threads, path, deitHeads, studyColumns);
    const growth = layerCounts.map((count) => ({ layers: count, ...inspectDeit(folder, checkpoint(count)) }));
    const many = inputCounts.map((count) => ({ inputs: count, ...inspectMany(folder, count) }));
    const where = machine();
    const ownSeconds = median(own.map(({ seconds }) => seconds));
    const ownCpu = median(own.map(({ cpuSeconds }) => cpuSeconds));
    const line = (what: string, seconds: number | null, cpu: number | null, bar: string): string => {
      if (seconds === null) return `| ${what} | not installed | | | ${bar} |`;
      const ratio = (ownSeconds / seconds).toFixed(3);
      const ofCpu = cpu === null ? '' : ` (CPU ${(ownCpu / cpu).toFixed(3)})`;
      return `| ${what} | ${seconds.toFixed(1)} | ${cpu?.toFixed(1) ?? ''} | ${ratio}${ofCpu} | ${bar} |`;
    };
    const tunedSeconds = tuned.length === 0 ? null : median(tuned.map(({ seconds }) => seconds));
    const tunedCpu = tuned.length === 0 ? null : median(tuned.map(({ cpuSeconds }) => cpuSeconds));
    const perLayer = slope(growth.map(({ layers: count, cpuSeconds }) => [count, cpuSeconds]));
    const memory = slope(growth.map(({ layers: count, peakMB }) => [count, peakMB]));
    const perInput = slope(many.map(({ inputs, cpuSeconds }) => [inputs, cpuSeconds]));
    const inputMemory = slope(many.map(({ inputs, peakMB }) => [inputs, peakMB]));
    mkdirSync('out/bench', { recursive: true });
    writeFileSync(
      'out/bench/inspection.json',
      JSON.stringify(
        {
          machine: where,
          threads,
          layers,
          bars,
          own,
          tuned,
          study,
          growth,
          many,
          perLayer,
          memory,
          perInput,
          inputMemory,
        },
        null,
        2,
      ),
    );
    console.log(
      [
        `${machineLine(where)}; ${layers} layers of DeiT-Tiny's shape, all defaults, ${threads} threads; medians of ${repeats}`,
        '',
        '| | seconds | CPU seconds | ours / theirs | bar |',
        '|---|---|---|---|---|',
        line('Gramlens, all diagnostics', ownSeconds, ownCpu, `${bars.seconds} s for 12 layers`),
        line("(a) the study's way, its quantities only", study?.seconds ?? null, null, `${bars.study}`),
        line('(b) the same quantities, tuned PyTorch', tunedSeconds, tunedCpu, `${bars.tuned}`),
        '',
        ...growth.map(
          ({ layers: count, seconds, cpuSeconds, peakMB }) =>
            `${count} layers: ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU, peak ${peakMB.toFixed(0)} MB`,
        ),
        `a layer adds ${perLayer.each.toFixed(1)} s of CPU to ${perLayer.first.toFixed(1)} s, and ${memory.each.toFixed(1)} MB to ${memory.first.toFixed(0)} MB`,
        ...many.map(
          ({ inputs, cpuSeconds, peakMB }) =>
            `${inputs} inputs, one head: ${cpuSeconds.toFixed(1)} s of CPU, peak ${peakMB.toFixed(0)} MB`,
        ),
        `an input adds ${perInput.each.toFixed(2)} s of CPU to ${perInput.first.toFixed(1)} s, and ${inputMemory.each.toFixed(2)} MB to ${inputMemory.first.toFixed(0)} MB`,
      ].join('\n'),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

main();
