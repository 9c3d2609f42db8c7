package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/ros2control"
	"guidedpolicysearch/node/transport"
)

// SentinelCommand is the first argument of the program when it is to be the sentinel: the process
// that zeroes the torque after a node that was killed, since effort controllers keep the last
// one that they were told.
const SentinelCommand = "sentinel"

// Words between a node and its sentinel.
const (
	sentinelReady = "ready\n"
	sentinelDone  = "done\n"
)

const (
	// sentinelPatience is how long a sentinel may take to join the network, and then to find the
	// controller.
	sentinelPatience = 5 * time.Second
	// A sentinel goes on for a while: a command that the node sent last may still be under way.
	zeroesLast  = time.Second
	zeroesEvery = 10 * time.Millisecond
)

// SentinelArguments returns the arguments that make the program the sentinel of a node that
// commands some joints on a resolved topic: ServeSentinel understands them. args are the node's.
func SentinelArguments(args *rcl.Args, name rcl.NodeName, topic string, joints int) []string {
	list := []string{SentinelCommand, topic, strconv.Itoa(joints), "--ros-args", "-r", "__node:=" + name.Name + "_" + SentinelCommand, "-r", "__ns:=" + name.Namespace}
	if args.Enclave != nil {
		list = append(list, "--enclave", *args.Enclave)
	}
	return list
}

// ServeSentinel is the sentinel process: args are what follows SentinelCommand, r is a pipe that
// the node holds open, w where it is told that the sentinel is ready. When the pipe ends without
// the word that all is well, zero torque is published for a second. open opens the middleware.
func ServeSentinel(open func(transport.Options) (transport.Node, error), getenv func(string) string, args []string, r io.Reader, w io.Writer) error {
	if len(args) < 2 {
		return fmt.Errorf("%s needs a topic and a number of joints; it is started by the node, not by hand", SentinelCommand)
	}
	joints, err := strconv.Atoi(args[1])
	if err != nil || joints < 1 || joints > maxSentinelJoints {
		return fmt.Errorf("%s of %q joints, expected a number from 1 to %d", SentinelCommand, args[1], maxSentinelJoints)
	}
	zero, err := zeroTorque(joints)
	if err != nil {
		return err
	}
	parsed, err := rcl.Parse(args[2:])
	if err != nil {
		return err
	}
	name, err := parsed.Node(DefaultName+"_"+SentinelCommand, "")
	if err != nil {
		return err
	}
	options := transport.Options{Name: name.Name, Namespace: name.Namespace}
	if parsed.Enclave != nil {
		options.Enclave = *parsed.Enclave
	}
	if options, err = options.FromEnvironment(getenv); err != nil {
		return err
	}
	n, err := open(options)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, sentinelReady); err != nil {
		return errors.Join(err, n.Close())
	}
	said, _ := io.ReadAll(io.LimitReader(r, int64(len(sentinelDone)))) // however it ended
	if string(said) != sentinelDone {
		err = publishFor(n, args[0], zero)
	}
	return errors.Join(err, n.Close())
}

// maxSentinelJoints is more than any robot has.
const maxSentinelJoints = 1000

// zeroTorque returns the message of zero torque.
func zeroTorque(joints int) ([]byte, error) {
	r := safety.Robot{Joints: make([]string, joints), EffortLimit: make([]float64, joints)}
	for i := range joints {
		r.Joints[i], r.EffortLimit[i] = fmt.Sprintf("joint%d", i+1), 1
	}
	f, err := safety.New(safety.DefaultConfig(), r)
	if err != nil {
		return nil, err
	}
	writer, err := ros2control.Float64MultiArray.NewWriter(joints)
	if err != nil {
		return nil, err
	}
	return writer.Write(f.Zero()), nil
}

// publishFor publishes a payload again and again, for zeroesLast from when somebody hears it. The
// publisher is opened only now: another one on the topic would be taken for a second controller.
func publishFor(n transport.Node, topic string, payload []byte) error {
	p, err := n.Publisher(topic, ros2control.Float64MultiArray.Type(), transport.Default(), nil)
	if err != nil {
		return err
	}
	again := time.NewTicker(zeroesEvery)
	defer again.Stop()
	begin, heard := time.Now(), false
	for {
		if now := time.Now(); !heard && p.Matched() > 0 {
			begin, heard = now, true
		} else if heard && now.Sub(begin) > zeroesLast || now.Sub(begin) > sentinelPatience {
			return p.Close()
		}
		if err := p.Publish(payload); err != nil {
			return errors.Join(err, p.Close())
		}
		<-again.C
	}
}

// sentinel is a running sentinel process.
type sentinel struct {
	pid       int
	stdin     io.WriteCloser
	kill      context.CancelFunc
	gone      chan struct{}
	dismissed atomic.Bool
}

// startSentinel starts a sentinel and waits until it is ready. lost is told if it ends before it
// is dismissed.
func startSentinel(ctx context.Context, argv []string, lost func(string)) (*sentinel, error) {
	living, kill := context.WithCancel(context.Background())
	cmd := exec.CommandContext(living, argv[0], argv[1:]...)
	// The terminal's Ctrl-C is for the node.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	s := &sentinel{kill: kill, gone: make(chan struct{})}
	ready, told, err := os.Pipe()
	if err != nil {
		kill()
		return nil, err
	}
	defer ready.Close()
	cmd.Stdout = told
	if s.stdin, err = cmd.StdinPipe(); err == nil {
		err = cmd.Start()
	}
	told.Close()
	if err != nil {
		kill()
		return nil, err
	}
	s.pid = cmd.Process.Pid
	go func() {
		defer close(s.gone)
		err := cmd.Wait()
		if !s.dismissed.Load() {
			lost(fmt.Sprintf("the sentinel, process %d, is gone: %v%s; a node that is killed leaves its last torque in force", s.pid, err, indented(stderr.String())))
		}
	}()
	patience, cancel := context.WithTimeout(ctx, sentinelPatience)
	defer cancel()
	defer context.AfterFunc(patience, func() { ready.SetReadDeadline(time.Now()) })()
	said := make([]byte, len(sentinelReady))
	if _, err := io.ReadFull(ready, said); err != nil || string(said) != sentinelReady {
		s.dismissed.Store(true)
		kill()
		<-s.gone
		return nil, fmt.Errorf("it did not come up within %v%s", sentinelPatience, indented(stderr.String()))
	}
	return s, nil
}

// indented puts what a process said behind a sentence.
func indented(said string) string {
	if said = strings.TrimSpace(said); said == "" {
		return ""
	}
	return ": " + said
}

// dismiss ends the sentinel: the torque is zero.
func (s *sentinel) dismiss() {
	s.dismissed.Store(true)
	_, _ = io.WriteString(s.stdin, sentinelDone) // to one that may be gone
	s.stdin.Close()
	kill := time.AfterFunc(sentinelPatience, s.kill)
	defer kill.Stop()
	<-s.gone
	s.kill()
}

// postSentinel starts the sentinel where there is to be one: in lock step a robot without commands
// stands still, and an LBR stops by itself.
func (n *node) postSentinel(ctx context.Context) error {
	if !n.cfg.Sentinel || n.cfg.LockStep || n.opt.Sentinel == nil || n.cfg.Commands.kind() != ros2control.Float64MultiArray {
		return nil
	}
	var err error
	n.sentinel, err = startSentinel(ctx, n.opt.Sentinel(n.names[commandsTopic], len(n.cfg.Robot.Joints)), n.tell)
	if err != nil {
		return fmt.Errorf("no sentinel would zero the torque after a node that was killed: %w; set sentinel to false to do without", err)
	}
	n.ros.Log.Info("sentinel is process %d", n.sentinel.pid)
	return nil
}

// dismissSentinel ends the sentinel, if there is one.
func (n *node) dismissSentinel() {
	if n.sentinel != nil {
		n.sentinel.dismiss()
		n.sentinel = nil
	}
}
