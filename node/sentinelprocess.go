package node

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"guidedpolicysearch/node/ros2control"
)

// sentinel is a running sentinel process.
type sentinel struct {
	pid       int
	stdin     *os.File
	kill      context.CancelFunc
	gone      chan struct{}
	dismissed atomic.Bool
	still     chan struct{} // closed when no sign of life is to be given any more
	beating   sync.WaitGroup
}

// startSentinel starts a sentinel and waits until it is ready. lost is told if it ends before it
// is dismissed, zeroed when it has zeroed the torque of a node that stood still.
func startSentinel(ctx context.Context, argv []string, lost func(string), zeroed func()) (*sentinel, error) {
	living, kill := context.WithCancel(context.Background())
	cmd := exec.CommandContext(living, argv[0], argv[1:]...)
	// The terminal's Ctrl-C is for the node, and so is its Ctrl-Z.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	s := &sentinel{kill: kill, gone: make(chan struct{}), still: make(chan struct{})}
	words, told, err := os.Pipe()
	if err != nil {
		kill()
		return nil, err
	}
	cmd.Stdout = told
	// Not cmd.StdinPipe: writes must have deadlines, since a sentinel may be stopped, too.
	heard, stdin, err := os.Pipe()
	if err == nil {
		cmd.Stdin, s.stdin = heard, stdin
		if err = cmd.Start(); err != nil {
			stdin.Close()
		}
		heard.Close()
	}
	told.Close()
	if err != nil {
		words.Close()
		kill()
		return nil, err
	}
	s.pid = cmd.Process.Pid
	go func() {
		defer close(s.gone)
		err := cmd.Wait()
		if !s.dismissed.Load() {
			lost(fmt.Sprintf("the sentinel, process %d, is gone: %v%s; a node that is killed or stopped leaves its last torque in force", s.pid, err, indented(stderr.String())))
		}
	}()
	patience, cancel := context.WithTimeout(ctx, sentinelPatience)
	defer cancel()
	deadline := context.AfterFunc(patience, func() { words.SetReadDeadline(time.Now()) })
	lines := bufio.NewReader(words)
	said, err := lines.ReadString('\n')
	if !deadline() || err != nil || said != sentinelReady {
		s.dismissed.Store(true)
		kill()
		<-s.gone
		s.stdin.Close()
		words.Close()
		return nil, fmt.Errorf("it did not come up within %v%s", sentinelPatience, indented(stderr.String()))
	}
	go func() {
		defer words.Close()
		for {
			said, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if said == sentinelZeroed && !s.dismissed.Load() {
				zeroed()
			}
		}
	}()
	return s, nil
}

// indented puts what a process said behind a sentence.
func indented(said string) string {
	if said = strings.TrimSpace(said); said == "" {
		return ""
	}
	return ": " + said
}

// beat gives the sentinel signs of life, as often as the time-out needs, while alive says so.
func (s *sentinel) beat(timeout time.Duration, alive func() bool) {
	s.beating.Add(1)
	go func() {
		defer s.beating.Done()
		again := time.NewTicker(timeout / sentinelBeats)
		defer again.Stop()
		for {
			if alive() && s.say(string(sentinelBeat), timeout) != nil {
				return // it is gone, and that is told
			}
			select {
			case <-again.C:
			case <-s.still:
				return
			}
		}
	}()
}

// say writes to the sentinel, for so long at most. A sentinel that is stopped does not hear.
func (s *sentinel) say(text string, patience time.Duration) error {
	if err := s.stdin.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := io.WriteString(s.stdin, text)
	if os.IsTimeout(err) {
		return nil
	}
	return err
}

// dismiss ends the sentinel: the torque is zero.
func (s *sentinel) dismiss() {
	s.dismissed.Store(true)
	close(s.still)
	s.beating.Wait()
	_ = s.say(sentinelDone, sentinelPatience) // to one that may be gone
	s.stdin.Close()
	kill := time.AfterFunc(sentinelPatience, s.kill)
	defer kill.Stop()
	<-s.gone
	s.kill()
}

// unguarded says that there is no sentinel although one is wanted; nothing where all is as wanted.
func (c *Config) unguarded() string {
	if !c.Sentinel || c.LockStep || c.Commands.kind() == ros2control.Float64MultiArray {
		return ""
	}
	return fmt.Sprintf("there is no sentinel for commands.type %s: the robot's driver goes on with the last torque if the node is killed or stopped; have the robot itself end it, and set sentinel to false to leave this out", c.Commands.Type)
}

// postSentinel starts the sentinel of a loop where there is to be one: in lock step a robot without
// commands stands still, and to zero an LBR's torque it would have to know the measured position.
func (n *node) postSentinel(ctx context.Context, l *loop) error {
	if !n.cfg.Sentinel || n.cfg.LockStep || n.opt.Sentinel == nil || n.cfg.Commands.kind() != ros2control.Float64MultiArray {
		if text := n.cfg.unguarded(); text != "" {
			n.warn(text)
		}
		return nil
	}
	timeout := n.cfg.SentinelTimeout
	var err error
	n.sentinel, err = startSentinel(ctx, n.opt.Sentinel(n.names[commandsTopic], len(n.cfg.Robot.Joints), timeout), n.tell, func() {
		l.stalled()
		n.tell(fmt.Sprintf("the sentinel has zeroed the torque: it had no sign of life of the control loop for %v (sentinel_timeout)", timeout))
	})
	if err != nil {
		return fmt.Errorf("no sentinel would zero the torque after a node that was killed: %w; set sentinel to false to do without", err)
	}
	if timeout > 0 {
		n.sentinel.beat(timeout, l.pulse.alive)
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
