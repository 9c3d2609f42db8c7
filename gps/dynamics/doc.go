// Package dynamics fits time-varying linear-Gaussian dynamics to rollouts.
//
// At every time step the transitions [x; u; x'] of the samples are fitted by a joint
// Gaussian under a normal-inverse-Wishart (NIW) prior and conditioned on [x; u]
// (arXiv:1504.00702, appendix A.3; K. P. Murphy, "Conjugate Bayesian analysis of the
// Gaussian distribution", 2007, section 9):
//
//	mu    = (m mu0 + N mean) / (m + N)
//	Sigma = (N S + Phi + N m/(N+m) (mean - mu0)(mean - mu0)') / (N + n0)
//	F     = (Sigma_ww^-1 Sigma_wx')', f = mu_x' - F mu_w, noise = Sigma_x'x' - F Sigma_wx'
//
// with w = [x; u], S the sample covariance (1/N) and Phi, mu0, m, n0 of the prior. The
// prior comes from a Gaussian mixture over the transitions of the latest rollouts.
package dynamics
