package node

import (
	"context"
	"fmt"

	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/ros2control"
)

// checkController returns why the robot's controller does not take torques. It waits for the
// controller manager's answer. The error wraps errRobot.
func (n *node) checkController(ctx context.Context) error {
	checker, err := ros2control.New(n.ros, n.cfg.Control, n.names[commandsTopic], n.cfg.Commands.kind(), n.cfg.Robot.Joints)
	if err != nil {
		return err
	}
	report, err := checker.Check(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errRobot, err)
	}
	if report.Warning != "" && report.Warning != n.checked.Warning {
		n.warn(report.Warning)
	}
	n.checker, n.checked = checker, report
	return nil
}

// watchController latches a fault when the robot's controller stops being active.
func (n *node) watchController(l *loop) error {
	n.ros.Log.Info("%s", n.checked)
	var err error
	n.controller, err = n.checker.Watch(n.checked, func(controller, state string) {
		n.tell(fmt.Sprintf("ros2_control: controller %q is %s", controller, state))
		l.trip(safety.Fault{Kind: safety.ControllerInactive, Name: controller})
	})
	return err
}

// forgetController ends the watch.
func (n *node) forgetController() {
	if n.controller != nil {
		n.controller.Close()
		n.controller = nil
	}
}
