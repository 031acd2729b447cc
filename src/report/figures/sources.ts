// Where each formula comes from, spelled once. Formulas are plain text so that tooltips, HTML and Markdown can show them.

import * as l10n from '@vscode/l10n';
const teoNguyen = 'Teo & Nguyen 2024, arXiv 2406.13762';
const saritasYildiz = 'Saritas & Yildiz 2025, arXiv 2505.07908';

export const formulas = {
  pattern: l10n.t(
    'Pattern a = softmax_j(q_i.k_j / sqrt(d)), symmetric heads k_i.k_j; RPC: softmax of the cleaned keys K2 in the last iteration ({0}).',
    teoNguyen,
  ),
  spectrum: l10n.t(
    'kappa(x,y) = exp(x.y/sqrt(d)), g(x) = sum_j kappa(x,k_j), K_phi = kappa/(g g), K_c = P K_phi P with P = I - 1/N; eigenvalues of K_c, computed in the log domain ({0}).',
    teoNguyen,
  ),
  angles: {
    theory: l10n.t(
      'Singular values of Q^T U_r, Q an orthonormal basis of B = P G^-1 V, G = diag(1/g), U_r the top r eigenvectors of K_c (kernel PCA reading: {0}; angles: Bjorck & Golub 1973).',
      teoNguyen,
    ),
    plain: l10n.t(
      'Singular values of Q^T U_r, Q an orthonormal basis of B = P V, U_r the top r eigenvectors of K_c (angles: Bjorck & Golub 1973).',
    ),
  },
  directions: l10n.t(
    '|cos(b_j, u_i)| = |b_j.u_i| / ||b_j||, b_j column j of B (theory: P G^-1 V, plain: P V), u_i eigenvector i of K_c. A random direction: Gamma(n/2) / (sqrt(pi) Gamma((n+1)/2)) on average, n = T - 1, T keys in the Gram matrix (kernel PCA reading: {0}).',
    teoNguyen,
  ),
  eigenResidual: l10n.t(
    'rho(a) = ||K_c a - theta a|| / ||K_c a||, theta = a.K_c a / a.a; learned: columns of P G^-1 V; perturbed: QR of eigenvectors + 0.1 normal (claim: {0}; perturbation: {1}).',
    teoNguyen,
    saritasYildiz,
  ),
  gamma: l10n.t(
    'gamma = (K_c a) ./ (N a), over token pairs mean of |gamma_i - gamma_j| / (max(|gamma_i|,|gamma_j|) + 1e-10) ({0}; {1}).',
    teoNguyen,
    saritasYildiz,
  ),
  rpc: l10n.t(
    'Per iteration R = K - L + Y/mu; S = soft(R, tau); K2 = K - S + sigma Y/mu; L = softmax(K2 K2^T/sqrt(d)) v; Y = Y + mu (K - L - S). Shown: ||K - L - S||/||K||, non-zero share of S, ||S||/||K|| ({0}, variant as named).',
    teoNguyen,
  ),
  noise: l10n.t(
    'dev = ||h(noisy) - h(clean)|| / ||h(clean)||, each method against its own clean output; AUC = trapezoid over the levels from (0,0), divided by the last level; 95 % interval by t over repeats (definition of Gramlens).',
  ),
  gain: l10n.t(
    'AUC of softmax minus AUC of RPC, paired draws; 95 % interval by t over repeats. Collapse: ||h - 1_N h|| / ||h|| of RPC below half of that of softmax (definitions of Gramlens).',
  ),
  overlap: l10n.t(
    'overlap = sum cos^2 / min(p, r) over the principal angles of B and U_r; energy = ||U_r^T B||^2 / ||B||^2; Rayleigh = tr(Q^T K_c Q) / (w_1 + .. + w_p) (kernel PCA reading: {0}; bound: Ky Fan 1949).',
    teoNguyen,
  ),
  centring: l10n.t('||1_N G^-1 V|| / ||G^-1 V||; 0 where V = G P A ({0}).', teoNguyen),
  projection: l10n.t(
    'log ||phi(q_i)||^2 = ||q_i||^2/sqrt(d) - 2 lse_j(q_i.k_j/sqrt(d)); J_i = ||phi(q_i)||^2 - ||h_i||^2; signed mean(J), abs mean|J|, relative mean|J|/(.. + 1e-8); Bessel: ||h_i|| <= ||phi(q_i)|| on orthonormal axes; kpca-code: log mean(J) with exponents without 1/sqrt(d) and the first key alone; norms.py: exponents / 8, upper 5 % cut ({0}; {1}).',
    teoNguyen,
    saritasYildiz,
  ),
  attention: l10n.t(
    'Rows of the pattern that the model itself computes; entropy -sum_j a_ij log a_ij, effective tokens e^entropy; distance: sum_j a_ij |x_i - x_j| over patches, rescaled to weights of 1, or sum_j a_ij |i - j|. Uniform: the same of equal weights on the visible keys.',
  ),
  rollout: l10n.t(
    'R_l = (I + mean over heads of A_l)/2 R_(l-1), R = I in front of the first layer; shown: the rows of the tokens that are read, averaged (Abnar & Zuidema 2020, arXiv 2005.00928). Uniform: the same with equal weights on the visible keys.',
  ),
  networkNoise: l10n.t(
    'Noise on the residual stream x at a place: x + level rms(x) Z, tokens replaced by others, or dropped; KL = sum_c p_c (log p_c - log q_c) of the clean and the noisy distribution; deviation ||x_noisy - x|| / ||x|| after each layer; 95 % interval by t over repeats, of shares by Wilson (definition of Gramlens).',
  ),
  ablation: l10n.t(
    'KL(p || p_ablated) of p = softmax(logits) of the class token or the last token; head output h replaced by 0, by 1_N h, or (null) by Gaussian noise of norm ||h|| (definition of Gramlens).',
  ),
  weights: l10n.t(
    'W_QK = W_q^T W_k, W_OV = W_o W_v; stable rank ||W||_F^2 / sigma_1^2. Null: products of Gaussian matrices of the same shapes and Frobenius norms (definition of Gramlens).',
  ),
  reproduction: l10n.t(
    'Linear and RBF-kernel CKA, mean row cosine under the Hungarian assignment (optimal) and as it stands (direct), of V and V_hat = G U_d; as coded: rows divided by norm + 1e-8, CKA by its norms + 1e-10; KPCA axes: U_d / sqrt(w) ({0}). Nulls: V ~ N(0, 1); rows of V shuffled.',
    saritasYildiz,
  ),
  change: l10n.t(
    'Change b - a; in bands: ((b - a) - (m_b - m_a)) / sqrt(h_a^2 + h_b^2), m the mean of the null draws (0 for an interval), h 1.96 standard deviations of the null draws or the half width of the 95 % interval; over the same inputs, the mean paired change by the half width of its 95 % interval by t (definition of Gramlens).',
  ),
  matching: l10n.t(
    'Distance of heads i and j of a layer: square root of the mean over groups of metrics of the mean over the metrics in a group of (z_i - z_j)^2, z standardised over the heads of both sides in the layer; permutation of least total distance (algorithm: Jonker & Volgenant 1987; distance: definition of Gramlens).',
  ),
  cleanGap: l10n.t('||h_rpc - h_softmax|| / ||h_softmax|| on clean input (definition of Gramlens).'),
} as const;
