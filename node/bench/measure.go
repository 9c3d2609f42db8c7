package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"guidedpolicysearch/node/bench/harness"
)

// row is what one subject took, in ns.
type row struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	// Of all round trips.
	P50  float64 `json:"p50_ns"`
	P99  float64 `json:"p99_ns"`
	P999 float64 `json:"p99.9_ns"`
	Max  float64 `json:"max_ns"`
	// Rounds are those of each round.
	Rounds []quantiles `json:"rounds"`
	// NodeP50 and NodeP99 are the median over the rounds of the node's time to this one's in
	// the same round; 0 for the node itself.
	NodeP50 float64 `json:"node_to_p50,omitempty"`
	NodeP99 float64 `json:"node_to_p99,omitempty"`
}

type quantiles struct {
	P50 float64 `json:"p50_ns"`
	P99 float64 `json:"p99_ns"`
}

// outcome is all that one run measured.
type outcome struct {
	Machine harness.Machine `json:"machine"`
	Rounds  int             `json:"rounds"`
	Turns   int             `json:"turns_per_round"`
	Count   int             `json:"round_trips_per_turn"`
	Rows    []row           `json:"rows"`
	// Left says which rows are missing and why.
	Left []string `json:"left_out,omitempty"`
}

// spareSteps of a trial are left when a round ends.
const spareSteps = 100

// measure times the named subjects in turns.
func measure(ctx context.Context, o options, b *build, names []string, progress io.Writer) (*outcome, error) {
	var all []*subject
	defer func() { closeAll(all) }()
	for i, name := range names {
		fmt.Fprintln(progress, "starting", titles[name])
		s, err := start(ctx, b, name, o.domain+i, o.turns*(o.warm+o.count)+spareSteps)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	times := make([][][]uint32, len(all)) // by subject and round
	for round := range o.rounds {
		t, err := turns(o, all)
		if err != nil {
			return nil, err
		}
		for i := range all {
			slices.Sort(t[i])
			times[i] = append(times[i], t[i])
		}
		fmt.Fprintf(progress, "round %d of %d\n", round+1, o.rounds)
	}
	return &outcome{Machine: harness.Describe(), Rounds: o.rounds, Turns: o.turns, Count: o.count, Rows: rows(names, times)}, nil
}

// turns times one round, which lies within one trial of the node, and returns the times by
// subject.
func turns(o options, all []*subject) ([][]uint32, error) {
	for _, s := range all {
		if err := s.prepare(); err != nil {
			return nil, err
		}
	}
	times := make([][]uint32, len(all))
	for turn := range o.turns {
		for k := range all {
			i := (turn + k) % len(all)
			t, err := all[i].turn(o.warm, o.count)
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], t...)
		}
	}
	return times, nil
}

// rows sums up sorted times by subject and round.
func rows(names []string, times [][][]uint32) []row {
	all := make([]row, len(names))
	for i, name := range names {
		r := row{Name: name, Title: titles[name]}
		for _, t := range times[i] {
			r.Rounds = append(r.Rounds, quantiles{harness.Quantile(t, 0.5), harness.Quantile(t, 0.99)})
		}
		pooled := slices.Concat(times[i]...)
		slices.Sort(pooled)
		r.P50, r.P99, r.P999, r.Max = harness.Quantile(pooled, 0.5), harness.Quantile(pooled, 0.99), harness.Quantile(pooled, 0.999), harness.Quantile(pooled, 1)
		all[i] = r
	}
	k := slices.Index(names, own)
	for i := range all {
		if i == k {
			continue
		}
		var p50, p99 []float64
		for round, q := range all[k].Rounds {
			p50 = append(p50, q.P50/all[i].Rounds[round].P50)
			p99 = append(p99, q.P99/all[i].Rounds[round].P99)
		}
		all[i].NodeP50, all[i].NodeP99 = harness.Median(p50), harness.Median(p99)
	}
	return all
}
