// Package initial makes the controllers that the first iteration samples from.
//
// States begin with the positions q and velocities dq of dQ joints; what follows them, up
// to dX, gets no feedback. The dU actions may be fewer than the joints (passive joints),
// as many, or more: how they act on the joints is a matrix, B (dQ x dU) for accelerations,
// Kp and Kd (dU x dQ) for feedback. Diagonal makes the usual case of one action per joint.
//
//	HoldInitialState        LQR about x0 on the guessed dynamics
//	                        q' = q + dt dq + dt^2 (acc + B u),  dq' = dq + dt (acc + B u)
//	                        and the cost (s |q-q0|^2 + s v |dq-dq0|^2 + |u|^2) / (2 variance)
//	ProportionalDerivative  u = Kp (q0 - q) + Kd (dq0 - dq)
//	Constant                u = constant
//	Track                   u = u_ff(t) + Kp (q_d(t) - q) + Kd (dq_d(t) - dq) about a
//	                        Demonstration, u_ff from its record or by inverse dynamics
//
// each with Gaussian noise.
//
// Sources: S. Levine, P. Abbeel, "Learning Neural Network Policies with Guided Policy
// Search under Unknown Dynamics", NIPS 2014 (trajectory optimisation starts from a given
// controller, section 3); S. Levine, C. Finn, T. Darrell, P. Abbeel, "End-to-End Training
// of Deep Visuomotor Policies", arXiv:1504.00702; V. Kumar, A. Gupta, E. Todorov, S.
// Levine, "Learning Dexterous Manipulation Policies from Experience and Imitation",
// arXiv:1611.05095 (demonstrations as the start of trajectory optimisation); J. J. Craig,
// "Introduction to Robotics", 3rd edition, chapter 10 (model-based feed-forward with PD
// feedback); C. de Boor, "A Practical Guide to Splines", chapter IV (cubic Hermite and
// Bessel interpolation).
//
// Differences from the public implementation of Levine et al. (cbfinn/gps, init_lqr and
// init_pd), which agrees in the case dQ = dU: with passive joints that takes positions dU
// to 2 dU of the state for velocities in the one, and matrices of unequal width in the
// other.
package initial
