// Command bench measures how fast an update is, against what else it could be written
// with, on the machine that it runs on: one table, one run. `make bench` calls it.
//
// The work of a row is a Go benchmark of this package (go test -bench, so that benchstat
// reads it too), done by these:
//
//	ours         this module; passes over a problem that is packed, as a search does them
//	packing      the same passes through package lqg, which packs and unpacks
//	naive        gonum's matrix types as a reader of its documentation would use them
//	preallocated gonum's BLAS and LAPACK in memory that is allocated once
//	numpy        numpy with OpenBLAS on one thread; the dynamics fit in batches of all steps
//	sklearn      scikit-learn's GaussianMixture
//	torch        torch on one thread
//	hpipm        HPIPM and BLASFEO, where they are installed
//	reference    the public reference implementation, cbfinn/gps with numpy
//
// All get the same numbers, and what they compute is compared: a peer with other results is
// an error, not a row. Times are the best of several runs, since whatever else the machine
// does can only make a run longer.
//
// The whole iteration runs in a process of its own, which also tells its peak memory. The
// reference's figures were measured on another machine, and the table says so.
package main
