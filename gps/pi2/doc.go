// Package pi2 improves linear-Gaussian controllers without derivatives: path integral policy
// improvement with covariance adaptation (PI2), and PILQR, which takes a model-based step first
// and leaves PI2 what the model does not explain.
//
// # PI2
//
// Sample n has the cost-to-go S_n,t = sum_{s >= t} c_n,s. At each time step by itself
//
//	(1)  w_n,t = exp(-S_n,t / eta_t) / sum_m exp(-S_m,t / eta_t)
//	(2)  k_t = sum_n w_n,t (u_n,t - K_t x_n,t),  the gains K_t staying those of the anchor
//	(3)  C_t = sum_n w_n,t d_n d_n',  d_n = u_n,t - K_t x_n,t - k_t
//
// (Theodorou, Buchli & Schaal, JMLR 2010, for the weights; Stulp & Sigaud, ICML 2012, for the
// covariance). The temperature eta_t >= MinTemperature minimises the dual of a bound kappa on the
// divergence of the weights from equal ones (Peters, Mülling & Altun, AAAI 2010; Chebotar et al.,
// ICML 2017, section 3.2),
//
//	(4)  g(eta) = eta kappa + eta log (1/N) sum_n exp(-S_n,t / eta),  g'(eta) = kappa - KL(w(eta) || 1/N)
//
// so that the weights do not change when the costs are scaled or shifted. A step at which all
// costs-to-go are equal, as with a single sample, tells nothing, and keeps the anchor.
//
// With a damping p > 0 the covariance stays a multiple of the anchor's,
//
//	(5)  C_t = A_t (tr(A_t^-1 C_t of (3)) / dU)^(1/p)
//
// which needs few samples; p > 1 keeps exploration alive for longer. Everything is computed in
// the anchor's units, u = K x + k + L e, where A_t = L L' is the identity.
//
// # PILQR
//
// Chebotar et al., ICML 2017, sections 4 and 5: the cost is split into c = c^ + c~, a quadratic
// part and the rest, and with it the path integral update:
//
//	(6)  p1 ~ p exp(-S^ / eta),  p2 ~ p1 exp(-S~ / eta)
//
// p1 is what a KL-bounded LQR step on c^ under the fitted dynamics makes (package trajopt): it needs
// no samples beyond those of the fit. p2 is (1) and (2) on S~ = S - S^, about p1.
//
// The samples were drawn by another controller, and not from p1. Transport carries them over: with
// e = L^-1 (u - K x - k) in the drawing controller's terms, which is standard normal, u1 = K1 x + k1
// + L1 e is a sample of p1 for sure, and S~ is taken for that of the same noise e. What equal weights
// would do is no news then, and is left out:
//
//	(8)  k_t = k1_t + L1_t sum_n (w_n,t - 1/N) e_n,t,  and (5) relative to the spread of equal weights
//
// so that PILQR is the LQR step where the model explains the cost. Importance keeps the actions and
// weighs them by p1(u|x) / p(u|x) besides: exact for many samples, but the mean stays within the
// actions that were tried, and the effective number of samples falls by about exp(2 KL(p1 || p)).
// Transport is the default: on the arm of the tests it needs about half the samples.
//
// S^ is the cost c^ of what the fitted dynamics predict for the recorded x_0 and noise, so that S~
// holds the errors of the dynamics too, and (7) makes steps smaller where the dynamics are bad; or c^
// at the recorded states and actions. eta is that of (4) for S, not for S~: what the model leaves is
// weighed by what it is worth in the whole. Where that would take the weights of S~ beyond kappa, it
// is that of (4) for S~.
//
// An LQR step leaves no more exploration than eta needs, and what is not explored is in no residual:
// trajopt.Problem.MaxEnt, about the cost that exploration may have per nat, keeps it alive.
//
// The bound on the LQR step adapts at each time step to how good the model is
//
//	(7)  r_t = mean_n sum_{s >= t} |c~_n,s| / mean_n sum_{s >= t} |c_n,s|
//
// by a factor 1/2 where r_t is above 0.2 and 2 where it is below 0.05.
//
// The anchor of the LQR step and the controller that drew the samples are given separately: with a
// linearised policy for one or both, the updates serve path integral guided policy search (Chebotar
// et al., ICRA 2017) and mirror descent guided policy search. PI2's own step is bounded by its
// weights (4), not by a divergence from the anchor, which the result reports.
package pi2
