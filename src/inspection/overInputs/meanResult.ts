// Results of the same inspection on one input each -> one result over all of them. They are added one after the other,
// in the order in which the inputs were named; what is kept are sums, and a line each in the provenance.

import type { CompanionPrecision, InspectionResult, Parity, Provenance } from '../inspectionResult';
import { MeanHead } from './meanHead';

type InputLine = Provenance['inputs'][number];

/** What stands in the provenance of an input behind the first; its tokens stand in its own result. */
function withoutTokens({ kind, label, sha256, tokens }: InputLine): InputLine {
  return { kind, label, sha256, tokens };
}

/** The first layer that some run had to compute in float64, and the larger errors. */
function worstCompanions(
  a: CompanionPrecision | undefined,
  b: CompanionPrecision | undefined,
): CompanionPrecision | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const from = [a.float64From, b.float64From].filter((layer) => layer !== null);
  return {
    precision: a.precision,
    parity: worst(a.parity, b.parity),
    float64From: from.length === 0 ? null : Math.min(...from),
  };
}

/** The larger error of both runs, tensor by tensor; a run that measured none leaves the other's. */
function worst(a: Parity, b: Parity): Parity {
  if (a.maxRelError === null || b.maxRelError === null) return a.maxRelError === null ? b : a;
  const perTensor: Record<string, number> = { ...a.perTensor };
  for (const [name, error] of Object.entries(b.perTensor)) perTensor[name] = Math.max(perTensor[name] ?? 0, error);
  const sampledHeads = (a.sampledHeads ?? 0) + (b.sampledHeads ?? 0);
  return {
    maxRelError: Math.max(a.maxRelError, b.maxRelError),
    perTensor,
    ...(sampledHeads === 0 ? {} : { sampledHeads }),
  };
}

export class MeanResult {
  /** The first input's result without its heads: model, settings and tokens of the whole. */
  private frame: Omit<InspectionResult, 'layers'> | null = null;
  private readonly lines: InputLine[] = [];
  private readonly layers = new Map<number, Map<number, MeanHead>>();
  private readonly backendReasons = new Set<string>();
  private elapsedMs: number | null = null;
  private tokens = { least: Infinity, most: 0 };

  add({ layers, ...rest }: InspectionResult): void {
    const { provenance, model } = rest;
    for (const line of provenance.inputs) this.lines.push(this.frame === null ? line : withoutTokens(line));
    this.backendReasons.add(provenance.backendReason);
    if (provenance.elapsedMs !== undefined) this.elapsedMs = (this.elapsedMs ?? 0) + provenance.elapsedMs;
    const { least, most } = this.tokens;
    this.tokens = { least: Math.min(least, model.tokens), most: Math.max(most, model.tokens) };
    const parity = this.frame === null ? provenance.parity : worst(this.frame.provenance.parity, provenance.parity);
    const frame = this.frame ?? rest;
    const companions = worstCompanions(frame.provenance.companions, provenance.companions);
    this.frame = {
      ...frame,
      provenance: { ...frame.provenance, parity, ...(companions === undefined ? {} : { companions }) },
    };
    for (const { index, heads } of layers) {
      const means = this.layers.get(index) ?? new Map<number, MeanHead>();
      this.layers.set(index, means);
      for (const head of heads) {
        const mean = means.get(head.index) ?? new MeanHead();
        means.set(head.index, mean);
        mean.add(head);
      }
    }
  }

  /** @throws Error where nothing was added. */
  result(): InspectionResult {
    if (this.frame === null) throw new Error('no input was inspected');
    const { provenance, model, output, schema, rollout, networkNoise } = this.frame;
    const { least, most } = this.tokens;
    const alone = [
      ...(rollout === undefined ? [] : ['attention rollout']),
      ...(networkNoise === undefined ? [] : ['noise through the network']),
    ];
    const notes = [
      ...(least === most ? [] : [`The inputs have ${least} to ${most} tokens; N here is that of the first.`]),
      ...(alone.length === 0 ? [] : [`Not averaged, but measured on each input: ${alone.join(', ')}; see inputs.`]),
    ];
    return {
      schema,
      provenance: {
        ...provenance,
        inputs: this.lines,
        backendReason: [...this.backendReasons].join('; '),
        ...(this.elapsedMs === null ? {} : { elapsedMs: this.elapsedMs }),
      },
      model: { ...model, notes: [...model.notes, ...notes] },
      layers: [...this.layers].map(([index, heads]) => ({
        index,
        heads: [...heads.values()].map((head) => head.result()),
      })),
      output: { kind: output.kind, logitsTop: [], reason: 'each input has its own output: see inputs' },
    };
  }
}
