package efficiency

import (
	"context"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Row is how one variant learned over all seeds.
type Row struct {
	Variant
	// Trials are those until the task was learned, one entry per seed; 0 where it was not.
	Trials []int `json:"trials"`
	// Median counts a seed that did not learn as more trials than any; nil if the median
	// seed did not learn.
	Median *float64 `json:"median"`
}

// Table is the outcome for one task.
type Table struct {
	Task      string   `json:"task"`
	MaxTrials int      `json:"max_trials"`
	Seeds     []uint64 `json:"seeds"`
	Rows      []Row    `json:"rows"`
	// BestPlain is the number of samples with which plain regression has the lowest
	// median; 0 if it learns with none.
	BestPlain int `json:"best_plain_samples"`
	// BestPrior is the same with the prior.
	BestPrior int `json:"best_prior_samples"`
	// Ratio is BestPlain's median over BestPrior's; nil if one of them is missing.
	Ratio *float64 `json:"ratio"`
}

// Make runs all variants with all seeds, as many at once as there are processors; the
// result does not depend on their number. progress is called after each run.
func Make(ctx context.Context, task *Task, variants []Variant, c Criterion, seeds []uint64, progress func()) (*Table, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	t := &Table{Task: task.Name, MaxTrials: c.MaxTrials, Seeds: seeds, Rows: make([]Row, len(variants))}
	for i, v := range variants {
		t.Rows[i] = Row{Variant: v, Trials: make([]int, len(seeds))}
	}
	var (
		wait sync.WaitGroup
		mu   sync.Mutex // for progress
		jobs = make(chan int)
	)
	for range runtime.GOMAXPROCS(0) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for job := range jobs {
				i, k := job/len(seeds), job%len(seeds)
				n, err := Trials(ctx, task, variants[i], c, seeds[k])
				if err != nil {
					cancel(fmt.Errorf("%s, seed %d, %d samples, prior %v: %w", task.Name, seeds[k], variants[i].Samples, variants[i].Prior, err))
					continue
				}
				t.Rows[i].Trials[k] = n
				mu.Lock()
				progress()
				mu.Unlock()
			}
		}()
	}
	for job := 0; job < len(variants)*len(seeds) && ctx.Err() == nil; job++ {
		select {
		case jobs <- job:
		case <-ctx.Done():
		}
	}
	close(jobs)
	wait.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	t.compare()
	return t, nil
}

// compare fills in medians, the best plain regression and the ratio.
func (t *Table) compare() {
	var plain, prior *float64
	for i := range t.Rows {
		r := &t.Rows[i]
		r.Median = median(r.Trials)
		switch {
		case r.Median == nil:
		case r.Prior && (prior == nil || *r.Median < *prior):
			prior, t.BestPrior = r.Median, r.Samples
		case !r.Prior && (plain == nil || *r.Median < *plain):
			plain, t.BestPlain = r.Median, r.Samples
		}
	}
	if plain != nil && prior != nil {
		ratio := *plain / *prior
		t.Ratio = &ratio
	}
}

// median returns the median with 0 counted as infinite; nil if it is.
func median(trials []int) *float64 {
	a := make([]float64, len(trials))
	for i, n := range trials {
		if a[i] = float64(n); n == 0 {
			a[i] = math.Inf(1)
		}
	}
	slices.Sort(a)
	m := (a[(len(a)-1)/2] + a[len(a)/2]) / 2
	if math.IsInf(m, 1) {
		return nil
	}
	return &m
}

// Write writes the table as text.
func (t *Table) Write(w io.Writer) error {
	fmt.Fprintf(w, "%s: trials until learned, over %d seeds (> %d where not)\n", t.Task, len(t.Seeds), t.MaxTrials)
	fmt.Fprintf(w, "%-18s %8s %8s %9s   %s\n", "dynamics", "samples", "median", "learned", "per seed")
	for _, r := range t.Rows {
		name := "plain regression"
		if r.Prior {
			name = "mixture prior"
		}
		middle := fmt.Sprintf("> %d", t.MaxTrials)
		if r.Median != nil {
			middle = fmt.Sprintf("%g", *r.Median)
		}
		learned, each := 0, make([]string, len(r.Trials))
		for k, n := range r.Trials {
			each[k] = "-"
			if n > 0 {
				learned++
				each[k] = fmt.Sprint(n)
			}
		}
		fmt.Fprintf(w, "%-18s %8d %8s %9s   %s\n", name, r.Samples, middle, fmt.Sprintf("%d of %d", learned, len(r.Trials)), strings.Join(each, " "))
	}
	verdict := "Plain regression or the prior did not learn in the median: there is no ratio."
	if t.Ratio != nil {
		verdict = fmt.Sprintf("At its best, %d samples, plain regression needs %.2g times the trials that the mixture prior needs at its best, %d samples.",
			t.BestPlain, *t.Ratio, t.BestPrior)
	}
	_, err := fmt.Fprintln(w, verdict)
	return err
}
