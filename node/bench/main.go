package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"guidedpolicysearch/node/bench/harness"
)

// options are the command line.
type options struct {
	rounds, turns, count, warm int
	soak                       int
	domain                     int
	json, root                 string
}

func (o *options) validate() error {
	err := harness.Check(
		harness.Range{Name: "rounds", Value: o.rounds, Least: 1, Most: 10_000},
		harness.Range{Name: "turns", Value: o.turns, Least: 1, Most: 1000},
		harness.Range{Name: "count", Value: o.count, Least: 1, Most: 50_000},
		harness.Range{Name: "warm", Value: o.warm, Least: 0, Most: 50_000},
		harness.Range{Name: "soak", Value: o.soak, Least: 0, Most: 1_000_000_000},
		harness.Range{Name: "domain", Value: o.domain, Least: 0, Most: 200},
	)
	if err != nil {
		return err
	}
	if steps := o.turns * (o.count + o.warm); steps > maxTrial {
		return fmt.Errorf("a round of -turns times -count and -warm has %d round trips, expected at most %d: it lies within one trial", steps, maxTrial)
	}
	return nil
}

// maxTrial is the longest trial that the benchmark asks the node for.
const maxTrial = 50_000

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 10, "rounds; ratios are of one round, and the median of all counts")
	flag.IntVar(&o.turns, "turns", 10, "turns of every subject per round")
	flag.IntVar(&o.count, "count", 1000, "round trips timed per turn")
	flag.IntVar(&o.warm, "warm", 100, "round trips before these")
	flag.IntVar(&o.soak, "soak", 0, "instead of timing, count the node's memory over this many round trips")
	flag.IntVar(&o.domain, "domain", 120, "the first of the five DDS domains used")
	flag.StringVar(&o.json, "json", "", "file for the table as JSON; none if empty")
	flag.StringVar(&o.root, "root", ".", "the repository")
	flag.Parse()
	harness.Main("bench", func(ctx context.Context) error {
		if err := o.validate(); err != nil {
			return err
		}
		return run(ctx, o, os.Stdout, os.Stderr)
	})
}

// run builds the programs in a folder of their own and measures. progress is told what
// happens.
func run(ctx context.Context, o options, out, progress io.Writer) error {
	folder, err := harness.NewBuild(o.root)
	if err != nil {
		return err
	}
	defer folder.Remove()
	b := build{folder}
	fmt.Fprintln(progress, "building")
	if err := b.programs(ctx); err != nil {
		return err
	}
	if o.soak > 0 {
		s, err := soak(ctx, o, &b, progress)
		if err != nil {
			return err
		}
		return s.write(out)
	}
	names, left := []string{waitset, listener, own}, []string(nil)
	for _, other := range []struct {
		name  string
		build func(context.Context) error
	}{{rclgo, b.rclgo}, {rclcpp, b.rclcpp}} {
		err := errNoROS
		if os.Getenv("AMENT_PREFIX_PATH") != "" {
			err = other.build(ctx)
		}
		if err != nil {
			left = append(left, fmt.Sprintf("%s: %v", titles[other.name], err))
			continue
		}
		names = append(names, other.name)
	}
	r, err := measure(ctx, o, &b, names, progress)
	if err != nil {
		return err
	}
	r.Left = left
	if err := r.write(out); err != nil {
		return err
	}
	return harness.Save(o.json, r)
}
