package ros2control

import (
	"errors"
	"time"

	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
)

// Values of Config.Check.
const (
	// Auto checks the controller where there is a controller manager.
	Auto = "auto"
	// Required needs a controller manager.
	Required = "required"
	// Never asks nobody.
	Never = "never"
)

// Config says how the robot's controller is found and watched.
type Config struct {
	ControllerManager string        `param:"controller_manager" desc:"Name of the controller manager, in the node's namespace unless it begins with a slash."`
	Controller        string        `param:"controller" desc:"Name of the controller that takes the torques; empty for the one that listens on the topic of the commands."`
	Check             string        `param:"check" desc:"Whether the controller must be active and claim the efforts of the joints in their order: auto checks it where there is a controller manager, required needs one, never checks nothing." choices:"auto|required|never"`
	PollPeriod        time.Duration `param:"poll_period" desc:"Time between looks at the controller where the controller manager has no topic of its activity (before ros2_control 4.28); 0 does not look." unit:"s" range:"[0, 60]"`
}

// DefaultConfig returns the settings for ros2_control's own names.
func DefaultConfig() Config {
	return Config{ControllerManager: "controller_manager", Check: Auto, PollPeriod: time.Second}
}

// Validate returns params.FieldErrors, joined, for names that are none.
func (c Config) Validate() error {
	var problems []error
	if err := rcl.ValidateTopicName(c.ControllerManager); err != nil {
		problems = append(problems, params.FieldError{Key: "controller_manager", Problem: "expected a name such as controller_manager or /robot1/controller_manager: " + err.Error()})
	}
	if c.Controller != "" {
		if err := rcl.ValidateNodeName(c.Controller); err != nil {
			problems = append(problems, params.FieldError{Key: "controller", Problem: "expected the name of a controller such as effort_controller, without its namespace: " + err.Error()})
		}
	}
	return errors.Join(problems...)
}
