package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// programs makes shell scripts that stand for the two programs. Both name themselves in the
// file started.
func programs(t *testing.T, robot, node string) Options {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	dir := filepath.Join(t.TempDir(), "it's here")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{"sim_robot": robot, "gps_node": node} {
		text := "#!/bin/sh\necho ${0##*/} $ROS_DOMAIN_ID >> \"${0%/*}/started\"\n" + script + "\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return Options{Programs: dir, ParamsFile: "params.yaml", Stdout: io.Discard, Stderr: io.Discard}
}

// started returns the programs that were started, with their domains.
func started(o Options) string {
	data, _ := os.ReadFile(filepath.Join(o.Programs, "started")) // none: nothing was
	return string(data)
}

// untilStopped runs until it is interrupted.
const untilStopped = "trap 'exit 0' INT\nwhile :; do sleep 0.01; done"

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		name, robot, node string
		status            int
		err               string // "" is none
	}{
		{"done", untilStopped, "exit 0", 0, ""},
		{"not learned", untilStopped, "exit 3", 3, ""},
		{"bad parameters", untilStopped, "exit 2", 2, ""},
		{"killed", untilStopped, "kill -KILL $$", 1, "gps_node was ended by a signal (killed)"},
		{"aborted", untilStopped, "kill -ABRT $$", 1, "gps_node was ended by a signal (aborted)"},
		{"robot ends", `while [ ! -e "${0%/*}/ready" ]; do sleep 0.01; done; exit 1`, "trap 'exit 0' INT\n: > \"${0%/*}/ready\"\nwhile :; do sleep 0.01; done", 0, "sim_robot ended before the node: exit status 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := programs(t, c.robot, c.node)
			o.Domain = 17
			status, err := Run(t.Context(), o)
			if status != c.status || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
				t.Errorf("status %d, %v; want %d, %s", status, err, c.status, c.err)
			}
			if s := started(o); c.name == "done" && !strings.Contains(s, "gps_node 17\n") {
				t.Errorf("started %q, want gps_node in domain 17", s)
			}
		})
	}
}

// TestSecondDemo starts a demo while another runs in the same domain, then in another one,
// then after the first.
func TestSecondDemo(t *testing.T) {
	first := programs(t, untilStopped, untilStopped)
	tmp := os.Getenv("TMPDIR")
	second := programs(t, untilStopped, "exit 0")
	t.Setenv("TMPDIR", tmp)
	first.Domain, second.Domain = 4, 4
	lock, err := lockDomain(4)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Run(t.Context(), second)
	if !errors.Is(err, ErrRunning) {
		t.Fatalf("error %v, want %v", err, ErrRunning)
	}
	for _, want := range []string{"domain 4 on this machine", "ROS_DOMAIN_ID"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	if s := started(second); s != "" {
		t.Errorf("started %q, want nothing", s)
	}
	second.Domain = 5
	if status, err := Run(t.Context(), second); status != 0 || err != nil {
		t.Errorf("in another domain: status %d, %v", status, err)
	}
	lock.Close()

	// Run itself holds the lock as long as its programs run.
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := Run(ctx, first)
		ended <- err
	}()
	for !strings.Contains(started(first), "gps_node") {
		select {
		case err := <-ended:
			t.Fatalf("the first demo ended: %v", err)
		default:
		}
	}
	second.Domain = 4
	if _, err := Run(t.Context(), second); !errors.Is(err, ErrRunning) {
		t.Errorf("error %v, want %v", err, ErrRunning)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if status, err := Run(t.Context(), second); status != 0 || err != nil {
		t.Errorf("after the first: status %d, %v", status, err)
	}
}

// TestRobotKilled runs the hint that a killed robot leaves in a shell.
func TestRobotKilled(t *testing.T) {
	o := programs(t, `[ -e "${0%/*}/again" ] && { echo "$ROS_LOCALHOST_ONLY" "$@" > "${0%/*}/again"; exit; }
kill -KILL $$`, `while [ ! -s "${0%/*}/again" ]; do sleep 0.01; done`)
	o.Domain, o.Simulator = 23, []string{"-p", "joints:=['a b', $HOME]"}
	hint := make(chan string, 1)
	o.Stderr = writer(func(text string) { hint <- text })
	ended := make(chan error, 1)
	go func() {
		status, err := Run(t.Context(), o)
		if err == nil && status != 0 {
			err = fmt.Errorf("status %d", status)
		}
		ended <- err
	}()
	_, command, ok := strings.Cut(<-hint, "To start it again: ")
	if !ok {
		t.Fatal("no hint")
	}
	again := filepath.Join(o.Programs, "again")
	if err := os.WriteFile(again, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	got, err := os.ReadFile(again)
	if want := "1 --ros-args --params-file params.yaml -p joints:=['a b', $HOME]\n"; err != nil || string(got) != want {
		t.Errorf("the robot was started again with %q, %v, want %q", got, err, want)
	}
	if n := strings.Count(started(o), "sim_robot 23\n"); n != 2 {
		t.Errorf("started %q, want sim_robot twice in domain 23", started(o))
	}
}

// writer is an io.Writer that calls a function.
type writer func(text string)

func (w writer) Write(p []byte) (int, error) {
	w(string(p))
	return len(p), nil
}
