package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"guidedpolicysearch/node/bench/harness"
)

// titles returns those of the loops: the bare one, then ours with each contender.
func titles() []string {
	list := []string{"bare loop in C"}
	for _, c := range contenders {
		list = append(list, "ours, "+c.name)
	}
	return list
}

// warm ticks begin each turn: the caches are cold after the turn of another.
const warm = 20

// settle is how long all else runs before the first turn.
const settle = 3 * time.Second

// measured is what the turns of one loop gave, in ns.
type measured struct {
	rounds      [][]uint32 // lateness by round
	computed    []uint32   // of ticks in trials, like the next two
	published   []uint32
	observed    []uint32
	allocations uint64
	broken      int
}

// measure runs all processes and has the loops take turns.
func measure(ctx context.Context, o options, b *harness.Build, progress io.Writer) (*outcome, error) {
	own, err := os.Executable()
	if err != nil {
		return nil, err
	}
	shared := []string{"-rate", strconv.Itoa(o.rate), "-domain", strconv.Itoa(o.domain), "-priority", strconv.Itoa(o.priority)}
	var all []*harness.Process
	defer func() {
		for _, p := range all {
			p.Close()
		}
	}()
	for _, c := range []struct {
		name, program string
		args          []string
	}{
		{"robot", own, append([]string{"-process", "robot"}, shared...)},
		{"control", own, append([]string{"-process", "control"}, shared...)},
		{ticker, b.Path(ticker), []string{strconv.Itoa(o.priority)}},
	} {
		fmt.Fprintln(progress, "starting", c.name)
		p, err := harness.Start(ctx, c.name, harness.Environment(), c.program, c.args...)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	control, bare := all[1], all[2]
	if err := control.Ready(); err != nil {
		return nil, err
	}
	fmt.Fprintln(progress, "starting learners")
	l := startLoad(ctx, b.Path(bench))
	defer l.stop()
	select {
	case <-time.After(settle):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	results, err := turns(ctx, o, control, bare, l, progress)
	if err != nil {
		return nil, err
	}
	r := &outcome{Machine: harness.Describe(), Rate: o.rate, Seconds: o.seconds, Priority: o.priority, Learners: l.stop()}
	if most := float64(r.Machine.Cores); r.Learners < 0.8*most {
		r.Notes = append(r.Notes, fmt.Sprintf("The learners used %.2f of %.0f processors: other programs were busy.", r.Learners, most))
	}
	for _, p := range all {
		for _, line := range p.Close() {
			r.Notes = append(r.Notes, p.Name+": "+line)
		}
	}
	r.Loops, r.Ticks = loops(results, o.period()), ticks(results)
	return r, nil
}

// turns has each loop run for a second in each round, and returns what they gave.
func turns(ctx context.Context, o options, control, bare *harness.Process, l *load, progress io.Writer) ([]measured, error) {
	results := make([]measured, 1+len(contenders))
	for round := range o.seconds {
		for k := range results {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := l.failed(); err != nil {
				return nil, err
			}
			i := (round + k) % len(results)
			m := &results[i]
			if i == 0 {
				_, times, err := bare.Ask(fmt.Sprint(int64(o.period()), warm, o.rate), 1, 1)
				if err != nil {
					return nil, err
				}
				m.rounds = append(m.rounds, times[0])
				continue
			}
			counts, times, err := control.Ask(fmt.Sprint(i-1, warm, o.rate), 3, 4)
			if err != nil {
				return nil, err
			}
			m.rounds = append(m.rounds, times[0])
			m.computed, m.published, m.observed = appendTimes(m.computed, times[1]), appendTimes(m.published, times[2]), appendTimes(m.observed, times[3])
			m.allocations += uint64(counts[1])
			m.broken += counts[2]
		}
		if (round+1)%10 == 0 {
			fmt.Fprintf(progress, "%d of %d s\n", round+1, o.seconds)
		}
	}
	return results, nil
}

// appendTimes appends those that there are: 0 is none.
func appendTimes(list, times []uint32) []uint32 {
	for _, v := range times {
		if v > 0 {
			list = append(list, v)
		}
	}
	return list
}

// loops sums up lateness: each loop's, and beside the bare one's, which comes first.
func loops(results []measured, period time.Duration) []loop {
	var all []loop
	titles := titles()
	for i, m := range results {
		pooled := slices.Concat(m.rounds...)
		slices.Sort(pooled)
		row := loop{Title: titles[i], Times: quantiles(pooled)}
		for _, late := range pooled {
			if int64(late) > int64(period) {
				row.Overruns++
			}
		}
		if i > 0 {
			var ratios []float64
			for round, late := range m.rounds {
				ratios = append(ratios, p99(late)/p99(results[0].rounds[round]))
			}
			row.Ratio = row.Times.P99 / all[0].Times.P99
			row.MedianRatio = harness.Median(ratios)
		}
		all = append(all, row)
	}
	return all
}

func p99(late []uint32) float64 {
	sorted := slices.Clone(late)
	slices.Sort(sorted)
	return harness.Quantile(sorted, 0.99)
}

// ticks sums up what ticks take.
func ticks(results []measured) []tickTime {
	var all []tickTime
	for i, m := range results[1:] {
		for _, list := range [][]uint32{m.computed, m.published, m.observed} {
			slices.Sort(list)
		}
		all = append(all, tickTime{Policy: contenders[i].name, Compute: quantiles(m.computed), Publish: quantiles(m.published), Observe: quantiles(m.observed),
			Allocations: m.allocations, Broken: m.broken})
	}
	return all
}
