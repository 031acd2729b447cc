// What decides before a run whether it can be compared: nobody should wait for an inspection to learn that it cannot.

import type { InspectionRequest } from '../inspection/inspectionRequest';
import type { InspectionResult, ModelSummary, Provenance } from '../inspection/inspectionResult';
import { inputSummary } from '../inspection/inputSummary';
import { modelSummary } from '../inspection/runInspection';
import { ComparisonError } from './comparison';

export interface RunOutline {
  /** In the comparison. */
  readonly name: string;
  readonly model: Pick<ModelSummary, 'layers' | 'heads' | 'stages'>;
  readonly inputs: readonly Pick<Provenance['inputs'][number], 'label' | 'sha256' | 'tokens'>[];
}

/** Of a run that is finished. */
export function outlineOf(name: string, { model, provenance }: InspectionResult): RunOutline {
  return { name, model, inputs: provenance.inputs };
}

/** Of a run over one input that is yet to be made. */
export function outlineAhead(name: string, { spec, input }: InspectionRequest): RunOutline {
  return { name, model: modelSummary(spec), inputs: [inputSummary(input, spec.tokens)] };
}

/** @throws ComparisonError where layers and heads do not pair, or the inputs are others. */
export function checkOutlines(a: RunOutline, b: RunOutline): void {
  checkShapes(a, b);
  checkInputs(a, b);
}

function checkInputs(a: RunOutline, b: RunOutline): void {
  const names = (inputs: RunOutline['inputs']): string =>
    inputs.length === 1
      ? `${inputs[0]!.label} (SHA-256 ${inputs[0]!.sha256.slice(0, 12)}, ${inputs[0]!.tokens} tokens)`
      : `${inputs.length} inputs`;
  const keys = (inputs: RunOutline['inputs']): string =>
    inputs.map(({ sha256, tokens }) => `${sha256} ${tokens}`).join('\n');
  if (keys(a.inputs) === keys(b.inputs)) return;
  throw new ComparisonError(
    `${a.name} was inspected on ${names(a.inputs)}, ${b.name} on ${names(b.inputs)}: a difference would be that of the inputs as well. Inspect both on the same input.`,
  );
}

function checkShapes(a: RunOutline, b: RunOutline): void {
  const size = ({ layers, heads, stages }: RunOutline['model']): string =>
    stages === undefined
      ? `${layers} layers of ${heads} heads`
      : stages.map((stage) => `${stage.layers} layers of ${stage.heads} heads in the ${stage.name}`).join(' and ');
  const [mine, other] = [size(a.model), size(b.model)];
  if (mine === other) return;
  throw new ComparisonError(
    `${a.name} has ${mine}, ${b.name} has ${other}: their layers and heads do not pair. Compare checkpoints of one shape.`,
  );
}

/** Runs of one comparison, of which each is asked before it is made. */
export class Admission {
  private first: RunOutline | null = null;

  /** @throws ComparisonError where it cannot be compared with the first. */
  admit(outline: RunOutline): void {
    if (this.first === null) this.first = outline;
    else checkOutlines(this.first, outline);
  }
}
