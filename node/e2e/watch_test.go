package e2e

import (
	"bufio"
	"encoding/json"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestWatch watches a node learn, as lines of JSON, and compares them with what the run recorded.
func TestWatch(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	watcher := start(t, domain, "gps", "watch", "--json")
	startRobot(t, domain)
	folder := filepath.Join(t.TempDir(), "run")
	n := startNode(t, domain, folder, "iterations:=2", "exit_when_done:=false", "autostart:=false")
	watcher.until("it sees the node", func() bool { return strings.Contains(watcher.stdout.String(), `"event":"state"`) })
	operate(t, domain).triggered("start")
	watcher.until("the second iteration", func() bool { return strings.Count(watcher.stdout.String(), `"event":"iteration"`) == 2 })
	watcher.signal(syscall.SIGINT)
	watcher.finish(130)
	n.interrupt(0)

	var costs []float64
	counts := map[string]int{}
	for lines := bufio.NewScanner(strings.NewReader(watcher.stdout.String())); lines.Scan(); {
		var e struct {
			Event    string  `json:"event"`
			MeanCost float64 `json:"mean_cost"`
			Rollout  string  `json:"rollout"`
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
		counts[e.Event]++
		if e.Event == "iteration" {
			costs = append(costs, e.MeanCost)
		}
		if e.Event == "trial" && !strings.HasPrefix(e.Rollout, "rollouts/iteration_") {
			t.Errorf("trial recorded as %q", e.Rollout)
		}
	}
	recorded := reports(t, folder)
	if len(costs) != 2 || len(recorded) != 2 || costs[0] != recorded[0].MeanCost || costs[1] != recorded[1].MeanCost {
		t.Errorf("mean costs %v, recorded %v", costs, recorded)
	}
	if counts["malformed"] != 0 || counts["trial"] == 0 || counts["state"] == 0 {
		t.Errorf("events %v", counts)
	}
}
