// `gramlens map`: the best guess at a network of unknown names, written for a person to correct.

import { writeFile } from 'node:fs/promises';
import { basename, join, dirname } from 'node:path';
import { openCheckpoint } from '../inspection/node/openCheckpoint';
import { findMapping } from '../inspection/node/mappingFiles';
import { factTable } from '../model/mapping/architecture';
import { summariseGuess } from '../model/mapping/describeGuess';
import { guessMapping } from '../model/mapping/guessMapping';
import type { MappingGuess } from '../model/mapping/guessTypes';
import { mappingJson, mappingNames } from '../model/mapping/mappingFile';
import { shapesOf } from '../model/mapping/mappedSpec';
import { roleNames } from '../model/mapping/roleTable';
import { UsageError } from './options';

export interface MapFlags {
  readonly out?: string;
}

export async function runMap(checkpoint: string, flags: MapFlags): Promise<void> {
  const { path, index } = await openCheckpoint(checkpoint);
  const shapes = shapesOf(index);
  const guess = guessMapping(shapes);
  const { missing, report, found } = summariseGuess(guess, shapes);
  const target = flags.out ?? join(dirname(path), mappingNames(basename(path))[0]!);
  // Facts that a person has written down already stay.
  const before = flags.out === undefined ? null : await findMapping(path);
  await write(target, mappingJson(guess.mapping, before?.overrides ?? {}));
  process.stdout.write(`${table(guess)}\n`);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  say(`${index.fileName}: ${found}.`);
  for (const note of guess.notes) say(`note: ${note}`);
  for (const { role, state, sentence } of report.roles) {
    if (state === 'missing' || state === 'wrong') say(`${role}: ${sentence ?? ''}`);
  }
  for (const tensor of report.left.slice(0, 8)) say(`without a role: ${tensor}`);
  say(
    missing.length === 0
      ? `Written: ${target}. Check it, above all what is only likely or weak; gramlens inspect then uses it.`
      : `Written: ${target}. Name the missing tensors in it (${missing.join(', ')}); gramlens inspect then uses it.`,
  );
}

/** Never over a file that is there: it may hold hours of somebody's work. */
async function write(target: string, text: string): Promise<void> {
  try {
    await writeFile(target, text, { flag: 'wx' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const why = code === 'EEXIST' ? 'is there already and is left as it is' : `cannot be written (${code})`;
    throw new UsageError(`${target} ${why}. Give another file with --out FILE (inspect reads it with --mapping FILE).`);
  }
}

/** Roles and facts with why and how sure, in columns. */
function table(guess: MappingGuess): string {
  const roles = roleNames.flatMap((role) => {
    const found = guess.roles[role];
    return found === undefined ? [] : [[role, found.tensor, found.sureness, found.reason]];
  });
  const facts = factTable.flatMap(({ name }) => {
    const found = guess.facts[name];
    return found === undefined ? [] : [[name, String(found.value), found.sureness, found.reason]];
  });
  const rows = [...roles, ...facts];
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
