package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node"
)

func paramsCommand() *cobra.Command {
	var asJSON, markdown bool
	cmd := &cobra.Command{
		Use:   "params [NODE...]",
		Short: "Print every parameter with its description, type, range, unit and default, or check a file",
		Long: `Prints every parameter of guided_policy_search, sim_robot and trajectory_optimizer, or of
those that are named, in the form of a parameter file: a comment with description, type,
range and unit, and the default. "gps params check FILE" checks a parameter file.`,
		Example: `  gps params
  gps params guided_policy_search sim_robot > my_arm.yaml
  gps params guided_policy_search --markdown > parameters.md
  gps params --json
  gps params check my_arm.yaml`,
		ValidArgs: node.Names(),
		Args:      oneOf("node", node.Names()),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = node.Names()
			}
			var err error
			switch {
			case asJSON:
				list, err := node.DescribeParameters(args...)
				if err != nil {
					return exitStatus{statusFailed, err}
				}
				return printJSON(list)
			case markdown:
				err = node.WriteMarkdown(os.Stdout, args...)
			default:
				err = node.WriteDefaults(os.Stdout, args...)
			}
			if err != nil {
				return exitStatus{statusFailed, err}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print tables in Markdown")
	cmd.MarkFlagsMutuallyExclusive("json", "markdown")
	cmd.AddCommand(paramsCheckCommand())
	return cmd
}

func paramsCheckCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Check parameter files: all mistakes at once, with their places",
		Long: `Checks parameter files as the nodes do that read them, and prints all mistakes at once, each with file,
line and column, what was expected, and of an unknown parameter the nearest name. The exit status is 2 if
there is one.`,
		Example: `  gps params check params/planar_arm.yaml
  gps params check my_arm.yaml your_arm.yaml --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			var checks []*node.ParameterCheck
			mistakes := 0
			for _, file := range args {
				c, err := node.CheckParameters(file)
				if err != nil {
					return status(err)
				}
				checks, mistakes = append(checks, c), mistakes+len(c.Mistakes)
				if !asJSON {
					printCheck(c)
				}
			}
			if asJSON {
				if err := printJSON(checks); err != nil {
					return err
				}
			}
			if mistakes > 0 {
				return exitStatus{status: statusArguments}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array, with an object per file")
	return cmd
}

// printCheck prints a check for people.
func printCheck(c *node.ParameterCheck) {
	for _, m := range c.Mistakes {
		fmt.Println(m.Text)
	}
	for _, w := range c.Warnings {
		fmt.Println("warning:", w)
	}
	var counts []string
	for _, name := range node.Names() {
		if n := c.Counts[name]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d parameters of %s", n, name))
		}
	}
	switch n := len(c.Mistakes); {
	case n == 0:
		fmt.Printf("%s: right: %s\n", c.File, strings.Join(counts, ", "))
	case n == 1:
		fmt.Printf("%s: 1 mistake\n", c.File)
	default:
		fmt.Printf("%s: %d mistakes\n", c.File, n)
	}
	if c.Partly {
		fmt.Println("Whether values go together is checked once they are right by themselves.")
	}
}
