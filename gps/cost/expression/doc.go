// Package expression compiles the text of a cost, such as
//
//	(1 - cos(q0))^2 + 0.1*dq0^2
//
// to a program that gives its value, gradient and Hessian by y = [x; u]. The text is
// parsed, differentiated and compiled once; constants are folded and equal parts are
// computed once.
//
// # What can be written
//
//   - Numbers: 2, 0.1, 1e-3. All arithmetic is real: 1/2 is 0.5.
//   - Names: those of the elements of state and action that the caller gives; x[i] and
//     u[i], i from 0, for elements by their index; t, the time step from 0; T, the number
//     of time steps (t == T-1 is the last); pi; true and false.
//   - Operators, the tightest first: ^ or ** (power, from the right: 2^3^2 is 2^9); the
//     signs - and + (-x^2 is -(x^2)); * and /; + and -; comparisons < <= > >= == !=;
//     && (and); || (or); c ? a : b. ! (not) wants brackets: !(a < b). A comparison
//     counts as 1 or 0, and may be used as a number; 0 < a < 1 is 0 < a && a < 1.
//   - Functions: sqrt, exp, log, sin, cos, tan, asin, acos, atan, atan2(y, x), sinh, cosh,
//     tanh, log_cosh, abs, min and max of two or more, pow(x, p), and smooth_abs(x, alpha),
//     which is sqrt(alpha + x^2).
//   - Definitions: let s = sin(q0); s^2 + 0.1*s.
//
// Operators and syntax are those of the expr language (github.com/expr-lang/expr), whose
// parser reads the text; nothing else of that language is allowed. Derivatives at kinks
// are those of package autodiff; a branch that is not taken adds nothing.
package expression
