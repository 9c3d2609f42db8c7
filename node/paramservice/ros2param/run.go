package ros2param

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"guidedpolicysearch/node/paramservice"
	"guidedpolicysearch/node/transport"
)

// Node is what the commands need of a transport.
type Node interface {
	transport.Services
	transport.GraphReader
	Close() error
}

// Environment is what the commands run in.
type Environment struct {
	Open           func() (Node, error) // called once the arguments are understood
	Stdout, Stderr io.Writer
	Program        string // in messages: "gps param"
}

// Waits, in a graph that is found anew by each command.
const (
	spinTime   = 2 * time.Second  // for the node that is named; or to find all of them
	answerTime = 10 * time.Second // for the service, and for its answer
)

// Exit statuses of ros2.
const (
	done        = 0
	failed      = 1
	badArgument = 2
)

// command is one of the commands.
type command struct {
	options     []option
	positionals []positional
	run         func(ctx context.Context, r *runner) error
}

var nodeName = positional{name: "node_name"}

func commands() map[string]command {
	return map[string]command{
		"list": {[]option{asJSON,
			{[]string{"--filter"}, 1, readFilter},
			{[]string{"--param-prefixes"}, many, func(a *arguments, v []string) error { a.prefixes = v; return nil }},
			{[]string{"--param-type"}, 0, set(func(a *arguments) *bool { return &a.paramType })},
		}, []positional{{name: "node_name", optional: true}}, list},
		"get": {[]option{asJSON, {[]string{"--hide-type"}, 0, set(func(a *arguments) *bool { return &a.hideType })}},
			[]positional{nodeName, {name: "parameter_name"}}, get},
		"set":      {nil, []positional{nodeName, {name: "parameter_name"}, {name: "value"}}, setOne},
		"delete":   {nil, []positional{nodeName, {name: "parameter_name"}}, deleteOne},
		"describe": {[]option{asJSON}, []positional{nodeName, {name: "parameter_names", many: true}}, describe},
		"dump": {[]option{asJSON,
			{[]string{"--output-dir"}, 1, func(a *arguments, v []string) error { a.outputDir = v[0]; return nil }},
			{[]string{"--print"}, 0, set(func(a *arguments) *bool { return &a.deprecated })},
		}, []positional{nodeName}, dump},
		"load": {[]option{{[]string{"--no-use-wildcard"}, 0, set(func(a *arguments) *bool { return &a.noWildcard })}},
			[]positional{nodeName, {name: "parameter_file"}}, load},
	}
}

// ErrHelp is returned by Run where -h or --help was given.
var ErrHelp = errors.New("help was asked for")

// runner is one run of a command.
type runner struct {
	*arguments
	env  Environment
	node Node
}

func (r *runner) print(format string, args ...any) { fmt.Fprintf(r.env.Stdout, format, args...) }
func (r *runner) warn(format string, args ...any)  { fmt.Fprintf(r.env.Stderr, format, args...) }

// Run runs a command (list, get, set, describe, dump, load, delete) with the arguments after
// it and gives the exit status that `ros2 param` has; messages are written. The error is
// ErrHelp, or ctx's.
func Run(ctx context.Context, env Environment, name string, args []string) (status int, err error) {
	c, ok := commands()[name]
	if !ok {
		fmt.Fprintf(env.Stderr, "%s: error: invalid command %q, expected one of list, get, set, describe, dump, load, delete\n", env.Program, name)
		return badArgument, nil
	}
	a, err := parse(args, append(slices.Clone(common), c.options...), c.positionals)
	if err != nil {
		fmt.Fprintf(env.Stderr, "%s %s: error: %v\n", env.Program, name, err)
		return badArgument, nil
	}
	if a.help {
		return done, ErrHelp
	}
	r := &runner{arguments: a, env: env}
	if err := r.run(ctx, c); err != nil {
		if ctx.Err() != nil {
			return failed, ctx.Err()
		}
		r.warn("%v\n", err)
		return failed, nil
	}
	return done, nil
}

func (r *runner) run(ctx context.Context, c command) (err error) {
	if r.escapedDashes {
		return errors.New("an argument is --, which ros2 param cannot take for a value either")
	}
	if r.node, err = r.env.Open(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.node.Close()) }()
	return c.run(ctx, r)
}

var errNodeNotFound = errors.New("Node not found")

// fqn makes the name of a node absolute.
func fqn(name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return "/" + name
}

// graph waits until the graph satisfies enough, or for the spin time.
func (r *runner) graph(ctx context.Context, enough func(*transport.Graph) bool) (transport.Graph, error) {
	wait := r.spin
	if wait == 0 {
		wait = spinTime
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	changed := make(chan struct{}, 1)
	stop := r.node.OnGraphChange(func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer stop()
	for {
		g, err := r.node.Graph()
		if err != nil || enough(&g) {
			return g, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return r.node.Graph()
		}
	}
}

// find awaits the node that is named first, and gives a client for it.
func (r *runner) find(ctx context.Context) (string, *paramservice.Client, error) {
	name := r.positionals[0]
	if name == "" {
		return "", nil, errNodeNotFound
	}
	name = fqn(name)
	if base := name[strings.LastIndexByte(name, '/')+1:]; strings.HasPrefix(base, "_") && !r.hidden {
		return "", nil, errNodeNotFound
	}
	there := func(g *transport.Graph) bool {
		return slices.ContainsFunc(g.Nodes, func(n transport.GraphNode) bool { return n.FQN() == name })
	}
	g, err := r.graph(ctx, there)
	if err == nil && !there(&g) {
		err = errNodeNotFound
	}
	return name, paramservice.NewClient(r.node, name), err
}

// answered bounds the wait for one service.
func answered(ctx context.Context, call func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	err := call(ctx)
	if errors.Is(err, transport.ErrNoServer) {
		return fmt.Errorf("Wait for service timed out: %w", err)
	}
	return err
}
