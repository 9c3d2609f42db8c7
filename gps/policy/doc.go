// Package policy holds the policies that guided policy search learns and runs, and what lies
// between them and the local controllers that they learn from.
//
// # Policies
//
// All give an action u_t for a state x_t and standard normal noise e, as *lqg.Controller does:
//
//	*lqg.Controller    u = K_t x + k_t + L_t e
//	*Network           u = f(x_observed) + L e, f a neural network that sees a part of x
//	*NearestNeighbour  the local controller that was made for the start nearest to x_0
//	*Mixture           u = sum_k r_k(x, t) (K_k x + k_k + L_k e), r_k how likely x is under
//	                   what controller k meets at step t
//
// # Between policies and controllers
//
// Near the samples a policy is like a controller, its linearisation (Lineariser), which a
// divergence can be measured from and a backward pass be pulled towards:
//
//	u_t ~ N(K x + k, C_pi + residuals' covariance)
//
// It comes from a Gaussian over [x; pi(x)], under a constant or a mixture prior, as dynamics come
// from one over [x; u; x'] (Levine, Finn, Darrell and Abbeel, arXiv:1504.00702, appendix A.3), or
// from the policy's derivative.
//
// The supervised step (section 4.2 there) fits the policy to Targets: the controllers' mean actions at the
// samples' states, weighed by their precisions, minimise
//
//	sum_n w_n KL(pi(u|x_n) || p(u|x_n)) = 1/2 sum_n w_n (m_n - pi(x_n))' P_n (m_n - pi(x_n)) + ...
//
// whose part in the policy's covariance S is sum_n w_n/2 (tr P_n S - log det S). Hence
// S = (sum w_n P_n / sum w_n)^-1 (Covariance).
//
// # BADMM
//
// The constraint that policy and controller agree in the mean at every step has a multiplier
// lambda_t(x) = Lambda_t x + lambda_t and a weight nu_t (Duals). The augmented Lagrangian is
//
//	sum_t E[c] + E[lambda'(u_pi - u_p)] + nu_t KL
//
// so that a controller's pass has the cost less lambda'u (lqg.PolicyTerm), and the policy minimises
// lambda'm + nu/2 (m - u_p)'P(m - u_p) in its mean m, which is least at m = u_p - C lambda / nu:
// the target (Duals.Shift). One public implementation shifts by nu C lambda.
//
// # Files
//
// Save writes a policy with the layout of the robot that it is for, and Load reads it back to the
// last bit; see File.
package policy
