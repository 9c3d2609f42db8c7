package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/transport/middleware"
)

// TestTerminalGone closes the terminal that a node writes to: the arm goes on.
func TestTerminalGone(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	startRobot(t, domain)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(programs, "gps_node"), rosArgs(t, patient, "run_folder:="+folder, "iterations:=2")...)
	cmd.Stdout, cmd.Stderr = write, write
	n := startCommand(t, domain, cmd)
	read.Close()
	write.Close()
	n.finish(0, 3)
	if len(reports(t, folder)) != 2 {
		t.Errorf("%d iterations, want 2", len(reports(t, folder)))
	}
}

// TestTerminalStandsStill gives the node a terminal that takes nothing any more, as one
// that was stopped by ^S: the arm goes on, and a signal stops it as ever.
func TestTerminalStandsStill(t *testing.T) {
	if middleware.Name == "rclgo" {
		t.Skip("needs the default build: an RMW writes to the terminal itself and waits for it, as rmw_cyclonedds does when it starts on loopback")
	}
	t.Parallel()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	o := observe(t, domain, "")
	startRobot(t, domain)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	fill(t, write)
	cmd := exec.Command(filepath.Join(programs, "gps_node"), rosArgs(t, patient, "run_folder:="+folder, "iterations:=1000", "console:=log")...)
	cmd.Stdout, cmd.Stderr = write, write
	n := startCommand(t, domain, cmd)
	n.until("two iterations are done", func() bool { return exists(folder, record.TrialPath(3, 0, 0)) })
	n.signal(syscall.SIGINT)
	n.finish(0)
	until(t, "the last command is zero torque", func() bool { return isZero(o.lastCommand()) })
}

// fill writes to a pipe until it takes no more.
func fill(t *testing.T, pipe *os.File) {
	t.Helper()
	for {
		pipe.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := pipe.Write(make([]byte, 4096)); errors.Is(err, os.ErrDeadlineExceeded) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestNothingCanBeRecorded takes the folder for recordings away: the torque goes to zero
// and the run ends with an error that says why.
func TestNothingCanBeRecorded(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	o := observe(t, domain, "")
	startRobot(t, domain)
	n := startNode(t, domain, folder)
	n.until("a trial is recorded", func() bool { return exists(folder, record.TrialPath(1, 0, 1)) })
	if err := os.Rename(filepath.Join(folder, record.RolloutsDir), filepath.Join(folder, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	n.finish(1)
	until(t, "the last command is zero torque", func() bool { return isZero(o.lastCommand()) })
	wantError(t, n, "the run was given up", folder, "no such file")
}

// TestLearnerDoesNotComeUp kills every learner: the node gives up in the end.
func TestLearnerDoesNotComeUp(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	startRobot(t, domain)
	n := startNode(t, domain, filepath.Join(t.TempDir(), "run"))
	until(t, "the node gives up", func() bool {
		if pid := n.learner(); pid != 0 && !n.ended() {
			n.killLearner()
		}
		return n.ended()
	})
	n.finish(1)
	wantError(t, n, "the run was given up", "times in a row", "signal: killed")
}

// TestFullDisk gives gps no room for the JSON that its caller waits for.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"train", planarArm(t), "--iterations", "1", "--json"},
		{"table", planarArm(t), "--iterations", "1", "--seeds", "1", "--json"},
		{"table", planarArm(t), "--iterations", "1", "--seeds", "1"},
	} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer full.Close()
		cmd := exec.Command(filepath.Join(programs, "gps"), args...)
		cmd.Stdout = full
		p := startCommand(t, 0, cmd)
		p.finish(1)
		wantError(t, p, "/dev/stdout", "no space left")
	}
}

// TestDemoTwice starts a demo while another one runs in its domain.
func TestDemoTwice(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	first := start(t, domain, "gps", "demo", planarArm(t), "--set", "run_folder="+folder, "--real-time-factor", "1")
	first.until("the first demo runs", func() bool { return exists(folder, record.ParamsFile) })
	second := runToEnd(t, domain, "gps", "demo", planarArm(t), "--iterations", "1")
	second.finish(1)
	wantError(t, second, "another demo runs in domain "+itoa(int(domain))+" on this machine", "ROS_DOMAIN_ID")
	if entries, err := os.ReadDir(second.cmd.Dir); err != nil || len(entries) > 0 {
		t.Errorf("the second demo left %v behind (%v)", entries, err)
	}
	if first.ended() {
		t.Error("the first demo ended")
	}
	first.interrupt(130)
}

// TestBadEnvironment is about variables that ROS 2 reads.
func TestBadEnvironment(t *testing.T) {
	t.Parallel()
	for variable, want := range map[string]string{"ROS_DOMAIN_ID=300": "0 to 232", "ROS_LOCALHOST_ONLY=yes": "0 or 1", "ROS_DISTRO=hunble": "humble"} {
		for _, program := range []string{"gps_node", "sim_robot"} {
			cmd := exec.Command(filepath.Join(programs, program), rosArgs(t)...)
			cmd.Env = []string{variable}
			p := startCommand(t, ddsDomain(t), cmd)
			p.finish(2)
			wantError(t, p, variable[:10], want)
		}
	}
}
