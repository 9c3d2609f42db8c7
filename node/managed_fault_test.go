package node

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// inRealTime shows the arm as fast as it would be, so that a test can be quicker than a trial.
const inRealTime = "real_time_factor:=1.0"

// TestFaultIsLatched breaks one trial off twice: the reason is in the state, the diagnostics and
// the recordings of what there is of it, the fault stays until it is reset, and then the trial is
// repeated. Who reads the run folder takes no broken trial for a whole one.
func TestFaultIsLatched(t *testing.T) {
	t.Parallel() // it waits, most of the time
	m := startManaged(t, options{}, "safety.recovery:=manual", "iterations:=1", "samples:=2", "steps:=60")
	m.startRobot(inRealTime)
	nonsense := m.publisher("/joint_states", new(sensor_msgs.JointState), transport.Default())
	for range 2 {
		m.until("a trial runs", m.phase(trial.Run, ""))
		_, before := m.counts()
		m.until("it has gone on", func() bool { _, states := m.counts(); return states > before+5 })
		m.say(nonsense, []byte{0, 1, 0, 0, 1})
		m.until("a fault is told", m.phase(trial.Fault, "joint_states"))
		m.until("the diagnostics tell of it", func() bool { return strings.Contains(m.health("arm").Message, "a fault is latched: joint_states") })
		m.staysAtRest()
		m.until("the fault is latched", m.phase(trial.Fault, "joint_states"))
		m.must("reset_fault")
	}
	if err := m.ask("reset_fault"); err == nil || !strings.Contains(err.Error(), "there is no fault") {
		// The joint state that ends the second one may still be to come.
		m.until("the fault is over", func() bool { return m.ask("reset_fault") != nil })
	}
	m.ends()
	if m.err != nil || len(m.result.Reports) != 1 {
		t.Fatalf("%v, %+v", m.err, m.result)
	}
	folder, err := record.View(m.folder)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := folder.Rollouts(1)
	if err != nil || !slices.Equal(whole, []string{record.TrialPath(1, 0, 0), record.TrialPath(1, 0, 1)}) {
		t.Errorf("recordings %q, %v", whole, err)
	}
	latest := record.BrokenPath(1, 0, 0)
	for _, path := range []string{latest, strings.TrimSuffix(latest, ".mcap") + ".1.mcap"} {
		r, err := folder.ReadRollout(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(r.Fault, "joint_states") || r.Steps < 1 || r.Steps >= 60 || len(r.States) != int(r.Steps+1)*int(r.Dx) || r.Timing.Ticks == 0 {
			t.Errorf("%s: fault %q, %d steps, %d states, %d ticks", path, r.Fault, r.Steps, len(r.States), r.Timing.Ticks)
		}
	}
	if r, err := folder.ReadRollout(whole[0]); err != nil || r.Fault != "" || r.Steps != 60 {
		t.Errorf("%s: %v, fault %q, %d steps", whole[0], err, r.Fault, r.Steps)
	}
	if n := strings.Count(m.log(), "a fault is latched"); n != 2 {
		t.Errorf("the log tells of %d faults, want 2:\n%s", n, m.log())
	}
}

// TestFaultEndsByItself: with automatic recovery nobody is asked.
func TestFaultEndsByItself(t *testing.T) {
	t.Parallel() // it waits, most of the time
	m := startManaged(t, options{}, "safety.recovery:=automatic", "iterations:=1", "steps:=60")
	m.startRobot(inRealTime)
	m.until("a trial runs", m.phase(trial.Run, ""))
	m.say(m.publisher("/joint_states", new(sensor_msgs.JointState), transport.Default()), []byte{0, 1, 0, 0, 1})
	m.ends()
	if m.err != nil || len(m.result.Reports) != 1 || strings.Count(m.log(), "the trial is repeated") != 1 {
		t.Errorf("%v, %+v\n%s", m.err, m.result, m.log())
	}
}

// TestSilentLearner: a learner that says nothing is a fault, and is ended; another one goes on
// when the fault is reset. On a busy machine that one may not come up in time either.
func TestSilentLearner(t *testing.T) {
	t.Parallel() // it waits, most of the time
	const half = record.PolicyFile + ".1.tmp"
	learners := 0
	m := startManaged(t, options{learner: func(argv []string) []string {
		if learners++; learners == 1 {
			if err := os.WriteFile(filepath.Join(argv[2], half), []byte("half"), 0o666); err != nil {
				t.Error(err)
			}
			return lasting(argv)
		}
		return argv
	}}, "safety.learner_timeout:=3.0", "lock_step:=false", "iterations:=1")
	m.startRobot("lock_step:=false", "real_time_factor:=5.0")
	m.until("the fault is told", m.phase(trial.Fault, "learner: no sign of life"))
	m.staysAtRest()
	m.until("another learner is there", func() bool { return strings.Contains(m.log(), "another goes on from the last checkpoint") })
	m.must("reset_fault")
	m.endsAttended()
	if m.exists(half) {
		t.Errorf("%s, which the learner was writing, is still there", half)
	}
	silences := strings.Count(m.log(), "a fault is latched: learner: no sign of life")
	if m.err != nil || len(m.result.Reports) != 1 || learners != 1+silences {
		t.Errorf("%v, %+v, %d learners after %d that were silent", m.err, m.result, learners, silences)
	}
}

// TestLongTrialIsNoSilentLearner: a learner that waits for its trial says nothing, nor does one
// that was started while the trial runs. A trial takes 7 s, a learner on a busy machine less to come up.
func TestLongTrialIsNoSilentLearner(t *testing.T) {
	t.Parallel() // it waits, most of the time
	m := startManaged(t, options{}, "safety.learner_timeout:=6.0", "iterations:=1", "samples:=2", "steps:=140")
	m.startRobot(inRealTime)
	m.until("a trial runs", m.phase(trial.Run, ""))
	pids := processes(t, m.folder)
	if len(pids) != 1 {
		t.Fatalf("learners %v, want one", pids)
	}
	if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	m.ends()
	if m.err != nil || len(m.result.Reports) != 1 || strings.Contains(m.log(), "a fault is latched") {
		t.Errorf("%v, %+v\n%s", m.err, m.result, m.log())
	}
}

// TestTooManyFaultsGiveUp ends the run with the reason.
func TestTooManyFaultsGiveUp(t *testing.T) {
	m := startManaged(t, options{}, "safety.recovery:=automatic", "safety.max_faults:=1", "iterations:=1", "steps:=60")
	m.startRobot(inRealTime)
	m.until("a trial runs", m.phase(trial.Run, ""))
	m.say(m.publisher("/joint_states", new(sensor_msgs.JointState), transport.Default()), []byte{0, 1, 0, 0, 1})
	m.ends()
	if !errors.Is(m.err, ErrGaveUp) || !strings.Contains(m.err.Error(), "safety.max_faults") {
		t.Errorf("ended with %v", m.err)
	}
	m.atRest()
	broken, err := filepath.Glob(filepath.Join(m.folder, filepath.Dir(record.BrokenPath(1, 0, 0)), "broken_*"))
	if err != nil || len(broken) > 1 {
		t.Errorf("broken trials %q, %v", broken, err)
	}
}

// processes returns the processes that have a text in their command line.
func processes(t *testing.T, text string) (pids []int) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		data, _ := os.ReadFile(path) // gone in the meantime: empty
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && strings.Contains(string(data), text) {
			pids = append(pids, pid)
		}
	}
	return pids
}
