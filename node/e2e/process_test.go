package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait of a test; it only says that something hangs.
const patience = 100 * time.Second

// process is a program that a test started.
type process struct {
	t              *testing.T
	name           string
	cmd            *exec.Cmd
	stdout, stderr output
	done           chan struct{}
}

// output collects what a program writes.
type output struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.String()
}

// environment is that of the test without what ROS and Cyclone DDS read, on loopback.
func environment(domain uint32) []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "ROS_") && !strings.HasPrefix(v, "CYCLONEDDS_") {
			env = append(env, v)
		}
	}
	return append(env, "ROS_LOCALHOST_ONLY=1", fmt.Sprintf("ROS_DOMAIN_ID=%d", domain))
}

// running returns the processes that have a text in their command line.
func running(t *testing.T, text string) (pids []int, commands []string) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		data, _ := os.ReadFile(path) // gone in the meantime: empty
		if strings.Contains(string(data), text) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids, commands = append(pids, pid), append(commands, strings.ReplaceAll(string(data), "\x00", " "))
		}
	}
	return pids, commands
}

// start starts a program of the module in an empty folder. It is killed when t ends.
func start(t *testing.T, domain uint32, name string, args ...string) *process {
	t.Helper()
	return startCommand(t, domain, exec.Command(filepath.Join(programs, name), args...))
}

func startCommand(t *testing.T, domain uint32, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, name: filepath.Base(cmd.Path), cmd: cmd, done: make(chan struct{})}
	cmd.Env = append(environment(domain), cmd.Env...)
	if cmd.Stdout == nil {
		cmd.Stdout = &p.stdout
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &p.stderr
	}
	if cmd.Dir == "" {
		cmd.Dir = t.TempDir()
	}
	// What the program leaves behind must not keep its pipes open.
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		cmd.Wait() // the state has the outcome
		close(p.done)
	}()
	t.Cleanup(func() {
		if !p.ended() {
			cmd.Process.Kill()
			<-p.done
		}
		if t.Failed() {
			t.Logf("%s:\n%s%s", p, p.stdout.String(), p.stderr.String())
		}
	})
	return p
}

func (p *process) String() string { return fmt.Sprintf("%s (process %d)", p.name, p.cmd.Process.Pid) }

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// wait waits for the end and returns the exit status, -1 after a signal.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		p.t.Fatalf("%s does not end", p)
		return 0
	}
}

// finish waits for the end and holds the exit status to one of those expected.
func (p *process) finish(statuses ...int) {
	p.t.Helper()
	got := p.wait()
	for _, want := range statuses {
		if got == want {
			return
		}
	}
	p.t.Fatalf("%s ended with status %d (%v), want %v", p, got, p.cmd.ProcessState, statuses)
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("%v to %s: %v", s, p, err)
	}
}

// kill ends the process at once, without a chance to clean up, and tells whether it was still there: at
// a moment that is drawn it may just have ended.
func (p *process) kill() bool {
	p.t.Helper()
	err := p.cmd.Process.Kill()
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatalf("kill %s: %v", p, err)
	}
	<-p.done
	return err == nil
}

// said returns how often the text is in what the program has written, the table on
// standard output or the log on standard error.
func (p *process) said(text string) int {
	return strings.Count(p.stdout.String(), text) + strings.Count(p.stderr.String(), text)
}

// learner returns the process id of the latest learner that gps_node said to have
// started, 0 if none yet.
func (p *process) learner() int {
	text := p.stderr.String()
	const before = "learner is process "
	at := strings.LastIndex(text, before)
	if at < 0 {
		return 0
	}
	number, _, whole := strings.Cut(text[at+len(before):], "\n")
	pid, err := strconv.Atoi(number)
	if !whole || err != nil {
		return 0
	}
	return pid
}

// signalProcess signals one process. Zero and negative ids name groups of processes, the
// test's own among them.
func signalProcess(t *testing.T, pid int, s syscall.Signal) error {
	t.Helper()
	if pid <= 1 {
		t.Fatalf("refuse to send signal %d (%v) to process %d, want the id of one process", int(s), s, pid)
	}
	return syscall.Kill(pid, s)
}

// killLearner kills the latest learner, which may have ended by itself, and returns its
// process id.
func (p *process) killLearner() (pid int) {
	p.t.Helper()
	until(p.t, "a learner is there", func() bool { pid = p.learner(); return pid != 0 || p.ended() })
	if err := signalProcess(p.t, pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		p.t.Errorf("kill the learner of %s, process %d: %v", p, pid, err)
	}
	return pid
}

// nextLearner waits until another than the given learner was started.
func (p *process) nextLearner(than int) {
	p.t.Helper()
	p.until("a new learner is started", func() bool { pid := p.learner(); return pid != 0 && pid != than })
}

// until polls a condition; the test fails if it does not come true.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not so: %s", what)
		}
	}
}

// until is the function until for what a running program brings about.
func (p *process) until(what string, condition func() bool) {
	p.t.Helper()
	until(p.t, what, func() bool {
		if condition() {
			return true
		}
		if p.ended() {
			p.t.Fatalf("%s ended (%v) before this was so: %s", p, p.cmd.ProcessState, what)
		}
		return false
	})
}

// runToEnd runs a program to its end.
func runToEnd(t *testing.T, domain uint32, name string, args ...string) *process {
	t.Helper()
	p := start(t, domain, name, args...)
	p.wait()
	return p
}
