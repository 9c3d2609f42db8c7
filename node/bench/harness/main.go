package harness

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Main is the body of a benchmark's main once its flags are parsed: it runs the benchmark until
// that ends or is interrupted, tells the error under the benchmark's name, and exits with 1 then.
func Main(name string, run func(context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if flag.NArg() > 0 {
		err = fmt.Errorf("unknown argument %q", flag.Arg(0))
	} else {
		err = run(ctx)
	}
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// Range is what a flag may be.
type Range struct {
	Name        string
	Value       int
	Least, Most int
}

// Check returns an error that names the first flag out of its range.
func Check(flags ...Range) error {
	for _, f := range flags {
		if f.Value < f.Least || f.Value > f.Most {
			return fmt.Errorf("-%s is %d, expected %d to %d", f.Name, f.Value, f.Least, f.Most)
		}
	}
	return nil
}

// Save writes what was measured to a file as JSON; to none if the path is empty.
func Save(path string, outcome any) error {
	if path == "" {
		return nil
	}
	data, err := json.MarshalIndent(outcome, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
