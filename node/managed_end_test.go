package node

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"guidedpolicysearch/node/record"
)

// lasting makes a learner that says nothing, and ends only by force.
func lasting([]string) []string { return []string{"sleep", "1000"} }

// silent makes a learner that says nothing, and ends at once when it is to.
func silent([]string) []string { return []string{"cat"} }

// TestEndInEachState ends the process in each state, and while a transition waits: the run is
// over without failure, the torque zero, the run folder free, and who asked has an answer.
func TestEndInEachState(t *testing.T) {
	for state, reach := range map[string][]string{
		"unconfigured": nil,
		"configuring":  {"configure"}, // without a robot
		"inactive":     {"configure"},
		"active":       {"start"},
		"finalized":    {"shutdown"},
	} {
		t.Run(state, func(t *testing.T) {
			m := startManaged(t, options{learner: lasting}, "autostart:=false")
			if state != "configuring" {
				m.startRobot()
			}
			answered := make(chan error, len(reach))
			ctx := m.context()
			go func() {
				for _, request := range reach {
					_, err := m.Do(ctx, request)
					answered <- err
				}
			}()
			if state != "finalized" {
				m.until("the node is "+state, func() bool { return m.is(state) })
			}
			if state == "active" {
				m.until("the arm is held", func() bool { _, states := m.counts(); return states > 3 })
			}
			if state == "configuring" {
				m.cancel()
			}
			for range reach {
				if err := <-answered; (err != nil) != (state == "configuring") {
					t.Errorf("%v: %v", reach, err)
				}
			}
			m.cancel()
			m.ends()
			if want := state != "finalized"; errors.Is(m.err, context.Canceled) != want || !want && m.err != nil {
				t.Errorf("ended with %v", m.err)
			}
			if state == "active" {
				m.atRest()
			}
			if _, err := os.Stat(m.folder); err == nil {
				run, _, err := record.Open(m.folder)
				if err != nil {
					t.Fatalf("the run folder is not free: %v", err)
				}
				run.Close()
			}
		})
	}
}

// TestCyclesLeakNothing goes through the states again and again.
func TestCyclesLeakNothing(t *testing.T) {
	m := startManaged(t, options{learner: silent}, "autostart:=false", "exit_when_done:=false")
	m.startRobot()
	cycle := func() {
		for _, request := range []string{"configure", "activate", "deactivate", "cleanup"} {
			m.must(request)
		}
	}
	count := func() (goroutines, files int) {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return runtime.NumGoroutine(), len(list)
	}
	cycle()
	goroutines, files := count()
	for range 10 {
		cycle()
	}
	m.until("goroutines and files are as few as before", func() bool {
		g, f := count()
		return g <= goroutines && f <= files
	})
}

// TestGivenUpRunIsTold: a learner that does not come up ends the run with the reason, and a node
// that is to stay can be started again.
func TestGivenUpRunIsTold(t *testing.T) {
	for _, exit := range []string{"true", "false"} {
		t.Run("exit_when_done "+exit, func(t *testing.T) {
			m := startManaged(t, options{learner: func([]string) []string { return []string{"sh", "-c", "echo no >&2; exit 3"} }}, "exit_when_done:="+exit)
			m.startRobot()
			if exit == "false" {
				m.until("the node gave up", func() bool {
					return strings.Contains(m.health("learning").Message, "the learner ended 11 times in a row")
				})
				m.until("the node is inactive", func() bool { return m.is("inactive") })
				m.must("start")
				m.cancel()
			}
			m.ends()
			if !errors.Is(m.err, ErrGaveUp) && exit == "true" {
				t.Errorf("ended with %v", m.err)
			}
			m.atRest()
		})
	}
}
