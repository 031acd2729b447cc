// From a file to a request: header, questions that the file leaves open, input, backend, plan. Every step can be
// left with Escape, or is taken away by the token, and then nothing has run.

import * as vscode from 'vscode';
import type { TensorIndex } from '../checkpoint/tensorIndex';
import type { GramChoice } from '../diagnostics/headInput';
import type { CheckpointFile } from '../inspection/node/checkpointFile';
import { poolSize } from '../inspection/node/localRunner';
import { openCheckpoint } from '../inspection/node/openCheckpoint';
import { readInput, readText } from '../inspection/node/readInput';
import { twinsAreKnown } from '../inspection/node/twinCache';
import type { TokenizerSource } from '../inspection/node/tokenizerSource';
import { heldByteLength, planInspection } from '../inspection/plan';
import type { InspectionPlan, InspectionRequest } from '../inspection/inspectionRequest';
import { makeRequest } from '../inspection/request';
import type { Choices } from '../inspection/request';
import { imageShape } from '../model/blockShape';
import { describeSpec } from '../model/describeSpec';
import { inferModelSpec } from '../model/inferModelSpec';
import { ModelSpecError } from '../model/modelSpec';
import type {
  AudioShape,
  ImageShape,
  ModelInput,
  ModelSpec,
  RpcSettings,
  SpecOverrides,
  SpecQuestion,
} from '../model/modelSpec';
import type { ReadBeside } from '../model/text/findTokenizer';
import { checkTextSize, decodeText } from '../model/text/textInput';
import { readableBytes, readableSeconds } from '../report/planLines';
import type { MappingFile } from '../model/mapping/mappingFile';
import type { BackendChoice } from './backendChoice';
import { findMapping } from './mappingFiles';
import type { FoundMapping } from './mappingFiles';
import { memoryBudgetBytes, seedSetting, settingsChoices } from './settings';
import { askSeveral } from './severalQuestion';
import type { SeveralPicked } from './severalQuestion';
import { askText, askTextFile } from './textQuestion';
import type { Services } from './services';
import { isLocal, openVirtual } from './virtualFiles';

export const checkpointExtensions = ['safetensors', 'pt', 'pth', 'bin', 'ckpt', 'gguf', 'npz', 'onnx'];

/** Thrown when the person leaves a question; not an error to show. */
export class Dismissed extends Error {
  override readonly name = 'Dismissed';
}

export interface OpenedFile {
  readonly file: CheckpointFile;
  readonly index: TensorIndex;
  readonly config: unknown;
  readonly preprocessor: unknown;
  /** The file, or the index of a sharded checkpoint, even where a folder or a shard was named. */
  readonly uri: vscode.Uri;
  /** Its .gramlens.json and where that lies, or null. */
  readonly mapping: MappingFile | null;
  readonly mappingUri: vscode.Uri | null;
  /** Path of the checkpoint file where it has one. */
  readonly path: string;
  /** Reads another file of its folder: the tokenizer's. */
  readonly beside: ReadBeside;
}

/**
 * Reads the headers of a checkpoint, of its index file, or of the one in a folder: by range where files are local;
 * a virtual file system is read whole, within the budget.
 */
export async function openFile(uri: vscode.Uri): Promise<OpenedFile> {
  if (isLocal(uri)) {
    const { path, file, index, config, preprocessor, beside } = await openCheckpoint(uri.fsPath, chooseCheckpoint);
    const found = uri.with({ path: vscode.Uri.file(path).path });
    const mapping = await findMapping(found);
    return { uri: found, file, index, config, preprocessor, ...fileAndUri(mapping), path, beside };
  }
  const opened = await openVirtual(uri, memoryBudgetBytes(), chooseCheckpoint);
  const mapping = await findMapping(opened.uri);
  return { ...opened, ...fileAndUri(mapping), path: opened.uri.path };
}

function fileAndUri(found: FoundMapping | null): Pick<OpenedFile, 'mapping' | 'mappingUri'> {
  return { mapping: found?.file ?? null, mappingUri: found?.uri ?? null };
}

async function chooseCheckpoint(candidates: readonly string[]): Promise<string> {
  const title = vscode.l10n.t('Which checkpoint of the folder?');
  const chosen = await vscode.window.showQuickPick([...candidates], { title, ignoreFocusOut: true });
  if (chosen === undefined) throw new Dismissed();
  return chosen;
}

async function ask(question: SpecQuestion, token: vscode.CancellationToken): Promise<string> {
  const items = question.choices.map((choice) => ({
    label: choice.label,
    value: choice.value,
    ...(choice.detail === undefined ? {} : { detail: choice.detail }),
  }));
  const chosen = await vscode.window.showQuickPick(items, { title: question.question, ignoreFocusOut: true }, token);
  if (chosen === undefined) throw new Dismissed();
  return chosen.value;
}

/** The model, asking what the file cannot say. */
export async function resolveSpec(
  opened: OpenedFile,
  given: SpecOverrides,
  token: vscode.CancellationToken,
): Promise<ModelSpec> {
  const overrides: Record<string, string> = { ...given };
  for (;;) {
    try {
      return inferModelSpec(opened.index, opened.config, overrides, opened.preprocessor, opened.mapping);
    } catch (error) {
      if (!(error instanceof ModelSpecError) || error.question === null) throw error;
      // The same question twice would be a loop: the answer was not accepted.
      if (Object.hasOwn(overrides, error.question.option)) throw error;
      overrides[error.question.option] = await ask(error.question, token);
    }
  }
}

type InputItem = vscode.QuickPickItem & { readonly value: string };

const severalItem = (detail: string): InputItem => ({
  value: 'several',
  label: `$(files) ${vscode.l10n.t('Several inputs…')}`,
  detail,
});

function pictureItems({ height, width, channels }: ImageShape): InputItem[] {
  return [
    {
      value: 'sample',
      label: `$(symbol-color) ${vscode.l10n.t('Sample picture')}`,
      detail: vscode.l10n.t('Gradients and shapes, drawn at {0} x {1}; the same on every machine', height, width),
    },
    {
      value: 'image',
      label: `$(file-media) ${vscode.l10n.t('Picture…')}`,
      detail: vscode.l10n.t('PNG or JPEG, resized to {0} x {1} as the model was trained', height, width),
    },
    {
      value: 'npy',
      label: `$(array) ${vscode.l10n.t('Array…')}`,
      detail: vscode.l10n.t('.npy [{0}, {1}, {2}], already normalised', channels, height, width),
    },
    severalItem(vscode.l10n.t('A folder of pictures or several files: means with an interval over them')),
    {
      value: 'random',
      label: `$(symbol-numeric) ${vscode.l10n.t('Seeded noise')}`,
      detail: vscode.l10n.t('Normal pixels, the same on every machine; says little about a trained model'),
    },
  ];
}

function featureItems({ mels, frames }: AudioShape): InputItem[] {
  return [
    {
      value: 'sample',
      label: `$(pulse) ${vscode.l10n.t('Sample features')}`,
      detail: vscode.l10n.t('Bands as speech has them, [{0}, {1}]; the same on every machine', mels, frames),
    },
    {
      value: 'npy',
      label: `$(array) ${vscode.l10n.t('Log-mel features…')}`,
      detail: vscode.l10n.t(".npy [{0}, {1}] (mel bins, frames) of the model's feature extractor", mels, frames),
    },
    severalItem(vscode.l10n.t('A folder of arrays or several files: means with an interval over them')),
    {
      value: 'random',
      label: `$(symbol-numeric) ${vscode.l10n.t('Seeded noise')}`,
      detail: vscode.l10n.t('Normal features, the same on every machine; says little about a trained model'),
    },
  ];
}

/** As the CLI's --input, given once or several times, or a file that may lie on a virtual file system. */
export type PickedInput = string | SeveralPicked | { readonly textFile: vscode.Uri };

/** The input a person picks: the sample, a picture, an exact array, text, token ids, or seeded noise. */
export async function pickInput(
  spec: ModelSpec,
  tokenizer: TokenizerSource,
  token: vscode.CancellationToken,
): Promise<PickedInput> {
  if (spec.image === null && !spec.audio) return pickText(spec, tokenizer, token);
  const items = spec.audio ? featureItems(spec.audio) : pictureItems(imageShape(spec));
  const title = vscode.l10n.t('Input for {0}', describeSpec(spec));
  const chosen = await vscode.window.showQuickPick(items, { title, ignoreFocusOut: true }, token);
  if (chosen === undefined) throw new Dismissed();
  if (chosen.value === 'random' || chosen.value === 'sample') return `${chosen.value}:${seedSetting()}`;
  if (chosen.value === 'several') return pickSeveral(spec, token);
  const filters: Record<string, string[]> =
    chosen.value === 'image' ? { [vscode.l10n.t('Pictures')]: ['png', 'jpg', 'jpeg'] } : { NumPy: ['npy'] };
  const files = await vscode.window.showOpenDialog({
    canSelectMany: false,
    filters,
    title: vscode.l10n.t('Choose the input'),
  });
  const file = files?.[0];
  if (file === undefined) throw new Dismissed();
  return chosen.value === 'npy' ? `npy:${file.fsPath}` : file.fsPath;
}

async function pickSeveral(spec: ModelSpec, token: vscode.CancellationToken): Promise<SeveralPicked> {
  const picked = await askSeveral(spec, token);
  if (picked === null) throw new Dismissed();
  return picked;
}

/** Text where there is a tokenizer, else why there is none; token ids, typed or seeded. */
async function pickText(
  spec: ModelSpec,
  tokenizer: TokenizerSource,
  token: vscode.CancellationToken,
): Promise<PickedInput> {
  const title = vscode.l10n.t('Input for {0}', describeSpec(spec));
  for (;;) {
    const { files, problem } = await tokenizer.find();
    const chosen = await vscode.window.showQuickPick(
      textItems(files?.name ?? null, problem, spec.text?.sample === null),
      { title, ignoreFocusOut: true },
      token,
    );
    if (chosen === undefined) throw new Dismissed();
    if (chosen.value === 'random' || chosen.value === 'sample') return `${chosen.value}:${seedSetting()}`;
    if (chosen.value === 'tokens') return pickTokens(spec);
    if (problem !== null) {
      await vscode.window.showWarningMessage(problem, { modal: false });
      continue;
    }
    if (chosen.value === 'several') return pickSeveral(spec, token);
    const picked = chosen.value === 'text' ? await askText(spec, tokenizer, token) : await askTextFile();
    if (picked === null) throw new Dismissed();
    return typeof picked === 'string' ? picked : { textFile: picked };
  }
}

/** The sample is text where there is a tokenizer; `idsOnly`: ids even then. */
function textItems(name: string | null, problem: string | null, idsOnly: boolean): InputItem[] {
  const sample: InputItem =
    problem === null && !idsOnly
      ? {
          value: 'sample',
          label: `$(book) ${vscode.l10n.t('Sample text')}`,
          detail: vscode.l10n.t('English sentences, as many as the heads of this model need'),
        }
      : {
          value: 'sample',
          label: `$(symbol-numeric) ${vscode.l10n.t('Sample token ids')}`,
          detail: vscode.l10n.t('Seeded, as many as the heads of this model need'),
        };
  const how = problem ?? vscode.l10n.t('Taken apart by {0}', name ?? '');
  const text = problem === null ? '' : ` ${vscode.l10n.t('(no tokenizer)')}`;
  return [
    sample,
    { value: 'text', label: `$(edit) ${vscode.l10n.t('Text…')}${text}`, detail: how },
    { value: 'textFile', label: `$(file) ${vscode.l10n.t('Text file…')}${text}`, detail: how },
    severalItem(
      problem ?? vscode.l10n.t('A file with one text a line, or text files: means with an interval over them'),
    ),
    {
      value: 'tokens',
      label: `$(list-ordered) ${vscode.l10n.t('Token ids…')}`,
      detail: vscode.l10n.t('Whole numbers with commas between them'),
    },
    {
      value: 'random',
      label: `$(symbol-numeric) ${vscode.l10n.t('Random token ids')}`,
      detail: vscode.l10n.t('The same on every machine; says little about a trained model'),
    },
  ];
}

async function pickTokens(spec: ModelSpec): Promise<string> {
  const title = vscode.l10n.t('Token ids for {0}', describeSpec(spec));
  const prompt = vscode.l10n.t('Whole numbers with commas between them');
  const text = await vscode.window.showInputBox({ title, prompt, ignoreFocusOut: true });
  if (text === undefined) throw new Dismissed();
  return `tokens:${text.trim()}`;
}

export async function loadInput(
  picked: Exclude<PickedInput, SeveralPicked>,
  spec: ModelSpec,
  tokenizer: TokenizerSource,
): Promise<ModelInput> {
  if (typeof picked === 'string') return readInput(picked, spec, tokenizer);
  const { textFile } = picked;
  const name = textFile.path.slice(textFile.path.lastIndexOf('/') + 1);
  const { size } = await vscode.workspace.fs.stat(textFile);
  checkTextSize(size, name);
  const bytes = await vscode.workspace.fs.readFile(textFile);
  return readText(decodeText(bytes, name), bytes, name, spec, tokenizer);
}

export interface PlannedRequest {
  readonly request: InspectionRequest;
  readonly plan: InspectionPlan;
  readonly threads: number;
}

/** What the settings say, with this Gram matrix; `rpc`: instead of theirs. */
export function choicesOf(spec: ModelSpec, gram: GramChoice, rpc?: RpcSettings): Choices {
  return { ...settingsChoices(spec), gram, ...(rpc === undefined ? {} : { rpc }) };
}

/** The request that the settings make of `spec` and `input`, with this Gram matrix, and what it will cost. `rpc`: instead of theirs. */
export async function planRequest(
  { runnerScript, twinFolder, version }: Pick<Services, 'runnerScript' | 'twinFolder' | 'version'>,
  opened: OpenedFile,
  spec: ModelSpec,
  input: ModelInput,
  backend: BackendChoice,
  gram: GramChoice,
  rpc?: RpcSettings,
): Promise<PlannedRequest> {
  const request = makeRequest(opened.index, spec, input, backend, choicesOf(spec, gram, rpc), version);
  const threads = poolSize(request.heads.length);
  // A page that runs the network on its GPU has twins of its own.
  const folder = backend.kind === 'webgpu' ? null : twinFolder;
  const known = await twinsAreKnown(request, opened.file, folder, runnerScript);
  const plan = planInspection(request, heldByteLength(opened.index, spec), threads, describeSpec(spec), known);
  return { request, plan, threads };
}

/** The cost first: the editor cuts a long line at its end. */
export function planSentence(plan: InspectionPlan): string {
  const time =
    plan.inputs === undefined
      ? vscode.l10n.t('{0} on {1}', readableSeconds(plan.estimatedSeconds), plan.backend)
      : vscode.l10n.t(
          '{0} on {1} for all {2} inputs',
          readableSeconds(plan.estimatedSeconds),
          plan.backend,
          plan.inputs.count,
        );
  const memory = readableBytes(plan.peakByteLength);
  const input = plan.inputs === undefined ? plan.input : vscode.l10n.t('the first {0}', plan.input);
  const sentence = vscode.l10n.t('{0}, peak memory {1}; {2}; {3}', time, memory, input, plan.description);
  return plan.knownTwins
    ? vscode.l10n.t('{0}; untrained twins known from an earlier run on networks of these shapes', sentence)
    : sentence;
}
