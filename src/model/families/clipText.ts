// CLIP's text tower, in Hugging Face's and in OpenAI's (and OpenCLIP's) names: pre-LN, causal, learned positions; the
// output is the projected state of the token that ends the text (model-families.md section 2.4).

import { inferHeads } from '../headCount';
import { ModelSpecError, type LinearRole, type ModelSpec, type TextShape } from '../modelSpec';
import { inferActivation, inferEps, type Default } from '../numerics';
import { asInteger, asText } from '../parseValues';
import { checkUnused } from '../refusals';
import { sampleCaption } from '../sample/sampleText';
import type { Axis, SpecContext } from '../specContext';
import { axis, TextReader } from '../textCore';
import { countBlocks } from '../vitCore';
import { moduleWeight, type BlockNames } from '../vitNames';
import { blockRoles } from '../vitRoles';
import { openClipActivation, quickGelu } from './clipActivation';
import { huggingFaceBlock, openAiBlock } from './clipNames';
import { checkSizes } from './huggingFaceNames';
import { placesOf, type NamedFamily } from './namedFamily';

/** Groups: 1 place, 2 base, 3 container. */
const huggingFaceAnchor = /^(.*?)(text_model\.)?(encoder\.layers|layers)\.0\.self_attn\.q_proj\.weight$/;
const openAiAnchor = /^(.*?)transformer\.resblocks\.0\.attn\.in_proj_weight$/;
/** Heads of every released text tower, whatever the width. */
const everyHeadDim = 64;
/** What old configurations of transformers say as eos_token_id; the code then takes the highest id of the input. */
const oldEndToken = 2;

/** How a kind of file spells the parts of the tower, behind its place. */
interface Names {
  readonly layout: string;
  readonly words: string;
  readonly position: string;
  readonly norm: string;
  /** [E, C], or [C, E] where `transposed`. */
  readonly projection: string;
  readonly transposed: boolean;
  readonly blockAt: (i: number) => string;
  readonly block: BlockNames;
}

const huggingFaceLayout = 'the text tower of a CLIP model with Hugging Face names';
const openAiLayout = 'the text tower of a CLIP model with OpenAI names';

const huggingFace: NamedFamily = {
  layout: huggingFaceLayout,
  configKeys: ['text_config'],
  tower: 'text',
  places: (index, modelType) => {
    const places = placesOf(index, huggingFaceAnchor, ([, place = '', base = '']) =>
      index.entries.has(`${place}${base}embeddings.token_embedding.weight`),
    );
    // SigLIP's text tower sees all tokens and reads the last one; its image tower is refused by its own name.
    const siglip = places.find((place) => index.entries.has(`${place}text_model.head.weight`));
    if (siglip !== undefined || (places.length > 0 && /^siglip/.test(modelType ?? ''))) {
      throw new ModelSpecError(
        'unsupported',
        `${index.fileName} looks like a SigLIP model. Its text tower is another one than CLIP's and is not in this version.`,
      );
    }
    return places;
  },
  build: (context) => {
    const { base, container } = treeAt(context);
    const names: Names = {
      layout: huggingFaceLayout,
      words: `${base}embeddings.token_embedding.weight`,
      position: `${base}embeddings.position_embedding.weight`,
      norm: `${base}final_layer_norm`,
      projection: 'text_projection.weight',
      transposed: false,
      blockAt: (i) => `${base}${container}.${i}.`,
      block: huggingFaceBlock,
    };
    const said = context.settings.find(['eos_token_id'], asInteger, 'a token id');
    const endToken = said === null || said.value === oldEndToken ? 'highest' : said.value;
    const why = said?.source ?? "OpenAI's code";
    return build(context, names, quickGelu, endToken, said?.value === oldEndToken ? `${why} ${oldEndToken}` : why);
  },
};

const openAi: NamedFamily = {
  layout: openAiLayout,
  configKeys: ['text_cfg'],
  tower: 'text',
  places: (index) =>
    placesOf(index, openAiAnchor, ([, place = '']) => index.entries.has(`${place}token_embedding.weight`)),
  build: (context) => {
    const pool = context.settings.find(['pool_type'], asText, 'a kind of pooling');
    if (pool !== null && pool.value !== 'argmax') {
      throw new ModelSpecError(
        'unsupported',
        `${context.fileName} reads its text at "${pool.value}" (${pool.source}). Gramlens knows this variant but does not run it in this version: its numbers would be wrong.`,
      );
    }
    const names: Names = {
      layout: openAiLayout,
      words: 'token_embedding.weight',
      position: 'positional_embedding',
      norm: 'ln_final',
      projection: 'text_projection',
      transposed: true,
      blockAt: (i) => `transformer.resblocks.${i}.`,
      block: openAiBlock,
    };
    return build(context, names, openClipActivation(context), 'highest', "OpenAI's code");
  },
};

export const clipText: readonly NamedFamily[] = [huggingFace, openAi];

function build(
  context: SpecContext,
  names: Names,
  activation: Default<ModelSpec['activation']>,
  endToken: NonNullable<TextShape['endToken']>,
  endSource: string,
): ModelSpec {
  const reader = new TextReader(context, names.layout);
  context.fact('family', 'clip-text', `tensor ${context.prefix}${names.words}`);
  const pattern = new RegExp(`^${names.blockAt(0).replace(/0\.$/, '').replaceAll('.', '\\.')}(\\d{1,9})\\.`);
  const layers = countBlocks(context, pattern, names.blockAt);
  context.fact('layers', layers, `tensor names ${context.prefix}${names.blockAt(0).replace(/0\.$/, '*')}`);
  const [vocabulary = 0, embedDim = 0] = context.need(names.words).shape;
  checkSizes(context, layers, embedDim);
  const width = axis('width C', embedDim);
  const heads = inferHeads(context, { embedDim, everyHeadDim });
  const headDim = embedDim / heads;
  const mlpDim = context.need(moduleWeight(`${names.blockAt(0)}${names.block.fc1[0]!}`)).shape[0] ?? 0;
  const mlp = axis('MLP width', mlpDim);
  const positions = context.need(names.position).shape[0] ?? 0;
  const sizes = { width, mlp, headDim, heads, tokens: positions, projections: 3, scaled: false, gated: false } as const;
  const spec = reader.spec('clip-text', {
    causal: true,
    layers,
    heads,
    headDim,
    embedDim,
    mlpDim,
    layerNormEps: inferEps(context, { value: 1e-5, source: 'default of the family' }),
    activation: inferActivation(context, activation),
    embed: {
      patch: null,
      classToken: null,
      distToken: null,
      words: context.tensor(names.words, [axis('vocabulary', vocabulary), width]),
      position: context.tensor(names.position, [axis('positions', positions), width]),
    },
    blocks: Array.from({ length: layers }, (_, i) => blockRoles(context, names, i, sizes)),
    head: head(context, names, width),
    text: { context: positions, endToken, sample: sampleCaption },
  });
  context.fact(
    'pooling',
    endToken === 'highest' ? 'first token with the highest id' : `first token ${endToken}`,
    endSource,
  );
  checkUnused(context, pattern);
  return spec;
}

/** Final norm and projection of the end of the text; without a projection the tower gives its states away. */
function head(context: SpecContext, names: Names, width: Axis): ModelSpec['head'] {
  const norm = context.norm(names.norm, width);
  const projection = projectionOf(context, names, width);
  if (projection === null) {
    context.fact('output', 'the normed states of all tokens', `no tensor ${context.prefix}${names.projection}`);
    return { norm, classifier: null, distClassifier: null, output: 'states' };
  }
  return { norm, classifier: projection, distClassifier: null, pooling: 'end', output: 'embedding' };
}

function projectionOf(context: SpecContext, names: Names, width: Axis): LinearRole | null {
  const { projection, transposed } = names;
  if (!context.has(projection)) return null;
  const embedding = axis('embedding', context.need(projection).shape[transposed ? 1 : 0] ?? 0);
  context.fact('embedding', embedding.length, `tensor ${context.prefix}${projection}`);
  return transposed
    ? { weight: context.tensor(projection, [width, embedding]), bias: null, layout: 'in-out' }
    : { weight: context.tensor(projection, [embedding, width]), bias: null };
}

function treeAt(context: SpecContext): { readonly base: string; readonly container: string } {
  for (const name of context.index.entries.keys()) {
    const [, place, base = '', container = ''] = huggingFaceAnchor.exec(name) ?? [];
    if (place === context.prefix && context.has(`${base}embeddings.token_embedding.weight`)) return { base, container };
  }
  throw new ModelSpecError('unknownFamily', `${context.fileName} has no CLIP text tower.`);
}
