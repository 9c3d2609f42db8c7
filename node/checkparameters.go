package node

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/simrobot"
	"guidedpolicysearch/node/trajectory"
)

// ParameterCheck is what is right and wrong in a parameter file.
type ParameterCheck struct {
	File string `json:"file"`
	// Counts are the parameters that the file has for each node of this program.
	Counts   map[string]int     `json:"parameters"`
	Mistakes []ParameterMistake `json:"mistakes"`
	// Partly says that values were not checked against each other, since some are wrong by themselves.
	Partly   bool     `json:"partly"`
	Warnings []string `json:"warnings"`
}

// ParameterMistake is one thing wrong with a parameter file.
type ParameterMistake struct {
	// File, Line and Column are where it is, 0 where that is not known.
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// Parameter is the name, "" for what is wrong with the file itself.
	Parameter string `json:"parameter"`
	Problem   string `json:"problem"`
	// Text is all that in a line.
	Text string `json:"text"`
}

// CheckParameters checks a parameter file as the nodes do that read it, and tells all mistakes at
// once. An error is of the file system.
func CheckParameters(file string) (*ParameterCheck, error) {
	c := &ParameterCheck{File: file, Counts: map[string]int{}, Mistakes: []ParameterMistake{}, Warnings: []string{}}
	if _, err := os.Stat(file); err != nil {
		return nil, err
	}
	known, err := IsTrajectoryFile(file)
	if err != nil {
		c.add(err)
		return c, nil
	}
	args, err := rcl.Parse([]string{"--ros-args", "--params-file", file})
	if err != nil {
		c.add(err)
		return c, nil
	}
	cfg, optimizer, simulated := DefaultConfig(), trajectory.DefaultConfig(), simrobot.DefaultConfig()
	name, own := DefaultName, any(cfg)
	if known {
		name, own = TrajectoryName, &optimizer
	}
	ownSet, ownErr := c.load(args, name, own, []string{SimulatorName})
	_, simErr := c.load(args, SimulatorName, &simulated, []string{DefaultName, TrajectoryName})
	c.add(distinct(ownErr, simErr))
	if len(c.Mistakes) > 0 {
		return c, nil
	}
	switch {
	case c.Counts[name]+c.Counts[SimulatorName] == 0:
		c.add(fmt.Errorf("%s: it holds no parameters of %s: expected the name of one, with ros__parameters: below it, and the parameters below that; `gps params` lists them", file, strings.Join(Names(), ", ")))
	case name == DefaultName && c.Counts[name] > 0 && c.Counts[SimulatorName] > 0:
		c.add(suit(cfg, ownSet, &simulated, cfg.LockStep || simulated.LockStep))
	}
	return c, nil
}

// load reads the parameters of a node. Where all that is wrong with single values is that there are no
// such parameters, the others are checked against each other too.
func (c *ParameterCheck) load(args *rcl.Args, name string, cfg any, known []string) (*params.Set, error) {
	setup, err := load(args, name, cfg, known, nil)
	if setup == nil {
		return nil, err
	}
	for _, w := range setup.Warnings {
		if !slices.Contains(c.Warnings, w) {
			c.Warnings = append(c.Warnings, w)
		}
	}
	overrides, overridesErr := args.Overrides(setup.Name.FQN())
	if overridesErr != nil {
		return setup.Set, err
	}
	names := setup.Set.Names()
	var there []rcl.Override
	for _, o := range overrides {
		if slices.Contains(names, o.Name) {
			there = append(there, o)
		}
	}
	c.Counts[name] += len(there)
	var wrong params.Mistakes
	if !errors.As(err, &wrong) {
		return setup.Set, err
	}
	if slices.ContainsFunc(wrong, func(m params.Mistake) bool { return slices.Contains(names, m.Key) }) {
		c.Partly = true
		return setup.Set, err
	}
	return setup.Set, errors.Join(err, setup.Set.Apply(there))
}

// add takes over an error, one mistake for each of its parts.
func (c *ParameterCheck) add(err error) {
	var several interface{ Unwrap() []error }
	var wrong params.Mistakes
	var at *rcl.SourceError
	switch {
	case err == nil:
	case errors.As(err, &several) && err.Error() == errors.Join(several.Unwrap()...).Error():
		for _, e := range several.Unwrap() {
			c.add(e)
		}
	case errors.As(err, &wrong):
		for _, m := range wrong {
			c.mistake(ParameterMistake{File: m.Source.File, Line: m.Source.Line, Column: m.Source.Column, Parameter: m.Key, Problem: m.Problem, Text: m.Error()})
		}
	case errors.As(err, &at):
		c.mistake(ParameterMistake{File: at.Source.File, Line: at.Source.Line, Column: at.Source.Column, Problem: at.Problem, Text: err.Error()})
	default:
		m := ParameterMistake{File: c.File, Problem: err.Error(), Text: err.Error()}
		if place, ok := strings.CutPrefix(m.Text, c.File+":"); ok {
			// Its place stands in its text, if it has one; else both stay 0.
			_, _ = fmt.Sscanf(place, "%d:%d:", &m.Line, &m.Column)
		}
		c.mistake(m)
	}
}

func (c *ParameterCheck) mistake(m ParameterMistake) {
	if !slices.Contains(c.Mistakes, m) {
		c.Mistakes = append(c.Mistakes, m)
	}
}
