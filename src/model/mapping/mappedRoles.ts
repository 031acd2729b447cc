// Roles of a mapping as the spec names them: weight and bias of one layer, and how they are stored.

import type { LinearRole } from '../modelSpec';
import type { SpecContext } from '../specContext';
import { expand } from './blockPattern';
import { matcher } from './checkMapping';
import type { Mapping } from './mappingFile';

export class RoleReader {
  constructor(
    private readonly context: SpecContext,
    readonly mapping: Mapping,
  ) {}

  /** The tensor of a role (in a layer); null where the mapping names none. */
  name(role: string, layer = 0): string | null {
    const pattern = this.mapping.roles[role];
    if (pattern === undefined) return null;
    const entry = this.context.need(expand(pattern, layer));
    if (entry.problem !== undefined) {
      this.context.notes.push(`Tensor "${entry.name}" cannot be read: ${entry.problem}`);
    }
    return entry.name;
  }

  norm(module: string, layer = 0): LinearRole | null {
    const weight = this.name(`${module}.weight`, layer);
    return weight === null ? null : { weight, bias: this.name(`${module}.bias`, layer) };
  }

  /** A matrix of the blocks, stored as the mapping says. */
  matrix(module: string, layer: number): LinearRole | null {
    const role = this.norm(module, layer);
    return role === null || this.mapping.architecture.stored === 'out-in' ? role : { ...role, layout: 'in-out' };
  }
}

/** Whether a tensor has a role in the mapping, or is one of those to ignore. */
export function maySay({ roles, ignore }: Mapping): (tensor: string) => boolean {
  const patterns = [...Object.values(roles), ...ignore].flatMap((name) => (name === undefined ? [] : [matcher(name)]));
  return (tensor) => patterns.some((matches) => matches(tensor));
}
