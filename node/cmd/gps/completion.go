package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/record"
)

// addCompletion lets a shell complete arguments, by what the command's usage calls them, and the
// parameters of --set.
func addCompletion(root *cobra.Command) error {
	for _, c := range root.Commands() {
		if err := addCompletion(c); err != nil {
			return err
		}
		if c.Flags().Lookup("set") != nil {
			if err := c.RegisterFlagCompletionFunc("set", completeAssignment); err != nil {
				return err
			}
		}
		if c.Flags().Lookup("resume") != nil {
			if err := c.RegisterFlagCompletionFunc("resume", completeRun); err != nil {
				return err
			}
		}
		if c.Flags().Lookup("params") != nil {
			if err := c.RegisterFlagCompletionFunc("params", cobra.FixedCompletions([]string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt)); err != nil {
				return err
			}
		}
		if c.ValidArgsFunction != nil || c.ValidArgs != nil || c.DisableFlagParsing {
			continue
		}
		_, argument, _ := strings.Cut(c.Use, " ")
		switch first, _, _ := strings.Cut(strings.Trim(argument, "[]."), " "); {
		case strings.HasPrefix(first, "RUN"):
			c.ValidArgsFunction = completeRun
		case strings.HasPrefix(first, "PARAMS_FILE"), strings.HasPrefix(first, "FILE"):
			c.ValidArgsFunction = cobra.FixedCompletions([]string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt)
		}
	}
	return nil
}

// checkShells has an unknown shell refused, which cobra answers with the help.
func checkShells(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		var shells []string
		for _, shell := range c.Commands() {
			shells = append(shells, shell.Name())
		}
		c.Args = oneOf("shell", shells)
		c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
}

// completeAssignment completes NAME=VALUE: the name, and after it what a parameter allows.
func completeAssignment(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	list, err := node.DescribeParameters(node.Names()...)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	name, _, hasValue := strings.Cut(typed, "=")
	var found []string
	for _, p := range list {
		choices := p.Choices
		if p.Type == "bool" {
			choices = []string{"true", "false"}
		}
		switch {
		case !hasValue && strings.HasPrefix(p.Name, typed):
			found = append(found, p.Name+"=\t"+p.Description)
		case hasValue && p.Name == name:
			for _, choice := range choices {
				found = append(found, name+"="+choice)
			}
		}
	}
	slices.Sort(found)
	found = slices.Compact(found) // parameters that several nodes have
	if hasValue {
		return found, cobra.ShellCompDirectiveNoFileComp
	}
	return found, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// maxRuns bounds how many run folders are offered, the latest.
const maxRuns = 50

// completeRun offers the run folders in the folder runs, besides files.
func completeRun(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	dir := node.DefaultConfig().RunsFolder
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var found []string
	for i := len(entries) - 1; i >= 0 && len(found) < maxRuns; i-- {
		path := filepath.Join(dir, entries[i].Name())
		if _, err := record.View(path); err == nil && strings.HasPrefix(path, typed) {
			found = append(found, path)
		}
	}
	return found, cobra.ShellCompDirectiveDefault
}
