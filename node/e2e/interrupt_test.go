package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/node/record"
)

// interrupt sends SIGINT and wants the process to end.
func (p *process) interrupt(status int) {
	p.t.Helper()
	p.signal(syscall.SIGINT)
	p.finish(status)
}

func TestInterruptedNode(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]syscall.Signal{"SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM, "SIGHUP": syscall.SIGHUP, "SIGQUIT": syscall.SIGQUIT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			domain := ddsDomain(t)
			folder := filepath.Join(t.TempDir(), "run")
			o := observe(t, domain, "")
			startRobot(t, domain)
			n := startNode(t, domain, folder, "iterations:=10000", "seed:=5")
			n.until("a trial of the second iteration is recorded", func() bool { return exists(folder, record.TrialPath(2, 0, 1)) })
			states, _ := o.counts()
			n.until("the next trial runs", func() bool { now, _ := o.counts(); return now > states+40 })
			n.signal(s)
			n.finish(0)
			o.further(t, 3) // what was under way has come
			_, commands := o.counts()
			until(t, "the learner is gone", func() bool { return signalProcess(t, n.learner(), 0) != nil })
			o.further(t, 3)
			if _, now := o.counts(); now != commands || !isZero(o.lastCommand()) {
				t.Errorf("%d commands after the end, the last %v, want zero torque", now-commands, o.lastCommand())
			}
			so := len(reports(t, folder))
			if recordings := wholeFolder(t, folder); so < 1 || recordings < 7 || recordings < 5*so || recordings > 5*(so+1) {
				t.Errorf("%d iterations and %d recordings when it was interrupted", so, recordings)
			}
			checkPicture(t, folder)

			// The robot goes on, and so does the run.
			iterations := itoa(so + 2)
			n = startNode(t, domain, folder, "iterations:="+iterations, "seed:=5")
			n.finish(0, 3)
			if recordings := wholeFolder(t, folder); recordings != 5*(so+2) {
				t.Errorf("%d recordings, want %d", recordings, 5*(so+2))
			}
			alone := train(t, filepath.Join(t.TempDir(), "alone"), "--iterations", iterations, "--seed", "5")
			sameCosts(t, reports(t, folder), alone.Iterations)
		})
	}
}

func TestInterruptedBeforeRobot(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "run")
	n := startNode(t, ddsDomain(t), folder)
	n.until("the node misses the robot", func() bool { return n.said("no joint_states on /joint_states yet") > 0 })
	n.interrupt(0)
	if wholeFolder(t, folder) != 0 {
		t.Error("there are recordings")
	}
}

func TestInterruptedDemo(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "run")
	args := []string{"demo", planarArm(t), "--set", "run_folder=" + folder, "--set", "resume=true", "--set", strings.Replace(patient, ":=", "=", 1), "--seed", "5"}
	domain := ddsDomain(t)
	p := start(t, domain, "gps", append(args, "--iterations", "10000")...)
	p.until("a trial of the second iteration is recorded", func() bool { return exists(folder, record.TrialPath(2, 0, 1)) })
	p.interrupt(130)
	checkTable(t, p.stdout.String(), 1)
	if out := p.stdout.String(); strings.Contains(out, "earned: ") || !strings.Contains(out, "Run folder: "+folder) {
		t.Errorf("a run that was interrupted is judged, or does not say where it is:\n%s", out)
	}
	checkNobodyLeft(t, folder)
	wholeFolder(t, folder)
	checkPicture(t, folder)
	iterations := itoa(len(reports(t, folder)) + 2)
	p = start(t, domain, "gps", append(args, "--iterations", iterations)...)
	p.finish(0, 3)
	alone := train(t, filepath.Join(t.TempDir(), "alone"), "--iterations", iterations, "--seed", "5")
	sameCosts(t, reports(t, folder), alone.Iterations)
}

// checkNobodyLeft looks for processes that name the folder in their arguments.
func checkNobodyLeft(t *testing.T, folder string) {
	t.Helper()
	_, commands := running(t, folder)
	until(t, fmt.Sprintf("none of %q is left", commands), func() bool { pids, _ := running(t, folder); return len(pids) == 0 })
}

func TestInterruptedTraining(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "run")
	args := []string{"train", planarArm(t), "--seed", "5", "--json"}
	p := start(t, 0, "gps", append(args, "--out", folder, "--iterations", "10000")...)
	p.until("a trial of the third iteration is recorded", func() bool { return exists(folder, record.TrialPath(3, 0, 1)) })
	p.interrupt(130)
	so := reports(t, folder)
	wholeFolder(t, folder)
	checkPicture(t, folder)
	// As a learner leaves it behind that was killed while it wrote.
	if err := os.WriteFile(filepath.Join(folder, record.CheckpointsDir, checkpoint.Name(len(so)+1)+".123.tmp"), []byte("GPS"), 0o644); err != nil {
		t.Fatal(err)
	}
	alone := train(t, filepath.Join(t.TempDir(), "alone"), "--iterations", itoa(len(so)+2), "--seed", "5")
	resumed := start(t, 0, "gps", append(args, "--resume", folder, "--iterations", itoa(len(so)+2))...)
	resumed.finish(0)
	sameCosts(t, reports(t, folder), alone.Iterations)
	sameCosts(t, lastLine(t, resumed).Iterations, alone.Iterations)
	wholeFolder(t, folder)
}

// TestNodeKilled kills the node without a warning. Its learner ends too, and the run goes
// on when the node is started again.
func TestNodeKilled(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	startRobot(t, domain)
	var n *process
	for iteration := range uint32(3) {
		n = startNode(t, domain, folder, "iterations:=4", "seed:=5")
		file := record.TrialPath(iteration+1, 0, 2)
		n.until(file+" is there", func() bool { return exists(folder, file) })
		n.kill()
		checkNobodyLeft(t, folder)
	}
	n = startNode(t, domain, folder, "iterations:=4", "seed:=5")
	n.finish(0, 3)
	alone := train(t, filepath.Join(t.TempDir(), "alone"), "--iterations", "4", "--seed", "5")
	sameCosts(t, reports(t, folder), alone.Iterations)
	if n := wholeFolder(t, folder); n != 20 {
		t.Errorf("%d recordings, want 20", n)
	}
}

// TestResumeOtherProblem goes on with a run that had other settings.
func TestResumeOtherProblem(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "run")
	train(t, folder, "--iterations", "1", "--seed", "5")
	for _, c := range []struct{ set, want string }{
		{"seed=6", "seed"},
		{"steps=50", "steps"},
	} {
		p := runToEnd(t, 0, "gps", "train", planarArm(t), "--resume", folder, "--set", "seed=5", "--iterations", "2", "--set", c.set)
		p.finish(2)
		wantError(t, p, "the run folder is of another problem", c.want)
	}
	p := startNode(t, ddsDomain(t), folder, "seed:=6", "iterations:=2")
	p.finish(1)
	wantError(t, p, "the run folder is of another problem")
	if n := len(reports(t, folder)); n != 1 {
		t.Errorf("%d iterations, want 1", n)
	}
}
