// `gramlens inspect`: options -> request -> runner -> files and table.

import { basename, dirname, join } from 'node:path';
import { defaultNoiseKinds, defaultRepeats, defaultRpc, noiseSettings } from '../inspection/defaults';
import { isDeviceLoss, onCpu, runOrFallBack } from '../inspection/gpuFallback';
import type { Attempt, Fallback } from '../inspection/gpuFallback';
import type { InspectionRequest } from '../inspection/inspectionRequest';
import type { InspectionResult } from '../inspection/inspectionResult';
import type { CheckpointFile } from '../inspection/node/checkpointFile';
import { createLocalRunner, poolSize } from '../inspection/node/localRunner';
import type { RunnerCalls, RunnerHostCalls } from '../inspection/node/localRunner';
import { findMapping, readMapping } from '../inspection/node/mappingFiles';
import { openCheckpoint, readBeside } from '../inspection/node/openCheckpoint';
import { readInput, sha256Hex } from '../inspection/node/readInput';
import { TokenizerSource, tokenizerSetting } from '../inspection/node/tokenizerSource';
import { startThreadRunner } from '../inspection/node/threadRunner';
import type { OutputFile } from '../inspection/node/writeFiles';
import { writeFiles } from '../inspection/node/writeFiles';
import { heldByteLength, planInspection } from '../inspection/plan';
import { ChoiceError, makeRequest } from '../inspection/request';
import type { Choices } from '../inspection/request';
import { describeSpec } from '../model/describeSpec';
import { inferModelSpec } from '../model/inferModelSpec';
import { canBeMapped, guessSentence, summariseGuess } from '../model/mapping/describeGuess';
import { guessMapping } from '../model/mapping/guessMapping';
import { shapesOf } from '../model/mapping/mappedSpec';
import type { MappingFile } from '../model/mapping/mappingFile';
import { ModelSpecError } from '../model/modelSpec';
import type { ModelSpec, SpecOverrides } from '../model/modelSpec';
import { maxYamlBytes, parseYamlConfig } from '../model/yamlConfig';
import { collectDetails, maxReportHeads } from '../report/collectDetails';
import { headsCsv, headScalars } from '../report/headsCsv';
import { headTable } from '../report/headTable';
import { inspectionId } from '../report/inspectionId';
import { outputLine } from '../report/outputText';
import { npz } from '../report/npz';
import { planLines } from '../report/planLines';
import { reportHtml } from '../report/reportHtml';
import { reportMarkdown } from '../report/reportMarkdown';
import { resultJson } from '../report/resultJson';
import { chooseNodeBackend, openDawn, openDawnGraphs } from './nodeWebGpu';
import { exitCodes } from './exitCodes';
import {
  checkSetIsUsed,
  parseFailOn,
  parseFormats,
  parseGram,
  parseIndexes,
  parseLevels,
  parseNoise,
  parseRpc,
  parseRpcSweep,
  parseSet,
  parseWhole,
  towerOf,
  UsageError,
} from './options';
import type { FailOn, Format } from './options';
import { readJsonFile } from './readJsonFile';
import { ProgressLine } from './progressLine';
import { writtenText } from './writtenText';

export interface InspectFlags {
  readonly config?: string;
  readonly mapping?: string;
  readonly set: readonly string[];
  readonly input: readonly string[];
  readonly layers?: string;
  readonly heads?: string;
  readonly rpc?: string;
  readonly rpcSweep?: string;
  readonly forward: 'native' | 'softmax' | 'rpc';
  readonly noise?: string;
  readonly gram: string;
  readonly keys: 'post-rope' | 'pre-rope';
  readonly levels?: string;
  readonly repeats?: string;
  readonly nulls: string;
  readonly studyNulls?: string;
  readonly ablation?: boolean;
  readonly twins: string;
  readonly seed: string;
  readonly backend: 'auto' | 'webgpu' | 'cpu' | 'reference';
  readonly out: string;
  readonly format: string;
  readonly failOn: readonly string[];
  readonly reproducible?: boolean;
  readonly quiet?: boolean;
  readonly jsonProgress?: boolean;
}

/** Logits of tokens in the line below the table. */
const shownLogits = 5;
/** dist/runner.js, beside this bundle. */
const runnerScript = join(__dirname, 'runner.js');
/** dist/tokenizer.js */
const tokenizerScript = join(__dirname, 'tokenizer.js');

/** Questions become errors that name the option; a terminal in a script cannot answer. */
function specOrQuestion(
  index: Parameters<typeof inferModelSpec>[0],
  config: unknown,
  preprocessor: unknown,
  overrides: SpecOverrides,
  mapping: MappingFile | null,
  input: string | null,
): ModelSpec {
  try {
    return inferModelSpec(index, config, overrides, preprocessor, mapping);
  } catch (error) {
    if (!(error instanceof ModelSpecError)) throw error;
    if (error.question === null) throw mapping === null ? withGuess(error, index) : error;
    const { question, option, choices } = error.question;
    const tower = option === 'tower' && input !== null ? towerOf(input) : null;
    if (tower !== null) return specOrQuestion(index, config, preprocessor, { ...overrides, tower }, mapping, input);
    const values = choices.map((choice) => choice.value).join(', ');
    throw new UsageError(`${question} Say --set ${option}=VALUE (${values}).`);
  }
}

/** An error about a network that is not recognised says what names and shapes tell of it, and how to go on. */
function withGuess(error: ModelSpecError, index: Parameters<typeof inferModelSpec>[0]): ModelSpecError {
  if (!canBeMapped(error.reason) || index.entries.size === 0) return error;
  const shapes = shapesOf(index);
  const guess = summariseGuess(guessMapping(shapes), shapes);
  // A file of a known family that is only broken is not to be mapped around its fault.
  if (error.reason !== 'unknownFamily' && !guess.complete) return error;
  const how = 'gramlens map CHECKPOINT writes the guess into a file for you to correct; gramlens inspect then uses it.';
  return new ModelSpecError(error.reason, `${error.message} ${guessSentence(guess, how)}`);
}

/** Puts the option before a sentence about a choice: `request.ts` speaks to the editor, too. */
function naming<T>(choices: Choices, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ChoiceError)) throw error;
    const { layers, heads, rpc } = choices;
    const option = {
      layers: `--layers ${(layers ?? []).join(',')}`,
      heads: `--heads ${(heads ?? []).join(',')}`,
      rpc: `--rpc layers=${typeof rpc.layers === 'string' ? rpc.layers : rpc.layers.join(',')}`,
      rpcSweep: '--rpc-sweep',
      forward: '--forward rpc',
      noise: '--levels',
      gram: `--gram prefix:${choices.gram?.prefix ?? 0}`,
      keys: `--keys ${choices.gram?.keys ?? ''}`,
      ablation: '--ablation',
    }[error.choice];
    throw new UsageError(`${option}: ${error.message}`);
  }
}

/** `--config`: JSON, or YAML as Segmenter's code writes it. */
async function readConfig(path: string): Promise<unknown> {
  const wanted = "the model's config.json";
  if (!/\.ya?ml$/i.test(path)) return readJsonFile(path, '--config ', wanted);
  const bytes = await readBeside(dirname(path))(basename(path), maxYamlBytes);
  if (bytes === null) throw new UsageError(`--config ${path}: there is no such file. Give ${wanted} or a variant.yml.`);
  return parseYamlConfig(bytes, basename(path));
}

interface Prepared {
  readonly request: InspectionRequest;
  readonly file: CheckpointFile;
  readonly threads: number;
  readonly tokenizer: TokenizerSource;
}

async function prepare(
  checkpoint: string,
  flags: InspectFlags,
  formats: readonly Format[],
  version: string,
): Promise<Prepared> {
  // Options first: nobody should wait for a file to learn of a typing mistake.
  const overrides = parseSet(flags.set);
  const layers = flags.layers === undefined ? null : parseIndexes(flags.layers, '--layers');
  const heads = flags.heads === undefined ? null : parseIndexes(flags.heads, '--heads');
  const kinds = flags.noise === undefined ? defaultNoiseKinds : parseNoise(flags.noise);
  const levels = flags.levels === undefined ? null : parseLevels(flags.levels);
  const repeats = flags.repeats === undefined ? defaultRepeats : parseWhole(flags.repeats, '--repeats', 1, 1000);
  const rpcSweep = flags.rpcSweep === undefined ? null : parseRpcSweep(flags.rpcSweep, levels, repeats);
  for (const [option, given] of [
    ['--levels', flags.levels],
    ['--repeats', flags.repeats],
  ] as const) {
    if (kinds.length === 0 && (rpcSweep?.noise ?? null) === null && given !== undefined)
      throw new UsageError(`--noise none leaves noise out, so ${option} would have no effect. Leave one of them out.`);
  }
  if (flags.quiet === true && flags.jsonProgress === true)
    throw new UsageError('--quiet and --json-progress contradict each other. Leave one of them out.');
  const gram = { keys: flags.keys, prefix: parseGram(flags.gram) };
  const nulls = parseWhole(flags.nulls, '--nulls', 0, 10_000);
  const studyNulls =
    flags.studyNulls === undefined ? undefined : parseWhole(flags.studyNulls, '--study-nulls', 0, 10_000);
  const twins = parseWhole(flags.twins, '--twins', 0, 200);
  const seed = parseWhole(flags.seed, '--seed', 0, 2 ** 32 - 1);
  if (flags.rpc !== undefined) parseRpc(flags.rpc);
  if (flags.input.length > 1)
    throw new UsageError('--input is given twice; this version inspects one input at a time.');
  const text = flags.input[0] ?? null;

  const opened = await openCheckpoint(checkpoint);
  const config = flags.config === undefined ? opened.config : await readConfig(flags.config);
  const mapping = flags.mapping === undefined ? await findMapping(opened.path) : await readMapping(flags.mapping);
  const spec = specOrQuestion(opened.index, config, opened.preprocessor, overrides, mapping, text);
  const tokenizer = new TokenizerSource(
    tokenizerScript,
    { ...opened, config },
    spec,
    tokenizerSetting(overrides, mapping, opened.path),
  );
  const input = await readInput(text, spec, tokenizer).finally(() => tokenizer.close());
  checkSetIsUsed(overrides, spec, input);
  const backend = await chooseNodeBackend(flags.backend);
  const choices = {
    layers,
    heads,
    rpc: flags.rpc === undefined ? defaultRpc(spec) : parseRpc(flags.rpc, defaultRpc(spec)),
    forward: flags.forward,
    noise: noiseSettings(kinds, levels, repeats),
    ...(rpcSweep === null ? {} : { rpcSweep }),
    gram,
    nulls,
    ...(studyNulls === undefined ? {} : { studyNulls }),
    twins,
    ablation: flags.ablation === true,
    seed,
    keepTensors: formats.includes('npz'),
  };
  const request = naming(choices, () => makeRequest(opened.index, spec, input, backend, choices, version));
  return { request, file: opened.file, threads: poolSize(request.heads.length), tokenizer };
}

/** The runner that is at work, and after a fall-back the one that took over. */
class Runners {
  private current: RunnerCalls | null = null;
  private ending: () => Promise<void> = () => Promise.resolve();

  constructor(
    private readonly file: CheckpointFile,
    private readonly threads: number,
  ) {}

  /** A worker thread, or this thread for WebGPU. */
  start(request: InspectionRequest, host: RunnerHostCalls): Promise<Attempt> {
    let runner: RunnerCalls;
    if (request.backend === 'webgpu') {
      runner = createLocalRunner(runnerScript, host, { openBackend: openDawn, openGraphs: openDawnGraphs });
      this.ending = () => Promise.resolve();
    } else {
      const thread = startThreadRunner(runnerScript, host);
      runner = thread;
      this.ending = () => thread.stop();
    }
    this.current = runner;
    return Promise.resolve({
      run: (attempt) => runner.run(attempt, this.file, this.threads),
      stop: this.ending,
    });
  }

  get finished(): RunnerCalls {
    if (this.current === null) throw new Error('no inspection was started');
    return this.current;
  }

  stop(): Promise<void> {
    return this.ending();
  }
}

/** `auto` goes on with cpu when the GPU fails; what was demanded with --backend webgpu fails. */
function cpuFallback(request: InspectionRequest, flags: InspectFlags, line: ProgressLine): Fallback | null {
  if (request.backend !== 'webgpu' || flags.backend !== 'auto') return null;
  return (known, error) => {
    const lost = isDeviceLoss(error);
    const heads = `${known.length} ${known.length === 1 ? 'head' : 'heads'}`;
    const what = lost ? 'The WebGPU device was lost' : `WebGPU failed (${error.message.replace(/\.$/, '')})`;
    line.warn(`${what}; going on with the cpu backend, ${heads} done so far are kept.`);
    const reason = lost ? 'the WebGPU device was lost half-way' : `WebGPU failed half-way (${error.message})`;
    return onCpu(request, `${reason}; finished on cpu`, known);
  };
}

export async function runInspect(checkpoint: string, flags: InspectFlags, version: string): Promise<void> {
  const formats = parseFormats(flags.format);
  const failOn = flags.failOn.map(parseFailOn);
  const { request, file, threads, tokenizer } = await prepare(checkpoint, flags, formats, version);
  const line = new ProgressLine(flags.quiet === true ? 'none' : flags.jsonProgress === true ? 'json' : 'text');
  const plan = planInspection(
    request,
    heldByteLength(request.index, request.spec),
    threads,
    describeSpec(request.spec),
  );
  line.plan(planLines(plan));

  const runners = new Runners(file, threads);
  const host: RunnerHostCalls = {
    progress: (label, fraction) => {
      line.progress(label, fraction);
      return Promise.resolve();
    },
    head: () => Promise.resolve(),
  };
  // The first Ctrl-C ends the run in order, a second one at once.
  const interrupted = (): void => {
    line.end();
    process.stderr.write('Cancelled; nothing was written.\n');
    void runners.stop().then(() => process.exit(exitCodes.cancelled));
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    const fallback = cpuFallback(request, flags, line);
    const run = await runOrFallBack(request, host, (attempt, calls) => runners.start(attempt, calls), fallback);
    const full = await tokenizer.named(run);
    const runner = runners.finished;
    const result = flags.reproducible === true ? withoutTimes(full) : full;
    line.progress('Writing', 1);
    const written = await writeFiles(flags.out, await outputFiles(result, runner, formats, request.input.picture));
    line.end();
    if (flags.quiet !== true) {
      process.stdout.write(`${headTable(result)}\n`);
      if (result.output.logitsOf === 'tokens') process.stdout.write(`\n${outputLine(result.output, shownLogits)}\n`);
      process.stdout.write(`\nWritten: ${writtenText(written)}\n`);
      process.stdout.write(
        'Open the HTML file in a browser. The same in VS Code: "Gramlens: Inspect Checkpoint…" on this file (npm run workbench starts one with the samples).\n',
      );
    }
    reportFailOn(result, failOn);
  } catch (error) {
    line.end();
    throw error;
  } finally {
    process.removeListener('SIGINT', interrupted);
    process.removeListener('SIGTERM', interrupted);
    await runners.stop();
  }
}

function withoutTimes(result: InspectionResult): InspectionResult {
  const provenance = Object.fromEntries(Object.entries(result.provenance).filter(([name]) => name !== 'elapsedMs'));
  return { ...result, provenance: provenance as unknown as InspectionResult['provenance'] };
}

async function outputFiles(
  result: InspectionResult,
  runner: RunnerCalls,
  formats: readonly Format[],
  picture: InspectionRequest['input']['picture'],
): Promise<OutputFile[]> {
  const files: OutputFile[] = [];
  const options = { maxHeads: maxReportHeads, picture, inspection: inspectionId(result, sha256Hex) };
  const pictured = formats.some((format) => format === 'html' || format === 'md');
  const details = pictured
    ? await collectDetails(result, (layer, head) => runner.headDetail(layer, head))
    : (): null => null;
  for (const format of formats) {
    if (format === 'html') files.push({ name: 'report.html', content: reportHtml(result, details, options) });
    else if (format === 'md') files.push(...reportMarkdown('report', result, details, options));
    else if (format === 'json') files.push({ name: 'result.json', content: resultJson(result) });
    else if (format === 'csv') files.push({ name: 'heads.csv', content: headsCsv(result) });
    else files.push({ name: 'tensors.npz', content: npz(await runner.tensors()) });
  }
  return files;
}

/** The option that decides whether a metric is measured at all. */
function optionBehind(metric: string): string | null {
  if (metric.startsWith('rpcSweep.')) return '--rpc-sweep and --rpc layers=';
  if (metric.startsWith('rpc.')) return '--rpc layers=';
  if (/^noise\..*\.(rpc|difference)$/.test(metric)) return '--noise, --repeats and --rpc layers=';
  if (metric.startsWith('noise.')) return '--noise and --repeats';
  if (metric.includes('.nulls.untrained.')) return '--twins';
  if (metric.startsWith('ablation.')) return '--ablation';
  if (metric.startsWith('reproduction.') && metric.includes('.nulls.')) return '--study-nulls';
  return metric.includes('.nulls.') ? '--nulls' : null;
}

function reportFailOn(result: InspectionResult, rules: readonly FailOn[]): void {
  const heads = result.layers.flatMap((layer) => layer.heads.map((head) => ({ layer: layer.index, head })));
  for (const rule of rules) {
    let missing = 0;
    for (const { layer, head } of heads) {
      const value = headScalars(head)[rule.metric];
      if (typeof value !== 'number') missing += 1;
      else if (rule.holds(value)) {
        process.stderr.write(`--fail-on "${rule.text}" holds: layer ${layer}, head ${head.index} has ${value}\n`);
        process.exitCode = exitCodes.failOn;
      }
    }
    if (missing === 0) continue;
    const option = optionBehind(rule.metric);
    const hint = option === null ? 'its reason stands in result.json' : `it depends on ${option}`;
    process.stderr.write(
      `--fail-on "${rule.text}": ${rule.metric} was not measured in ${missing} of ${heads.length} heads (${hint}).\n`,
    );
  }
}
