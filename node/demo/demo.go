// Package demo runs the simulated robot and the node as two processes on loopback.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// Options say what to run.
type Options struct {
	// Programs is the folder with sim_robot and gps_node.
	Programs string
	// ParamsFile is for both.
	ParamsFile string
	// Domain is the DDS domain of both.
	Domain uint32
	// Node and Simulator are further ROS arguments of one of them.
	Node, Simulator []string
	// Stdout and Stderr are written to by both at once.
	Stdout, Stderr io.Writer
}

// stopGrace is how long a program may take to end after SIGINT before it is killed.
const stopGrace = 5 * time.Second

// Run starts both programs, waits for the node and stops the robot. Both see no network
// but loopback, whatever the environment says: torques must not reach a real robot. It
// returns the node's exit status, 1 with an error if a signal ended it. When ctx ends the
// node is stopped before the robot, which so sees its zero torque. A robot that is killed
// may be started again by hand, as a real one: the node waits for it. The error is
// ErrRunning, and nothing is started, if the user's demo in the same domain is not over.
func Run(ctx context.Context, o Options) (status int, err error) {
	lock, err := lockDomain(o.Domain)
	if err != nil {
		return 0, err
	}
	defer lock.Close()
	// Programs get a signal when the thread that started them ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	robot, err := o.start("sim_robot", o.Simulator)
	if err != nil {
		return 0, err
	}
	node, err := o.start("gps_node", o.Node)
	if err != nil {
		return 0, errors.Join(err, robot.stop())
	}
	robotDone := robot.done
	for waiting := true; waiting; {
		waiting = false
		select {
		case <-node.done:
		case <-robotDone:
			if robot.killed() {
				fmt.Fprintf(o.Stderr, "%v; the node waits for it. To start it again: %s\n", robot.ended(), commandLine(o.environment(), robot.cmd.Args))
				robotDone, waiting = nil, true
				continue
			}
			err = fmt.Errorf("sim_robot ended before the node: %v", robot.err)
		case <-ctx.Done():
		}
	}
	err = errors.Join(err, node.stop())
	if !robot.killed() {
		err = errors.Join(err, robot.stop())
	}
	if node.killed() {
		return 1, err
	}
	return node.cmd.ProcessState.ExitCode(), err
}

// program is one started process.
type program struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait, valid after done
}

// environment keeps a program on loopback and in the domain.
func (o *Options) environment() []string {
	return []string{"ROS_LOCALHOST_ONLY=1", "ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST",
		"CYCLONEDDS_URI=", // the user's own could name another interface
		fmt.Sprintf("ROS_DOMAIN_ID=%d", o.Domain)}
}

func (o *Options) start(name string, args []string) (*program, error) {
	p := &program{name: name, done: make(chan struct{})}
	p.cmd = exec.Command(filepath.Join(o.Programs, name), append([]string{"--ros-args", "--params-file", o.ParamsFile}, args...)...)
	p.cmd.Env = append(os.Environ(), o.environment()...)
	p.cmd.Stdout, p.cmd.Stderr = o.Stdout, o.Stderr
	// A group of their own: the terminal's Ctrl-C comes to them through Run, in order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w (run `make build`)", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// stop ends the process if it still runs. The error is nil for any exit status, and if
// the program had not yet come to handle SIGINT.
func (p *program) stop() error {
	select {
	case <-p.done:
		return p.ended()
	default:
	}
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.done:
		if p.killed() && p.signal() == syscall.SIGINT {
			return nil
		}
		return p.ended()
	case <-time.After(stopGrace):
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("%s did not end within %v of SIGINT and was killed", p.name, stopGrace)
	}
}

// killed tells whether a signal has ended the process.
func (p *program) killed() bool {
	select {
	case <-p.done:
		return p.cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled()
	default:
		return false
	}
}

// signal is what killed the process.
func (p *program) signal() syscall.Signal {
	return p.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal()
}

func (p *program) ended() error {
	var exit *exec.ExitError
	if p.err == nil || errors.As(p.err, &exit) && exit.Exited() {
		return nil
	}
	if p.killed() {
		return fmt.Errorf("%s was ended by a signal (%v)", p.name, p.signal())
	}
	return fmt.Errorf("%s: %w", p.name, p.err)
}
