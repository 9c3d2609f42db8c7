package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
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
	beside      []uint32   // latest tick by round of the loops that stay on a processor
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
	var watch witnesses
	for i := range runtime.NumCPU() {
		name := fmt.Sprintf("%s on processor %d", ticker, i)
		p, err := harness.Start(ctx, name, harness.Environment(), b.Path(ticker), strconv.Itoa(max(0, o.priority-1)), strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		all, watch = append(all, p), append(watch, p)
	}
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
	results, err := turns(ctx, o, control, bare, watch, l, progress)
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
func turns(ctx context.Context, o options, control, bare *harness.Process, watch witnesses, l *load, progress io.Writer) ([]measured, error) {
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
			latest := watch.begin(o)
			err := results[i].turn(o, i, control, bare)
			beside, late := latest()
			if err := errors.Join(err, late); err != nil {
				return nil, err
			}
			results[i].beside = append(results[i].beside, beside)
		}
		if (round+1)%10 == 0 {
			fmt.Fprintf(progress, "%d of %d s\n", round+1, o.seconds)
		}
	}
	return results, nil
}

// turn has loop i run for a second.
func (m *measured) turn(o options, i int, control, bare *harness.Process) error {
	if i == 0 {
		_, times, err := bare.Ask(fmt.Sprint(int64(o.period()), warm, o.rate), 1, 1)
		if err == nil {
			m.rounds = append(m.rounds, times[0])
		}
		return err
	}
	counts, times, err := control.Ask(fmt.Sprint(i-1, warm, o.rate), 3, 4)
	if err != nil {
		return err
	}
	m.rounds = append(m.rounds, times[0])
	m.computed, m.published, m.observed = appendTimes(m.computed, times[1]), appendTimes(m.published, times[2]), appendTimes(m.observed, times[3])
	m.allocations += uint64(counts[1])
	m.broken += counts[2]
	return nil
}

// witnesses are bare loops, one on each processor: they see what the machine does in the same second.
type witnesses []*harness.Process

// begin has all of them tick for as long as a turn and a little longer. The function that it returns
// waits for them, and tells by how much, in ns, the latest of all their ticks was late.
func (w witnesses) begin(o options) (latest func() (uint32, error)) {
	const spare = 20 // of a turn's time is one part more, for what begins and ends it
	request := fmt.Sprint(int64(o.period()), 0, warm+o.rate+o.rate/spare)
	late, failed := make([]uint32, len(w)), make([]error, len(w))
	var done sync.WaitGroup
	for i, p := range w {
		done.Add(1)
		go func() {
			defer done.Done()
			_, times, err := p.Ask(request, 1, 1)
			if failed[i] = err; err == nil {
				late[i] = slices.Max(times[0])
			}
		}()
	}
	return func() (uint32, error) {
		done.Wait()
		return slices.Max(append(late, 0)), errors.Join(failed...)
	}
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
		row.own(m, period)
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

// own looks for ticks that were later than the machine made them: in a while in which it does nothing, two
// loops of one period are late by times that differ by less than a period.
func (l *loop) own(m measured, period time.Duration) {
	for round, late := range m.rounds {
		beside := float64(m.beside[round])
		l.Beside = max(l.Beside, beside)
		if v := float64(slices.Max(late)); v > beside+float64(period) {
			l.Alone++
			l.Longest = max(l.Longest, v-beside)
		}
	}
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
