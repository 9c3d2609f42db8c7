// Package rosnode makes a transport a ROS 2 node as rclcpp has one: names and remappings,
// log and /rosout, time, parameters and their services, diagnostics, type descriptions. What
// each of these is stands in its own package; here they are put together, once for every
// node of the module and over any transport.
package rosnode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/diagnostic_msgs"
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/msgs/rosgraph_msgs"
	"guidedpolicysearch/node/diagnostics"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/paramservice"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/rostime"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/typedescription"
)

// Config says what the node is. All but Getenv is required.
type Config struct {
	Args *rcl.Args
	Name rcl.NodeName
	// Set holds the parameters, with values; it belongs to the node until that is closed.
	// use_sim_time, and start_type_description_service where type descriptions are offered,
	// are among them.
	Set *params.Set
	// Open opens the transport, such as middleware.Open.
	Open func(transport.Options) (transport.Node, error)
	// Getenv reads the environment; default os.Getenv.
	Getenv func(string) string
	// Quiet leaves the console to the program: no log lines go there.
	Quiet bool
}

// Node is a ROS 2 node.
type Node struct {
	transport.Node
	Name        rcl.NodeName
	Log         *logging.Logger
	Clock       *rostime.Clock
	Parameters  *paramservice.Server
	Diagnostics *diagnostics.Updater

	args    *rcl.Args
	failed  logging.Once
	hostile logging.Throttle // of requests that cannot be answered
	graph   snapshot
	types   *typedescription.Server // nil where none is offered
	set     *params.Set
	opened  func(name string) (transport.Node, error)
	changed func([]paramservice.Change)
	stop    context.CancelFunc // of the diagnostics
	running sync.WaitGroup
}

// useSimTime is the parameter of that name, which every node has.
const useSimTime = "use_sim_time"

// Open opens a node. Errors are those of the environment, the names and the middleware; they
// are not logged.
func Open(c Config) (*Node, error) {
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	n := &Node{Name: c.Name, args: c.Args, set: c.Set, hostile: logging.Throttle{Period: time.Second}}
	var err error
	if n.Log, err = newLog(c); err != nil {
		return nil, err
	}
	if err := n.open(c); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func newLog(c Config) (*logging.Logger, error) {
	args := *c.Args
	args.DisableStdoutLogs = args.DisableStdoutLogs || c.Quiet
	return logging.New(logging.Config{Name: c.Name.Logger(), Args: &args, Getenv: c.Getenv})
}

func (n *Node) open(c Config) error {
	options := transport.Options{Name: n.Name.Name, Namespace: n.Name.Namespace, Warn: func(err error) { n.Log.Warn("%v", err) }}
	if c.Args.Enclave != nil {
		options.Enclave = *c.Args.Enclave
	}
	options, err := options.FromEnvironment(c.Getenv)
	if err != nil {
		return err
	}
	if n.Node, err = c.Open(options); err != nil {
		return err
	}
	n.opened = func(name string) (transport.Node, error) {
		o := options
		o.Name = name
		return c.Open(o)
	}
	distro := options.WithDefaults().Distro
	if n.Log.Rosout() {
		p, err := n.publisher(logging.RosoutTopic, new(rcl_interfaces.Log), logging.RosoutQoS())
		if err != nil {
			return err
		}
		n.Log.Publish(p)
	}
	clock, err := n.ResolveTopic(rostime.Topic)
	if err != nil {
		return err
	}
	n.Clock = rostime.New(rostime.Config{Node: n, Topic: clock, Type: rostype.Of(new(rosgraph_msgs.Clock)), OnJump: n.jumped})
	if err := n.Clock.UseSimTime(c.Set.Value(useSimTime).Bool); err != nil {
		return err
	}
	if typedescription.Offered(distro) && c.Set.Value(typedescription.Parameter).Bool {
		if err := n.describeTypes(); err != nil {
			return err
		}
	}
	n.graph.unwatch = n.OnGraphChange(n.graph.outdate)
	n.Diagnostics = diagnostics.New(diagnostics.Config{Node: strings.TrimPrefix(n.Name.FQN(), "/"), Now: n.Clock.Now,
		Open: func() (transport.Publisher, error) {
			return n.publisher(diagnostics.Topic, new(diagnostic_msgs.DiagnosticArray), diagnostics.QoS())
		},
		OnError: func(err error) { n.failed.Log(n.Log, logging.Warn, err.Error(), "%v", err) }})
	return nil
}

// Start offers the parameter services, and publishes diagnostics, whose tasks have been added.
// allow is asked before a parameter is set at run time, and changed is told afterwards, as
// paramservice.DeclaredConfig has it; nil refuses what is taken over at the start, and tells
// nobody.
func (n *Node) Start(allow func(name string, takes params.Takes) error, changed func([]paramservice.Change)) error {
	if allow == nil {
		allow = running
	}
	n.changed = changed
	var err error
	n.Parameters, err = paramservice.New(n, paramservice.DeclaredConfig{
		Config: paramservice.Config{Node: n.Name, ResolveService: n.Resolve, ResolveTopic: n.ResolveTopic, Now: n.Clock.Now, Log: func(err error) { n.hostile.Log(n.Log, logging.Warn, "%v", err) }},
		Set:    n.set, Allow: allow, Changed: n.parametersChanged})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	n.running.Add(1)
	go func() {
		defer n.running.Done()
		n.Diagnostics.Run(ctx)
	}()
	return nil
}

// running refuses what a program that runs has taken over already.
func running(name string, takes params.Takes) error {
	if takes == params.AtStart {
		return fmt.Errorf("%s is taken over when the program starts: restart it with the new value", name)
	}
	return nil
}

func (n *Node) publisher(topic string, m msgs.Type, q transport.QoS) (transport.Publisher, error) {
	name, err := n.ResolveTopic(topic)
	if err != nil {
		return nil, err
	}
	return n.Publisher(name, rostype.Of(m), q, nil)
}

func (n *Node) describeTypes() error {
	catalog, err := typedescription.NewCatalog()
	if err != nil {
		return err
	}
	name, err := n.Resolve(typedescription.Name)
	if err != nil {
		return err
	}
	n.types, err = typedescription.New(n, name, catalog)
	return err
}

// Malformed counts what came for the node itself and could not be decoded: requests for
// parameters and type descriptions, and times on /clock. It is for a node that was started.
func (n *Node) Malformed() uint64 {
	count := n.Parameters.Malformed() + n.Clock.Stats().Rejected
	if n.types != nil {
		count += n.types.Malformed()
	}
	return count
}

// jumped logs what simulated time did.
func (n *Node) jumped(j rostime.Jump) {
	if j.Change == rostime.NoChange && j.To < j.From {
		n.Log.Warn("the time on /clock went back by %.9f s", float64(j.From-j.To)*1e-9)
	}
}

func (n *Node) parametersChanged(changes []paramservice.Change) {
	for _, c := range changes {
		n.Log.Info("parameter %s is set to %v (it was %v)", c.Name, c.New, c.Old)
		if c.Name == useSimTime {
			if err := n.Clock.UseSimTime(c.New.Bool); err != nil {
				n.Log.Error("%s: %v", useSimTime, err)
			}
		}
	}
	if n.changed != nil {
		n.changed(changes)
	}
}

// ResolveTopic expands and remaps the name of a topic: "~/state" to "/robot1/gps/state".
func (n *Node) ResolveTopic(name string) (string, error) {
	full, err := n.args.ResolveTopic(n.Name, name)
	if err != nil {
		return "", fmt.Errorf("topic %s: %w", name, err)
	}
	return full, nil
}

// Resolve expands and remaps the name of a service.
func (n *Node) Resolve(name string) (string, error) {
	full, err := n.args.ResolveService(n.Name, name)
	if err != nil {
		return "", fmt.Errorf("service %s: %w", name, err)
	}
	return full, nil
}

// Companion opens another node beside this one, of its name and a suffix, in the same place of the
// network. Its messages arrive on a goroutine of its own: they hold none up that this node waits for.
// The caller closes it.
func (n *Node) Companion(suffix string) (transport.Node, error) {
	return n.opened(n.Name.Name + "_" + suffix)
}

// Close withdraws the node and writes what is left of its log. Closing twice does nothing.
func (n *Node) Close() error {
	if n.stop != nil {
		n.stop()
		n.running.Wait()
	}
	if n.graph.unwatch != nil {
		n.graph.unwatch()
	}
	var err error
	if n.Parameters != nil {
		err = n.Parameters.Close()
	}
	if n.Clock != nil {
		err = errors.Join(err, n.Clock.Close())
	}
	n.Log.Close() // /rosout has its last lines
	if n.Node != nil {
		err = errors.Join(err, n.Node.Close())
	}
	return err
}
