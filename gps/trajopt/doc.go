// Package trajopt improves a linear-Gaussian controller under a bound on how far it may
// move from another one, its anchor.
//
// # One bound over the trajectory
//
// Update solves (Levine & Abbeel 2014, section 3; Levine et al. 2015, section 4 and
// appendix A)
//
//	(1)  min_p E_p[sum_t c_t(x_t, u_t)] - w H(p)   s.t.   KL(p || q) <= epsilon
//
// over p(tau) = p(x_0) prod_t p(u_t|x_t) p(x_{t+1}|x_t, u_t), with q the same for the anchor
// and H the entropy of the actions. Dynamics and x_0 are shared, so that the divergence is
// that of the controllers, expected over the states of p. The Lagrangian, divided by eta + w,
//
//	(2)  E_p[(c_t - eta log q(u_t|x_t)) / (eta + w)] - H(p)
//
// is the maximum-entropy problem that one LQR backward pass minimises: package lqg, where
// C_t = Q_uu^-1. In the units of the undivided cost that is (eta + w) (Q_uu + eta P_t)^-1,
// with P_t the anchor's precision; w alone, the temperature tau, gives C_t = tau Q_uu^-1.
//
// KL(eta) falls as eta grows: where (2) has a minimum it is the slope of the dual
// function, which is concave. Update searches its root over log eta, where log KL is nearly
// straight for large eta (slope -2). Below some eta a Q_uu may not be positive
// definite, and (2) has no minimum: such an eta is a lower end of the bracket, as one is
// whose KL is too large. As eta grows p comes to the anchor, with a KL of 0, so a finite
// problem always has a feasible controller, and only one that keeps the bound is returned.
// If the KL at MinEta is below epsilon the bound is inactive, and the search ends there.
//
// # One bound per step
//
// UpdatePerStep bounds E[KL(p(u_t|x_t) || q(u_t|x_t))] <= epsilon_t at every t. With an eta_t
// for each, step t minimises
//
//	(3)  Q_t(x, u) + eta_t KL(p(u|x) || q(u|x)),   Q_t = c_t + E[V_{t+1}]
//
// where V_{t+1} holds the later steps' eta KL too. Whitened by the anchor (below), with
// Q_uu = U diag(g) U', R = U'Q_ux and r = U'q_u, the KL of step t under states x is
//
//	(4)  1/2 sum_i [v_i - 1 - log v_i + E(R_i x + r_i)^2 / (g_i + eta_t)^2],   v_i = (eta_t + w)/(g_i + eta_t)
//
// which falls in eta_t and has one root. A backward pass takes the root at each step under
// the states of the controller before, a forward sweep under those that it makes itself,
// until both agree: each dual variable is then exact given all others, which is what
// optimality asks for. Where they circle, the pass is damped. A sweep keeps and uses
// every bound whether or not they agree: where they never settle, which indefinite costs and
// unstable models may come to, the sweep of the lowest expected cost is returned, with the
// Q functions of its pass, and the result says so.
//
// # In the anchor's units
//
// Both searches write u = K x + k + L e for the anchor N(K x + k, L L'), which turns it into
// e ~ N(0, I): -log q is e'e/2 whatever its gains and covariances. In (2) its K'PK would
// otherwise cancel against K'P P^-1 PK in every step's value function and leave rounding
// errors of the size of P, which decide where steps are small or covariances tiny.
//
// That no controller is above (1 + Tolerance) epsilon holds as measured there, in doubles:
// with gains and biases of the anchor near 1e60, covariance factors near 1e-100, or a model so
// unstable that states reach such numbers (a factor of 1.3 a step over 170 steps), the rounding
// of K x + k + L e on the way back to plain units can exceed it.
//
// # What a search shares
//
// Update packs the problem, checked and in the anchor's units, once (gps/internal/riccati);
// its passes read it, and allocate nothing: neither the cost nor the model depends on eta,
// which is added to the diagonal of the action block, in values that are not divided by
// eta + w. Whether numbers are finite is looked for in what was packed, since no sum or product
// loses a NaN or an infinity; only where there is one are all numbers looked at as they were
// given, to say which. With one bound over the trajectory a search allocates its Result and
// nothing else.
//
// # Covariance floor
//
// With a floor G_t, (1) has the further constraints C_t >= G_t. Given eta its solution has
// the same gains, and covariances raised by lqg.Floor; KL(eta) still falls, for the same
// reason. What is searched, bounded and reported is the KL of the raised controller.
//
// # The reference's search
//
// Search Bisection is that of the public reference implementation: for the whole trajectory
// the geometric mean of a bracket in eta, per step the same for 20 passes and then Adam on
// the etas, with the plain cost's value function. It may end beyond its bounds (Adam has no
// guarantee; where Q_uu is indefinite the bracket is lost), and takes all its passes to find
// a bound inactive. It is there to be compared with.
//
// # Sources
//
// S. Levine, P. Abbeel, "Learning Neural Network Policies with Guided Policy Search under
// Unknown Dynamics", NIPS 2014: problem (1) without entropy, its Lagrangian and the dual
// search are section 3's. S. Levine, C. Finn, T. Darrell, P. Abbeel, "End-to-End Training
// of Deep Visuomotor Policies", arXiv:1504.00702: the policy term and its weights (BADMM).
// S. Levine, V. Koltun, "Guided Policy Search", ICML 2013: covariances Q_uu^-1 as the
// solution of a maximum-entropy problem. Y. Chebotar et al., "Combining Model-Based and
// Model-Free Updates for Trajectory-Centric Reinforcement Learning", ICML 2017: bounds per
// step. (3), (4), the units and the floor are derived here; the tests hold them against
// passes in plain units, finite differences and random feasible controllers.
package trajopt
