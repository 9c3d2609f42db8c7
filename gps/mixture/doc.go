// Package mixture fits Gaussian mixtures to transitions by expectation maximisation and
// turns them into the prior of a dynamics fit (arXiv:1504.00702, appendix A.3).
//
// A mixture has K components N(mu_k, Sigma_k) of D dimensions with weights pi_k. Points
// are row-major, N x D. The responsibilities of a point are nearly all zero, so a
// component is given up for a point as soon as a partial Mahalanobis distance shows that
// it weighs less than e^-40 of the best one.
package mixture
