// Package algorithm holds the learning algorithms: what happens between the rollouts of
// one iteration and the controllers of the next.
//
// An Algorithm maps a State and the samples drawn with it to the next State and a Report;
// it keeps nothing itself, so a run can be stopped after any iteration and go on from the
// State in a checkpoint. Random numbers are drawn from streams named by the seed, the
// iteration and the condition: one seed gives one run.
package algorithm
