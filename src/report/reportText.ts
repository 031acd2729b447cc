// The words of the report: what ran, the method in half a page, cautions, how to cite. Measured facts come from the
// result; nothing here judges a paper or a model.

import type { InspectionResult, Parity, Provenance } from '../inspection/inspectionResult';
import type { NullSummary } from '../diagnostics/headResult';
import { defaultLevels } from '../diagnostics/noiseLevels';
import { familyName } from '../model/describeSpec';
import { companionsText } from './companionsText';
import { formatNumber, formatShare, noiseVerdictText, verdictText } from './format';
import { escapeHtml, htmlFacts, htmlList, htmlParagraphs } from './html';
import { outputRows, outputTitle } from './outputText';
import { gramChoice, gramLabel, gramOfRun, gramSentence } from './gramText';
import { inputCount } from './overInputs';
import { groupedHeadsText } from './sharedHeads';

const shownLogits = 10;

function bytes(count: number): string {
  if (count < 1000) return `${count} bytes`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length, Math.floor(Math.log10(count) / 3));
  return `${formatNumber(count / 1000 ** power)} ${units[power - 1] ?? ''} (${count} bytes)`;
}

function layersText(layers: Provenance['rpc']['layers']): string {
  return typeof layers === 'string' ? `${layers} layers` : `layers ${layers.join(', ')}`;
}

const forwardWords = {
  native: 'native: what the checkpoint was trained with flows on to the next layer',
  softmax: 'softmax in every layer: a network-level what-if unless the checkpoint was trained so',
  rpc: 'RPC in the layers above flows on to the next layer: a network-level what-if unless the checkpoint was trained so',
} as const;

function layerCounts({ layers, stages }: InspectionResult['model']): string {
  if (stages === undefined) return String(layers);
  const parts = stages.map(
    (stage) =>
      `${stage.layers} in the ${stage.name} (${stage.heads} ${stage.heads === 1 ? 'head' : 'heads'}, N ${stage.tokens})`,
  );
  return `${layers}: ${parts.join(', ')}`;
}

/** Sizes and kind of the model, and where each fact was taken from. */
export function modelCard(result: InspectionResult): string {
  const { model } = result;
  const facts: (readonly [string, string])[] = [
    ['Family', familyName(model.family)],
    ['Attention it was trained with', `${model.attention}${model.causal ? ', causal' : ''}`],
    ['Layers', layerCounts(model)],
    [
      'Heads per layer',
      model.kvHeads === model.heads ? String(model.heads) : `${model.heads} (${model.kvHeads} key/value heads)`,
    ],
    ['Head dimension d', String(model.headDim)],
    ['Embedding dimension C', String(model.embedDim)],
    [
      'Tokens N',
      model.grid[0] === 0
        ? String(model.tokens)
        : `${model.tokens} (${model.prefixTokens} prefix, patch grid ${model.grid.join(' x ')})`,
    ],
    ...model.facts.map((fact) => [`${fact.fact} (from ${fact.source})`, fact.value] as const),
  ];
  const notes = model.notes.length === 0 ? '' : `<h3>Notes on the file</h3>\n${htmlList(model.notes)}`;
  const rows = outputRows(result.output, shownLogits).map(([term, value]) => `${term}: ${value}`);
  const output = htmlParagraphs(rows.length === 0 ? '' : `${outputTitle(result.output)}: ${rows.join('; ')}.`);
  return `${htmlFacts('Model', facts)}\n${notes}\n${output}`;
}

function rpcText(rpc: Provenance['rpc']): string {
  return `variant ${rpc.variant}, ${rpc.iterations} iterations, lambda ${formatNumber(rpc.lambda)}, ${layersText(rpc.layers)}`;
}

function nativeRow({ nativeRpc }: Partial<Provenance>): (readonly [string, string])[] {
  return nativeRpc ? [['RPC the checkpoint was trained with', rpcText(nativeRpc)]] : [];
}

/** Tokens of a report; all of them are in result.json. */
const shownTokens = 256;
/** Inputs of a report by name; all of them are in result.json. */
const shownInputs = 24;

/** Each input, then how many more there are. */
function inputsRows(inputs: Provenance['inputs']): (readonly [string, string])[] {
  const rows = inputs.slice(0, shownInputs).flatMap(inputRows);
  if (inputs.length <= shownInputs) return rows;
  return [...rows, ['More inputs', `${inputs.length - shownInputs}, each in result.json`]];
}

function inputRows(input: Provenance['inputs'][number]): (readonly [string, string])[] {
  const { kind, label, tokens, sha256, tokenLabels, tokenizer } = input;
  const rows: (readonly [string, string])[] = [[`Input (${kind})`, `${label}, ${tokens} tokens, SHA-256 ${sha256}`]];
  if (tokenLabels) {
    const more = tokens > shownTokens ? ` and ${tokens - shownTokens} more` : '';
    rows.push([
      'Tokens',
      `${tokenLabels
        .slice(0, shownTokens)
        .map((one, i) => `${i} "${one}"`)
        .join(' ')}${more}`,
    ]);
  }
  if (typeof tokenizer === 'string') rows.push(['Tokenizer', tokenizer]);
  return rows;
}

/** How their weights are drawn; '' where the result does not say. */
function twinText({ twinInitialisation: rule }: Partial<Provenance>): string {
  if (rule === undefined) return '';
  return `: ${rule.drawn}${rule.departs === undefined ? '' : ` (generic: ${rule.departs})`}`;
}

/** What results of earlier builds do not have. */
function laterRows(provenance: Partial<Provenance>): (readonly [string, string])[] {
  const { twins, noise, overrides, studyNulls } = provenance;
  const rows: (readonly [string, string])[] = [];
  if (studyNulls !== undefined) rows.push(["Null draws of the reproduction study's metrics", String(studyNulls)]);
  if (twins !== undefined) rows.push(['Untrained twins', `${twins}${twinText(provenance)}`]);
  if (noise !== undefined) {
    const kinds = noise.kinds.map((kind) => `${kind} (${(noise.levels[kind] ?? defaultLevels(kind)).join(', ')})`);
    rows.push(['Noise', kinds.length === 0 ? 'none' : `${kinds.join('; ')}; ${noise.repeats} repeats`]);
  }
  const gram = gramLabel(gramChoice(provenance));
  if (gram !== '') rows.push(['Gram matrix', gram]);
  const set = Object.entries(overrides ?? {}).map(([name, value]) => `${name}=${value}`);
  if (set.length > 0) rows.push(['Facts set by hand', set.join(', ')]);
  return rows;
}

/** ' on 3 sampled heads'; '' where nothing was sampled. */
export function onHeads({ sampledHeads }: Parity): string {
  if (sampledHeads === undefined) return '';
  return ` on ${sampledHeads} sampled ${sampledHeads === 1 ? 'head' : 'heads'}`;
}

function parityText(parity: Parity): string {
  if (parity.maxRelError === null) return parity.reason ?? 'not measured';
  const names = Object.keys(parity.perTensor);
  const perTensor = Object.entries(parity.perTensor).map(([name, error]) => `${name} ${formatNumber(error, 2)}`);
  const heads = onHeads(parity);
  const sampled = heads === '' ? '' : `; reference: the plain float64 kernels${heads}`;
  const against = names.some((name) => name.includes(' against ')) ? '' : ' against float64';
  return `largest relative error${against}: ${formatNumber(parity.maxRelError, 2)} (${perTensor.join(', ')})${sampled}`;
}

/** Everything that is needed to run it again and get the same numbers. */
export function provenanceTable(result: InspectionResult): string {
  const { provenance } = result;
  const { checkpoint, parity, rpc, companions } = provenance;
  const variants = [
    ...new Set(result.layers.flatMap((layer) => layer.heads.map((head) => head.rpc?.asymmetric ?? null))),
  ];
  const masked = result.layers.some((layer) => layer.heads.some((head) => head.rpc?.masked === true))
    ? ' The mask of the model acts inside the softmax of RPC (an extension of Gramlens).'
    : '';
  const asym = variants.includes(true) ? ' +asym (only keys are cleaned; an extension of Gramlens)' : '';
  return htmlFacts('Provenance', [
    ['Gramlens', provenance.gramlensVersion],
    ['Result format', result.schema],
    [
      'Checkpoint',
      `${checkpoint.name}, ${checkpoint.format}, ${bytes(checkpoint.bytes)}, ${checkpoint.dtypes.join(', ')}`,
    ],
    ['SHA-256 of the checkpoint', checkpoint.sha256 ?? 'not computed'],
    ...inputsRows(provenance.inputs),
    ['Seed', String(provenance.seed)],
    [
      'Backend',
      `${provenance.backend} (${provenance.backendReason})${provenance.adapter === null ? '' : `, ${provenance.adapter}`}`,
    ],
    ['Precision', `forward pass ${provenance.precision}, metrics ${provenance.metricsPrecision}`],
    ['Parity', parityText(parity)],
    ...(companions === undefined ? [] : [['Twins, ablated, noisy runs', companionsText(companions)] as const]),
    [
      'RPC beside the model',
      `variant ${rpc.variant}${asym}, ${rpc.iterations} iterations, lambda ${formatNumber(rpc.lambda)}, ${layersText(rpc.layers)}${masked === '' ? '' : `.${masked}`}`,
    ],
    ['Forward pass', forwardWords[provenance.forward]],
    ...nativeRow(provenance),
    ['Null draws', String(provenance.nulls)],
    ...laterRows(provenance),
    ...(provenance.elapsedMs === undefined
      ? []
      : [['Elapsed', `${formatNumber(provenance.elapsedMs / 1000)} s`] as const]),
  ]);
}

const variantWords: Readonly<Record<string, string>> = {
  code: 'threshold tau = lambda mu, mu = N C / (4 ||K||_1), sign -1: what the published code of Teo & Nguyen runs',
  'code-headdim': 'as the published code, with the head dimension in mu = N d / (4 ||K||_1)',
  paper: 'threshold tau = lambda / mu, mu = N d / (4 ||K||_1), sign -1: Algorithm 1 of Teo & Nguyen',
  admm: 'threshold tau = lambda / mu, mu = N d / (4 ||K||_1), sign +1: principal component pursuit by ADMM as in the robust PCA literature',
};

const teo = '<a href="https://arxiv.org/abs/2406.13762">arXiv 2406.13762</a>';
const saritas = '<a href="https://arxiv.org/abs/2505.07908">arXiv 2505.07908</a>';

/** Half a page: what is computed and from which paper. */
export function methodText(result: InspectionResult): string {
  const { rpc } = result.provenance;
  const inputs = inputCount(result);
  const name = escapeHtml(rpc.variant);
  const variant = variantWords[rpc.variant];
  const choice = gramOfRun(result.layers);
  const gram = choice === null ? '' : escapeHtml(gramSentence(choice));
  const grouped = result.model.kvHeads < result.model.heads ? ', each key/value head counted once' : '';
  const text = [
    `Teo &amp; Nguyen 2024 (${teo}) read self-attention as kernel principal component analysis: a head's output would be the projection of its queries on principal axes in the feature space of the kernel exp(x·y/√d), scaled by the keys' sums, and the value matrix would hold the eigenvectors of the centred Gram matrix of the keys. They derive RPC-Attention from robust PCA. Saritas &amp; Yildiz 2025 (${saritas}) tried to reproduce the claims about value vectors, eigenvalues and projection error and report that they could not. This report measures both sides' quantities on one checkpoint and ${inputs === 1 ? 'one input' : `${inputs} inputs`} and prints the chance level or null beside each score.`,
    `<strong>Spectrum.</strong>${gram} The centred Gram matrix of each head's keys is formed in the log domain, without epsilon, and decomposed in float64. r = min(d, R, N − 1) eigenvectors are used, R being the numerical rank. <strong>Alignment.</strong> Principal angles between the span of the values and the top r eigenvectors; <em>theory</em> takes the values as kernel PCA reads them (P G⁻¹ V), <em>plain</em> just centres them (P V). Overlap is the mean squared cosine, the Rayleigh ratio the captured share of the best possible kernel variance. Nulls: random V, V with its tokens permuted, V of the layer's other heads and, where run, untrained twins (weights drawn anew at the family's own initialisation scale, on the same input); p is one-sided, q is Benjamini-Hochberg over all heads${grouped}. <strong>Gamma.</strong> Each recovered column is tested for being an eigenvector by its eigen-residual (0 = eigenvector, near 1 = unrelated).`,
    `<strong>Noise.</strong> The same noise is given to softmax and RPC attention; deviation is relative to each method's own clean output, AUC is its mean over the levels, intervals are 95 % over repeats. <strong>RPC</strong> runs beside the model on the same q, k, v; variant <code>${name}</code>${variant === undefined ? '' : ` (${escapeHtml(variant)})`}, ${rpc.iterations} iterations, lambda ${escapeHtml(formatNumber(rpc.lambda))}. Paper and code differ in threshold, mu and sign, so numbers of different variants are not comparable.`,
  ];
  if (inputs > 1) text.push(manyInputsText(inputs));
  return text.map((paragraph) => `<p>${paragraph}</p>`).join('\n');
}

function manyInputsText(inputs: number): string {
  return `<strong>Over ${inputs} inputs.</strong> Every number of a head is measured on each input as if it were the only one, with the same named random streams, and averaged; ± is the half width of Student's 95 % interval of that mean over inputs, t<sub>0.975, n−1</sub> sd / √n. Medians are averaged like all others: a mean of medians, not a median. Of p and q, whose mean would be no p-value, the share of inputs below 0.05 is given beside the mean z. Words (verdicts) stand where all inputs say them, else with the number of inputs that do. Where arrays differ in length they are averaged as far as the shortest reaches. Attention patterns and token names are those of the first input. Each input's own result is in result.json under <code>inputs</code>.`;
}

/** What the numbers do not say. */
export function cautionList(result: InspectionResult): string {
  const inputs = inputCount(result);
  const heads = result.layers.flatMap((layer) => layer.heads);
  const twins = heads.some((head) => head.alignment.theory.nulls.untrained !== null);
  const never = heads.filter((head) => head.rpc?.sparseNeverActive === true).length;
  const withRpc = heads.filter((head) => head.rpc !== null).length;
  const eaten = heads.filter((head) => head.reproduction.warning !== undefined).length;
  const departs = result.provenance.twinInitialisation?.departs;
  const items = [
    ...(twins && departs !== undefined
      ? [
          `Untrained twins are drawn by a generic rule here, not as the family begins: ${departs}. Read their null with care.`,
        ]
      : []),
    'p against permuted tokens is easy to beat: keys and values are linear maps of the same tokens. Only untrained twins and the other heads test whether training put the eigenvectors there.',
    twins
      ? "The null of untrained twins was run; the verdicts use it. Twins are drawn at the family's own initialisation scale, so a network whose weights merely have another scale can differ from them without having learned anything."
      : 'The null of untrained twins was not run: no verdict here can say more than "beats permuted".',
    inputs === 1
      ? 'One input was inspected; another input has other keys and another Gram matrix. The intervals cover the noise repeats, not the choice of input.'
      : `The intervals are over the ${inputs} inputs of this run and hold for the population that they were drawn from, if they were drawn at random. They say nothing about other training runs of this network.`,
    `The reproduction metrics "as coded" contain epsilons (1e-8, 1e-10) that decide the value where the largest score exceeds 28${eaten === 0 ? '' : `, as it does in ${eaten} of ${heads.length} heads here`}; "scale-free" leaves them out. Their chance level is not 0: the null of random values stands beside each.`,
    'Absolute differences of gamma are small wherever the eigenvalues are; the eigen-residual is free of that scale.',
    'Low deviation under noise with low dispersion is collapse, not robustness; and a head that deviates less does not make the model more accurate.',
  ];
  if (withRpc > 0 && result.model.attention !== 'rpc') {
    items.push(
      'This checkpoint was not trained with RPC. Its RPC numbers are a what-if beside the model; switching RPC on in such a model changes outputs by the order of their norm and can destroy its accuracy.',
    );
  }
  if (never > 0)
    items.push(
      `In ${never} of ${withRpc} heads with RPC the sparse part S was 0 in every iteration: the robust step never acted there.`,
    );
  return htmlList(items);
}

/** Both papers and this tool, in the order in which a methods section needs them. */
export function citeText(result: InspectionResult): string {
  const version = escapeHtml(result.provenance.gramlensVersion);
  return `<ul>
<li>R. S. Y. Teo and T. M. Nguyen. Unveiling the Hidden Structure of Self-Attention via Kernel Principal Component Analysis. NeurIPS 2024. ${teo}.</li>
<li>K. Saritas and C. Yildiz. A Reproduction Study: The Kernel PCA Interpretation of Self-Attention Fails Under Scrutiny. ACL Student Research Workshop 2025. ${saritas}.</li>
<li>Gramlens ${version}, result format ${escapeHtml(result.schema)}; name the RPC variant (<code>${escapeHtml(result.provenance.rpc.variant)}</code>), the seed (${result.provenance.seed}) and the SHA-256 of the checkpoint.</li>
</ul>`;
}

/** How many heads are below 0.05; over several inputs, how many are in how large a share of them. */
function testsText(tests: readonly NullSummary[]): string {
  const shares = tests.flatMap((one) => one.pBelow05 ?? []);
  if (shares.length > 0) {
    const every = shares.filter((share) => share === 1).length;
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    return `Overlap (theory) has p < 0.05 against permuted tokens on every input in ${every} of ${tests.length} heads; over heads and inputs, in ${formatShare(mean)}.`;
  }
  const low = tests.filter((one) => one.p !== null && one.p < 0.05).length;
  const lowQ = tests.filter((one) => one.q !== undefined && one.q < 0.05).length;
  return `Overlap (theory) has p < 0.05 against permuted tokens in ${low} of ${tests.length} heads, q < 0.05 in ${lowQ}.`;
}

/** Counts over all heads: how many beat which null, how many noise verdicts of each kind. */
export function summaryText(result: InspectionResult): string {
  const inputs = inputCount(result);
  const heads = result.layers.flatMap((layer) => layer.heads);
  const permuted = heads.flatMap((head) => head.alignment.theory.nulls.permuted ?? []);
  const count = (words: readonly string[]): string => {
    const counts = new Map<string, number>();
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
    return [...counts].map(([word, times]) => `${word}: ${times}`).join('; ');
  };
  const grouped = groupedHeadsText(result.model);
  const kinds = [...new Set(heads.flatMap((head) => head.noise.map((noise) => noise.kind)))];
  return htmlList([
    `${heads.length} heads in ${result.layers.length} of ${result.model.layers} layers were inspected${inputs === 1 ? '' : `, each on ${inputs} inputs`}.`,
    permuted.length === 0 ? 'The permuted null was not run.' : testsText(permuted.map((one) => one.overlap)),
    ...(grouped === null ? [] : [grouped]),
    `Alignment verdicts: ${count(heads.map((head) => verdictText(head)))}.`,
    ...kinds.map(
      (kind) =>
        `Noise ${kind}: ${count(heads.flatMap((head) => head.noise.filter((one) => one.kind === kind).map((one) => noiseVerdictText(one, head.over))))}.`,
    ),
  ]);
}
