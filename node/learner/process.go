package learner

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/trial"
)

// ErrFailed marks a learner that said why it cannot go on; another start would not help.
var ErrFailed = errors.New("learner failed")

// Message is what a learner process says: one field is set.
type Message struct {
	Command *trial.Command
	Report  *Report
	// Note is a line for the log.
	Note string
	// Done: all iterations are done.
	Done bool
	// Exited: the process is gone; Err says why, and wraps ErrFailed if it said so
	// itself.
	Exited bool
	Err    error
}

// Process is a learner in a process of its own.
type Process struct {
	cmd      *exec.Cmd
	stdin    io.WriteCloser
	messages chan Message
	writing  sync.Mutex
	closing  context.CancelFunc
	stderr   *tail
}

// Start starts the learner: the program argv, which calls Serve on its standard input and
// output. It is killed when ctx ends; Close is gentler.
func Start(ctx context.Context, argv []string) (*Process, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &Process{messages: make(chan Message, 8), closing: cancel, stderr: new(tail)}
	p.cmd = exec.CommandContext(ctx, argv[0], argv[1:]...)
	p.cmd.Stderr = p.stderr
	// A group of its own: the terminal's Ctrl-C is for the node, which ends the learner
	// when the arm is safe. A learner whose node is gone ends at the closed pipe.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("learner: %w", err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("learner: %w", err)
	}
	p.stdin = stdin
	if err := p.cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("learner: start %s: %w", argv[0], err)
	}
	go p.read(ctx, bufio.NewReader(stdout))
	return p, nil
}

// Messages tells what the learner says, in order; it is closed after Exited.
func (p *Process) Messages() <-chan Message { return p.messages }

// PID returns the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Recorded tells the learner of a recorded rollout, by its path in the run folder.
func (p *Process) Recorded(path string) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	if err := writeFrame(p.stdin, frameRecorded, []byte(path)); err != nil {
		return fmt.Errorf("learner: %w", err)
	}
	return nil
}

// Kill ends the learner by force; Messages tells of it.
func (p *Process) Kill() { p.closing() }

// closeGrace is how long a learner may take to write its checkpoint when it is closed.
const closeGrace = 300 * time.Millisecond

// Close ends the learner and waits until it is gone: at the closed pipe, or after a grace
// period by force.
func (p *Process) Close() {
	p.writing.Lock()
	p.stdin.Close()
	p.writing.Unlock()
	kill := time.AfterFunc(closeGrace, p.closing)
	defer kill.Stop()
	for range p.messages {
	}
}

// read passes messages on until the process ends.
func (p *Process) read(ctx context.Context, r io.Reader) {
	defer close(p.messages)
	defer p.closing()
	send := func(m Message) {
		select {
		case p.messages <- m:
		case <-ctx.Done():
		}
	}
	var failed, ended error
	for failed == nil {
		kind, body, err := readFrame(r)
		if err != nil && !errors.Is(err, ErrProtocol) {
			ended = err
			break
		}
		var m Message
		if err == nil {
			m, err = parse(kind, body)
		}
		switch {
		case err != nil:
			failed = err
		case kind == frameFailed:
			failed = fmt.Errorf("%w: %s", ErrFailed, body)
		default:
			send(m)
		}
	}
	p.stdin.Close()
	if failed != nil {
		// It is of no use any more, whether it ends by itself or not.
		p.cmd.Process.Kill()
	}
	err := p.cmd.Wait()
	switch {
	case failed != nil:
		err = failed
	case err != nil:
		err = fmt.Errorf("learner: %w%s", err, p.stderr.text())
	case ended != io.EOF:
		err = fmt.Errorf("learner: %w", ended)
	}
	p.messages <- Message{Exited: true, Err: err} // also after Kill; Close takes it where nobody else does
}

func parse(kind frameKind, body []byte) (Message, error) {
	switch kind {
	case frameCommand:
		var msg guided_policy_search_msgs.TrialCommand
		if err := msg.UnmarshalCDR(body); err != nil {
			return Message{}, fmt.Errorf("%w: %w", ErrProtocol, err)
		}
		command, err := rosio.ReadCommand(&msg)
		return Message{Command: command}, err
	case frameReport:
		r := new(Report)
		if err := json.Unmarshal(body, r); err != nil {
			return Message{}, fmt.Errorf("%w: a report: %w", ErrProtocol, err)
		}
		return Message{Report: r}, nil
	case frameNote:
		return Message{Note: string(body)}, nil
	case frameDone:
		return Message{Done: true}, nil
	case frameFailed:
		return Message{}, nil
	}
	return Message{}, fmt.Errorf("%w: a frame of kind %q", ErrProtocol, kind)
}

// tail keeps the end of what the process writes to its standard error.
type tail struct {
	mu   sync.Mutex
	data []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const keep = 4096
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if over := len(t.data) - keep; over > 0 {
		t.data = append(t.data[:0], t.data[over:]...)
	}
	return len(p), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.data) == 0 {
		return ""
	}
	return ": " + strings.TrimSpace(string(t.data))
}
