//go:build rclgo

package rclgo

/*
#include "rcl.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"guidedpolicysearch/node/transport"
)

// arguments are what rclgo is given: names come resolved, and the node logs for itself.
func arguments(o transport.Options) []string {
	args := []string{"--ros-args", "--disable-rosout-logs", "--disable-stdout-logs", "--disable-external-lib-logs"}
	if o.Enclave != "/" {
		args = append(args, "--enclave", o.Enclave)
	}
	return args
}

// environment orders changes of the process's environment, which is one for all nodes.
var environment sync.Mutex

// setEnvironment sets what rcl and the RMW read when a node is made. restore undoes it.
func setEnvironment(o transport.Options) (restore func(), err error) {
	later := bool(C.has_discovery_range())
	if o.Range == transport.Off && !later {
		return nil, fmt.Errorf("discovery range off, which this ROS 2 installation does not know (Iron and later do); use localhost: %w", transport.ErrInvalid)
	}
	type variable struct{ name, value string }
	set := []variable{{"ROS_LOCALHOST_ONLY", "0"}}
	if later {
		set = append(set, variable{"ROS_AUTOMATIC_DISCOVERY_RANGE", [...]string{transport.Subnet: "SUBNET", transport.Localhost: "LOCALHOST", transport.Off: "OFF"}[o.Range]},
			variable{"ROS_STATIC_PEERS", strings.Join(o.Peers, ";")})
	} else if o.Range == transport.Localhost {
		set[0].value = "1"
	}
	if o.Config != "" {
		set = append(set, variable{"CYCLONEDDS_URI", o.Config})
	}
	if s := o.Security; s != nil {
		strategy := "Permissive"
		if s.Enforce {
			strategy = "Enforce"
		}
		set = append(set, variable{"ROS_SECURITY_ENABLE", "true"}, variable{"ROS_SECURITY_STRATEGY", strategy},
			variable{"ROS_SECURITY_KEYSTORE", s.Keystore}, variable{"ROS_SECURITY_ENCLAVE_OVERRIDE", s.Enclave})
	} else {
		set = append(set, variable{"ROS_SECURITY_ENABLE", "false"})
	}
	environment.Lock()
	var before []func() error
	for _, v := range set {
		if old, ok := os.LookupEnv(v.name); ok {
			before = append(before, func() error { return os.Setenv(v.name, old) })
		} else {
			before = append(before, func() error { return os.Unsetenv(v.name) })
		}
		err = errors.Join(err, os.Setenv(v.name, v.value))
	}
	restore = func() {
		for _, undo := range before {
			_ = undo() // it was set before
		}
		environment.Unlock()
	}
	if err != nil {
		restore()
		return nil, err
	}
	return restore, nil
}
