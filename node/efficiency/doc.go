// Package efficiency counts the trials that a reaching task takes until it is learned: with
// dynamics fitted under the mixture prior from few trials per iteration, and with plain
// regression, which needs more of them (arXiv:1504.00702, section 6.1 and appendix A.3).
//
// A task counts as learned after the first update whose controller, without exploration
// noise, brings the end effector within a distance of its target and keeps it there until
// the trial ends. All recorded trials up to that update are counted; the trial that
// judges a controller is not among them, and nothing is learned from it.
package efficiency
