package ros2control

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	cm "guidedpolicysearch/msgs/controller_manager_msgs"
	"guidedpolicysearch/node/transport"
)

// ErrManager marks a controller manager that is not there, or does not answer.
var ErrManager = errors.New("ros2control: no answer from the controller manager")

const (
	listService   = "/list_controllers"
	activityTopic = "/activity"

	// The robot's topics are there already when its controller is checked: what the same
	// process offers beside them is discovered within milliseconds.
	autoPatience     = 500 * time.Millisecond
	requiredPatience = 3 * time.Second
	// A controller manager answers after a switch of controllers that is under way, for which
	// it gives itself five seconds.
	callPatience = 6 * time.Second
	lookEvery    = 20 * time.Millisecond
)

// Checker finds the robot's controller, checks it, and watches it. Its methods are not for
// handlers of the node, nor for a control loop: they wait for answers.
type Checker struct {
	node     Node
	cfg      Config
	commands string // resolved topic
	kind     Commands
	joints   []string
	manager  string // resolved name
	service  string // resolved name of list_controllers
	activity string // resolved topic
}

// New returns a checker of the controller that takes commands of that kind on a resolved
// topic, one torque for each joint in their order. Errors are those of Validate, of the
// commands' Check and of names.
func New(node Node, cfg Config, topic string, kind Commands, joints []string) (*Checker, error) {
	if err := errors.Join(cfg.Validate(), kind.Check(len(joints))); err != nil {
		return nil, err
	}
	c := &Checker{node: node, cfg: cfg, commands: topic, kind: kind, joints: slices.Clone(joints)}
	var err error
	if c.service, err = node.Resolve(cfg.ControllerManager + listService); err != nil {
		return nil, fmt.Errorf("ros2_control.controller_manager: %w", err)
	}
	if c.activity, err = node.ResolveTopic(cfg.ControllerManager + activityTopic); err != nil {
		return nil, fmt.Errorf("ros2_control.controller_manager: %w", err)
	}
	c.manager = strings.TrimSuffix(c.service, listService)
	return c, nil
}

// Report is what a check found.
type Report struct {
	// Skipped says that Config.Check is Never.
	Skipped bool
	// Manager is the name of the controller manager ("/controller_manager"), empty if there
	// is none; the other fields are empty then too.
	Manager string
	// Controller and Type are the name and the plugin of the controller.
	Controller, Type string
	// Interfaces are what it claims.
	Interfaces []string
	// UpdateRate is how often it runs, in Hz; 0 where the manager does not tell (before 4.28).
	UpdateRate int
	// Activity says that the manager publishes its activity.
	Activity bool
	// Warning says what could not be made sure of, or is empty.
	Warning string

	service string // that was looked for
}

// String is a line for the log.
func (r Report) String() string {
	switch {
	case r.Skipped:
		return "ros2_control.check is never: whether the controller is active, and has the joints in this order, was not checked"
	case r.Manager == "":
		return fmt.Sprintf("there is no controller manager (nobody offers %s): whether the controller is active, and has the joints in this order, was not checked", r.service)
	}
	rate := ""
	if r.UpdateRate > 0 {
		rate = fmt.Sprintf(" at %d Hz", r.UpdateRate)
	}
	return fmt.Sprintf("controller %q (%s) of %s is active%s and claims %s", r.Controller, r.Type, r.Manager, rate, quoted(r.Interfaces))
}

// Check asks the controller manager whether the controller is active and claims the
// interfaces of the joints, exactly and in their order. Where there is no controller manager
// the report says so; with Config.Check Required that is an error. Errors wrap ErrManager,
// ErrController or ErrLayout, and say what to do; they may change without the node.
func (c *Checker) Check(ctx context.Context) (Report, error) {
	if c.cfg.Check == Never {
		return Report{Skipped: true}, nil
	}
	graph, offered, err := c.await(ctx)
	if err != nil {
		return Report{}, err
	}
	if err := c.checkType(&graph); err != nil {
		return Report{}, err
	}
	if !offered {
		if c.cfg.Check == Required {
			return Report{}, fmt.Errorf("%w: nobody offers %s: is the robot's ros2_control_node running, in the same domain (ROS_DOMAIN_ID)? If it has another name or namespace, set ros2_control.controller_manager; for a robot without ros2_control, set ros2_control.check to never", ErrManager, c.service)
		}
		return Report{service: c.service}, nil
	}
	client, err := c.open()
	if err != nil {
		return Report{}, err
	}
	defer client.Close()
	list, err := c.list(ctx, client, callPatience)
	if err != nil {
		return Report{}, err
	}
	// What was discovered meanwhile counts too.
	if graph, err = c.node.Graph(); err != nil {
		return Report{}, err
	}
	return c.judge(list, &graph)
}

// judge checks a list of controllers.
func (c *Checker) judge(list []cm.ControllerState, graph *transport.Graph) (Report, error) {
	name, err := c.name(list, graph)
	if err != nil {
		return Report{}, err
	}
	found, err := find(list, name, c.manager)
	if err != nil {
		return Report{}, err
	}
	wanted := c.kind.Interfaces(c.joints)
	if err := verify(found, list, wanted, c.manager); err != nil {
		return Report{}, err
	}
	r := Report{Manager: c.manager, Controller: name, Type: found.Type, Interfaces: wanted, UpdateRate: int(found.UpdateRate), Activity: graph.Publishers(c.activity) > 0}
	if !slices.Contains(trusted, found.Type) {
		r.Warning = fmt.Sprintf("controller %q is a %s: whether it hands the torques on as they come is not known; these do: %q", name, found.Type, trusted)
	}
	return r, nil
}

// await waits for the controller manager to be discovered.
func (c *Checker) await(ctx context.Context) (graph transport.Graph, offered bool, err error) {
	patience := autoPatience
	if c.cfg.Check == Required {
		patience = requiredPatience
	}
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if graph, err = c.node.Graph(); err != nil {
			return graph, false, err
		}
		offered = slices.ContainsFunc(graph.Services, func(s transport.GraphService) bool { return s.Name == c.service && !s.Client })
		if offered {
			return graph, true, nil
		}
		select {
		case <-look.C:
		case <-deadline.C:
			return graph, false, nil
		case <-ctx.Done():
			return graph, false, ctx.Err()
		}
	}
}

// checkType returns an error if those who listen for commands expect another message.
func (c *Checker) checkType(graph *transport.Graph) error {
	want, other := c.kind.Type().Name, ""
	for _, e := range graph.Endpoints {
		if e.Topic != c.commands || e.Publisher {
			continue
		}
		if e.Type.Name == want {
			return nil
		}
		other = e.Type.Name
	}
	if other == "" {
		return nil // who listens at all is not checked here
	}
	return fmt.Errorf("%w: %s is listened to for %s, the node publishes %s: set the type of the commands, or remap the topic", ErrController, c.commands, other, want)
}

// name returns the controller's name: the one that is set, or that of the controller that
// listens on the topic of the commands, or that the topic is named after.
func (c *Checker) name(list []cm.ControllerState, graph *transport.Graph) (string, error) {
	if c.cfg.Controller != "" {
		return c.cfg.Controller, nil
	}
	var listeners []string
	for _, e := range graph.Endpoints {
		if e.Topic == c.commands && !e.Publisher && !slices.Contains(listeners, e.Node.Name) &&
			slices.ContainsFunc(list, func(s cm.ControllerState) bool { return s.Name == e.Node.Name }) {
			listeners = append(listeners, e.Node.Name)
		}
	}
	topical := ""
	if path.Base(c.commands) == "commands" {
		topical = strings.Trim(path.Base(path.Dir(c.commands)), "/")
	}
	switch {
	case len(listeners) == 1:
		return listeners[0], nil
	case topical != "" && (len(listeners) == 0 || slices.Contains(listeners, topical)):
		return topical, nil
	case len(listeners) > 1:
		return "", fmt.Errorf("%w: the controllers %.64q of %s all listen on %s: name the one that takes the torques in ros2_control.controller", ErrController, listeners, c.manager, c.commands)
	}
	return "", fmt.Errorf("%w: no controller of %s is known to listen on %s (loaded: %s): remap the topic of the commands, or name the controller in ros2_control.controller", ErrController, c.manager, c.commands, described(list))
}

func (c *Checker) open() (transport.Client, error) {
	client, err := c.node.Client(c.service, typeOf(new(cm.ListControllers)), transport.ServiceQoS())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManager, err)
	}
	return client, nil
}

// list asks for the controllers.
func (c *Checker) list(ctx context.Context, client transport.Client, patience time.Duration) ([]cm.ControllerState, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	response, err := client.Call(ctx, new(cm.ListControllers_Request).AppendCDR(nil))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w: is it busy, or has it just ended?", ErrManager, c.service, err)
	}
	list, err := decodeList(response)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.service, err)
	}
	return list, nil
}
