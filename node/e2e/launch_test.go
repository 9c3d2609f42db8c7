package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"guidedpolicysearch/node/record"
)

// rosPackage lays the programs out as the package guided_policy_search of a ROS 2 prefix and
// returns a function that makes a command of ros2 that finds it. Where no ROS 2 with that verb
// is sourced the test is skipped.
func rosPackage(t *testing.T, verb string) func(args ...string) *exec.Cmd {
	t.Helper()
	ros2, err := exec.LookPath("ros2")
	if err == nil {
		// Of an unknown verb it prints its own usage.
		var help []byte
		if help, err = exec.Command(ros2, verb, "--help").Output(); err == nil && !strings.HasPrefix(string(help), "usage: ros2 "+verb) {
			err = exec.ErrNotFound
		}
	}
	if err != nil {
		t.Skipf("needs a sourced ROS 2 with `ros2 %s`", verb)
	}
	const name = "guided_policy_search"
	prefix := t.TempDir()
	share := filepath.Join(prefix, "share", name)
	marker := filepath.Join(prefix, "share/ament_index/resource_index/packages", name)
	for _, folder := range []string{share, filepath.Dir(marker)} {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	// ros2 follows no links to folders.
	for from, to := range map[string]string{programs: filepath.Join(prefix, "lib", name), "../../launch": filepath.Join(share, "launch"), "../../params": filepath.Join(share, "params")} {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(marker, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	return func(args ...string) *exec.Cmd {
		cmd := exec.Command(ros2, append([]string{verb}, args...)...)
		cmd.Env = []string{"AMENT_PREFIX_PATH=" + prefix + string(filepath.ListSeparator) + os.Getenv("AMENT_PREFIX_PATH"),
			"ROS_DISTRO=" + os.Getenv("ROS_DISTRO"), "ROS_LOG_DIR=" + filepath.Join(prefix, "log"), "PYTHONUNBUFFERED=1"}
		// Ctrl-C reaches a launch and what it started alike.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		return cmd
	}
}

// launchedTask is the task's parameter file with other values.
func launchedTask(t *testing.T, oldnew ...string) string {
	t.Helper()
	data, err := os.ReadFile(planarArm(t))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(text, oldnew[i]) {
			t.Fatalf("the task has no %q", oldnew[i])
		}
		text = strings.Replace(text, oldnew[i], oldnew[i+1], 1)
	}
	return write(t, text)
}

// Two launches side by side, of both forms, learn what each would alone.
func TestLaunch(t *testing.T) {
	t.Parallel()
	domain, ros2 := ddsDomain(t), rosPackage(t, "launch")
	type launched struct {
		process      *process
		folder, seed string
	}
	var arms []launched
	for i, file := range []string{"planar_arm.launch.py", "planar_arm.launch.xml"} {
		a := launched{folder: t.TempDir(), seed: itoa(i + 31)}
		task := launchedTask(t, "seed: 1\n", "seed: "+a.seed+"\n", "iterations: 10\n", "iterations: 3\n", "stale_timeout: 1.0\n", "stale_timeout: 60.0\n")
		a.process = startCommand(t, domain, ros2("guided_policy_search", file, "namespace:=arm"+itoa(i+1), "params_file:="+task, "runs_folder:="+a.folder))
		arms = append(arms, a)
	}
	for _, a := range arms {
		// The node's status is 3: three iterations do not reach the reference.
		a.process.wait()
		runs, err := filepath.Glob(filepath.Join(a.folder, "*"))
		if err != nil || len(runs) != 1 {
			t.Fatalf("runs %q, %v", runs, err)
		}
		sameCosts(t, reports(t, runs[0]), train(t, filepath.Join(t.TempDir(), "alone"), "--iterations", "3", "--seed", a.seed).Iterations)
	}
}

// A launch runs a policy in place of learning.
func TestLaunchPolicy(t *testing.T) {
	t.Parallel()
	domain, ros2 := ddsDomain(t), rosPackage(t, "launch")
	learned, runs := filepath.Join(t.TempDir(), "learned"), t.TempDir()
	train(t, learned, "--iterations", "1", "--set", "steps=40")
	task := launchedTask(t, "steps: 100\n", "steps: 40\n", "iterations: 10\n", "iterations: 1\n", "stale_timeout: 1.0\n", "stale_timeout: 60.0\n")
	p := startCommand(t, domain, ros2("guided_policy_search", "planar_arm.launch.py", "params_file:="+task, "runs_folder:="+runs, "policy:="+filepath.Join(learned, record.PolicyFile)))
	p.wait()
	folders, err := filepath.Glob(filepath.Join(runs, "*"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("runs %q, %v", folders, err)
	}
	if drivers, _ := recorded(t, folders[0], 1); !slices.Equal(drivers, slices.Repeat([]string{"policy"}, 5)) {
		t.Errorf("driven by %q", drivers)
	}
}

// Ctrl-C ends both programs in order.
func TestLaunchInterrupted(t *testing.T) {
	t.Parallel()
	domain, ros2 := ddsDomain(t), rosPackage(t, "launch")
	p := startCommand(t, domain, ros2("guided_policy_search", "planar_arm.launch.py", "params_file:="+launchedTask(t, "real_time_factor: 0.0", "real_time_factor: 1.0"), "runs_folder:="+t.TempDir()))
	until(t, "the learner runs", func() bool { return strings.Contains(p.stdout.String()+p.stderr.String(), "learner is process") })
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	p.wait()
	for _, program := range []string{"sim_robot", "gps_node"} {
		if said := p.stdout.String() + p.stderr.String(); !strings.Contains(said, "["+program) || strings.Count(said, "process has finished cleanly") != 2 {
			t.Errorf("%s did not finish cleanly", program)
		}
	}
}
