// Package autodiff gives exact first and second derivatives of functions written as
// plain Go code over a generic scalar, or built as a fixed program.
//
// A function f[S Scalar[S]](y []S) S runs with Real for its value and with Var for its
// derivatives. Running it with Var records every operation z = phi(a, b) on a Tape with
// the partial derivatives of phi, so branches and loops of the code are those of the
// point at hand. With z' the adjoint of z, the Hessian of the result is
//
//	H = sum over z of sum over arguments j, k of z' phi_jk grad j (grad k)^T
//
// (Jackson and McCormick, "The polyadic structure of factorable function tensors",
// Journal of Optimization Theory and Applications 51(1), 1986). One reverse sweep gives the
// adjoints and W_jk, the sums of z' phi_jk by pairs of nodes; where j has one argument a
// alone, its W_jj goes on to W_aa as phi_a^2 W_jj. One forward sweep gives the gradients,
// sparse, of those nodes that have any W left. The work follows the inputs that meet in a
// nonlinear operation: entries of the Hessian that are zero by structure are not touched,
// and linear operations cost no second derivatives; a nonlinear operation on values that
// depend on m inputs costs up to m^2. Sum, Dot and SquaredNorm are one operation each.
//
// A Program is differentiated once, when it is built, and leaves a list of multiplications
// and additions. This is by edge pushing (Gower and Mello, "A new framework for the
// computation of Hessians", Optimization Methods and Software 27(2), 2012, algorithm 3),
// one reverse sweep over the structure of its operations. Every operation z, from the last
// to the first,
//
//	pushes    W_pj += phi_j W_pz  (twice that where p = j),  p != z
//	          W_jk += phi_j phi_k W_zz
//	creates   W_jk += z' phi_jk
//	adjoint   j'   += z' phi_j
//
// for its arguments j, k. What is left on the inputs is the Hessian and the gradient.
//
// # Where a derivative does not exist
//
// Abs has derivative 0 at 0. Max and Min follow their first argument where both are
// equal. Sqrt, Log, Asin, Acos, Pow and Atan2 give infinities or NaN where their
// derivative does not exist (the root at 0, the logarithm at and below 0, atan2 at the
// origin, a negative base with an exponent that is a variable): these reach the
// result, where callers refuse them. Round such functions: sqrt(alpha + s) for the root.
// A value that the result does not depend on at the point (adjoint 0, such as a branch
// not taken or a factor 0) adds nothing, whatever its own derivatives are.
package autodiff
