package e2e

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/record"
)

// TestLearnerKilled kills the learner again and again. In lock step no trial notices, and
// the run ends with the costs of one that was left in peace.
func TestLearnerKilled(t *testing.T) {
	t.Parallel()
	const iterations, samples = 4, 5
	args := []string{fmt.Sprintf("iterations:=%d", iterations), "seed:=11"}
	want := train(t, filepath.Join(t.TempDir(), "alone"), "--iterations", fmt.Sprint(iterations), "--seed", "11").Iterations

	t.Run("during trials", func(t *testing.T) {
		t.Parallel()
		domain := ddsDomain(t)
		folder := filepath.Join(t.TempDir(), "run")
		o := observe(t, domain, "")
		startRobot(t, domain)
		n := startNode(t, domain, folder, args...)
		kills := 0
		for next := 50; ; next += 171 {
			until(t, "the arm has moved on", func() bool { states, _ := o.counts(); return states > next || n.ended() })
			if n.ended() {
				break
			}
			pid := n.killLearner()
			kills++
			until(t, "another learner", func() bool { return n.learner() != pid || n.ended() })
		}
		n.finish(0, 3)
		if kills < 5 {
			t.Errorf("the learner was killed %d times, want at least 5", kills)
		}
		checkUndisturbed(t, n, folder, want, iterations*samples)
	})
	// The last trial of an iteration is recorded: the update begins.
	t.Run("before the update", func(t *testing.T) {
		t.Parallel()
		killWhen(t, args, want, iterations*samples, func(iteration uint32) string { return record.TrialPath(iteration, 0, samples-1) })
	})
	// The checkpoint is there: the update is over, its report on the way.
	t.Run("after the update", func(t *testing.T) {
		t.Parallel()
		killWhen(t, args, want, iterations*samples, func(iteration uint32) string {
			return filepath.Join(record.CheckpointsDir, checkpoint.Name(int(iteration)))
		})
	})
}

// killWhen kills the learner as soon as a file of each iteration appears.
func killWhen(t *testing.T, args []string, want []learner.Report, recordings int, path func(iteration uint32) string) {
	t.Helper()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	startRobot(t, domain)
	n := startNode(t, domain, folder, args...)
	for i := range want {
		file := path(uint32(i + 1))
		until(t, file+" is there", func() bool { return exists(folder, file) || n.ended() })
		n.killLearner()
	}
	n.finish(0, 3)
	checkUndisturbed(t, n, folder, want, recordings)
}

// checkUndisturbed wants a run that the deaths of its learners have not changed.
func checkUndisturbed(t *testing.T, n *process, folder string, want []learner.Report, recordings int) {
	t.Helper()
	sameCosts(t, reports(t, folder), want)
	if got := wholeFolder(t, folder); got != recordings {
		t.Errorf("%d recordings, want %d: a trial was repeated or is missing", got, recordings)
	}
	if faults := n.said("a fault is latched"); faults != 0 {
		t.Errorf("%d faults, want none", faults)
	}
}

// TestArmIsHeldWithoutLearner takes the learner away from an arm that does not wait: the
// commands go on, and they hold the arm where it is.
func TestArmIsHeldWithoutLearner(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	o := observe(t, domain, "")
	startRobot(t, domain, "lock_step:=false", "real_time_factor:=5.0")
	n := startNode(t, domain, folder, "lock_step:=false", "iterations:=2", "samples:=2", "steps:=50")
	n.until("a learner is there", func() bool { return n.learner() != 0 })
	n.until("the first trial is recorded", func() bool { return exists(folder, record.TrialPath(1, 0, 0)) })

	// A learner that stands still asks for no trial.
	pid := n.learner()
	if err := signalProcess(t, pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { signalProcess(t, pid, syscall.SIGCONT) })
	n.until("the arm is held", func() bool {
		phase, known := o.phase()
		return known && phase == guided_policy_search_msgs.NodeState_HOLD && (exists(folder, record.TrialPath(1, 0, 1)) || n.said("learner is process") == 1)
	})
	states, commands := o.counts()
	n.until("time passes", func() bool { now, _ := o.counts(); return now >= states+40 })
	o.mu.Lock()
	held := slices.Clone(o.lastState.Position)
	o.quietest, states, commands = 0, o.states, o.commands
	o.mu.Unlock()
	n.until("time passes", func() bool { now, _ := o.counts(); return now >= states+100 })
	n.killLearner()
	n.nextLearner(pid)
	now, answers := o.counts()
	o.mu.Lock()
	position, quietest := slices.Clone(o.lastState.Position), o.quietest
	o.mu.Unlock()
	if share := float64(answers-commands) / float64(now-states); share < 0.3 || quietest > 100 { // a busy machine leaves some out
		t.Errorf("%d commands for %d joint states without a learner, and none for %d in a row", answers-commands, now-states, quietest)
	}
	for i, q := range position {
		if moved := math.Abs(q - held[i]); moved > 1 {
			t.Errorf("joint %d moved by %.3f rad while it was held", i, moved)
		}
	}
	n.finish(0, 3)
	if got := wholeFolder(t, folder); got != 4 || len(reports(t, folder)) != 2 {
		t.Errorf("%d recordings of %d iterations, want 4 of 2", got, len(reports(t, folder)))
	}
}
