package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestControl drives a node from the command line.
func TestControl(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	startRobot(t, domain)
	startNode(t, domain, filepath.Join(t.TempDir(), "run"), "autostart:=false", "iterations:=1000", "exit_when_done:=false")
	for _, c := range []struct {
		request, want string
		status        int
	}{
		{"state", "unconfigured", 0},
		{"abort_trial", "not active", 1},
		{"activate", "refused", 1},
		{"configure", "inactive", 0},
		{"start", "learning in ", 0},
		{"state", "active", 0},
		{"emergency_stop", "release_emergency_stop", 0},
		{"reset_fault", "the emergency stop is pressed", 1},
		{"release_emergency_stop", "reset_fault goes on", 0},
		{"reset_fault", "the fault (the emergency stop was pressed", 0},
		{"stop", "the torque is zero", 0},
		{"cleanup", "unconfigured", 0},
		{"stop", "not commanded", 0},
		{"dance", "expected one of state, start, ", 2},
	} {
		p := runToEnd(t, domain, "gps", "control", c.request, "--timeout", patience.String())
		p.finish(c.status)
		if out := p.stdout.String() + p.stderr.String(); !strings.Contains(out, c.want) {
			t.Errorf("%s: %q, want %q", c.request, out, c.want)
		}
	}
	p := runToEnd(t, domain, "gps", "control", "state", "--node", "/nobody", "--timeout", "200ms")
	p.finish(1)
	wantError(t, p, "/nobody/get_state", "no server")
	p = runToEnd(t, domain, "gps", "control", "state", "--json", "--timeout", patience.String())
	p.finish(0)
	if p.stdout.String() != `{"answer":"unconfigured","node":"/guided_policy_search","request":"state"}`+"\n" {
		t.Errorf("as JSON: %s", p.stdout.String())
	}
}
