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
// T x m x n array stands at (t*m+i)*n+j. Slices handed out by methods are views.
//
// Sources: S. Levine, P. Abbeel, "Learning Neural Network Policies with Guided Policy
// Search under Unknown Dynamics", NIPS 2014 (section 3 and appendix A: the KL
// constrained backward pass); S. Levine, C. Finn, T. Darrell, P. Abbeel, "End-to-End
// Training of Deep Visuomotor Policies", arXiv:1504.00702 (appendix A).
package lqg
