package mixture

import (
	"fmt"
	"math"
	"runtime"
)

// Method says how Start forms the first clusters.
type Method string

const (
	// KMeans is k-means from k-means++ seeds, with distances in the points' own units.
	KMeans Method = "kmeans++"
	// ScaledKMeans is KMeans on dimensions scaled to unit variance: for points whose
	// largest numbers are noise, as torques in N m beside angles in rad can be.
	ScaledKMeans Method = "scaled kmeans++"
	// Random takes K random points as centres, and for every point the nearest one.
	Random Method = "random"
)

// Config holds the settings of a start and of a fit.
type Config struct {
	// Method of Start; default KMeans.
	Method Method
	// Starts is how many clusterings Start draws, >= 1; default 3. Of several it takes
	// the one that foretells points left out best; 1 is the fastest.
	Starts int
	// MaxIterations bounds the E-steps, >= 1; default 100.
	MaxIterations int
	// Tolerance ends the fit when the log-likelihood changes by less than this share of
	// its absolute value, > 0; default 1e-4.
	Tolerance float64
	// Regularization is added to the diagonal of every covariance, in the points' units
	// squared, 0 to 1e100; default 1e-6. Unless it is 0, at least 1e-11 of the
	// dimension's variance over all points is added, and the square of 4e-15 of its
	// largest number, so that rounding makes no covariance indefinite: with the default
	// that matters for standard deviations above 300 and numbers above 1e11.
	Regularization float64
	// MinWeight times 1/K is the weight below which a component counts as dead, in
	// [0, 1); default 1e-4.
	MinWeight float64
	// MaxRevivals bounds how many dead components are revived in one fit, >= 0, or -1
	// for as many as there are components; default -1. With 0, a component that weighs less
	// than e^-30 of the best one at every point keeps its parameters and has no mass, where a
	// sum without cut-off would let it creep towards points.
	MaxRevivals int
	// Workers is how many processors a start or a fit uses, >= 0, 0 for all; default 0.
	// What comes out does not depend on it, to the last bit.
	Workers int
	// ReferenceRules reproduces the public reference implementation, defects included:
	// the fit ends when |dL| < tolerance * L with L's sign kept, or with the step that
	// lowered L, and a dead component gets equal responsibility for all points while
	// its weight stays.
	ReferenceRules bool
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{Method: KMeans, Starts: 3, MaxIterations: 100, Tolerance: 1e-4, Regularization: 1e-6, MinWeight: 1e-4, MaxRevivals: -1}
}

// maxRegularization keeps the regularisation finite in standard coordinates.
const maxRegularization = 1e100

// Validate returns an error that names the field that is out of range.
func (c Config) Validate() error {
	switch {
	case c.Method != KMeans && c.Method != ScaledKMeans && c.Method != Random:
		return fmt.Errorf("mixture: method is %q, need %q, %q or %q", c.Method, KMeans, ScaledKMeans, Random)
	case c.Starts < 1:
		return fmt.Errorf("mixture: starts is %d, need at least 1", c.Starts)
	case c.MaxIterations < 1:
		return fmt.Errorf("mixture: max iterations is %d, need at least 1", c.MaxIterations)
	case !(c.Tolerance > 0) || math.IsInf(c.Tolerance, 0):
		return fmt.Errorf("mixture: tolerance is %v, need a finite number > 0", c.Tolerance)
	case !(c.Regularization >= 0 && c.Regularization <= maxRegularization):
		return fmt.Errorf("mixture: regularization is %v, need a number from 0 to %g", c.Regularization, maxRegularization)
	case !(c.MinWeight >= 0 && c.MinWeight < 1):
		return fmt.Errorf("mixture: min weight is %v, need a number in [0, 1)", c.MinWeight)
	case c.MaxRevivals < -1:
		return fmt.Errorf("mixture: max revivals is %d, need -1 (as many as components) or more", c.MaxRevivals)
	case c.Workers < 0:
		return fmt.Errorf("mixture: workers is %d, need 0 (all processors) or more", c.Workers)
	}
	return nil
}

// workers returns how many workers have something to do for N points and K components, of
// those that are wanted: each has a workspace of its own.
func (c Config) workers(N, K int) int {
	wanted := c.Workers
	if wanted == 0 {
		wanted = runtime.GOMAXPROCS(0)
	}
	return min(wanted, max((N+blockSize-1)/blockSize, K))
}
