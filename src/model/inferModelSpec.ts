// From an index of tensors to a model: which state of the file, which family, which sizes. Never reads tensor
// bytes. What the file cannot say is asked (ModelSpecError 'question'), what we do not run is refused by name.

import type { TensorIndex } from '../checkpoint/tensorIndex';
import { clipText } from './families/clipText';
import { deitDistilled } from './families/deitDistilled';
import { deit3 } from './families/deit3';
import { dino } from './families/dino';
import { dinov2Original } from './families/dinov2Original';
import { checkAttentionOverride, checkSoftmaxOverride } from './attentionOverride';
import type { AttentionPart, AttentionProbe, RecogniseFamily } from './families/family';
import { imageFamilies } from './families/imageFamilies';
import { mae } from './families/mae';
import type { NamedFamily } from './families/namedFamily';
import { reconstructionVit } from './families/reconstructionVit';
import { rpcSymVit } from './families/rpcSymVit';
import { scaledAttention } from './families/scaledAttention';
import { symVit } from './families/symVit';
import { textFamilies } from './families/textFamilies';
import { timmVit } from './families/timmVit';
import { whisper } from './families/whisper';
import { mappedSpec } from './mapping/mappedSpec';
import { overrideSources, type MappingFile } from './mapping/mappingFile';
import { inferOnnxSpec } from './onnx/onnxSpec';
import { ModelSpecError, type ModelSpec, type SpecFact, type SpecOverrides } from './modelSpec';
import { givenBy, parseOverrides, type ParsedOverrides } from './overrides';
import { asRecord, asText } from './parseValues';
import { checkUnused, hidesBlocks, refuseOtherFamily, refuseVariants } from './refusals';
import { Settings } from './settings';
import { SpecContext } from './specContext';
import { resizedSpec } from './resizedSpec';
import { chooseState, listStates, statesAt } from './states';
import { buildTimmSpec, probeAttention } from './timmCore';

/** The first that recognises the file wins: the more particular before the more general. */
const families: readonly RecogniseFamily[] = [
  scaledAttention,
  rpcSymVit,
  symVit,
  reconstructionVit,
  deitDistilled,
  dinov2Original,
  mae,
  dino,
  deit3,
  timmVit,
];

/** Families that their names alone tell; the first that finds itself in the file wins. */
const namedFamilies: readonly NamedFamily[] = [...imageFamilies, whisper, ...clipText, ...textFamilies];

/**
 * The spec of a checkpoint. `config` is the parsed config.json beside it (or null), `preprocessor` the parsed
 * preprocessor_config.json; `overrides` are `--set` values and answers to earlier questions; `mapping` is the
 * .gramlens.json of the checkpoint: what it says comes after `overrides` and before `config`. Throws ModelSpecError:
 * 'question' with a SpecQuestion when the file cannot say a fact, 'badOverride', 'unsupported' (known, not in this
 * version), 'unknownFamily', 'missingTensor' or 'shapeMismatch'. Sources: model-families.md sections 1 to 5; spec
 * section 1.
 */
export function inferModelSpec(
  index: TensorIndex,
  config: unknown,
  overrides: SpecOverrides,
  preprocessor: unknown = null,
  mapping: MappingFile | null = null,
): ModelSpec {
  const parsed = withMappingFile(overrides, mapping);
  for (const [beside, option] of [
    [config, ' Give another one with --config FILE.'],
    [preprocessor, ''],
  ] as const) {
    if (beside === null || beside === undefined || asRecord(beside) !== null) continue;
    const what = option === '' ? 'preprocessor_config.json' : 'configuration';
    throw new ModelSpecError('badInput', `The ${what} beside ${index.fileName} is not a JSON object.${option}`);
  }
  const notes: string[] = [];
  const settings = Settings.of(index, config, notes, preprocessor);
  if (mapping !== null && mapping.mapping !== null) {
    const context = new SpecContext(index, '', settings, parsed, [], notes, `the mapping ${mapping.name}`);
    return mappedSpec(context, mapping.mapping, mapping.name);
  }
  if (index.graph !== undefined) return inferOnnxSpec(index, index.graph, parsed, settings, notes);
  if (parsed.tokens !== undefined) {
    throw new ModelSpecError(
      'badOverride',
      `${givenBy(parsed, 'tokens')}: it is for ONNX graphs; ${index.fileName} has as many tokens as its input. Leave it out.`,
    );
  }
  const named = inferNamed(index, config, settings, parsed, notes);
  if (named !== null) return atWantedSize(named, parsed);
  const states = hidesBlocks(index) ? [] : listStates(index);
  if (states.length === 0) return refuseOtherFamily(index, config);
  const facts: SpecFact[] = [];
  const state = chooseState(index, states, parsed.state, facts, givenBy(parsed, 'state'));
  const context = new SpecContext(index, state.prefix, settings, parsed, facts, notes);
  refuseVariants(context);
  const probe = probeAttention(context);
  checkAttentionOverride(context, probe);
  const spec = buildTimmSpec(context, probe, recogniseFamily(context, probe));
  checkUnused(context);
  return atWantedSize(spec, parsed);
}

/** The spec for pictures of `--set image`, where the positions were made for another size. */
function atWantedSize(spec: ModelSpec, overrides: ParsedOverrides): ModelSpec {
  const { image } = overrides;
  return image === undefined ? spec : resizedSpec(spec, image, givenBy(overrides, 'image'));
}

/** `--set` before the mapping file, each option with its source. */
function withMappingFile(overrides: SpecOverrides, mapping: MappingFile | null): ParsedOverrides {
  const beside = Object.entries(mapping?.overrides ?? {}).filter(([option]) => !Object.hasOwn(overrides, option));
  const left = Object.fromEntries(beside);
  return parseOverrides({ ...left, ...overrides }, overrideSources(mapping?.name ?? '', left));
}

/** The first of the named families that finds itself in the file; null when none does. */
function inferNamed(
  index: TensorIndex,
  config: unknown,
  settings: Settings,
  overrides: ParsedOverrides,
  notes: string[],
): ModelSpec | null {
  const modelType = asText(asRecord(config)?.['model_type']);
  for (const family of towerFamilies(index, modelType, overrides)) {
    const places = family.places(index, modelType);
    if (places.length === 0) continue;
    const facts: SpecFact[] = [];
    const { tower } = overrides;
    if (tower !== undefined) facts.push({ fact: 'tower', value: tower, source: givenBy(overrides, 'tower') });
    const state = chooseState(index, statesAt(index, places), overrides.state, facts, givenBy(overrides, 'state'));
    const said = family.configKeys === undefined ? settings : settings.under(family.configKeys);
    const context = new SpecContext(index, state.prefix, said, overrides, facts, notes, family.layout);
    if (family.choosesAttention !== true) checkSoftmaxOverride(context);
    return family.build(context);
  }
  return null;
}

/** The named families, without the tower of a CLIP model that is not wanted. @throws ModelSpecError question, badOverride */
function towerFamilies(
  index: TensorIndex,
  modelType: string | null,
  { tower }: ParsedOverrides,
): readonly NamedFamily[] {
  const present = new Set(
    namedFamilies
      .filter((family) => family.tower !== undefined && family.places(index, modelType).length > 0)
      .map((family) => family.tower!),
  );
  if (tower !== undefined && !present.has(tower)) {
    throw new ModelSpecError(
      'badOverride',
      `--set tower=${tower}: ${index.fileName} has ${present.size === 0 ? 'no towers; this is for models of pictures and text' : `only a ${[...present][0]!} tower`}. Leave it out.`,
    );
  }
  if (tower === undefined && present.size > 1) {
    throw new ModelSpecError(
      'question',
      `${index.fileName} holds an image tower and a text tower. Choose one with --set tower=vision or --set tower=text.`,
      {
        option: 'tower',
        question: `${index.fileName} holds an image tower and a text tower. Which one shall be inspected?`,
        choices: [
          { value: 'vision', label: 'Image tower', detail: 'takes a picture' },
          { value: 'text', label: 'Text tower', detail: 'takes token ids' },
        ],
      },
    );
  }
  return namedFamilies.filter((family) => family.tower === undefined || tower === undefined || family.tower === tower);
}

function recogniseFamily(context: SpecContext, probe: AttentionProbe): AttentionPart {
  for (const recognise of families) {
    const at = context.facts.length;
    const part = recognise(context, probe);
    if (part === null) continue;
    // The family stands before the facts that its own file found (RPC settings).
    context.facts.splice(at, 0, { fact: 'family', value: part.family, source: part.source });
    return part;
  }
  throw new ModelSpecError(
    'unknownFamily',
    `${context.fileName} has transformer blocks of a kind Gramlens does not know.`,
  );
}
