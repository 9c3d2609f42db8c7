package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"guidedpolicysearch/node/bench/harness"
)

// options are the command line.
type options struct {
	seconds, rate, priority, domain int
	json, root                      string
}

func (o *options) validate() error {
	return harness.Check(
		harness.Range{Name: "seconds", Value: o.seconds, Least: 1, Most: 86_400},
		harness.Range{Name: "rate", Value: o.rate, Least: 10, Most: 10_000},
		harness.Range{Name: "priority", Value: o.priority, Least: 0, Most: 99},
		harness.Range{Name: "domain", Value: o.domain, Least: 0, Most: 232},
	)
}

func (o *options) period() time.Duration { return time.Second / time.Duration(o.rate) }

func main() {
	var o options
	flag.IntVar(&o.seconds, "seconds", 60, "for how long each loop is measured")
	flag.IntVar(&o.rate, "rate", 1000, "ticks per second")
	flag.IntVar(&o.priority, "priority", 80, "real-time priority of both loops; 0 for none")
	flag.IntVar(&o.domain, "domain", 126, "the DDS domain used")
	flag.StringVar(&o.json, "json", "", "file for the table as JSON; none if empty")
	flag.StringVar(&o.root, "root", ".", "the repository")
	process := flag.String("process", "", "only be one of the processes: robot or control")
	flag.Parse()
	harness.Main("loop", func(ctx context.Context) error {
		if err := o.validate(); err != nil {
			return err
		}
		if runtime.GOOS != "linux" {
			return fmt.Errorf("real-time priorities are available on Linux only, this is %s", runtime.GOOS)
		}
		switch *process {
		case "":
			return run(ctx, o, os.Stdout, os.Stderr)
		case "robot":
			return runRobot(o, os.Stdin, os.Stderr)
		case "control":
			return runControl(o, os.Stdin, os.Stdout, os.Stderr)
		default:
			return fmt.Errorf("-process is %q, expected robot or control", *process)
		}
	})
}

// Names of the programs that are built.
const (
	ticker = "ticker"
	bench  = "bench"
)

// run builds the other programs in a folder of their own and measures. progress is told what
// happens.
func run(ctx context.Context, o options, out, progress io.Writer) error {
	b, err := harness.NewBuild(o.root)
	if err != nil {
		return err
	}
	defer b.Remove()
	fmt.Fprintln(progress, "building")
	if err := b.C(ctx, ticker, filepath.Join("node", "bench", "peers", "ticker.c")); err != nil {
		return err
	}
	if err := b.Go(ctx, bench, "./gps/bench"); err != nil {
		return err
	}
	r, err := measure(ctx, o, b, progress)
	if err != nil {
		return err
	}
	if err := r.write(out); err != nil {
		return err
	}
	return harness.Save(o.json, r)
}
