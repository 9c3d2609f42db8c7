// Package riccati runs the LQR backward pass, and the forward pass with its KL divergence,
// over a linear-quadratic problem that is packed once and passed over many times, as a search
// for a dual variable does. Package lqg has the equations in the field's terms, and the
// row-major types that are packed here.
//
// # Layout
//
// A time step's blocks (package kernel) are stacked as [u; z] with z = [x; 1]. u is in
// reverse order, and each of u and z is padded to whole vectors of rows:
//
//	     dX columns            dU, padded   dX columns
//	    +-----------+          +-----------+-----------+
//	  u |    B'     |        u | Q_uu      |           |   H_t: the lower part of the
//	pad |    0      |      pad |  0        |           |   cost 1/2 [u;z]' H [u;z],
//	    +-----------+          +-----------+-----------+   H's column of 1 left out
//	  x |    A'     |        x | Q_xu      | Q_xx      |
//	  1 |    f'     |        1 | q_u'      | q_x'      |
//	pad |    0      |      pad |  0        |  0        |
//	    +-----------+          +-----------+-----------+
//	    G_t: x_t+1 = G'[u; z]
//
// so that the affine terms are rows of the same products as the rest. The forward pass, whose
// rows are those of x_t+1, has [A f], B and the lower part of the noise covariance S beside
// them. Backward steps and forward steps each lie in the order of time, in one arena. Passes
// over problems of many numbers ask for the next step's blocks while they compute a step.
//
// # Backward
//
// Values are those of the undivided objective E[cost] + eta KL - w H (what package lqg divides
// by eta + w), in the units of the controller that the KL is measured from: u ~ N(0, I), of
// which -log density is u'u/2. With V = [V_xx; v_x'], z x dX, and V_T the cost at T,
//
//	(1)  H = H_t + G V G' + eta I in the block of u   (with v_x' added to the row 1 of G V)
//	(2)  H_uu = L L',  W = L^-1,  L_z = H_zu W'
//	(3)  [K'; k'] = -L_z W,  C = (eta + w) W'W
//	(4)  V <- H_zz - L_z L_z'
//
// As u is reversed (J is the reversal, J J = I), J W' J is the lower Cholesky factor of
// H_uu^-1: there is no second factorisation. V of another controller's gains is
//
//	(5)  V <- H_zz + K_z H_uz + (H_zu + K_z H_uu) K_z',  K_z = [K'; k']
//
// which is also how Whiten changes the units of a cost, with K_z the gains of the anchor.
//
// # Forward
//
// With the states as [Sigma, mu; mu', .], E = [Sigma; mu'] K' has K mu as its last row, and
//
//	(6)  KL_t = 1/2 [sum_i (r_ii^2 - 1 - log r_ii^2) + sum_i>j r_ij^2 + |K mu + k|^2 + tr(K Sigma K')]
//	(7)  Sigma <- S + (A + B K) Sigma (A + B K)' + (eta + w) Y Y',  mu <- (A + B K) mu + f + B k
//
// with r = sqrt(eta + w) W and Y = B W'. Every part of (6) is a sum of terms >= 0, so that
// nothing cancels where controllers are close (Levine et al. 2015, arXiv:1504.00702, appendix
// A.1).
//
// # Numbers
//
// Passes allocate nothing, give the same bits on all paths of package kernel but plain, and
// return what overflowed as a failed step or an infinite divergence, never as NaN. Sizes that
// do not fit panic with both.
package riccati
