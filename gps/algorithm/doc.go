// Package algorithm holds the learning algorithms: what happens between the rollouts of
// one iteration and the controllers of the next.
//
// An Algorithm maps a State and the samples drawn with it to the next State and a Report;
// it keeps nothing itself, so a run can be stopped after any iteration and go on from the
// State in a checkpoint. Random numbers are drawn from streams named by the seed, the
// iteration, the condition and the purpose: one seed gives one run.
//
// # Trajectory optimisation
//
// TrajOpt (Levine & Abbeel 2014, section 3) does for every condition, once an iteration:
//
//	(1)  fit x_{t+1} ~ N(F_t [x_t; u_t] + f_t, S_t) to the samples, under a mixture prior
//	     (package dynamics), and x_0 ~ N(mu, Sigma)
//	(2)  expand the cost about each sample to second order, and average (package cost)
//	(3)  adjust the multiplier s of the KL step from the improvement that the last update
//	     promised and what it gave
//	(4)  p <- argmin E_p[cost] - w H(p)  s.t.  KL(p || last p) <= s kl_step T, or, with one
//	     bound per step, E[KL_t] <= s kl_step at every t (package trajopt)
//
// Conditions are independent of each other in an iteration and are improved at the same time,
// with the processors that they leave at work inside (1). Random streams are a condition's own,
// and no sum depends on who computed it: one worker and many give the same bits. So it is for the
// other algorithms, whose policy is fitted for all conditions together.
//
// # Step size
//
// With J(p; m) the expected cost of a controller under a model, of the last iteration (') or
// of this one,
//
//	(5)  predicted = J(p'; m') - J(p; m'),   actual = J(p'; m') - J(p; m)
//
// Along the step, improvement is modelled as predicted s - (predicted - actual) s^2 with
// s = 1 for the last one, whose best step is
//
//	(6)  s* = predicted / (2 (predicted - actual))
//
// The multiplier is multiplied by s*, bounded for one iteration (MinChange, MaxChange) and
// over all of them (Min, Max). The difference counts as at least 1e-4, so that an update that
// gave more than it promised makes the step grow: a negative s* is not a small one
// (Montgomery & Levine 2016, section 4.2; Chebotar et al. 2017). Where an update minimises more than
// the cost, as in turns below, J is all that it minimises.
//
// # Path integrals
//
// TrajOptConfig.Update replaces (4) by PI2, which takes costs alone and changes feed-forward terms
// and covariances, or by PILQR, where (4) comes first and PI2 improves what the model leaves of the
// cost (package pi2). PI2 is bounded by its temperature and knows no s. PILQR's bound has a
// multiplier per time step, by the residual ratio, besides s; it is carried in the State.
//
// PILQR's LQR step is bounded over the trajectory here. With as large a bound at each step, late
// steps, where nothing is left to gain, spend theirs on covariance; what is fitted there without
// exploration blows up when it is rolled out, the residual ratio is then 1e3 and more, and the
// multipliers shrink for ever. (On the planar arm, kl_step 2 and 20 samples, the cost stays at 140,
// and comes to 9.2 with one bound; 9.7 is LQR's.)
//
// # The supervised step
//
// The algorithms below share one policy N(pi(x), S) among all conditions. It is fitted to the
// controllers' actions at the samples' states
//
//	(7)  min_pi sum_n w_n (pi(x_n) - K x_n - k)' P_n (pi(x_n) - K x_n - k),   S^-1 = mean P_n
//
// with P_n the controllers' precisions and w_n weights of the time steps (Levine et al. 2015,
// section 4.2). A weight above twice the median weight counts as that (policy.RobustWeights), and then so
// does a pair whose weight and precision together are above twice their median: a few steps with tiny
// covariances would be all that is learned. In place of the mean precision S can be learned, as that
// of the greatest likelihood (policy.LikelyCovariance). What is held out from training stays so as long
// as it is kept, since training goes on from the network before. The network goes on from the last one, unless the
// observations have outgrown its normalisation. A fit that diverges is undone: the policy stays as
// it was, and the report says so; only the first policy has none to fall back on. Near the samples
// the policy is linearised, q ~ N(K x + k, C), by package policy.
//
// # Mirror descent: MDGPS
//
// MDGPS (Montgomery & Levine 2016, algorithm 1) alternates two steps, an iteration each:
//
//	(8)  C-step: (4) for every condition with the linearised policy q in the place of the last
//	     controller: the policy itself is what improves
//	(9)  S-step: (7)
//
// The first iteration begins with a policy that is fitted to the first controllers, which drew the
// samples. Later ones draw them with the policy, or off-policy with the controllers.
//
// The step is one for all conditions, by (6) of their mean (section 4.2 there, the rule for the
// global policy). With q linearised at the samples of each iteration and p the controller,
//
//	(10) predicted = J(q'; m') - J(p'; m'),   actual = J(q'; m') - J(q; m)
//
// so that what the policy does not copy of p' counts against the step, as errors of the dynamics
// do; with the Monte Carlo rule J(q; m) and J(q'; m') are the means of the samples' costs. The public
// reference implementation does so too. Off-policy the samples are the controllers', and
// max(0, J(q; m) - J(p; m)) is added for what the policy does worse than p, which drew them; without it
// the step grows while the policy comes apart, as the reference's does.
//
// The guard: if the mean of the samples' costs over all conditions (of the policy's samples, or
// off-policy the controllers') is above that of the iteration before by more than
//
//	(11) 2^r max(Guard |mean before|, 3 standard deviations of a condition's costs before)
//
// the policy is rolled back: (8) and (9) go on from the policy before, with its samples, models and
// means, and at most a quarter of the step. The samples of the bad policy stay in the prior of the
// dynamics only. Expected costs under the models are not compared, as off-policy they are of states
// that the samples never met. r counts the rollbacks in a row: where the samples before were lucky,
// or training is at fault, the policy is taken after a few of them. PI2, whose step has no
// multiplier, draws new samples with the policy that was put back instead. Conditions that are new
// in an iteration have no part in (10) and (11). The reference has no guard, and blows up off-policy.
//
// With Update PI2 this is path integral guided policy search (PIGPS; Chebotar et al. 2017a), and with PILQR
// it is MDGPS with PILQR (Chebotar et al. 2017b): the noise of the samples is taken in terms of what drew
// them, and steps are about q.
//
// # In turns: BADMM, constrained and augmented-Lagrangian GPS
//
// These keep controllers of their own, bounded by (4) from those of the iteration before, and take Inner
// turns in an iteration of: (7), linearise, multipliers, (4) with a term that pulls to the policy. None
// has a guard: the controllers do not depend on the policy's success. PI2 and PILQR are refused:
// samples' costs know nothing of the pull.
//
// BADMM (Levine et al. 2015, section 4.1), with lambda_t for equal mean actions and nu_t > 0:
//
//	(12) p <- argmin E_p[cost - lambda'u] + sum_t nu_t KL(p_t || q_t)
//	     pi <- (7) towards K x + k - C lambda / nu with weights nu
//	     lambda <- lambda - rate nu P mean(u_p - pi), and once an iteration nu by its rule
//
// Its derivation is in package policy. The reference shifts by nu C lambda, and adapts nu to the
// divergence of the controllers that drew the samples, not to that of those that it just made.
//
// Constrained GPS (the stochastic constraint of Levine & Koltun, ICML 2014):
//
//	(13) min E_p[cost]  s.t.  KL(p_t || pi_t) = 0 for all t, by dual ascent:
//	     p <- argmin E_p[cost] + sum_t lambda_t KL(p_t || q_t),  pi <- (7) with weights lambda,
//	     lambda_t <- min(MaxWeight, Growth (lambda_t + Rate KL_t))
//
// KL_t being that of the controller from q, under the controller's states. (The paper has KL(pi || p),
// which (7) minimises too; from q it has no quadratic form in p.) The weights never fall: a Growth that is
// fast against learning ends it early. 1.1 a turn brings KL down a thousand times and more in 10
// iterations; with 1.5 the cost of a point mass stays at twice its least.
//
// The augmented Lagrangian of the deterministic constraint u_t = pi(x_t), with penalty rho_t:
//
//	(14) L = E[cost] + sum_t E[lambda_t'(pi(x_t) - u_t) + rho_t |pi(x_t) - u_t|^2]
//	     p <- argmin L with pi = q,  pi <- least squares towards u - lambda / (2 rho),
//	     lambda <- lambda + Rate 2 rho mean(pi(x) - u)
//
// (Hestenes, JOTA 1969, for the step: Rate 1 is the method of multipliers). It has no divergence, so nothing
// keeps covariances up: give MaxEntropy, without which the bound of (4) soon allows the controllers no
// move towards the policy, and lambda winds up.
//
// # Sources
//
// S. Levine, P. Abbeel, "Learning Neural Network Policies with Guided Policy Search under
// Unknown Dynamics", NIPS 2014. S. Levine, V. Koltun, "Learning Complex Neural Network Policies with
// Trajectory Optimization", ICML 2014. S. Levine, C. Finn, T. Darrell, P. Abbeel, "End-to-End Training of Deep
// Visuomotor Policies", arXiv:1504.00702. W. Montgomery, S. Levine, "Guided Policy Search as
// Approximate Mirror Descent", arXiv:1607.04614. Y. Chebotar et al., "Path Integral Guided Policy
// Search", ICRA 2017 (a), and "Combining Model-Based and Model-Free Updates for Trajectory-Centric
// Reinforcement Learning", ICML 2017 (b). The public reference implementation is cbfinn/gps.
package algorithm
