// Package mixture fits Gaussian mixtures to transitions by expectation maximisation and
// turns them into the prior of a dynamics fit (Levine, Finn, Darrell & Abbeel 2016,
// arXiv:1504.00702, appendix A.3).
//
// # Model
//
// A mixture has K components N(mu_k, Sigma_k) of D dimensions with weights pi_k,
//
//	p(x) = sum_k pi_k N(x; mu_k, Sigma_k),
//
// for points x = [state; action; next state]. Points are row-major, N x D.
//
// # Expectation maximisation
//
// Dempster, Laird & Rubin 1977; the numbers are equations of Bishop, Pattern Recognition
// and Machine Learning (2006), section 9.2. The E-step computes the responsibilities,
// the M-step the parameters:
//
//	r_nk    = pi_k N(x_n; mu_k, Sigma_k) / sum_j pi_j N(x_n; mu_j, Sigma_j)      (9.23)
//	mu_k    = sum_n r_nk x_n / N_k                                               (9.24)
//	Sigma_k = sum_n r_nk (x_n - mu_k)(x_n - mu_k)' / N_k + regularization I      (9.25)
//	pi_k    = N_k / N,  N_k = sum_n r_nk                                  (9.26, 9.27)
//	L       = sum_n log sum_k pi_k N(x_n; mu_k, Sigma_k)                         (9.28)
//
// The fit ends when L changes by less than a share of its absolute value. A component
// whose weight falls below a share of 1/K is dead. It is revived with half of the
// component that is spread the most, which is split along its longest axis so that the
// halves keep its moments.
//
// The regularisation is not part of the likelihood, so a step of (9.25) can lower L where
// a covariance is small. Such a step is taken back; the steps that follow keep each
// covariance for which the new one is less likely given the responsibilities, which is a
// generalised EM (Dempster et al., section 2) and cannot lower L. Hence L never falls but
// at a revival.
//
// # Numbers
//
// Fit works in standard coordinates: every dimension less its mean and divided by the
// power of two nearest to its standard deviation, which rounds nothing on the way back.
// Scatters are summed about the mean, not as differences of raw moments. So an offset of
// 1e8, or dimensions of very different units, cost no digits.
//
// # Speed
//
// All that is hot is products of package kernel. Each component has the inverse W_k of its
// covariance's Cholesky factor, so that squared Mahalanobis distances are the squared norms
// of the columns of W_k (x_n - mu_k), for many points at once; differences come first, or
// far from the origin their digits would be lost. A scatter is the product of the matrix of
// sqrt(r_nk) (x_n - mu_k) with its own transpose.
//
// The responsibilities of a point are nearly all zero: a component that weighs less than
// e^-30 (1e-13) of the best one of a point is given up for it as soon as a bound of the
// distance shows that; the log-likelihoods of fits have the digits that they have at e^-40.
// For any V with orthonormal columns |V' W_k (x - mu_k)| is such a bound. Each component has
// a V_k of 4 directions, its views, in which the points of the others lie far off: the
// leading ones of
//
//	sum_j a_jk W_k (Sigma_j + (mu_j - mu_k)(mu_j - mu_k)') W_k',
//
// by steps of subspace iteration from the last dimensions, a_jk being pi_j over what is seen
// of component j. Then, for a block of points,
//
//  1. the bounds come from one product of all V_k' W_k and the points themselves; what
//     rounding can do to them, the means not having been subtracted, is taken off;
//  2. every point is evaluated under the component that was likeliest the last time (the
//     first time: the one that step 1 finds nearest), which gives the log density that
//     others must come near to;
//  3. the pairs that are left are evaluated, first in 24 dimensions, then in all. A fit puts
//     the dimensions into an order in which the first ones tell components apart.
//
// In a fit, a bound outlasts the M-step. With s^2 the largest eigenvalue of
// W_k Sigma_k' W_k' for the new Sigma_k', the new distance is at least the old one over s
// less the mean's move; s is bounded by trying whether s^2 Sigma_k - Sigma_k' is positive
// definite. So step 1 is done only where the parameters have changed a lot, as in the first
// few iterations, and later ones evaluate little but the pairs that count.
//
// E-steps run in parallel over blocks of points, M-steps and factorisations over
// components, cross-validation of starts over folds. Blocks have a fixed size and every sum
// a fixed order, so that no bit depends on the number of workers.
//
// k-means compares |c|^2 - 2 x'c, computed by products, and looks again at the differences
// where rounding could decide; points whose nearest centre cannot have changed, by how far
// the centres moved, it passes over (Hamerly, SDM 2010).
//
// # Far points
//
// Log densities are bounded below by -1e290. A point below that under every component
// belongs to the one with the smallest Mahalanobis distance.
//
// # Start
//
// Start clusters the points by k-means from k-means++ seeds (Arthur & Vassilvitskii,
// SODA 2007; greedy) or from random centres. Transitions of a few rollouts overfit, and a
// likelier fit then foretells worse, so of several clusterings the one is taken that does
// best in cross-validation over consecutive blocks of points. A fit that goes on from an
// earlier mixture (a warm start) needs none of this: give Fit the mixture.
//
// # Prior
//
// For the points of one time step, with mean responsibilities w_k, a Query gives
//
//	mu_0 = sum_k w_k mu_k,  Phi = sum_k w_k (Sigma_k + (mu_k - mu_0)(mu_k - mu_0)'),
//	m = 1,  n_0 = (N - 2 - D)/N, at least 0.1.
package mixture
