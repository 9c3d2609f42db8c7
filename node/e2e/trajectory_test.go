package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTrajectory optimises the pendulum's swing-up as a user does; the programs that move
// an arm refuse its file, and say what to run instead.
func TestTrajectory(t *testing.T) {
	t.Parallel()
	file, err := filepath.Abs("../../params/pendulum_ilqg.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p := runToEnd(t, ddsDomain(t), "gps", "train", file, "--json", "--seed", "7", "--set", "plant.max_effort=[2.0]")
	p.finish(0)
	lines := strings.Split(strings.TrimSpace(p.stdout.String()), "\n")
	var out struct {
		Iterations []struct {
			Cost, Alpha, Lambda *float64
		}
		Cost      float64 `json:"final_cost"`
		Replay    float64 `json:"replay_cost"`
		Reference float64
		Learned   *bool
		Seed      int
		Folder    string `json:"run_folder"`
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &out); err != nil || len(lines) != 1 {
		t.Fatalf("%v in %q", err, lines)
	}
	if out.Learned == nil || !*out.Learned || out.Reference != 0.566988 || out.Seed != 7 || out.Cost != out.Replay {
		t.Errorf("%+v", out)
	}
	if n := len(out.Iterations); n == 0 || *out.Iterations[n-1].Cost != out.Cost {
		t.Errorf("%d iterations", n)
	}
	for _, name := range []string{"params.yaml", "iterations.jsonl", "trajectory.csv", "trajectory.png", "learning_curve.png", "log.txt"} {
		if _, err := os.Stat(filepath.Join(p.cmd.Dir, out.Folder, name)); err != nil {
			t.Error(err)
		}
	}
	if !strings.Contains(p.stderr.String(), "lambda") {
		t.Error("the terminal shows no iterations")
	}

	p = runToEnd(t, ddsDomain(t), "gps", "table", file, "--json", "--seeds", "1", "--set", "cost.every_step=true")
	p.finish(0)
	var tables []struct{ Variants []struct{ Reached int } }
	if err := json.Unmarshal([]byte(p.stdout.String()), &tables); err != nil || len(tables) != 1 || len(tables[0].Variants) != 1 || tables[0].Variants[0].Reached != 1 {
		t.Errorf("%v, %+v", err, tables)
	}

	for _, command := range [][]string{{"gps_node", "--ros-args", "--params-file", file}, {"gps", "demo", file}} {
		p := runToEnd(t, ddsDomain(t), command[0], command[1:]...)
		p.finish(2)
		wantLine(t, p, file, "trajectory_optimizer", "gps train")
	}
}
