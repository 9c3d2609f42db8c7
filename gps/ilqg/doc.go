// Package ilqg optimises trajectories of a known system, by iterated linear-quadratic
// control with bounds on the controls.
//
// # Problem
//
// Minimise sum_{t<T} l(x_t, u_t, t) + l_T(x_T) over the T controls, with x_{t+1} = f(x_t,
// u_t, t) and lower <= u_t <= upper. There are T+1 states; the last has no control. f is
// differentiated by the plant's own Jacobian, by automatic differentiation or by central
// differences; second derivatives of f are left out (iLQG: Li & Todorov 2004, "Iterative
// linear quadratic regulator design for nonlinear biological movement systems"; with
// them it would be DDP).
//
// # Backward pass
//
// With l and f expanded about the present trajectory, and V the cost to go, from V_x, V_xx
// of l_T on (Tassa, Erez & Todorov 2012, "Synthesis and stabilization of complex behaviors
// through online trajectory optimization", equations 5, 10 and 11):
//
//	Q_x  = l_x + f_x'V_x    Q_xx = l_xx + f_x'V_xx f_x    Q_ux = l_ux + f_u'V_xx f_x
//	Q_u  = l_u + f_u'V_x    Q_uu = l_uu + f_u'V_xx f_u
//	Q~uu = [Q_uu]+ + lambda I,              Q~ux = P Q_ux                     (control space)
//	Q~uu = [Q_uu]+ + lambda f_u'f_u,        Q~ux = P Q_ux + lambda f_u'f_x    (state space)
//	k = argmin 1/2 k'Q~uu k + Q_u'k  subject to  lower <= u + k <= upper
//	K = -Q~uu^-1 Q~ux in the rows of controls that no bound holds, 0 in the others
//	V_x  = Q_x  + K'(Q_uu k + Q_u) + Q_ux'k
//	V_xx = Q_xx + K'(Q_uu K + Q_ux) + Q_ux'K
//
// [.]+ clips negative eigenvalues at zero, and P projects on the eigenvectors of the others:
// there is no feedback along negative curvature, where only lambda would hold it. The last
// two lines hold for any K and k, and
// take the Q that is not regularised: V is the value of the control that is applied. The
// shorter V_x = Q_x - K'Q_uu k holds only without regularisation and bounds.
//
// The minimum between bounds is that of Tassa, Mansard & Todorov 2014, "Control-limited
// differential dynamic programming" (projected Newton, section III): the gradient knows
// which controls are at a bound. Clamping an unbounded step instead would not.
//
// # Line search and lambda
//
// The system is run under u_t + alpha k_t + K_t (x - x_t), alpha = 1, 1/2, ..., feedback
// on the deviation from the trajectory. The model predicts an improvement of
//
//	-(alpha sum k'Q_u + 1/2 alpha^2 sum k'Q_uu k)
//
// and the first alpha that brings a least part of it is taken, so that the cost never
// increases. lambda falls by a factor after a whole step, alpha = 1, and rises by it after a
// failure, and after each from the third step of alpha < 1/2 in a row on (Levenberg-
// Marquardt): where the model holds for a part of the way only, time and again, smaller
// changes beat shortened ones.
//
// # Local minima
//
// A descent ends in the local minimum that its start leads to (a pendulum may swing twice
// or three times). Search makes several, from random controls, and keeps the best. A limit
// that clips the state, such as a largest speed, makes f non-smooth: its derivative is that
// of the side at hand, and descents there end within a few percent of one another.
//
// # Receding horizon
//
// MPC makes a few iterations at every time step, from the plan of the step before moved on
// by one step and run from the measured state with its feedback, u_t+1 + K_t+1 (x - x_t+1)
// (Tassa, Erez & Todorov 2012, section IV).
package ilqg
