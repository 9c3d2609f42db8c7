package learner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"guidedpolicysearch/node/record"
)

// roleVariable makes the test binary a learner process.
const roleVariable = "GPS_TEST_LEARNER"

// The roles: a learner, and processes that are none.
const (
	roleServe       = "serve" // of the run folder that is the first argument
	roleFail        = "fail"
	roleFailAndHang = "fail and hang"
	roleGarbage     = "garbage" // and hang
	roleShortFrame  = "short frame"
	roleUnknown     = "unknown frame" // and hang
	roleHang        = "hang"
	roleCrash       = "crash"
	roleLeave       = "leave"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(playRole(role))
	}
	os.Exit(m.Run())
}

func playRole(role string) int {
	// Only a signal ends a process that hangs.
	hang := func() { time.Sleep(time.Hour) }
	switch role {
	case roleServe:
		if err := serveFolder(os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	case roleFail, roleFailAndHang:
		_ = writeFrame(os.Stdout, frameNote, []byte("before"))
		_ = writeFrame(os.Stdout, frameFailed, []byte("the samples do not fit"))
		if role == roleFailAndHang {
			hang()
		}
		return 1
	case roleGarbage:
		fmt.Println("Starting the learner, please wait")
		hang()
	case roleShortFrame:
		_, _ = os.Stdout.Write([]byte{100, 0, 0, 0, 'N', 'a'})
	case roleUnknown:
		_ = writeFrame(os.Stdout, 'Z', []byte("?"))
		hang()
	case roleHang:
		hang()
	case roleCrash:
		fmt.Fprintln(os.Stderr, "panic: out of luck")
		return 3
	case roleLeave:
	}
	return 0
}

func serveFolder(dir string) error {
	folder, err := record.View(dir)
	if err != nil {
		return err
	}
	return Serve(context.Background(), taskProblem(new(testing.T)), folder, os.Stdin, os.Stdout)
}

// startRole starts the test binary in a role.
func startRole(t *testing.T, role string, args ...string) *Process {
	t.Helper()
	t.Setenv(roleVariable, role)
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	p, err := Start(context.Background(), append([]string{os.Args[0]}, args...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeProcess(t, p) })
	return p
}

// patience bounds the wait for what must come; it is no measure.
const patience = 20 * time.Second

func nextMessage(t *testing.T, p *Process) Message {
	t.Helper()
	select {
	case m, ok := <-p.Messages():
		if !ok {
			t.Fatal("no more messages")
		}
		return m
	case <-time.After(patience):
		t.Fatal("the learner says nothing")
	}
	return Message{}
}

// wantExit checks that the next message is the last.
func wantExit(t *testing.T, p *Process) error {
	t.Helper()
	m := nextMessage(t, p)
	if !m.Exited {
		t.Fatalf("message %+v, want that the learner is gone", m)
	}
	select {
	case m, ok := <-p.Messages():
		if ok {
			t.Fatalf("after the end came %+v", m)
		}
	case <-time.After(patience):
		t.Fatal("the messages are not closed")
	}
	wantGone(t, p)
	return m.Err
}

func wantGone(t *testing.T, p *Process) {
	t.Helper()
	if err := syscall.Kill(p.PID(), 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is still there: %v", p.PID(), err)
	}
}

func closeProcess(t *testing.T, p *Process) {
	t.Helper()
	closed := make(chan struct{})
	go func() { p.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(patience):
		t.Fatal("Close does not return")
	}
	wantGone(t, p)
}

// learnOver lets a learner process learn until trials have run or it is done, and returns
// what it said.
func learnOver(t *testing.T, p *Process, plant *plant, trials int) (said string) {
	t.Helper()
	for {
		switch m := nextMessage(t, p); {
		case m.Command != nil:
			said += "C"
			if trials == 0 {
				return said
			}
			trials--
			if err := p.Recorded(plant.record(m.Command)); err != nil {
				t.Fatal(err)
			}
		case m.Report != nil:
			said += "R"
		case m.Done:
			return said + "D"
		default:
			t.Fatalf("message %+v", m)
		}
	}
}

func TestProcess(t *testing.T) {
	whole := newPlant(t)
	whole.learn(taskProblem(t), never)
	plant := newPlant(t)
	p := startRole(t, roleServe, plant.run.Dir())
	if said := learnOver(t, p, plant, 100); said != "CCCCCCRCCCCCCRD" {
		t.Errorf("the learner said %s", said)
	}
	if err := wantExit(t, p); err != nil {
		t.Error(err)
	}
	plant.wantSame(whole, 2)
	if err := p.Recorded("x"); err == nil {
		t.Error("a learner that is gone was told of a rollout")
	}
}

func TestProcessKilled(t *testing.T) {
	whole := newPlant(t)
	whole.learn(taskProblem(t), never)
	plant := newPlant(t)
	for _, trials := range []int{4, 5} {
		p := startRole(t, roleServe, plant.run.Dir())
		learnOver(t, p, plant, trials)
		if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := wantExit(t, p); err == nil || !strings.Contains(err.Error(), "killed") || errors.Is(err, ErrFailed) {
			t.Errorf("error %v", err)
		}
	}
	p := startRole(t, roleServe, plant.run.Dir())
	if said := learnOver(t, p, plant, 100); said != "CCCRD" {
		t.Errorf("the last learner said %s", said)
	}
	plant.wantSame(whole, 2)
}

func TestProcessThatIsNoLearner(t *testing.T) {
	for _, c := range []struct {
		role string
		is   error // nil for another
		says string
	}{
		{roleFailAndHang, ErrFailed, "the samples do not fit"},
		{roleFail, ErrFailed, "the samples do not fit"},
		{roleGarbage, ErrProtocol, "frame of"},
		{roleUnknown, ErrProtocol, `'Z'`},
		{roleCrash, nil, "exit status 3: panic: out of luck"},
		{roleShortFrame, nil, "unexpected EOF"},
	} {
		t.Run(c.role, func(t *testing.T) {
			p := startRole(t, c.role)
			if c.is == ErrFailed {
				if m := nextMessage(t, p); m.Note != "before" {
					t.Errorf("message %+v", m)
				}
			}
			err := wantExit(t, p)
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %v that says %q", err, c.is, c.says)
			}
			if errors.Is(err, ErrFailed) != (c.is == ErrFailed) {
				t.Errorf("error %v says that another start would not help", err)
			}
		})
	}
	t.Run(roleLeave, func(t *testing.T) {
		if err := wantExit(t, startRole(t, roleLeave)); err != nil {
			t.Error(err)
		}
	})
}

func TestStartNeedsAProgram(t *testing.T) {
	if p, err := Start(context.Background(), []string{filepath.Join(t.TempDir(), "none")}); err == nil || p != nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("error %v", err)
	}
}

func TestClose(t *testing.T) {
	t.Run("a learner that waits", func(t *testing.T) {
		plant := newPlant(t)
		p := startRole(t, roleServe, plant.run.Dir())
		learnOver(t, p, plant, 2)
		closeProcess(t, p)
		closeProcess(t, p) // harmless twice
		if core, notes := plant.core(taskProblem(t)); len(notes) != 0 || core.Next().Sample != 2 {
			t.Errorf("notes %q", notes)
		}
	})
	t.Run("a learner that does not listen", func(t *testing.T) {
		closeProcess(t, startRole(t, roleHang))
	})
	t.Run("nobody takes the messages", func(t *testing.T) {
		plant := newPlant(t)
		closeProcess(t, startRole(t, roleServe, plant.run.Dir()))
	})
}

func TestContextEndsTheLearner(t *testing.T) {
	t.Setenv(roleVariable, roleHang)
	ctx, cancel := context.WithCancel(context.Background())
	p, err := Start(ctx, []string{os.Args[0]})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	closed := time.After(patience)
	for {
		select {
		case _, ok := <-p.Messages():
			if !ok {
				wantGone(t, p)
				return
			}
		case <-closed:
			t.Fatal("the learner outlives its context")
		}
	}
}
