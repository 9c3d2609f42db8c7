package dynamics

import (
	"runtime"
	"sync/atomic"

	"guidedpolicysearch/gps/internal/crew"
)

// blockSteps is how many time steps a worker takes at once: few, so that all are done at about the
// same time.
const blockSteps = 2

// steps runs the fits of single time steps on several workers.
type steps struct {
	crew   *crew.Crew
	T      int
	fit    func(worker, t int) error
	errs   []error      // per block
	failed atomic.Int64 // the lowest block that failed
}

// newSteps returns the workers that fit T time steps, all processors for workers = 0; stop
// ends them.
func newSteps(workers, T int, fit func(worker, t int) error) *steps {
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	blocks := (T + blockSteps - 1) / blockSteps
	return &steps{crew: crew.New(min(workers, blocks)), T: T, fit: fit, errs: make([]error, blocks)}
}

func (s *steps) workers() int { return s.crew.Size() }

func (s *steps) stop() { s.crew.Stop() }

// run calls fit for all time steps, at the same time for different workers, and returns the
// error of the lowest time step that has one.
func (s *steps) run() error {
	s.failed.Store(int64(len(s.errs)))
	s.crew.Run(len(s.errs), s)
	if b := s.failed.Load(); b < int64(len(s.errs)) {
		return s.errs[b]
	}
	return nil
}

// Do fits a block. What comes after a failed one is of no use.
func (s *steps) Do(worker, block int) {
	if int64(block) > s.failed.Load() {
		return
	}
	for t := block * blockSteps; t < min((block+1)*blockSteps, s.T); t++ {
		if s.errs[block] = s.fit(worker, t); s.errs[block] == nil {
			continue
		}
		for lowest := s.failed.Load(); int64(block) < lowest && !s.failed.CompareAndSwap(lowest, int64(block)); {
			lowest = s.failed.Load()
		}
		return
	}
}
