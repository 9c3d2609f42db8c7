// Package trajopt improves a linear-Gaussian controller under a bound on how far it may
// move: min E[cost] subject to KL(p || anchor) <= epsilon. The bound's dual variable eta
// is found by a search over LQR backward passes (Levine & Abbeel, NIPS 2014, section
// 3.1; arXiv:1504.00702, appendix A.1).
//
// KL(eta) falls as eta grows. Below some eta the action block Q_uu may stop being
// positive definite; such an eta counts as a lower end of the bracket, as one whose KL
// is too large does.
package trajopt
