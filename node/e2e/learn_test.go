package e2e

import (
	"encoding/json"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

// TestOverTopicsAsInOneProcess holds learning over topics to the bits of learning in one
// process: nothing is lost, reordered or delayed on the way. The run is watched for its
// memory.
func TestOverTopicsAsInOneProcess(t *testing.T) {
	t.Parallel()
	domain := ddstest.Domain(t)
	folder := filepath.Join(t.TempDir(), "topics")
	startRobot(t, domain)
	n := startNode(t, domain, folder, "seed:=7")
	memory, learning := 0, 0
	n.until("the run is over", func() bool {
		memory = max(memory, peakMemory(n.cmd.Process.Pid))
		learning = max(learning, peakMemory(n.learner()))
		return n.ended()
	})
	n.finish(0)
	t.Logf("most memory: node %.1f MB, learner %.1f MB", float64(memory)/1e6, float64(learning)/1e6)
	if memory == 0 || learning == 0 || memory >= 100e6 {
		t.Errorf("the node took %d bytes and the learner %d, want a known figure and less than 100 MB for the node", memory, learning)
	}

	alone := train(t, filepath.Join(t.TempDir(), "alone"), "--seed", "7")
	if alone.Seed == nil || *alone.Seed != 7 || alone.FinalMeanCost == nil || *alone.FinalMeanCost != alone.Iterations[9].MeanCost {
		t.Errorf("seed %v, final_mean_cost %v", alone.Seed, alone.FinalMeanCost)
	}
	over := reports(t, folder)
	if len(over) != 10 || len(over[0].SampleCosts) != 5 {
		t.Fatalf("%d iterations of %d samples, want 10 of 5", len(over), len(over[0].SampleCosts))
	}
	sameCosts(t, over, alone.Iterations)
	sameCosts(t, reports(t, filepath.Join(filepath.Dir(folder), "topics")), over)
	checkRecordings(t, folder, 10, 5, 100)
	checkReadsBack(t, domain, folder)
}

// TestTrainJSON holds the last line to its documented fields.
func TestTrainJSON(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "run")
	p := runToEnd(t, 0, "gps", "train", planarArm(t), "--iterations", "2", "--seed", "3", "--set", "samples=4", "--set", "noise.sigma=1.5", "--out", folder, "--json")
	p.finish(0)
	lines := strings.Split(strings.TrimRight(p.stdout.String(), "\n"), "\n")
	var line struct {
		Iterations []map[string]any `json:"iterations"`
		Final      any              `json:"final_mean_cost"`
		Seed       any              `json:"seed"`
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &line); err != nil {
		t.Fatal(err)
	}
	if len(line.Iterations) != 2 || line.Seed != 3.0 || line.Final != line.Iterations[1]["mean_cost"] {
		t.Errorf("%d iterations, seed %v, final mean cost %v", len(line.Iterations), line.Seed, line.Final)
	}
	for i, it := range line.Iterations {
		for _, field := range []string{"iteration", "mean_cost", "best_cost", "kl", "eta", "error_m", "seconds"} {
			if _, ok := it[field].(float64); !ok {
				t.Errorf("iteration %d: %s is %v, want a number", i+1, field, it[field])
			}
		}
		if costs, _ := it["sample_cost"].([]any); len(costs) != 4 || it["iteration"] != float64(i+1) {
			t.Errorf("iteration %d: number %v, sample costs %v", i+1, it["iteration"], it["sample_cost"])
		}
	}
	if wholeFolder(t, folder) != 8 {
		t.Errorf("%d recordings, want 8", wholeFolder(t, folder))
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	t.Run("learned", func(t *testing.T) {
		t.Parallel()
		folder := filepath.Join(t.TempDir(), "run")
		p := runToEnd(t, ddstest.Domain(t), "gps", "demo", planarArm(t), "--set", "run_folder="+folder, "--set", strings.Replace(patient, ":=", "=", 1))
		p.finish(0)
		out := p.stdout.String()
		checkTable(t, out, 10)
		for _, want := range []string{"Learned: final mean cost", "Run folder: " + folder, "Learning curve: " + filepath.Join(folder, node.PictureFile)} {
			if !strings.Contains(out, want) {
				t.Errorf("the terminal does not show %q", want)
			}
		}
		checkPicture(t, folder)
		if n := wholeFolder(t, folder); n != 50 {
			t.Errorf("%d recordings, want 50", n)
		}
		// Standard output is for the table, standard error for the robot's log.
		if p.said("WARN")+p.said("ERROR")+strings.Count(out, "INFO") != 0 {
			t.Errorf("standard output:\n%s\nstandard error:\n%s", out, p.stderr.String())
		}
	})
	t.Run("not learned", func(t *testing.T) {
		t.Parallel()
		folder := filepath.Join(t.TempDir(), "run")
		p := runToEnd(t, ddstest.Domain(t), "gps", "demo", planarArm(t), "--set", "run_folder="+folder, "--set", "reference.mean_cost=[0.001]", "--iterations", "1", "--real-time-factor", "50")
		p.finish(3)
		checkTable(t, p.stdout.String(), 1)
		if !strings.Contains(p.stdout.String(), "Not learned: final mean cost") {
			t.Error("the terminal does not show that it did not learn")
		}
	})
}

// TestDemoStaysOnLoopback starts the demo where everything says that the network is to be
// used.
func TestDemoStaysOnLoopback(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	cmd := exec.Command(filepath.Join(programs, "gps"), "demo", namespaced(t, ""), "--iterations", "2")
	params := cmd.Args[2]
	cmd.Env = []string{"ROS_LOCALHOST_ONLY=0", "ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET", "ROS_STATIC_PEERS=192.0.2.1",
		"CYCLONEDDS_URI=<Domain><General><Interfaces><NetworkInterface autodetermine=\"true\"/></Interfaces></General></Domain>"}
	p := startCommand(t, domain, cmd)
	for _, name := range []string{"sim_robot", "gps_node"} {
		text := filepath.Join(programs, name) + "\x00--ros-args\x00--params-file\x00" + params
		p.until(name+" runs", func() bool { pids, _ := running(t, text); return len(pids) == 1 })
		pids, _ := running(t, text)
		data, err := os.ReadFile(filepath.Join("/proc", itoa(pids[0]), "environ"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"ROS_LOCALHOST_ONLY=1", "ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST", "CYCLONEDDS_URI="} {
			if !slices.Contains(strings.Split(string(data), "\x00"), want) {
				t.Errorf("%s runs without %s: %q", name, want, data)
			}
		}
	}
	p.finish(0, 3)
}

// checkTable finds the header and one line per iteration.
func checkTable(t *testing.T, out string, iterations int) {
	t.Helper()
	lines := strings.Split(out, "\n")
	for i, line := range lines {
		if strings.Join(strings.Fields(line), " ") != "iteration mean cost best cost error cm KL eta seconds" {
			continue
		}
		for k := 1; k <= iterations; k++ {
			var number int
			fields := strings.Fields(lines[i+k])
			if len(fields) != 7 || json.Unmarshal([]byte(fields[0]), &number) != nil || number != k {
				t.Errorf("line of iteration %d is %q", k, lines[i+k])
			}
		}
		return
	}
	t.Errorf("the terminal shows no table:\n%s", out)
}

func checkPicture(t *testing.T, folder string) {
	t.Helper()
	f, err := os.Open(filepath.Join(folder, node.PictureFile))
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Errorf("%s: %v", node.PictureFile, err)
	} else if size := picture.Bounds().Size(); size.X < 300 || size.Y < 200 {
		t.Errorf("picture of %v", size)
	}
}
