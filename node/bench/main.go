package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// options are the command line.
type options struct {
	rounds, turns, count, warm int
	soak                       int
	domain                     int
	json, root                 string
}

func (o *options) validate() error {
	for _, v := range []struct {
		name        string
		value       int
		least, most int
	}{
		{"rounds", o.rounds, 1, 10_000},
		{"turns", o.turns, 1, 1000},
		{"count", o.count, 1, 50_000},
		{"warm", o.warm, 0, 50_000},
		{"soak", o.soak, 0, 1_000_000_000},
		{"domain", o.domain, 0, 200},
	} {
		if v.value < v.least || v.value > v.most {
			return fmt.Errorf("-%s is %d, expected %d to %d", v.name, v.value, v.least, v.most)
		}
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := o.validate()
	if flag.NArg() > 0 {
		err = fmt.Errorf("unknown argument %q", flag.Arg(0))
	}
	if err == nil {
		err = run(ctx, o, os.Stdout, os.Stderr)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run builds the programs in a folder of their own and measures. progress is told what
// happens.
func run(ctx context.Context, o options, out, progress io.Writer) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.root, err = filepath.Abs(o.root); err != nil {
		return err
	}
	b := build{root: o.root, dir: dir}
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
	if o.json == "" {
		return nil
	}
	return r.save(o.json)
}
