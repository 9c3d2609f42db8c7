package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/node/record"
)

// Snapshot is what is known of an iteration from its trials and from the checkpoint that it ended with.
type Snapshot struct {
	// Iteration counts from 1.
	Iteration int
	// Trials has the iteration's whole trials by condition; those of Next are the following
	// iteration's.
	Trials, Next [][]*Trial

	// Controllers and Models have an entry per condition; both are empty without a checkpoint. A
	// model is nil where there is none.
	Controllers []*lqg.Controller
	Models      []*lqg.Dynamics
	// Policy is nil for algorithms without one.
	Policy *policy.Network
	// Priors is kept of the last iteration only, an entry per condition.
	Priors []*dynamics.MixturePrior

	checkpoint bool // there is a file
	problems   []Problem
}

var (
	iterationFolder = regexp.MustCompile(`^iteration_(\d{1,10})$`)
	checkpointName  = regexp.MustCompile(`^checkpoint_(\d{1,10})\.gps$`)
)

// recorded returns the iterations that have trials or a checkpoint, in their order.
func (r *Run) recorded() []int {
	var list []int
	scan := func(dir string, name *regexp.Regexp) {
		entries, err := os.ReadDir(r.folder.Path(dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.note(dir, err)
		}
		for _, e := range entries {
			if m := name.FindStringSubmatch(e.Name()); m != nil {
				if n, err := strconv.Atoi(m[1]); err == nil && n > 0 && n < math.MaxInt32 {
					list = append(list, n)
				}
			}
		}
	}
	scan(record.RolloutsDir, iterationFolder)
	scan(record.CheckpointsDir, checkpointName)
	slices.Sort(list)
	return slices.Compact(list)
}

// spread returns at most n of the list, evenly spread, the first and the last among them.
func spread[T any](list []T, n int) []T {
	if len(list) <= n {
		return list
	}
	if n < 2 {
		return list[len(list)-1:]
	}
	out := make([]T, n)
	for i := range out {
		out[i] = list[i*(len(list)-1)/(n-1)]
	}
	return out
}

// affordable returns how many iterations may be looked at, by the size of the last's files.
func (r *Run) affordable(iterations []int) int {
	n := r.limits.Iterations
	within := func(bytes, limit int64) {
		if bytes > 0 {
			n = min(n, int(limit/bytes))
		}
	}
	last := iterations[len(iterations)-1]
	for _, i := range []int{last, last - 1} {
		if info, err := os.Stat(r.folder.Path(checkpointPath(i))); err == nil {
			within(info.Size(), r.limits.CheckpointBytes)
		}
		paths, _ := r.folder.Rollouts(uint32(max(i, 0)))
		sum := int64(0)
		for _, path := range spread(paths, r.limits.Trials) {
			if info, err := os.Stat(r.folder.Path(path)); err == nil {
				sum += info.Size()
			}
		}
		within(2*sum, r.limits.TrialBytes) // an iteration's and the next one's
	}
	return max(2, n)
}

// readSnapshots reads what is looked at closely, with all processors.
func (r *Run) readSnapshots(ctx context.Context, iterations []int, progress func(done, total int)) error {
	if len(iterations) == 0 {
		return nil
	}
	for _, n := range spread(iterations, r.affordable(iterations)) {
		r.Snapshots = append(r.Snapshots, &Snapshot{Iteration: n})
	}
	work := make(chan *Snapshot)
	var wait sync.WaitGroup
	var mu sync.Mutex
	done := 0
	prior := lastCheckpoint(r.folder.Path(record.CheckpointsDir))
	for range runtime.GOMAXPROCS(0) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for s := range work {
				s.read(r, s.Iteration == prior)
				mu.Lock()
				if done++; progress != nil {
					progress(done, len(r.Snapshots))
				}
				mu.Unlock()
			}
		}()
	}
	for _, s := range r.Snapshots {
		if ctx.Err() != nil {
			break
		}
		work <- s
	}
	close(work)
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, s := range r.Snapshots {
		r.Problems = append(r.Problems, s.problems...)
	}
	r.agree()
	r.readBroken(iterations)
	return nil
}

// lastCheckpoint returns the iteration of the latest checkpoint, 0 for none.
func lastCheckpoint(dir string) int {
	entries, _ := os.ReadDir(dir) // a folder that cannot be read is in Problems
	last := 0
	for _, e := range entries {
		if m := checkpointName.FindStringSubmatch(e.Name()); m != nil {
			n, _ := strconv.Atoi(m[1])
			last = max(last, n)
		}
	}
	return last
}

// read reads the iteration's files; withPrior keeps the data of the dynamics prior.
func (s *Snapshot) read(r *Run, withPrior bool) {
	s.readCheckpoint(r, withPrior)
	s.Trials = r.readTrials(s.Iteration, &s.problems)
	if len(s.Models) > 0 {
		s.Next = r.readTrials(s.Iteration+1, &s.problems)
	}
}

// agree leaves out what is not of the sizes that most of the run has: those of the last iteration
// with anything.
func (r *Run) agree() {
	var T, dX, dU, conditions int
	for _, s := range slices.Backward(r.Snapshots) {
		if len(s.Controllers) > 0 {
			c := s.Controllers[0]
			T, dX, dU = c.T, c.DX, c.DU
		} else if trials := flat(s.Trials); len(trials) > 0 {
			T, dX, dU = trials[0].T, trials[0].DX, trials[0].DU
		}
		if T > 0 {
			break
		}
	}
	if s := r.latest(hasControllers); s != nil {
		conditions = len(s.Controllers)
	}
	for _, s := range r.Snapshots {
		wrong := len(s.Controllers) > conditions || slices.ContainsFunc(s.Controllers, func(c *lqg.Controller) bool { return c.T != T || c.DX != dX || c.DU != dU })
		if wrong {
			r.Problems = append(r.Problems, Problem{checkpointPath(s.Iteration), fmt.Sprintf("its controllers are not those of at most %d conditions, T=%d dX=%d dU=%d, as the run's last", conditions, T, dX, dU)})
			s.Controllers, s.Models, s.Policy, s.Priors = nil, nil, nil, nil
		}
		for _, trials := range [][][]*Trial{s.Trials, s.Next} {
			for m := range trials {
				trials[m] = slices.DeleteFunc(trials[m], func(t *Trial) bool {
					if t.T == T && t.DX == dX && t.DU == dU {
						return false
					}
					r.Problems = append(r.Problems, Problem{t.Path, fmt.Sprintf("has T=%d dX=%d dU=%d, the run's last T=%d dX=%d dU=%d", t.T, t.DX, t.DU, T, dX, dU)})
					return true
				})
			}
		}
	}
	if r.Robot != nil && T > 0 && (r.Robot.DX() != dX || r.Robot.DU() != dU) {
		r.note(record.ParamsFile, fmt.Errorf("describes a robot of dX=%d dU=%d, the recordings are of dX=%d dU=%d", r.Robot.DX(), r.Robot.DU(), dX, dU))
		r.Robot, r.target = nil, nil
	}
	slices.SortStableFunc(r.Problems, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.Place, b.Place), strings.Compare(a.Text, b.Text))
	})
	r.Problems = slices.Compact(r.Problems) // a trial is read for two iterations
}

// latest returns the last snapshot for which has holds, nil for none.
func (r *Run) latest(has func(s *Snapshot) bool) *Snapshot {
	for _, s := range slices.Backward(r.Snapshots) {
		if has(s) {
			return s
		}
	}
	return nil
}

// having returns the snapshots for which has holds.
func (r *Run) having(has func(s *Snapshot) bool) []*Snapshot {
	var list []*Snapshot
	for _, s := range r.Snapshots {
		if has(s) {
			list = append(list, s)
		}
	}
	return list
}

func hasTrials(s *Snapshot) bool      { return len(flat(s.Trials)) > 0 }
func hasControllers(s *Snapshot) bool { return len(s.Controllers) > 0 }
func hasModels(s *Snapshot) bool {
	return slices.ContainsFunc(s.Models, func(d *lqg.Dynamics) bool { return d != nil })
}

func flat(trials [][]*Trial) []*Trial { return slices.Concat(trials...) }

var brokenName = regexp.MustCompile(`^broken_condition_\d{1,10}_sample_\d{1,10}(\.\d+)?\.mcap$`)

// readBroken reads the trials that faults broke off, of all iterations.
func (r *Run) readBroken(iterations []int) {
	for _, n := range iterations {
		dir := filepath.Dir(record.TrialPath(uint32(n), 0, 0))
		entries, _ := os.ReadDir(r.folder.Path(dir)) // a folder that cannot be read is in Problems
		for _, e := range entries {
			if !brokenName.MatchString(e.Name()) {
				continue
			}
			if len(r.Broken) == r.limits.Faults {
				return
			}
			path := filepath.Join(dir, e.Name())
			t, err := r.readTrial(path)
			if err != nil {
				r.note(path, err)
				continue
			}
			r.Broken = append(r.Broken, t)
		}
	}
}

// problem is what was left out.
func (r *Run) problem(place string, err error) Problem {
	return Problem{place, strings.ReplaceAll(err.Error(), r.folder.Dir()+string(filepath.Separator), "")}
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
