// The best guess at an unknown network, for a person to correct: blocks, roles and architecture from tensor names and
// shapes alone, each with its reason. Nothing here decides: the mapping that results is checked like any other.

import * as l10n from '@vscode/l10n';
import { defaultArchitecture, type Architecture, type FactName } from './architecture';
import { findBlocks, type FoundBlocks } from './guessBlocks';
import { endCandidates, guessEnds } from './guessEnds';
import { guessMatrices, blockCandidates, type MatrixGuess } from './guessMatrices';
import { guessNorms } from './guessNorms';
import { Assigned, type Candidate, type FactGuess, type MappingGuess, type RoleGuess } from './guessTypes';
import { bufferWords } from './guessWords';
import type { Shapes } from './checkMapping';
import type { Roles } from './mappingFile';

/** A guess is always made; what could not be found is missing in it and told in `notes`. */
export function guessMapping(shapes: Shapes): MappingGuess {
  const blocks = findBlocks(shapes);
  if (blocks === null) {
    return assemble(
      {},
      {},
      [],
      [l10n.t('No list of blocks was found: no names that differ in one number and agree in their shapes.')],
    );
  }
  const assigned = new Assigned();
  const inside = blockCandidates(blocks.tensors);
  const matrices = guessMatrices(inside, assigned);
  const notes = blocks.others.map((other) =>
    l10n.t('There is another list of blocks under "{0}"; it was left alone.', other),
  );
  if (matrices === null) {
    return assemble(
      {},
      {},
      [],
      [
        l10n.t('The blocks under "{0}" have fewer matrices than an attention and an MLP need.', blocks.before),
        ...notes,
      ],
    );
  }
  guessNorms(inside, matrices.width, matrices.inner, assigned);
  guessEnds(endCandidates(shapes, [blocks.before, ...blocks.others]), matrices.width, assigned);
  const left = inside.filter((candidate) => assigned.isFree(candidate));
  const ignored = left.filter(isBuffer);
  const facts = guessFacts(shapes, blocks, matrices, assigned, left);
  if (!assigned.has('classifier.weight') && facts.causal?.value === true) {
    const words = assigned.roles['words'];
    if (words !== undefined) {
      assigned.roles['classifier.weight'] = {
        tensor: words.tensor,
        reason: l10n.t('No tensor is named as an output: the word embedding is taken for it (tied weights).'),
        sureness: 'likely',
      };
    }
  }
  const unplaced = left.filter((candidate) => !isBuffer(candidate));
  if (unplaced.length > 0) {
    notes.push(
      l10n.t(
        'Tensors of the blocks without a role: {0}.',
        unplaced
          .slice(0, 4)
          .map(({ name }) => name)
          .join(', '),
      ),
    );
  }
  return assemble(
    assigned.roles,
    facts,
    ignored.map(({ name }) => name),
    notes,
  );
}

/** A mask or a table of frequencies that some code saves beside the weights. */
const isBuffer = ({ words, shape }: Candidate): boolean =>
  bufferWords.test(words) || (shape.length >= 2 && shape.at(-1) === shape.at(-2) && /(^|\.)(bias|mask)$/.test(words));

type Facts = Partial<Record<FactName, FactGuess>>;

function assemble(
  roles: Readonly<Partial<Record<string, RoleGuess>>>,
  facts: Facts,
  ignore: readonly string[],
  notes: readonly string[],
): MappingGuess {
  const names: Roles = Object.fromEntries(Object.entries(roles).map(([role, guess]) => [role, guess?.tensor]));
  const values = Object.fromEntries(Object.entries(facts).map(([fact, guess]) => [fact, guess.value]));
  const said = new Set(Object.keys(facts) as FactName[]);
  const architecture: Architecture = { ...defaultArchitecture, ...(values as Partial<Architecture>) };
  return { mapping: { architecture, said, roles: names, ignore }, roles, facts, notes };
}

function guessFacts(
  shapes: Shapes,
  blocks: FoundBlocks,
  matrices: MatrixGuess,
  assigned: Assigned,
  left: readonly Candidate[],
): Facts {
  const has = (role: string): boolean => assigned.has(role);
  const names = [...shapes.keys()];
  const facts: Facts = {};
  const say = (fact: FactName, value: FactGuess['value'], reason: string, sureness: FactGuess['sureness']): void => {
    facts[fact] = { value, reason, sureness };
  };
  const words = !has('patch.weight');
  say(
    'input',
    words ? 'words' : 'patches',
    words ? l10n.t('There is no patch projection.') : l10n.t('There is a patch projection.'),
    'sure',
  );
  const post = !has('finalNorm.weight') && !has('poolNorm.weight') && words;
  say(
    'placement',
    post ? 'post' : 'pre',
    post ? l10n.t('There is no final norm: each sum is normed.') : l10n.t('There is a norm behind the blocks.'),
    has('finalNorm.weight') ? 'likely' : 'weak',
  );
  const bare = has('norm1.weight') && !has('norm1.bias');
  const rms = bare && (matrices.gated || /rms/i.test(assigned.roles['norm1.weight']?.tensor ?? ''));
  say(
    'norm',
    rms ? 'rms' : 'layer',
    !bare
      ? l10n.t('The norms have biases.')
      : rms
        ? l10n.t('The norms have no bias, and the MLP is gated: as in LLaMA.')
        : l10n.t('The norms have no bias; an RMSNorm would look the same.'),
    bare ? (rms ? 'likely' : 'weak') : 'sure',
  );
  say(
    'mlp',
    matrices.gated ? 'gated' : 'plain',
    matrices.gated ? l10n.t('Two matrices feed the MLP.') : l10n.t('One matrix feeds the MLP.'),
    'sure',
  );
  say('stored', matrices.stored, matrices.storedReason, matrices.storedSureness);
  const mask = left.find(
    (candidate) => /(^|\.)(bias|mask|causal\.mask)$/.test(candidate.words) && candidate.shape.length >= 2,
  );
  const causal = words && (mask !== undefined || !post);
  say(
    'causal',
    causal,
    !words
      ? l10n.t('Pictures are seen whole.')
      : mask !== undefined
        ? l10n.t('{0} is a mask that code keeps.', mask.name)
        : post
          ? l10n.t('Post-LN networks with a norm of the embedding are encoders, as BERT.')
          : l10n.t('Pre-LN networks of words are mostly language models.'),
    !words || mask !== undefined ? 'sure' : 'weak',
  );
  const frequencies = names.find((name) => /inv_freq|rotary/i.test(name));
  const learned = has('position');
  const rope = !learned && (frequencies !== undefined || words);
  say(
    'positions',
    learned ? 'learned' : rope ? 'rope' : 'none',
    learned
      ? l10n.t('There is a table of positions.')
      : frequencies !== undefined
        ? l10n.t('{0} holds rotary frequencies.', frequencies)
        : rope
          ? l10n.t('There is no table of positions; most such language models rotate.')
          : l10n.t('There is no table of positions.'),
    learned || frequencies !== undefined ? 'sure' : 'weak',
  );
  const meta = /wq/.test(assigned.roles['q.weight']?.tensor ?? '') && matrices.gated;
  if (rope) {
    say('ropeTheta', 10_000, l10n.t('Usual; nothing in the tensors says it.'), 'weak');
    say(
      'ropeStyle',
      meta ? 'pairs' : 'half',
      meta ? l10n.t("Names as in Meta's own files, which rotate neighbours.") : l10n.t('As in most code bases.'),
      'weak',
    );
  }
  const classToken = has('classToken');
  say(
    'pooling',
    words ? (causal ? 'last' : 'class') : classToken ? 'class' : 'mean',
    words
      ? causal
        ? l10n.t('A language model predicts behind the last token.')
        : l10n.t('Encoders of words are read at their first token.')
      : classToken
        ? l10n.t('There is a class token.')
        : l10n.t('There is no class token.'),
    words && !causal ? 'weak' : 'likely',
  );
  const table = assigned.roles['position']?.tensor ?? '';
  if (words && /embed_positions/.test(table)) {
    say('firstPosition', 2, l10n.t('Tables of this name (fairseq, BART, OPT) keep two rows in front.'), 'likely');
  }
  const flat = (shapes.get(assigned.roles['patch.weight']?.tensor ?? '') ?? []).length === 2;
  if (flat) {
    const normed = has('patchNorm.weight') || /to_patch/.test(assigned.roles['patch.weight']?.tensor ?? '');
    say(
      'patchOrder',
      normed ? 'channels-last' : 'channels-first',
      normed
        ? l10n.t('As in vit-pytorch, whose patches are (p p channels).')
        : l10n.t('As a convolution would read it.'),
      'weak',
    );
  }
  if (blocks.layers === 1) say('layers', 1, l10n.t('One block was found.'), 'likely');
  return facts;
}
