// A guess in sentences: what was found, what is missing, and whether the network could run on it as it is.

import type { MappingGuess } from './guessTypes';
import { checkMapping, type MappingReport, type Shapes } from './checkMapping';
import type { ModelSpecError } from '../modelSpec';
import { roleRow } from './roleTable';

export interface GuessSummary {
  readonly report: MappingReport;
  /** Labels of needed roles without a fitting tensor. */
  readonly missing: readonly string[];
  /** Nothing is missing and no tensor of the blocks is left over. */
  readonly complete: boolean;
  /** E.g. "2 layers under "net.layers.{i}." with 12 of 12 needed roles". */
  readonly found: string;
}

export function summariseGuess(guess: MappingGuess, shapes: Shapes): GuessSummary {
  const report = checkMapping(guess.mapping, shapes);
  const needed = report.roles.filter(({ needed: isNeeded }) => isNeeded);
  const missing = needed
    .filter(({ state }) => state !== 'fine')
    .map(({ role }) => (roleRow(role)?.label ?? role).toLowerCase());
  const { layers, left } = report;
  const sample = guess.mapping.roles['proj.weight'] ?? guess.mapping.roles['fc2.weight'];
  const where = sample === undefined ? '' : ` (such as "${sample}")`;
  const found =
    layers === 0
      ? 'no blocks that repeat'
      : `${layers} ${layers === 1 ? 'layer' : 'layers'}${where} and ${needed.length - missing.length} of ${needed.length} needed roles`;
  return { report, missing, complete: missing.length === 0 && left.length === 0 && layers > 0, found };
}

/** Whether a mapping could help with an error of this kind: the network is not one that a family reads. */
export function canBeMapped(reason: ModelSpecError['reason']): boolean {
  return ['unknownFamily', 'unsupported', 'shapeMismatch', 'missingTensor'].includes(reason);
}

/** For an error about a file that no family knows; `how`: the next step, as the shell that speaks offers it. */
export function guessSentence({ found, missing, report }: GuessSummary, how: string): string {
  const lacks = missing.length === 0 ? '' : `; missing: ${missing.join(', ')}`;
  const left = report.left.length === 0 ? '' : `; tensors of the blocks without a role: ${report.left.length}`;
  return `From names and shapes Gramlens guesses ${found}${lacks}${left}. ${how}`;
}
