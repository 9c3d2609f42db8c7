package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/record"
)

// TestKilledNodeLeavesNoTorque kills the node while it holds an arm that does not wait: the torque
// that is in force goes to zero, and nothing of the node is left.
func TestKilledNodeLeavesNoTorque(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	o := observe(t, domain, "")
	startRobot(t, domain, "lock_step:=false")
	n := startNode(t, domain, folder, "lock_step:=false", "iterations:=1000", "steps:=100")
	n.until("the arm moves", func() bool {
		phase, known := o.phase()
		return known && phase == guided_policy_search_msgs.NodeState_RUN && !isZero(o.lastCommand())
	})
	sentinel := 0
	_, text, _ := strings.Cut(n.stderr.String(), "sentinel is process ")
	if _, err := fmt.Sscan(text, &sentinel); err != nil {
		t.Fatalf("no sentinel: %v\n%s", err, n.stderr.String())
	}
	n.kill()
	until(t, "the torque is zero", func() bool { return isZero(o.lastCommand()) })
	until(t, "the sentinel is gone", func() bool { return syscall.Kill(sentinel, 0) == syscall.ESRCH })
	if !isZero(o.lastCommand()) {
		t.Errorf("torque %v in the end", o.lastCommand())
	}
	checkNobodyLeft(t, folder)
}

// TestStoppedNodeLeavesNoTorque stops the node in the middle of a trial, as Ctrl-Z does: the torque
// that is in force goes to zero. When the node goes on, it commands nothing until its fault is reset;
// then it learns on.
func TestStoppedNodeLeavesNoTorque(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"joint_states", "timer"} {
		t.Run(by, func(t *testing.T) {
			domain := ddsDomain(t)
			folder := filepath.Join(t.TempDir(), "run")
			o := observe(t, domain, "")
			startRobot(t, domain, "lock_step:=false")
			// Neither the age of the state nor missed deadlines would latch a fault.
			n := startNode(t, domain, folder, "lock_step:=false", "iterations:=1000", "steps:=100", "loop.driven_by:="+by, "loop.rate:=100.0", "sentinel_timeout:=1.0",
				"safety.recovery:=automatic", "safety.stale_timeout:=100.0", "safety.missed_in_a_row:=0", "safety.missed_per_second:=0")
			phase := func(want uint8) func() bool {
				return func() bool { phase, known := o.phase(); return known && phase == want }
			}
			n.until("the arm moves", func() bool {
				return phase(guided_policy_search_msgs.NodeState_RUN)() && !isZero(o.lastCommand())
			})
			n.signal(syscall.SIGSTOP)
			until(t, "the torque is zero", func() bool { return isZero(o.lastCommand()) })
			o.watchTorque()
			n.signal(syscall.SIGCONT)
			n.until("the fault is latched", phase(guided_policy_search_msgs.NodeState_FAULT))
			_, commands := o.counts()
			n.until("the fault is answered", func() bool { _, now := o.counts(); return now > commands+20 })
			// One may have been under way when the process was stopped.
			if torques := o.torques(); len(torques) > 1 {
				t.Errorf("torques %v after the node was stopped, want zero", torques)
			}
			if n.said("stood still for") == 0 || n.said("the sentinel has zeroed the torque") == 0 {
				t.Errorf("the log does not say what happened:\n%s", n.stderr.String())
			}
			p := runToEnd(t, domain, "gps", "control", "reset_fault", "--timeout", patience.String())
			p.finish(0)
			n.until("the arm moves again", func() bool {
				return phase(guided_policy_search_msgs.NodeState_RUN)() && !isZero(o.lastCommand())
			})
			n.interrupt(0)
		})
	}
}

// TestSentinelGoesWithItsNode: a node that is interrupted takes its sentinel along.
func TestSentinelGoesWithItsNode(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	startRobot(t, domain, "lock_step:=false")
	n := startNode(t, domain, folder, "lock_step:=false", "iterations:=1000")
	n.until("there is a sentinel", func() bool { return n.said("sentinel is process ") == 1 && n.said("learner is process ") == 1 })
	n.signal(sigint)
	n.finish(0)
	_, text, _ := strings.Cut(n.stderr.String(), "sentinel is process ")
	sentinel := 0
	if _, err := fmt.Sscan(text, &sentinel); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(sentinel, 0); err != syscall.ESRCH {
		t.Errorf("process %d is still there: %v", sentinel, err)
	}
}

// TestStoppedLearner stops the learner's process: that is noticed, another takes its place, and when
// the fault is reset the learning goes on.
func TestStoppedLearner(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	o := observe(t, domain, "")
	startRobot(t, domain, "real_time_factor:=5.0")
	n := startNode(t, domain, folder, append([]string{"safety.learner_timeout:=6.0"}, short...)...)
	n.until("the first trial is recorded", func() bool { return exists(folder, record.TrialPath(1, 0, 0)) })
	pid := n.learner()
	for _, nice := range niceValues(t, pid) {
		if nice != "10" {
			t.Errorf("a thread of the learner has nice value %s, want 10", nice)
		}
	}
	if err := signalProcess(t, pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	n.until("the fault is told", func() bool { return n.said("a fault is latched: learner: no sign of life") == 1 })
	phase := func(want uint8) func() bool {
		return func() bool { phase, known := o.phase(); return known && phase == want }
	}
	n.until("the fault is in the state", phase(guided_policy_search_msgs.NodeState_FAULT))
	n.nextLearner(pid)
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("process %d is still there: %v", pid, err)
	}
	p := runToEnd(t, domain, "gps", "control", "reset_fault", "--timeout", patience.String())
	p.finish(0)
	n.finish(0, 3)
	if got := wholeFolder(t, folder); got != 6 || len(reports(t, folder)) != 2 {
		t.Errorf("%d recordings of %d iterations, want 6 of 2", got, len(reports(t, folder)))
	}
}

// niceValues are those of the threads of a process.
func niceValues(t *testing.T, pid int) (list []string) {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("threads of process %d: %v", pid, err)
	}
	for _, path := range threads {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, after, _ := strings.Cut(string(data), ") ")
		list = append(list, strings.Fields(after)[16])
	}
	return list
}
