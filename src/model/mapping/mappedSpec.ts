// A spec from a mapping: the person said which tensor plays which role, so nothing is recognised here; shapes are
// checked, and sizes come from them.

import type { TensorIndex } from '../../checkpoint/tensorIndex';
import { inferHeads } from '../headCount';
import { ModelSpecError, type BlockRoles, type LinearRole, type ModelSpec } from '../modelSpec';
import { inferActivation, inferEps } from '../numerics';
import { givenBy } from '../overrides';
import { inferPreprocessing } from '../preprocessing';
import type { PictureDefaults } from '../pictureDefaults';
import type { SpecContext } from '../specContext';
import { factTable } from './architecture';
import { expand } from './blockPattern';
import { checkMapping, conflictOf, type MappingReport, type Shapes } from './checkMapping';
import { mappedAttention } from './mappedAttention';
import { mappedEmbedding } from './mappedEmbedding';
import { maySay, RoleReader } from './mappedRoles';
import type { Mapping } from './mappingFile';

/** Nothing in a file of unknown names says how its pictures were prepared. */
const unknownPictures: PictureDefaults = {
  mean: [0.5],
  std: [0.5],
  crop: null,
  interpolation: 'bicubic',
  source: 'default of a mapping',
  note: 'Pictures are normalised with mean 0.5 and std 0.5, because nothing says how this network was trained. If that is wrong, say mean and std (overrides, or --set).',
};

const epsKeys = ['layer_norm_eps', 'norm_eps', 'layer_norm_epsilon', 'rms_norm_eps', 'layernorm_epsilon'];

/** Names and shapes of a file. */
export function shapesOf(index: TensorIndex): Shapes {
  return new Map([...index.entries].map(([name, { shape }]) => [name, shape]));
}

/**
 * The spec that `mapping` (of file `name`) makes of the tensors. `context.prefix` is ''.
 * @throws ModelSpecError missingTensor or shapeMismatch naming the role; unsupported for tensors in the blocks without
 * a role; question for the heads; badOverride
 */
export function mappedSpec(context: SpecContext, mapping: Mapping, name: string): ModelSpec {
  const { architecture, roles } = mapping;
  refuseOverrides(context, name);
  const report = checkMapping(mapping, shapesOf(context.index));
  refuseFaults(context, mapping, name, report);
  const { layers, sizes } = report;
  const { width, inner, mlp } = sizes as { width: number; inner: number; mlp: number };
  const reader = new RoleReader(context, mapping);
  context.fact('family', 'mapped', `${name} mapping.roles`);
  for (const row of factTable) {
    if (row.only?.(architecture) === false || row.name === 'layers') continue;
    const value = architecture[row.name];
    if (value === null) continue;
    const source = mapping.said.has(row.name) ? `${name} mapping.architecture.${row.name}` : 'default of a mapping';
    context.fact(row.label, value, source);
  }
  context.fact('layers', layers, architecture.layers === null ? 'tensor names' : `${name} mapping.architecture.layers`);
  context.fact('width', width, `shape of ${expand(roles['norm1.weight'] ?? '', 0)}`);
  // Looked for in a tensor only where the block has such a norm.
  const queryNorm = expand(roles['queryNorm.weight'] ?? roles['proj.weight'] ?? '', 0);
  const heads = inferHeads(context, { embedDim: inner, queryNorm });
  const headDim = inner / heads;
  context.fact('head size', headDim, 'columns of the output projection / heads');
  const attention = mappedAttention(context, reader, report, heads);
  const embedding = mappedEmbedding(context, reader);
  const blocks = Array.from({ length: layers }, (_, layer): BlockRoles => {
    const gate = reader.matrix('gate', layer);
    const up = reader.matrix('up', layer);
    return {
      norm1: reader.norm('norm1', layer)!,
      ...attention.roles(layer),
      scale: null,
      proj: reader.matrix('proj', layer)!,
      layerScale1: reader.name('layerScale1', layer),
      norm2: reader.norm('norm2', layer)!,
      fc1: gate !== null && up !== null ? { ...gate, then: [up] } : reader.matrix('fc1', layer)!,
      fc2: reader.matrix('fc2', layer)!,
      layerScale2: reader.name('layerScale2', layer),
    };
  });
  const classifier = classifierRole(context, reader, architecture.pooling === 'class-mean' ? 2 * width : width);
  const classes = classifier === null ? null : classesOf(context, classifier);
  context.fact('classes', classes ?? 'none: no classifier is mapped', classifier?.weight ?? `${name} mapping.roles`);
  noteUnused(context, mapping);
  const rms = architecture.norm === 'rms';
  const eps = rms
    ? { value: 1e-6, source: 'usual for RMSNorm' }
    : { value: 1e-5, source: 'default of LayerNorm in PyTorch' };
  const layerNormEps = inferEps(context, eps, epsKeys);
  const gated = architecture.mlp === 'gated';
  const activation = inferActivation(context, {
    value: gated ? 'silu' : 'gelu',
    source: gated ? 'usual for a gated MLP' : 'usual for a plain MLP',
  });
  const { image } = embedding;
  return {
    family: 'mapped',
    attention: attention.kind,
    causal: architecture.causal,
    layers,
    heads,
    kvHeads: attention.kvHeads,
    headDim,
    embedDim: width,
    mlpDim: mlp,
    ...embedding,
    block: {
      norm: architecture.norm,
      placement: architecture.placement,
      mlp: architecture.mlp,
      headNorm: attention.headNorm,
      rope: attention.rope,
      scoreScales: architecture.scoreScale === null ? [] : blocks.map(() => architecture.scoreScale),
    },
    classes,
    layerNormEps,
    activation,
    standardise: attention.standardise,
    rpc: attention.rpc,
    blocks,
    head: {
      norm: reader.norm('finalNorm'),
      classifier,
      distClassifier: distClassifierRole(context, reader, classes),
      pooling: architecture.pooling,
      poolNorm: reader.norm('poolNorm'),
    },
    preprocessing: image === null ? null : inferPreprocessing(context, image, unknownPictures),
    facts: context.facts,
    notes: context.notes,
  };
}

function refuseOverrides({ overrides, fileName }: SpecContext, name: string): void {
  if (overrides.state === undefined) return;
  throw new ModelSpecError(
    'badOverride',
    `${givenBy(overrides, 'state')}=${overrides.state}: ${name} names the tensors of ${fileName} whole, so a state would have no effect. Leave one of them out.`,
  );
}

/** The first thing that does not fit, as a sentence about the mapping file. */
function refuseFaults(context: SpecContext, mapping: Mapping, name: string, report: MappingReport): void {
  for (const { role, state, sentence } of report.roles) {
    const clash = conflictOf(mapping, role);
    if (clash !== null) {
      throw new ModelSpecError(
        'badInput',
        `${name}: mapping.roles.${role} is one too many: ${clash}. Leave one of them out.`,
      );
    }
    if (state === 'fine' || state === 'empty') continue;
    throw new ModelSpecError(
      state === 'wrong' ? 'shapeMismatch' : 'missingTensor',
      `${name}: mapping.roles.${role} does not fit ${context.fileName}. ${sentence ?? ''}`,
    );
  }
  const biased = Object.keys(mapping.roles).find(
    (role) => role.endsWith('.bias') && mapping.roles[role.replace(/bias$/, 'weight')] === undefined,
  );
  if (biased !== undefined) {
    throw new ModelSpecError(
      'badInput',
      `${name}: mapping.roles.${biased} has no ${biased.replace(/bias$/, 'weight')} beside it.`,
    );
  }
  const first = report.left[0];
  if (first === undefined) return;
  const more = report.left.length === 1 ? '' : ` (and ${report.left.length - 1} more)`;
  throw new ModelSpecError(
    'unsupported',
    `${name}: tensor "${first}"${more} stands in the blocks of ${context.fileName} without a role, and leaving it out would make the numbers wrong. Give it a role, or name it under mapping.ignore if the forward pass does not use it.`,
  );
}

function classifierRole(context: SpecContext, reader: RoleReader, input: number): LinearRole | null {
  const weight = reader.name('classifier.weight');
  if (weight === null) return null;
  const bias = reader.name('classifier.bias');
  const shape = context.index.entries.get(weight)?.shape ?? [];
  return { weight, bias, ...(shape.at(-1) === input ? {} : { layout: 'in-out' }) };
}

/** DeiT's second classifier: its logits and those of the first are averaged, so both need as many. */
function distClassifierRole(context: SpecContext, reader: RoleReader, classes: number | null): LinearRole | null {
  const role = reader.norm('distClassifier');
  if (role === null) return null;
  const own = classesOf(context, role);
  if (reader.name('distToken') !== null && own === classes) return role;
  throw new ModelSpecError(
    'badInput',
    `${context.fileName}: mapping.roles.distClassifier.weight reads the distillation token and gives ${own} classes; it needs mapping.roles.distToken, and a classifier of as many classes (${classes ?? 'none is mapped'}).`,
  );
}

function classesOf({ index }: SpecContext, { weight, layout }: LinearRole): number {
  const shape = index.entries.get(weight)?.shape ?? [];
  return shape.at(layout === undefined ? -2 : -1) ?? 0;
}

/** Tensors outside the blocks are no part of the network that is inspected: said, not refused. */
function noteUnused(context: SpecContext, mapping: Mapping): void {
  const used = maySay(mapping);
  const ignored = [...context.index.entries.keys()].filter((tensor) => !used(tensor));
  if (ignored.length === 0) return;
  const listed = ignored.slice(0, 4).join(', ') + (ignored.length > 4 ? ', ...' : '');
  context.notes.push(`${ignored.length} tensors without a role in the mapping were ignored: ${listed}.`);
}
