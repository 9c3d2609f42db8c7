package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"guidedpolicysearch/node/bench/harness"
)

// Targets: of the p99 of lateness, as a multiple of the bare loop's, and of what a tick takes.
const (
	largestRatio = 1.5
	longestTick  = 20e3 // ns
	// A tick allocates nothing (TestTickAllocatesNothing). The Go runtime does for a goroutine that
	// waits for the loop's lock while it has no free record of one, and for a new thread.
	ticksPerAllocation = 1000
)

// times are quantiles in ns.
type times struct {
	P50  float64 `json:"p50_ns"`
	P90  float64 `json:"p90_ns"`
	P99  float64 `json:"p99_ns"`
	P999 float64 `json:"p99.9_ns"`
	Max  float64 `json:"max_ns"`
}

// loop is by how much the ticks of one were late.
type loop struct {
	Title string `json:"title"`
	Times times  `json:"lateness"`
	// Overruns are ticks that were late by more than a period.
	Overruns int `json:"overruns"`
	// Beside is the latest tick of the bare loops that ran on each processor in the same seconds, in ns.
	Beside float64 `json:"beside_max_ns"`
	// Alone are the seconds in which a tick was later by more than a period than all of theirs in that
	// second, and Longest is the most by which one was, in ns: what the machine does not account for.
	Alone   int     `json:"seconds_alone"`
	Longest float64 `json:"alone_max_ns"`
	// Ratio is the p99 to that of the bare loop, of all rounds; MedianRatio the median of that
	// of each round. 0 for the bare loop itself.
	Ratio       float64 `json:"p99_to_bare,omitempty"`
	MedianRatio float64 `json:"p99_to_bare_median,omitempty"`
}

// tickTime is what a tick took with one policy.
type tickTime struct {
	Policy string `json:"policy"`
	// Compute is from the timer's wake-up to the command's message, Publish what the middleware, the
	// system and the recording take for that.
	Compute times `json:"compute"`
	Publish times `json:"publish"`
	// Observe is what the goroutine of messages takes to read, observe and record the joint states
	// of a tick; the loop's thread may interrupt it.
	Observe times `json:"observe"`
	// Allocations are those of the whole process in all its turns.
	Allocations uint64 `json:"allocations"`
	// Broken are the trials that the loop broke off because it, or the robot, had stood still.
	Broken int `json:"broken_off"`
}

// outcome is all that one run measured.
type outcome struct {
	Machine  harness.Machine `json:"machine"`
	Rate     int             `json:"rate_hz"`
	Seconds  int             `json:"seconds"`
	Priority int             `json:"priority"`
	// Learners is how many processors the learners used.
	Learners float64    `json:"learners_processors"`
	Loops    []loop     `json:"loops"`
	Ticks    []tickTime `json:"ticks"`
	// Notes say what the system refused.
	Notes []string `json:"notes,omitempty"`
}

// quantiles are 0 of no times at all.
func quantiles(sorted []uint32) times {
	if len(sorted) == 0 {
		return times{}
	}
	return times{harness.Quantile(sorted, 0.5), harness.Quantile(sorted, 0.9), harness.Quantile(sorted, 0.99), harness.Quantile(sorted, 0.999), harness.Quantile(sorted, 1)}
}

// write writes the table.
func (o *outcome) write(out io.Writer) error {
	fmt.Fprintf(out, "\n%s\n%d s of each loop at %d Hz and priority %d, in turns of a second, beside learners that used %.2f processors; us.\n\n",
		&o.Machine, o.Seconds, o.Rate, o.Priority, o.Learners)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "ticks are late by\tp50\tp90\tp99\tp99.9\tmax\tbeside\toverruns\tp99 to C\tmedian round\t")
	for _, l := range o.Loops {
		ratio, median := "-", "-"
		if l.Ratio > 0 {
			ratio, median = fmt.Sprintf("%.2fx", l.Ratio), fmt.Sprintf("%.2fx", l.MedianRatio)
		}
		fmt.Fprintf(t, "%s\t%s\t%.1f\t%d\t%s\t%s\t\n", l.Title, l.Times.columns(), l.Beside/1e3, l.Overruns, ratio, median)
	}
	fmt.Fprintln(t, "\t\t\t\t\t\t\t\t\t\t")
	fmt.Fprintln(t, "a tick takes\tp50\tp90\tp99\tp99.9\tmax\tallocations\tbroken off\t\t\t")
	for _, k := range o.Ticks {
		fmt.Fprintf(t, "%s, compute\t%s\t%d\t%d\t\t\t\n", k.Policy, k.Compute.columns(), k.Allocations, k.Broken)
		fmt.Fprintf(t, "publish\t%s\t\t\t\t\t\n", k.Publish.columns())
		fmt.Fprintf(t, "joint states before it\t%s\t\t\t\t\t\n", k.Observe.columns())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, line := range append(o.verdicts(), o.Notes...) {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

func (t times) columns() string {
	return fmt.Sprintf("%.1f\t%.1f\t%.1f\t%.1f\t%.1f", t.P50/1e3, t.P90/1e3, t.P99/1e3, t.P999/1e3, t.Max/1e3)
}

// verdicts say of each target if it was met.
func (o *outcome) verdicts() (lines []string) {
	verdict := func(met bool, format string, args ...any) {
		word := "missed: "
		if met {
			word = "met:    "
		}
		lines = append(lines, word+fmt.Sprintf(format, args...))
	}
	for _, l := range o.Loops[1:] {
		verdict(l.Ratio <= largestRatio, "%s: p99 of lateness is %.2fx that of the bare loop, at most %.1fx", l.Title, l.Ratio, largestRatio)
		if l.Alone == 0 {
			verdict(true, "%s: in no second is a tick later by more than a period than those of the bare loops beside it", l.Title)
		} else {
			verdict(false, "%s: in %d of %d seconds a tick is later by more than a period than those of the bare loops beside it, by up to %.0f us", l.Title, l.Alone, o.Seconds, l.Longest/1e3)
		}
	}
	for _, k := range o.Ticks {
		verdict(0 < k.Compute.P99 && k.Compute.P99 < longestTick, "%s: a tick computes for %.1f us at p99, less than %.0f us", k.Policy, k.Compute.P99/1e3, longestTick/1e3)
		ticks := uint64(o.Seconds * o.Rate)
		verdict(k.Allocations*ticksPerAllocation <= ticks, "%s: %d allocations of the whole process in %d ticks, at most one in %d", k.Policy, k.Allocations, ticks, ticksPerAllocation)
	}
	return lines
}
