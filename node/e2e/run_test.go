package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/record"
)

// planarArm returns the path of the task's parameters.
func planarArm(t *testing.T) string { return taskFile(t, "planar_arm.yaml") }

// taskFile returns the path of a parameter file that is delivered.
func taskFile(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../params", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// rosArgs are the arguments of a node with the task's parameters and those given,
// name:=value.
func rosArgs(t *testing.T, parameters ...string) []string {
	t.Helper()
	args := []string{"--ros-args", "--params-file", planarArm(t)}
	for _, p := range parameters {
		args = append(args, "-p", p)
	}
	return args
}

func startRobot(t *testing.T, domain uint32, parameters ...string) *process {
	t.Helper()
	return start(t, domain, "sim_robot", rosArgs(t, parameters...)...)
}

// patient keeps a loaded machine from looking like a robot that fell silent, unhurried from looking like
// a node that stands still.
const (
	patient   = "safety.stale_timeout:=60.0"
	unhurried = "sentinel_timeout:=60.0"
)

// startNode starts gps_node on a run folder.
func startNode(t *testing.T, domain uint32, folder string, parameters ...string) *process {
	t.Helper()
	return start(t, domain, "gps_node", rosArgs(t, append([]string{patient, unhurried, "run_folder:=" + folder, "resume:=true"}, parameters...)...)...)
}

// trained is the last line of gps train --json, with the fields that are documented.
type trained struct {
	Iterations    []learner.Report `json:"iterations"`
	FinalMeanCost *float64         `json:"final_mean_cost"`
	Seed          *uint64          `json:"seed"`
}

// train runs gps train --json on a run folder.
func train(t *testing.T, folder string, args ...string) trained {
	t.Helper()
	p := start(t, 0, "gps", append([]string{"train", planarArm(t), "--json", "--out", folder}, args...)...)
	p.finish(0)
	return lastLine(t, p)
}

func lastLine(t *testing.T, p *process) trained {
	t.Helper()
	lines := strings.Split(strings.TrimRight(p.stdout.String(), "\n"), "\n")
	var out trained
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &out); err != nil {
		t.Fatalf("last line of %s: %v: %q", p, err, lines[len(lines)-1])
	}
	return out
}

// reports reads the reports in a run folder; every line must be whole and they must count
// up from 1.
func reports(t *testing.T, folder string) []learner.Report {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, record.IterationsFile))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(data); n == 0 || data[n-1] != '\n' {
		t.Fatalf("%s of %d bytes does not end with a whole line", record.IterationsFile, n)
	}
	var list []learner.Report
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		var r learner.Report
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			t.Fatalf("%s, line %d: %v", record.IterationsFile, len(list)+1, err)
		}
		list = append(list, r)
		if r.Iteration != len(list) {
			t.Fatalf("%s, line %d is of iteration %d", record.IterationsFile, len(list), r.Iteration)
		}
	}
	return list
}

// sameCosts holds two runs to the same bits in every cost.
func sameCosts(t *testing.T, got, want []learner.Report) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d iterations, want %d", len(got), len(want))
		return
	}
	for i := range got {
		g, w := got[i], want[i]
		if g.MeanCost != w.MeanCost || g.BestCost != w.BestCost || g.KL != w.KL || g.Eta != w.Eta {
			t.Errorf("iteration %d: mean, best, KL, eta %v, %v, %v, %v, want %v, %v, %v, %v", i+1, g.MeanCost, g.BestCost, g.KL, g.Eta, w.MeanCost, w.BestCost, w.KL, w.Eta)
		}
		if len(g.SampleCosts) != len(w.SampleCosts) || len(g.SampleCosts) == 0 {
			t.Errorf("iteration %d: %d sample costs, want %d", i+1, len(g.SampleCosts), len(w.SampleCosts))
			continue
		}
		for k := range g.SampleCosts {
			if g.SampleCosts[k] != w.SampleCosts[k] {
				t.Errorf("iteration %d, sample %d: cost %v, want %v", i+1, k, g.SampleCosts[k], w.SampleCosts[k])
			}
		}
	}
}

// wholeFolder holds a run folder to what a user may rely on: no temporary files, every
// recording and checkpoint readable, what is left of broken trials under names of its own. It
// returns the number of whole recordings.
func wholeFolder(t *testing.T, folder string) (recordings int) {
	t.Helper()
	view, err := record.View(folder)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == record.SetAsideDir {
			return fs.SkipDir // what programs were writing when they were killed
		}
		if err != nil || entry.IsDir() {
			return err
		}
		rel, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		switch filepath.Ext(path) {
		case ".tmp":
			t.Errorf("a temporary file was left: %s", rel)
		case ".mcap":
			r, err := view.ReadRollout(rel)
			if err != nil {
				t.Error(err)
				return nil
			}
			broken := strings.HasPrefix(entry.Name(), "broken_")
			if broken != (r.Fault != "") {
				t.Errorf("%s: fault %q", rel, r.Fault)
			}
			if !broken {
				recordings++
			}
		case ".gps":
			if filepath.Dir(rel) == record.CheckpointsDir {
				_, err = checkpoint.Load(path)
			} else {
				_, err = policy.Load(path)
			}
			if err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return recordings
}

// exists tells whether there is a file in a run folder.
func exists(folder, name string) bool {
	_, err := os.Stat(filepath.Join(folder, name))
	return err == nil
}

// peakMemory returns the largest resident memory of a live process so far, in bytes,
// and 0 if it is gone.
func peakMemory(pid int) int {
	data, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	_, after, _ := strings.Cut(string(data), "VmHWM:")
	line, _, _ := strings.Cut(after, "\n")
	kB, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(line), "kB")))
	return kB << 10
}
