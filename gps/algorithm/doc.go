// Package algorithm holds the learning algorithms: what happens between the rollouts of
// one iteration and the controllers of the next.
//
// An Algorithm maps a State and the samples drawn with it to the next State and a Report;
// it keeps nothing itself, so a run can be stopped after any iteration and go on from the
// State in a checkpoint. Random numbers are drawn from streams named by the seed, the
// iteration and the condition: one seed gives one run.
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
// and no sum depends on who computed it: one worker and many give the same bits.
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
// (Montgomery & Levine 2016, section 4.2; Chebotar et al. 2017).
//
// # Sources
//
// S. Levine, P. Abbeel, "Learning Neural Network Policies with Guided Policy Search under
// Unknown Dynamics", NIPS 2014. W. Montgomery, S. Levine, "Guided Policy Search as
// Approximate Mirror Descent", arXiv:1607.04614.
package algorithm
