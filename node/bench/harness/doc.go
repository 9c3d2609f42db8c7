// Package harness is what the benchmarks of the node share: their command line, the programs that
// they build and ask for turns, and how they sum up and tell what they measured.
package harness
