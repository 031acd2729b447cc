// What each knob of RPC-Attention does, and where paper, published code and the literature they build on disagree about
// it (D1 to D9). Plain text, shown where the knob is.

import * as l10n from '@vscode/l10n';
export interface KnobHelp {
  /** One sentence: what turning it does. */
  readonly sentence: string;
  readonly notes: readonly Discrepancy[];
}

export interface Discrepancy {
  /** 'D1' */
  readonly id: string;
  readonly text: string;
  /** Who says so, with the formula. */
  readonly source: string;
}

const paper = l10n.t('arXiv 2406.13762, Algorithm 1');
const code = l10n.t('published code, softmax.py');
const preprint = l10n.t('arXiv 0912.3599 (RPCA preprint)');
const journal = 'J. ACM 58(3), 2011';

/** Every discrepancy once; a knob may show several. */
export const discrepancies: Readonly<Record<string, Discrepancy>> = {
  D1: {
    id: 'D1',
    text: l10n.t(
      'The threshold of S is λ/μ in the paper and λ·μ in its code. It is no matter of rescaling λ, because μ depends on the keys: keys twice as large halve the threshold of the code and double that of the paper, so only the latter goes with their size. code and code-headdim have the one, paper and admm the other.',
    ),
    source: l10n.t('{0}: tau = lambda/mu; {1}: tau = lambda mu', paper, code),
  },
  D2: {
    id: 'D2',
    text: l10n.t(
      'The dual Y enters the keys of the next attention with the other sign than the residual that S is cut from. Sign and product λ·μ together are the form of a preprint on robust PCA whose journal version corrected both; admm is the corrected form.',
    ),
    source: l10n.t('{0}: K2 = K - S - Y/mu; {1}; {2}: K2 = K - S + Y/mu', code, preprint, journal),
  },
  D3: {
    id: 'D3',
    text: l10n.t(
      'μ of the code has the width C of the whole model in it, not the d of one head: with H heads its μ is H times that of the paper, and so is its threshold. code-headdim has d.',
    ),
    source: l10n.t('{0}: mu = N C / (4 ||K||_1); {1}: mu = N d / (4 ||K||_1)', code, paper),
  },
  D4: {
    id: 'D4',
    text: l10n.t(
      'Each pass cuts S first and from L = 0, so the first S sees the keys as they are; robust PCA begins with the low-rank part and S = 0.',
    ),
    source: l10n.t('{0}: S, then L, then Y; {1}: L, then S, then Y', code, journal),
  },
  D5: {
    id: 'D5',
    text: l10n.t(
      'There is no stopping test: n passes are run whatever the residual does. In training, dropout acts on the attention of the last pass only, and the last update of Y is never read.',
    ),
    source: l10n.t('{0}; nothing is dropped here', code),
  },
  D6: {
    id: 'D6',
    text: l10n.t(
      'The code computes RPC in every layer where its option is negative, and otherwise in the one layer of that number; all others stay softmax. Its training scripts choose layer 0, its attack scripts every layer.',
    ),
    source: l10n.t('published code: layer < 0, or the layer whose index equals it'),
  },
  D7: {
    id: 'D7',
    text: l10n.t(
      'README and training scripts set n = 4 and λ = 4, the attack scripts n = 2; whoever sets nothing gets n = 1 and λ = 0. There S takes all of the keys, every score is 0, and each row is the mean of the values.',
    ),
    source: l10n.t('published code: num_iter 4, lambd 4; num_iter 2; argparse defaults num_iter 1, lambd 0'),
  },
  D8: {
    id: 'D8',
    text: l10n.t(
      'The code is trained with half precision products; everything here is float64, because the passes amplify round-off: on 200 random heads float32 was wrong by up to 1.6e-5 of the largest output after 4 passes and by 7e-4 after 8.',
    ),
    source: l10n.t('published code: CUDA autocast; precision measured by Gramlens on random heads'),
  },
  D9: {
    id: 'D9',
    text: l10n.t(
      'μ, and with it the threshold, is computed anew for each input and each head, from all its keys, the class token’s included: the same λ cuts differently in every head.',
    ),
    source: l10n.t('{0}: ||K||_1 over the tokens of one image and head', code),
  },
};

const notes = (...ids: readonly string[]): readonly Discrepancy[] => ids.map((id) => discrepancies[id]!);

export const rpcHelp = {
  variant: {
    sentence: l10n.t(
      'Which published form runs: the variants differ in the threshold, in the width that μ has in it, and in one sign.',
    ),
    notes: notes('D2', 'D3'),
  },
  lambda: {
    sentence: l10n.t(
      'λ sets the threshold above which entries go from the keys into the sparse part S: 0 moves all of them, a large λ none, and then S never acts.',
    ),
    notes: notes('D1', 'D7'),
  },
  iterations: {
    sentence: l10n.t(
      'n is how often S, K2 and L are computed; where S stays 0 further passes only sharpen the pattern (K2 becomes L1, L1 + L2 − K, L1 + L2 + L3 − 2K).',
    ),
    notes: notes('D4', 'D5', 'D7'),
  },
  layer: {
    sentence: l10n.t(
      'RPC is computed here beside the model, on the q, k and v of this head; nothing flows on to the next layer.',
    ),
    notes: notes('D6'),
  },
  numbers: {
    sentence: l10n.t('mu and tau come from this head’s keys on this input; all numbers are float64.'),
    notes: notes('D8', 'D9'),
  },
} as const satisfies Readonly<Record<string, KnobHelp>>;
