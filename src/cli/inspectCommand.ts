// `gramlens inspect`: options -> request -> runner -> files and table.

import { basename, dirname, join } from 'node:path';
import { defaultNoiseKinds, defaultRepeats, defaultRpc, noiseSettings } from '../inspection/defaults';
import type { InspectionRequest } from '../inspection/inspectionRequest';
import type { InspectionResult } from '../inspection/inspectionResult';
import { findMapping, readMapping } from '../inspection/node/mappingFiles';
import { openCheckpoint, readBeside } from '../inspection/node/openCheckpoint';
import { listInputs } from '../inspection/node/inputList';
import { readInput, sha256Hex } from '../inspection/node/readInput';
import { TokenizerSource, tokenizerSetting } from '../inspection/node/tokenizerSource';
import type { OutputFile } from '../inspection/node/writeFiles';
import { writeFiles } from '../inspection/node/writeFiles';
import { ChoiceError } from '../inspection/choiceError';
import { makeRequest } from '../inspection/request';
import type { Choices } from '../inspection/request';
import { inferModelSpec } from '../model/inferModelSpec';
import { canBeMapped, guessSentence, summariseGuess } from '../model/mapping/describeGuess';
import { guessMapping } from '../model/mapping/guessMapping';
import { shapesOf } from '../model/mapping/mappedSpec';
import type { MappingFile } from '../model/mapping/mappingFile';
import { ModelSpecError } from '../model/modelSpec';
import type { ModelInput, ModelSpec, SpecOverrides } from '../model/modelSpec';
import { maxYamlBytes, parseYamlConfig } from '../model/yamlConfig';
import { collectDetails, maxReportHeads } from '../report/collectDetails';
import { headsCsv, headScalars } from '../report/headsCsv';
import { headTable } from '../report/headTable';
import { inspectionId } from '../report/inspectionId';
import { inputCount } from '../report/overInputs';
import { outputLine } from '../report/outputText';
import { npz } from '../report/npz';
import { reportHtml } from '../report/reportHtml';
import { reportMarkdown } from '../report/reportMarkdown';
import { cacheFolder } from './cacheFolder';
import { chooseNodeBackend } from './nodeWebGpu';
import { exitCodes } from './exitCodes';
import {
  checkSetIsUsed,
  parseFailOn,
  parseFormats,
  parseGram,
  parseIndexes,
  parseLevels,
  parseNoise,
  parseNoisePlaces,
  parseRpc,
  parseRpcSweep,
  parseSet,
  parseWhole,
  towerOf,
  UsageError,
} from './options';
import type { FailOn, Format } from './options';
import { SeveralInputs } from './severalInputs';
import { OneInput } from './oneInput';
import { readJsonFile } from './readJsonFile';
import { ProgressLine } from './progressLine';
import { nothingKept, type Finished, type Work } from './work';
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
  readonly standardiseKeys?: true;
  readonly levels?: string;
  readonly repeats?: string;
  readonly nulls: string;
  readonly studyNulls?: string;
  readonly ablation?: boolean;
  readonly networkNoise?: string;
  readonly twins: string;
  readonly cache?: string;
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
      standardise: '--standardise-keys',
      ablation: '--ablation',
      networkNoise: `--network-noise ${(choices.networkNoise ?? []).join(',')}`,
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

type MakeWork = (line: ProgressLine) => Work;

async function prepare(
  checkpoint: string,
  flags: InspectFlags,
  formats: readonly Format[],
  version: string,
): Promise<MakeWork> {
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
  const networkNoise = flags.networkNoise === undefined ? undefined : parseNoisePlaces(flags.networkNoise);
  const gram = { keys: flags.keys, prefix: parseGram(flags.gram), standardise: flags.standardiseKeys === true };
  const nulls = parseWhole(flags.nulls, '--nulls', 0, 10_000);
  const studyNulls =
    flags.studyNulls === undefined ? undefined : parseWhole(flags.studyNulls, '--study-nulls', 0, 10_000);
  const twins = parseWhole(flags.twins, '--twins', 0, 200);
  if (twins === 0 && flags.cache !== undefined)
    throw new UsageError(
      '--twins 0 leaves untrained twins out, so --cache would have no effect. Leave one of them out.',
    );
  const seed = parseWhole(flags.seed, '--seed', 0, 2 ** 32 - 1);
  if (flags.rpc !== undefined) parseRpc(flags.rpc);
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
  const list =
    text === null
      ? { inputs: [{ name: 'sample', load: () => readInput(null, spec, tokenizer) }], notes: [] }
      : await listInputs(flags.input, spec, tokenizer);
  const only = list.inputs.length === 1 ? await list.inputs[0]!.load().finally(() => tokenizer.close()) : null;
  if (only === null && formats.includes('npz'))
    throw new UsageError(
      `--format npz holds the tensors of one input, and these are ${list.inputs.length}. Leave npz out, or inspect one input.`,
    );
  if (only !== null) checkSetIsUsed(overrides, spec, only);
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
    ...(networkNoise === undefined ? {} : { networkNoise }),
    seed,
    keepTensors: formats.includes('npz'),
  };
  const requestOf = (input: ModelInput): InspectionRequest => {
    checkSetIsUsed(overrides, spec, input);
    return naming(choices, () => makeRequest(opened.index, spec, input, backend, choices, version));
  };
  const shared = {
    file: opened.file,
    tokenizer,
    asked: flags.backend,
    reproducible: flags.reproducible === true,
    pictured: isPictured(formats),
    twinFolder: cacheFolder(flags.cache, process.env, process.platform),
  };
  if (only !== null) {
    const request = requestOf(only);
    return (line) => new OneInput({ ...shared, request }, line);
  }
  const { out } = flags;
  return (line) => new SeveralInputs({ ...shared, ...list, requestOf, out }, line);
}

const isPictured = (formats: readonly Format[]): boolean =>
  formats.some((format) => format === 'html' || format === 'md');

/** What becomes of a run. */
interface Inspecting<T> {
  /** Takes what it gave, while its patterns can still be asked for. */
  readonly use: (finished: Finished, line: ProgressLine) => Promise<T>;
  /** What stands for the run, which then is not made; null: nothing does. */
  readonly instead?: (work: Work, line: ProgressLine) => Promise<T | null>;
  /** What earlier runs of the same command left behind. */
  readonly before?: string | null;
}

/** Runs one checkpoint to its end. */
export async function inspecting<T>(
  checkpoint: string,
  flags: InspectFlags,
  formats: readonly Format[],
  version: string,
  { use, instead, before = null }: Inspecting<T>,
): Promise<T> {
  const makeWork = await prepare(checkpoint, flags, formats, version);
  const line = new ProgressLine(flags.quiet === true ? 'none' : flags.jsonProgress === true ? 'json' : 'text');
  const work = makeWork(line);
  const kept = (): string => (work.kept() === nothingKept ? (before ?? nothingKept) : work.kept());
  // The first Ctrl-C ends the run in order, a second one at once.
  const cancelling: Promise<never>[] = [];
  const interrupted = (): void => {
    line.end();
    const end = work.stop().then(() => {
      process.stderr.write(`Cancelled; ${kept()}.\n`);
      return process.exit(exitCodes.cancelled);
    });
    cancelling.push(end);
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    return (await instead?.(work, line)) ?? (await use(await work.run(), line));
  } catch (error) {
    // Whoever cancels hears of what is kept, not of the run that this ended.
    await Promise.all(cancelling);
    line.end();
    if (kept() !== nothingKept) line.warn(`The run did not come to its end; ${kept()}.`);
    throw error;
  } finally {
    process.removeListener('SIGINT', interrupted);
    process.removeListener('SIGTERM', interrupted);
    await work.stop();
  }
}

export async function runInspect(checkpoint: string, flags: InspectFlags, version: string): Promise<void> {
  const formats = parseFormats(flags.format);
  const failOn = flags.failOn.map((text) => parseFailOn(text));
  const use = async (finished: Finished, line: ProgressLine): Promise<void> => {
    const { result } = finished;
    line.progress('Writing', 1);
    const written = await writeFiles(flags.out, await outputFiles(finished, formats));
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
  };
  await inspecting(checkpoint, flags, formats, version, { use });
}

async function outputFiles(finished: Finished, formats: readonly Format[]): Promise<OutputFile[]> {
  const { result, picture, headDetail } = finished;
  const files: OutputFile[] = [];
  // Links in a report have it, nothing else.
  const inspection = isPictured(formats) ? inspectionId(result, sha256Hex) : '';
  const options = { maxHeads: maxReportHeads, picture, inspection };
  const details =
    headDetail !== null && isPictured(formats) ? await collectDetails(result, headDetail) : (): null => null;
  for (const format of formats) {
    if (format === 'html') files.push({ name: 'report.html', content: reportHtml(result, details, options) });
    else if (format === 'md') files.push(...reportMarkdown('report', result, details, options));
    else if (format === 'json') files.push({ name: 'result.json', content: finished.json() });
    else if (format === 'csv') files.push({ name: 'heads.csv', content: headsCsv(result) });
    else files.push({ name: 'tensors.npz', content: npz(await finished.tensors()) });
  }
  return files;
}

/** What decides whether a metric is measured at all. */
function optionBehind(metric: string, inputs: number): string | null {
  if (inputs > 1 && /\.[pq]$/.test(metric)) return `one input; over several there is ${metric}Below05`;
  if (/\.[pq]Below05$/.test(metric)) return 'several inputs; of one input there is p';
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
    const option = optionBehind(rule.metric, inputCount(result));
    const hint = option === null ? 'its reason stands in result.json' : `it depends on ${option}`;
    process.stderr.write(
      `--fail-on "${rule.text}": ${rule.metric} was not measured in ${missing} of ${heads.length} heads (${hint}).\n`,
    );
  }
}
