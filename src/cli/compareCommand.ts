// `gramlens compare`: checkpoints are inspected one after the other with the same options, results are read; then what
// changed is written and printed.

import { join, resolve } from 'node:path';
import { compareMethods } from '../comparison/compareMethods';
import { compareResults } from '../comparison/compareResults';
import { ComparisonError, type Comparison, type MatchedBy } from '../comparison/comparison';
import { comparisonTable } from '../comparison/comparisonFiles';
import type { ComparedSource } from '../comparison/pairRuns';
import { Admission, outlineAhead, outlineOf } from '../comparison/runOutline';
import { orderBySteps } from '../comparison/steps';
import type { InspectionResult } from '../inspection/inspectionResult';
import { openCheckpoint } from '../inspection/node/openCheckpoint';
import { sha256Hex } from '../inspection/node/readInput';
import { distinctNames, runAt, runsIn, type ComparedPath } from '../inspection/node/runFolder';
import { findRun, keepRun, resultPath } from '../inspection/node/keptRun';
import { writeFiles } from '../inspection/node/writeFiles';
import { headMetrics } from '../report/figures/metrics';
import { inspectionId } from '../report/inspectionId';
import { exitCodes } from './exitCodes';
import { inspecting } from './inspectCommand';
import type { InspectFlags } from './inspectCommand';
import { parseFailOn, parseFormats, UsageError, type FailOn } from './options';
import { comparisonFiles, readResult } from './reportCommand';
import { writtenText } from './writtenText';

export interface CompareFlags extends InspectFlags {
  readonly match: MatchedBy;
}

/** Folder of the single results within that of the comparison. */
const runsFolder = 'runs';
const inBands = '.inBands';
const changeNames: ReadonlySet<string> = new Set(headMetrics.flatMap(({ id }) => [id, `${id}${inBands}`]));

/** Writes a line for a person who reads along. */
type Tell = (line: string) => void;

interface Target extends ComparedPath {
  readonly name: string;
}

/** One folder stands for the runs in it. */
async function targetsOf(paths: readonly string[], tell: Tell): Promise<readonly Target[]> {
  const { runs: inside, passedOver } = paths.length === 1 ? await runsIn(paths[0]!) : { runs: [], passedOver: [] };
  for (const sentence of passedOver) tell(sentence);
  const found = inside.length > 0 ? inside : await Promise.all(paths.map(runAt));
  // Whole paths: names become folders, and `..` must not lead out of them.
  const names = distinctNames(found.map(({ path }) => resolve(path)));
  const targets = found.map((target, i) => ({ ...target, name: names[i]! }));
  return inside.length > 0 ? orderBySteps(names).places.map((place) => targets[place]!) : targets;
}

/** RPC beside the model as the first run had it: a checkpoint's own default may be another. */
function rpcOption({ provenance }: InspectionResult): string {
  const { variant, iterations, lambda, layers } = provenance.rpc;
  if (layers === 'none') return 'layers=none';
  return `variant=${variant},iterations=${iterations},lambda=${lambda},layers=${typeof layers === 'string' ? layers : layers.join(',')}`;
}

/** What is said where a result lies in the folder of the run. */
const keptWords = {
  same: 'kept from an earlier run with the same checkpoint, input, options and version; it is not computed again',
  other: 'the result kept there is of another checkpoint, input, option or version, and is computed again',
  changed: 'the result kept there is not as it was written, and is computed again',
} as const;

/**
 * Inspects a checkpoint, unless the same run is kept. What is compared is read back from the file that is kept: giving that
 * file later compares the same.
 */
async function inspected(
  target: Target,
  flags: CompareFlags,
  version: string,
  before: string | null,
  tell: Tell,
  admission: Admission,
): Promise<InspectionResult> {
  const folder = join(flags.out, runsFolder, target.name);
  const own = { ...flags, out: folder };
  return inspecting(target.path, own, ['json'], version, {
    before,
    instead: async (work, line) => {
      if (work.request !== null) admission.admit(outlineAhead(target.name, work.request));
      const found = await findRun(folder, () => work.key());
      if (found === 'none') return null;
      line.end();
      tell(`${target.name}: ${keptWords[found]}.`);
      return found === 'same' ? readResult(resultPath(folder)) : null;
    },
    use: async (finished, line) => {
      await keepRun(folder, finished.key, finished.json());
      line.end();
      return readResult(resultPath(folder));
    },
  });
}

async function readAll(
  targets: readonly Target[],
  flags: CompareFlags,
  version: string,
  tell: Tell,
): Promise<ComparedSource[]> {
  const admission = new Admission();
  // Before anything is inspected that could not be compared with them.
  const results = new Map<Target, InspectionResult>();
  for (const target of targets) {
    if (target.kind !== 'result') continue;
    const result = await readResult(target.path);
    admission.admit(outlineOf(target.name, result));
    results.set(target, result);
  }
  const sources: ComparedSource[] = [];
  let { rpc } = flags;
  let kept: string | null = null;
  for (const [i, target] of targets.entries()) {
    if (target.kind === 'checkpoint') tell(`Run ${i + 1} of ${targets.length}: ${target.name}`);
    const settings = rpc === undefined ? flags : { ...flags, rpc };
    const result = results.get(target) ?? (await inspected(target, settings, version, kept, tell, admission));
    if (target.kind === 'checkpoint')
      kept = `finished results are in ${join(flags.out, runsFolder)}; the same command goes on from there`;
    rpc ??= rpcOption(result);
    sources.push({ name: target.name, inspection: inspectionId(result, sha256Hex), result });
  }
  return sources;
}

function compared(sources: readonly ComparedSource[], by: MatchedBy): Comparison {
  const [only, second] = sources;
  return second === undefined ? compareMethods(only!) : compareResults(sources, by);
}

/** What cannot be compared is a mistake of whoever chose it. */
function asUsage(error: unknown): never {
  if (error instanceof ComparisonError) throw new UsageError(error.message);
  throw error;
}

/** `given`: options of a run that were typed. */
export async function runCompare(
  paths: readonly string[],
  flags: CompareFlags,
  given: readonly string[],
  version: string,
): Promise<void> {
  const formats = parseFormats(flags.format);
  if (formats.includes('npz'))
    throw new UsageError('--format npz: a comparison has no tensors; write them with gramlens inspect --format npz.');
  const rules = flags.failOn.map((text) =>
    parseFailOn(text, changeNames, `names are the metrics of comparison.json, each also with ${inBands}`),
  );
  // On stderr, where somebody reads along.
  const tell: Tell = (line) => {
    if (flags.quiet !== true && flags.jsonProgress !== true) process.stderr.write(`${line}\n`);
  };
  const targets = await targetsOf(paths, tell);
  const [idle] = given;
  if (idle !== undefined && targets.every(({ kind }) => kind === 'result'))
    throw new UsageError(`These are results of earlier runs, so ${idle} would have no effect. Leave it out.`);
  if (targets.length === 1 && flags.match !== 'index')
    throw new UsageError(
      `--match ${flags.match}: this is one run, whose two methods are compared in the same heads. Leave it out.`,
    );
  // Nobody should wait for the first run to learn that the second cannot begin.
  for (const { kind, path } of targets) if (kind === 'checkpoint') await openCheckpoint(path);
  const comparison = await readAll(targets, flags, version, tell)
    .then((sources) => compared(sources, flags.match))
    .catch(asUsage);
  const written = await writeFiles(flags.out, comparisonFiles(comparison, formats));
  if (flags.quiet !== true) {
    process.stdout.write(`${comparisonTable(comparison)}\nWritten: ${writtenText(written)}\n`);
  }
  reportFailOn(comparison, rules);
}

function reportFailOn({ layers }: Comparison, rules: readonly FailOn[]): void {
  const heads = layers.flatMap(({ index, heads: own }) => own.map((head) => ({ layer: index, head })));
  for (const rule of rules) {
    const banded = rule.metric.endsWith(inBands);
    const id = banded ? rule.metric.slice(0, -inBands.length) : rule.metric;
    let missing = 0;
    for (const { layer, head } of heads) {
      const number = head.metrics[id];
      const value = (banded ? number?.inBands : number?.difference) ?? null;
      if (value === null) missing += 1;
      else if (rule.holds(value)) {
        process.stderr.write(
          `--fail-on "${rule.text}" holds: layer ${layer}, head ${head.index} changed by ${value}\n`,
        );
        process.exitCode = exitCodes.failOn;
      }
    }
    if (missing > 0)
      process.stderr.write(
        `--fail-on "${rule.text}": ${rule.metric} is not known in ${missing} of ${heads.length} heads; reasons stand in comparison.json.\n`,
      );
  }
}
