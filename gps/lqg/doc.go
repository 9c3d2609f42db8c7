// Package lqg holds the linear-Gaussian objects of trajectory optimisation and the
// passes over them: time-varying controllers, dynamics and quadratic costs, the LQR
// backward and forward pass, and the KL divergence between controllers.
//
// Conventions: T actions and T+1 states; y = [x; u] has D = dX + dU entries.
//
//	controller  u_t     ~ N(K_t x_t + k_t, C_t)
//	dynamics    x_{t+1} ~ N(F_t y_t + f_t, S_t)
//	cost        1/2 y_t' Q_t y_t + q_t' y_t + c_t, in absolute y, t = 0..T;
//	            at t = T only the state part counts
//
// All arrays are row-major with the time step first, so that element (t, i, j) of a
// T x m x n array stands at (t*m+i)*n+j. Slices handed out by methods are views. Parts of
// different sizes panic with both.
//
// The backward pass minimises E[sum_t cost_t] - H, H being the entropy of the actions, from
// V_T = cost_T down (Levine & Abbeel 2014, section 2; Levine & Koltun 2013, section 3):
//
//	(1)  Q_t = cost_t + F'VF,  q_t = cost's linear term + F'(V f + v)
//	(2)  K = -Q_uu^-1 Q_ux,  k = -Q_uu^-1 q_u,  C = Q_uu^-1
//	(3)  V = Q_xx + Q_xu K,  v = q_x + Q_xu k
//
// and under another controller's gains (PropagateUnder)
//
//	(4)  V = Q_xx + Q_xu K + K'(Q_ux + Q_uu K),  v = q_x + Q_xu k + K'(q_u + Q_uu k)
//
// The forward pass gives the marginals of y_t (Levine et al. 2015, appendix A):
//
//	(5)  mu_u = K mu_x + k,  Sigma_ux = K Sigma_x,  Sigma_uu = K Sigma_x K' + C
//	(6)  mu_x' = F mu + f,  Sigma_x' = F Sigma F' + S
//
// A KL term towards another controller q = N(K x + k, P^-1) enters as a cost, -log q, whose
// quadratic form is Surrogate:
//
//	(7)  1/2 y' [K'PK, -K'P; -PK, P] y + [K'Pk; -Pk]' y
//
// so that E[cost] - w H + eta KL(p || q) is (eta + w) times the problem that Objective
// describes, with the stage (cost + eta (7))/(eta + w). Divergence measures KL(p || q):
//
//	(8)  1/2 [tr(P_q C_p) - dU + log det C_q - log det C_p + d'P_q d + tr(dK'P_q dK Sigma_x)]
//
// Passes run step by step on packed blocks (gps/internal/riccati): BackwardPass and ForwardPass
// pack and unpack each step as they go, since their callers may bring another model, cost or
// controller every time; a search that passes over one problem many times, as those of package
// trajopt, packs it once. Neither allocates.
//
// # Who checks numbers
//
// Controllers are checked by Validate, backward passes return errors, and ForwardPass.Run
// and TrajectoryDistribution name the time step where marginals or a draw overflow. The steps
// that run inside others, or at the rate of control, do not check: Controller.Act,
// ForwardPass.Start and Step, ExpectedCost, Simulate, Surrogate and Divergence leave what
// overflows in their results (Divergence as +Inf). Their callers check: the searches of
// package trajopt check marginals and divergence of each controller before they keep it.
//
// Sources: S. Levine, P. Abbeel, "Learning Neural Network Policies with Guided Policy
// Search under Unknown Dynamics", NIPS 2014 (sections 2 and 3: the recursion and the KL
// constrained problem); S. Levine, V. Koltun, "Guided Policy Search", ICML 2013 (C = Q_uu^-1
// as the maximum-entropy solution); S. Levine, C. Finn, T. Darrell, P. Abbeel, "End-to-End
// Training of Deep Visuomotor Policies", arXiv:1504.00702 (section 4 and appendix A: the
// policy term, its multipliers, and the divergence).
package lqg
