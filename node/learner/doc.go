// Package learner is the learning process: trial commands go out, recorded rollouts come
// in.
//
// A Core is the learner itself. It keeps nothing that is not in the run folder: it starts
// from the latest checkpoint and the rollouts recorded since, so it can be killed at any
// moment and started again. Serve runs a Core as a process of its own that talks over its
// standard input and output, and Process is the other end, in the node. `gps train` calls
// a Core directly.
package learner
