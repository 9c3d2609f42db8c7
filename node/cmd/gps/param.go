package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node/paramservice/ros2param"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/middleware"
)

func paramCommand() *cobra.Command {
	param := &cobra.Command{
		Use:   "param",
		Short: "Show and change the parameters of a running ROS 2 node",
		Long: `Shows and changes the parameters of any running ROS 2 node: what "ros2 param" does, with the
same arguments, output and exit statuses, where no ROS is installed. Nodes are looked for as
ROS_DOMAIN_ID, ROS_LOCALHOST_ONLY and the other variables of ROS 2 say.

Values are read as ros2 param reads them (YAML 1.1): true and on are bools, 2 is an integer, 2.0
a double, '2' in quotes inside quotes ("'2'") a text, [1.0, 2.0] a list. What begins with a
dash and is no number comes after "--".`,
		Example: `  gps param list /guided_policy_search
  gps param describe /guided_policy_search algorithm.kl_step
  gps param set /guided_policy_search algorithm.kl_step 2.0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	const asJSON = `
      --json                   print JSON`
	for _, c := range []struct{ use, short, example, flags string }{
		{"list [NODE]", "List the names of parameters, of all nodes or of one",
			`  gps param list
  gps param list /guided_policy_search --filter 'algorithm\.' --param-type`, `
      --filter REGEX           only names that match from their beginning
      --param-prefixes P...    only parameters beneath these prefixes
      --param-type             print types too` + asJSON},
		{"get NODE NAME", "Print the value of a parameter", "  gps param get /guided_policy_search algorithm.kl_step", `
      --hide-type              print the value only` + asJSON},
		{"set NODE NAME VALUE", "Set a parameter", `  gps param set /guided_policy_search algorithm.kl_step 2.0
  gps param set /guided_policy_search robot.joints "[shoulder, elbow]"`, ""},
		{"describe NODE NAME...", "Print type, description and constraints of parameters",
			"  gps param describe /guided_policy_search algorithm.kl_step algorithm.iterations", asJSON},
		{"dump NODE", "Print all parameters of a node as a parameter file",
			"  gps param dump /guided_policy_search > my_arm.yaml", `
      --output-dir DIR         write a file there instead` + asJSON},
		{"load NODE FILE", "Set parameters from a file", "  gps param load /guided_policy_search my_arm.yaml", `
      --no-use-wildcard        leave out what the file gives under /**`},
		{"delete NODE NAME", "Delete a parameter that was not declared with a fixed type", "  gps param delete /talker speed", ""},
	} {
		command := &cobra.Command{Use: c.use, Short: c.short, Example: c.example, DisableFlagParsing: true, RunE: runParam}
		command.SetUsageTemplate("Usage:\n  gps param " + c.use + " [flags]\n\nExamples:\n" + c.example + `

Flags:
      --spin-time SECONDS      how long to look for nodes (default 2)
      --include-hidden-nodes   find nodes too whose name begins with _
      --no-daemon, -s          taken for the sake of ros2 param, without effect` + c.flags + "\n  -h, --help\n")
		param.AddCommand(command)
	}
	return param
}

func runParam(cmd *cobra.Command, args []string) error {
	status, err := ros2param.Run(cmd.Context(), ros2param.Environment{Open: openParamNode,
		Stdout: os.Stdout, Stderr: os.Stderr, Program: "gps param"}, cmd.Name(), args)
	switch {
	case errors.Is(err, ros2param.ErrHelp):
		return cmd.Help()
	case err != nil:
		return err
	case status != 0:
		return exitStatus{status: status}
	}
	return nil
}

// openParamNode opens a node that others do not list, as those of ros2 are called.
func openParamNode() (ros2param.Node, error) {
	opt, err := transport.Options{Name: fmt.Sprintf("_gps_param_%d", os.Getpid())}.FromEnvironment(os.Getenv)
	if err != nil {
		return nil, err
	}
	opt.Warn = func(err error) { fmt.Fprintln(os.Stderr, "gps param:", err) }
	n, err := middleware.Open(opt)
	if err != nil {
		return nil, err
	}
	with, ok := n.(ros2param.Node)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the middleware %s has no services", middleware.Name), n.Close())
	}
	return with, nil
}
