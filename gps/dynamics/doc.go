// Package dynamics fits time-varying linear-Gaussian dynamics to rollouts.
//
// At every time step the transitions y = [x; u; x'] of N rollouts, w = [x; u], give
// x' ~ N(F w + f, S). There are three ways to them.
//
// # Regression (Fit without a prior)
//
// The joint Gaussian of most likelihood, its mean and covariance (divided by N), is
// conditioned on w (C. M. Bishop, "Pattern Recognition and Machine Learning", 2006,
// equations 2.81 and 2.82):
//
//	F = (Sigma_ww^-1 Sigma_wx')',  f = mu_x' - F mu_w,  S = Sigma_x'x' - F Sigma_wx'
//
// Sigma_ww is regularised first: by default 1e-6 is added to its diagonal. (Added to every
// entry, as one public implementation does, it would tie independent inputs together.) The
// eigenvalues of S come up to a floor, so that converged tasks and simulators without
// noise have densities. At least 2 rollouts are needed; with fewer than dX+dU+1 the
// regularisation chooses among many fits, of which the report warns.
//
// # Normal-inverse-Wishart posterior (Fit with a Prior)
//
// Under a prior of mean mu_0 with the weight of m points and scatter Phi with that of n_0
// the posterior takes the place of the sample's moments (K. P. Murphy, "Conjugate Bayesian
// analysis of the Gaussian distribution", 2007, section 9; arXiv:1504.00702, appendix
// A.3):
//
//	mu    = (m mu_0 + N mean) / (m + N)
//	Sigma = (N cov + Phi + N m/(N+m) (mean - mu_0)(mean - mu_0)') / (N + n_0)
//
// n_0 = nu + D + 1 makes Sigma the mode of the inverse-Wishart distribution of nu degrees
// of freedom (NIW.MAPCovariance). Public implementations keep the sample's mean
// (SampleMean), and lecture notes have n_0 where N belongs in mu: with these the fit does
// not pass through its own mean. The prior may be a constant (*NIW), the moments of a
// Gaussian mixture over the transitions of the latest rollouts (MixturePrior,
// FromMixture), or any other Prior.
//
// # Bayesian regression (FitBayesian)
//
// For state i with targets y (N) and X of rows [x; u; 1] the prior on the weights beta is
// N(beta_0, Lambda^-1), best centred on a nominal model such as x' = x + B u, and the
// posterior is N(mu_n, S_n) (Bishop, equations 3.50 and 3.51):
//
//	mu_n = beta_0 + (X'X + s^2 Lambda)^-1 X'(y - X beta_0)
//	S_n  = s^2 (X'X + s^2 Lambda)^-1
//
// s^2 is the residuals' sum of squares by its degrees of freedom, at once with mu_n
// (Bishop, equations 3.91 and 3.95: there the marginal likelihood is stationary), joined
// with nu_0 observations of a believed variance s_0^2 where there is such a belief:
//
//	s^2 = (nu_0 s_0^2 + |y - X mu_n|^2) / nu,  nu = nu_0 + N - gamma
//	gamma = tr (X'X + s^2 Lambda)^-1 X'X
//
// As Lambda vanishes gamma becomes dX+dU+1, and mean and s^2 those of plain regression. A
// prediction at z = [x; u; 1] has the location mu_n'z and the squared scale s^2 + z'S_n z
// (Bishop, equations 3.58 and 3.59), and because s^2 is estimated it is Student's t of nu
// degrees of freedom, exactly so without a prior.
//
// # How fits run
//
// Fit works in package kernel's blocks. A time step's points are the columns of one, [w; x'],
// about their mean and scaled, with the prior's mean as one column more; their product with
// themselves is Sigma. The Cholesky factorisation of Sigma_ww takes the rows of Sigma_x'w
// along, and all else is products:
//
//	L L' = Sigma_ww,  L_x = Sigma_x'w L^-T,  F = L_x L^-1,  S = Sigma_x'x' - L_x L_x'
//
// Whether all eigenvalues of S are above the floor is one more factorisation, of S less the
// floor. Where they are not because S has a null space, as after few rollouts, a pivoted
// factor of S finds that, and raises it without eigenvectors; else S is decomposed.
//
// Blocks of two time steps go to several goroutines, each with a workspace and a Fork of the
// prior. What a time step gives does not depend on who fits it, so that any number of workers
// gives the same bits, and the error of the lowest time step. A Fitter keeps workspaces and
// goroutines for fits to come; once each worker has had a block it allocates nothing but the
// forks.
//
// # Beside the fits
//
// FitInitialState and FitStates give the Gaussian of states, LogLikelihood tells on
// held-out rollouts how good a fit is.
package dynamics
