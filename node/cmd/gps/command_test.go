package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node/dataset"
	"guidedpolicysearch/node/inspection"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/record"
)

func rootOf(t *testing.T) *cobra.Command {
	t.Helper()
	root, err := rootCommand()
	if err != nil {
		t.Fatal(err)
	}
	root.SetErr(new(bytes.Buffer))
	return root
}

// Every command shows examples, which begin as one calls it and whose flags there are, and has --json.
func TestCommands(t *testing.T) {
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			check(sub)
		}
		if !c.Runnable() || slices.Contains([]string{"help", "completion", "gps"}, c.Name()) || c.HasParent() && c.Parent().Name() == "completion" {
			return
		}
		if c.Short == "" || c.Example == "" {
			t.Errorf("%s has no short description or no examples", c.CommandPath())
		}
		for line := range strings.SplitSeq(c.Example, "\n") {
			if !strings.HasPrefix(line, "  "+c.CommandPath()) && !(c.HasSubCommands() && strings.HasPrefix(line, "  gps "+c.Name()+" ")) {
				t.Errorf("%s: the example %q does not begin with its name", c.CommandPath(), line)
			}
			for _, word := range strings.Fields(line) {
				name, isFlag := strings.CutPrefix(word, "--")
				if name, _, _ = strings.Cut(name, "="); isFlag && !c.DisableFlagParsing && !c.HasSubCommands() && c.Flags().Lookup(name) == nil {
					t.Errorf("%s: the example %q has a flag that there is not", c.CommandPath(), line)
				}
			}
		}
		if !c.DisableFlagParsing && c.Name() != "param" && c.Flags().Lookup("json") == nil {
			t.Errorf("%s has no --json", c.CommandPath())
		}
	}
	check(rootOf(t))
}

// complete returns what a shell is offered.
func complete(t *testing.T, args ...string) []string {
	t.Helper()
	root := rootOf(t)
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetArgs(append([]string{cobra.ShellCompRequestCmd}, args...))
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.SplitSeq(strings.TrimSpace(out.String()), "\n") {
		word, _, _ := strings.Cut(line, "\t")
		list = append(list, word)
	}
	return list[:len(list)-1] // the last line is a directive
}

func TestCompletion(t *testing.T) {
	t.Chdir(t.TempDir())
	run := filepath.Join("runs", "2026-01-31_12-00-00")
	for _, dir := range []string{filepath.Join(run, record.RolloutsDir), filepath.Join("runs", "none")} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"train", "--set", "algorithm.kl"}, []string{"algorithm.kl_step="}},
		{[]string{"table", "--set", "algorithm.update="}, []string{"algorithm.update=lqr", "algorithm.update=pi2", "algorithm.update=pilqr"}},
		{[]string{"replay", "x", "--set", "algorithm.prior.use="}, []string{"algorithm.prior.use=false", "algorithm.prior.use=true"}},
		{[]string{"replay", "x", "--set", "seed="}, nil},
		{[]string{"replay", ""}, []string{run}},
		{[]string{"export", "runs/2"}, []string{run}},
		{[]string{"export", run, ""}, nil},
		{[]string{"train", ""}, []string{"yaml", "yml"}},
		{[]string{"params", "check", ""}, []string{"yaml", "yml"}},
		{[]string{"params", "sim"}, []string{"sim_robot"}},
		{[]string{"control", "st"}, []string{"start", "state", "stop"}},
	} {
		got := complete(t, c.args...)
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%q is completed by %q, want %q", c.args, got, c.want)
		}
	}
}

func TestExitStatusTopic(t *testing.T) {
	root := rootOf(t)
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetArgs([]string{"help", "exit-status"})
	if err := root.Execute(); err != nil || !strings.Contains(out.String(), "130  interrupted") {
		t.Errorf("%v: %s", err, out.String())
	}
}

func TestStatus(t *testing.T) {
	for want, list := range map[int][]error{
		statusDamaged:   {record.ErrDamaged, record.ErrNotRun, inspection.ErrForeign, dataset.ErrMixed},
		statusArguments: {params.ErrInvalid, fs.ErrNotExist, dataset.ErrFormat, dataset.ErrExists, record.ErrNotEmpty},
		statusFailed:    {errors.New("something else"), fs.ErrPermission},
	} {
		for _, err := range list {
			var e exitStatus
			if got := status(fmt.Errorf("where: %w", err)); !errors.As(got, &e) || e.status != want || !errors.Is(got, err) {
				t.Errorf("%v: status %d, want %d", err, e.status, want)
			}
		}
	}
}

// runArguments runs a command that prints nothing of interest, and returns its exit status.
func runArguments(t *testing.T, args ...string) int {
	t.Helper()
	root := rootOf(t)
	root.SetOut(new(bytes.Buffer))
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	var e exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.status
	}
	return statusArguments
}

func TestStatusOfCommands(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"text.txt": "hello", "cut.gps": "GPSPOLICY 1 100 00\n", "wrong.yaml": "/**/guided_policy_search:\n  ros__parameters:\n    sed: 3\n"} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args string
		want int
	}{
		{"inspect text.txt", statusDamaged}, {"inspect cut.gps", statusDamaged}, {"inspect none", statusArguments}, {"inspect", statusArguments}, {"inspect wrong.yaml --json", 0},
		{"replay none", statusArguments}, {"replay .", statusDamaged}, {"replay . --all --iteration 2", statusArguments}, {"replay . --iteration 0", statusArguments},
		{"export none x.csv", statusArguments}, {"export . x.csv", statusDamaged}, {"export . x.onnx --iteration 2", statusArguments}, {"export cut.gps x.onnx", statusDamaged}, {"export .", statusArguments},
		{"params check wrong.yaml", statusArguments}, {"params check none", statusArguments}, {"params nobody", statusArguments}, {"params --json --markdown", statusArguments},
		{"nonsense", statusArguments}, {"inspect --nonsense", statusArguments},
		{"completion tcsh", statusArguments}, {"completion", 0}, {"completion bash nonsense", statusArguments},
		{"inspect text.txt none", statusArguments}, {"inspect wrong.yaml text.txt", statusDamaged},
	} {
		if got := runArguments(t, strings.Fields(c.args)...); got != c.want {
			t.Errorf("gps %s: status %d, want %d", c.args, got, c.want)
		}
	}
}

// Arguments that a command does not take are named, beside those that it takes.
func TestWrongArguments(t *testing.T) {
	for _, c := range rootOf(t).Commands() {
		if c.Args == nil || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		err := c.Args(c, []string{"one", "two", "three"})
		if err == nil {
			err = c.Args(c, nil)
		}
		if err == nil || !strings.Contains(err.Error(), c.UseLine()) {
			t.Errorf("%s: error %v, expected one with its usage %q", c.CommandPath(), err, c.UseLine())
		}
	}
}
