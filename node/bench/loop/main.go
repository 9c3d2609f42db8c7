package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	seconds, rate, priority, domain int
	json, root                      string
}

func (o *options) validate() error {
	for _, v := range []struct {
		name        string
		value       int
		least, most int
	}{
		{"seconds", o.seconds, 1, 86_400},
		{"rate", o.rate, 10, 10_000},
		{"priority", o.priority, 0, 99},
		{"domain", o.domain, 0, 232},
	} {
		if v.value < v.least || v.value > v.most {
			return fmt.Errorf("-%s is %d, expected %d to %d", v.name, v.value, v.least, v.most)
		}
	}
	return nil
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := o.validate()
	switch {
	case flag.NArg() > 0:
		err = fmt.Errorf("unknown argument %q", flag.Arg(0))
	case err != nil:
	case runtime.GOOS != "linux":
		err = fmt.Errorf("real-time priorities are available on Linux only, this is %s", runtime.GOOS)
	case *process == "robot":
		err = runRobot(o, os.Stdin, os.Stderr)
	case *process == "control":
		err = runControl(o, os.Stdin, os.Stdout, os.Stderr)
	case *process != "":
		err = fmt.Errorf("-process is %q, expected robot or control", *process)
	default:
		err = run(ctx, o, os.Stdout, os.Stderr)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "loop:", err)
		os.Exit(1)
	}
}

// run builds the other programs in a folder of their own and measures. progress is told what
// happens.
func run(ctx context.Context, o options, out, progress io.Writer) error {
	dir, err := os.MkdirTemp("", "loop")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.root, err = filepath.Abs(o.root); err != nil {
		return err
	}
	fmt.Fprintln(progress, "building")
	if err := build(ctx, o.root, dir); err != nil {
		return err
	}
	r, err := measure(ctx, o, dir, progress)
	if err != nil {
		return err
	}
	if err := r.write(out); err != nil {
		return err
	}
	if o.json == "" {
		return nil
	}
	return r.save(o.json)
}
