// The projection head of DINO and DINOv2 where training files hold it beside the backbone: dense layers with GELU
// between them, unit length, then one score a prototype by rows of a fixed length (weight norm).

import { ModelSpecError, type HeadTransformRoles, type LinearRole } from '../modelSpec';
import { SpecContext, type Axis } from '../specContext';
import type { VitHead } from '../vitCore';

/** Beside `backbone.`, or beside the blocks themselves. */
const heads = ['head.', 'dino_head.'];
/** Dense layers of a head; every released one has three. */
const maxDense = 16;

/** Names of the last layer: length and direction of its rows, as weight norm has been spelled. */
const lastLayers = [
  { gain: 'last_layer.weight_g', weight: 'last_layer.weight_v' },
  { gain: 'last_layer.parametrizations.weight.original0', weight: 'last_layer.parametrizations.weight.original1' },
  { gain: null, weight: 'last_layer.weight' },
];

/** The head behind the class token and the final `norm`; null: the file has none, or (with a note) not one that is run. */
export function dinoHead(context: SpecContext, norm: LinearRole, width: Axis): VitHead | null {
  const { index, settings, overrides, facts, notes } = context;
  const outside = context.prefix.replace(/backbone\.$/, '');
  for (const place of heads.map((head) => outside + head)) {
    const head = new SpecContext(index, place, settings, overrides, facts, notes, "DINO's projection head");
    const dense = denseLayers(head);
    if (dense.length === 0) continue;
    const last = lastLayers.find(({ gain, weight }) => head.has(weight) && (gain === null || head.has(gain)));
    const batchNorm = [...head.names()].find((name) => name.endsWith('.running_mean'));
    if (last === undefined || batchNorm !== undefined) {
      const why = batchNorm === undefined ? 'its last layer is missing' : `it has batch norms ("${place}${batchNorm}")`;
      notes.push(`The projection head ${place.slice(0, -1)} is not run: ${why}. There are no logits.`);
      return null;
    }
    const found = readHead(head, dense, last, norm, width);
    for (const name of head.used) {
      if (place.startsWith(context.prefix)) context.used.add(place.slice(context.prefix.length) + name);
    }
    return found;
  }
  return null;
}

/** Modules with a matrix, in the order of their numbers; one without a number where the head is a single layer. */
function denseLayers(head: SpecContext): readonly string[] {
  if (head.has('mlp.weight')) return ['mlp'];
  const numbers: number[] = [];
  for (const name of head.names()) {
    const found = /^mlp\.(\d{1,4})\.weight$/.exec(name);
    if (found !== null && head.index.entries.get(head.prefix + name)?.shape.length === 2)
      numbers.push(Number(found[1]));
  }
  if (numbers.length > maxDense) {
    throw new ModelSpecError(
      'unsupported',
      `${head.fileName}: the projection head ${head.prefix} has ${numbers.length} dense layers; no DINO has more than ${maxDense}. Check the file.`,
    );
  }
  return numbers.sort((a, b) => a - b).map((number) => `mlp.${number}`);
}

function readHead(
  head: SpecContext,
  dense: readonly string[],
  last: (typeof lastLayers)[number],
  norm: LinearRole,
  width: Axis,
): VitHead {
  let input = width;
  const transforms = dense.map((module, i): HeadTransformRoles => {
    const out: Axis = { name: 'rows', length: head.need(`${module}.weight`).shape[0] ?? 0 };
    const role = head.linear(module, out, { name: 'numbers of the layer before', length: input.length });
    input = out;
    const ends = i === dense.length - 1;
    return { dense: role, activation: ends ? 'none' : 'gelu', norm: ends ? 'unit' : null };
  });
  const classes = head.need(last.weight).shape[0] ?? 0;
  const rows: Axis = { name: 'prototypes', length: classes };
  const weight = head.tensor(last.weight, [rows, { name: 'numbers of the layer before', length: input.length }]);
  const gain = last.gain === null ? {} : { gain: head.tensor(last.gain, [rows, { name: 'length', length: 1 }]) };
  head.notes.push(
    `The logits are the scores of the ${classes} prototypes of DINO's projection head (${head.prefix.slice(0, -1)}), before their temperature; they are no classes that people named.`,
  );
  return {
    roles: { norm, transforms, classifier: { weight, bias: null, ...gain }, distClassifier: null },
    classes,
    source: `tensor ${head.prefix}${last.weight}`,
  };
}
