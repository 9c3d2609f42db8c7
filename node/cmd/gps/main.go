// Command gps trains and shows guided policy search runs; `gps help` lists what it can do, and
// `gps help exit-status` says what its exit status means.
package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node/logging"
)

// exitStatus is an error that carries the process's exit status.
type exitStatus struct {
	status int
	err    error // may be nil
}

func (e exitStatus) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e exitStatus) Unwrap() error { return e.err }

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	root, err := rootCommand()
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		return 0
	}
	code := statusArguments // cobra's own errors are about them
	var e exitStatus
	if errors.As(err, &e) {
		code = e.status
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "gps: interrupted")
		return 130
	}
	if err.Error() != "" {
		logging.WriteError(os.Stderr, "gps", err)
	}
	return code
}

// rootCommand returns the command with all others.
func rootCommand() (*cobra.Command, error) {
	root := &cobra.Command{
		Use:   "gps",
		Short: "Guided policy search for torque-controlled arms",
		Long: `Guided policy search for torque-controlled arms: learn, look at what was learned, and run it.

Completion: "gps completion bash|zsh|fish --help" says how a shell completes commands, files, run
folders and the names of parameters.`,
		Example: `  gps train params/planar_arm.yaml
  gps report runs/2026-01-31_12-00-00
  gps help exit-status`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(trainCommand(), demoCommand(), tableCommand(), evaluateCommand(), exportCommand(), importCommand(), inspectCommand(), replayCommand(), reportCommand(), efficiencyCommand(), paramsCommand(), paramCommand(), controlCommand(), watchCommand(), exitStatusTopic())
	for _, c := range root.Commands() {
		sayUsage(c)
	}
	checkShells(root)
	return root, addCompletion(root)
}

// sayUsage has the errors of a command's arguments, which cobra only counts, end with its usage.
func sayUsage(c *cobra.Command) {
	check := c.Args
	if check == nil {
		return
	}
	c.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return fmt.Errorf("%w (%q)\nusage: %s", err, args, cmd.UseLine())
		}
		return nil
	}
}

// oneOf refuses arguments that are none of those of a kind, and names those.
func oneOf(kind string, valid []string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		for _, a := range args {
			if !slices.Contains(valid, a) {
				return fmt.Errorf("%s %q, expected one of %s", kind, a, strings.Join(valid, ", "))
			}
		}
		return nil
	}
}

// assignments adds the flags that were given to the parameters that were set.
// flags maps a flag to its parameter.
func assignments(cmd *cobra.Command, set []string, flags map[string]string) []string {
	list := append([]string(nil), set...)
	for _, flag := range slices.Sorted(maps.Keys(flags)) {
		if cmd.Flags().Changed(flag) {
			list = append(list, flags[flag]+"="+cmd.Flag(flag).Value.String())
		}
	}
	return list
}
