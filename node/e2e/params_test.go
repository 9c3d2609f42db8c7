package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBadParameterFile starts every program with parameter files that hold mistakes: the
// exit status is 2 and standard error has the place, the key and what was expected.
func TestBadParameterFile(t *testing.T) {
	t.Parallel()
	// Each line of a case's text that ends in "#! want | want ..." must be reported with
	// its line number and all that is wanted.
	for _, c := range []struct {
		name      string
		simulator string // lines below sim_robot
		node      string // lines below guided_policy_search
	}{
		{"unknown key",
			"substep: 5 #! substep | no such parameter | nearest is substeps",
			"iteratons: 3 #! iteratons | no such parameter | nearest is iterations"},
		{"unknown nested key",
			"plant: {gravitas: 1.0} #! plant.gravitas | nearest is plant.gravity",
			"algorithm: {prior: {max_sample: 3}} #! algorithm.prior.max_sample | nearest is algorithm.prior.max_samples"},
		{"wrong type",
			"time_step: fast #! time_step | got string \"fast\" | expected double",
			"seed: 1.5 #! seed | got double 1.5 | expected integer"},
		{"wrong length",
			"initial_position: [1.0] #! initial_position | 1 | 2",
			"reset: {stiffness: [1.0, 2.0, 3.0]} #! reset.stiffness | has 3 entries | need 2"},
		{"wrong length of the robot's",
			"plant: {masses: [1.0, 1.0, 1.0]} #! plant.masses | 3 | 2",
			"robot: {effort_limit: [1.0]} #! robot.effort_limit | 1 | 2"},
		{"out of range",
			"substeps: 0 #! substeps | got integer 0 | [1, 100000]",
			"samples: 1 #! samples | got integer 1 | [2, 10000]"},
		{"not finite",
			"time_step: .nan #! time_step | (0, inf)",
			"dt: .inf #! dt | (0, 1]"},
		{"no such choice",
			"plant: {type: planar_arms} #! plant.type | planar_arm",
			"console: tabel #! console | log, table | nearest is table"},
		{"several mistakes",
			"substep: 5 #! substep | nearest is substeps\nheartbeat: -1.0 #! heartbeat | [0.001, 3600]\njoints: 3 #! joints | expected string_array",
			"iteratons: 3 #! iteratons | nearest is iterations\nseed: text #! seed | expected integer\nsamples: 1 #! samples | [2, 10000]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := "sim_robot:\n  ros__parameters:\n" + indented(c.simulator) + "guided_policy_search:\n  ros__parameters:\n" + indented(c.node)
			path := write(t, text)
			simulator, node := wanted(path, text, "sim_robot:"), wanted(path, text, "guided_policy_search:")
			checkRefusal(t, path, "sim_robot", simulator)
			checkRefusal(t, path, "gps_node", node)
			checkRefusal(t, path, "gps train", append(simulator, node...))
			checkRefusal(t, path, "gps demo", append(simulator, node...))
		})
	}
	for _, c := range []struct{ name, text, want string }{
		{"wrong node name", "guided_policy_serch:\n  ros__parameters:\n    seed: 1\n", `:2:3 | "guided_policy_serch" | nearest is "/guided_policy_search"`},
		{"not YAML", "sim_robot:\n  ros__parameters:\n    joints: [a\n    substeps: 1\n", ": | not valid YAML"},
		{"no ros__parameters", "sim_robot:\n  substeps: 1\n", ":2 | ros__parameters"},
		{"no file", "", "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "missing.yaml")
			if c.text != "" {
				path = write(t, c.text)
			}
			want := strings.Split(c.want, " | ")
			if strings.HasPrefix(want[0], ":") {
				want[0] = path + want[0]
			} else {
				want = append(want, path)
			}
			for _, program := range []string{"gps_node", "sim_robot", "gps train", "gps demo"} {
				checkRefusal(t, path, program, [][]string{want})
			}
		})
	}
}

// TestParams: gps params lists what every node can be told.
func TestParams(t *testing.T) {
	t.Parallel()
	p := runToEnd(t, ddsDomain(t), "gps", "params")
	p.finish(0)
	for _, text := range []string{"/guided_policy_search:", "/sim_robot:", "/trajectory_optimizer:", "    # Time step of a trial. Type double in (0, 1] (unit s).\n    dt: 0.05\n"} {
		if !strings.Contains(p.stdout.String(), text) {
			t.Errorf("%q is not listed: %s", text, p.stdout.String())
		}
	}
	p = runToEnd(t, ddsDomain(t), "gps", "params", "robot")
	p.finish(2)
	wantError(t, p, `"robot"`)
}

// TestBadArguments is about values on the command line.
func TestBadArguments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args string
		want [][]string
	}{
		{"gps_node -p seeds:=1", [][]string{{"seeds", "nearest is seed"}}},
		{"gps_node -p samples:=1 -p sed:=2", [][]string{{"samples", "[2, 10000]"}, {"sed", "nearest is seed"}}},
		{"sim_robot -p substeps:=a", [][]string{{"substeps", "expected integer"}}},
		{"gps train --set seeds=1", [][]string{{"seeds", "nearest is seed"}}},
		{"gps train --set samples", [][]string{{"samples", "expected name=value"}}},
		{"gps train --iterations 0", [][]string{{"iterations", "[1, 100000]"}}},
		{"gps demo --set samples=1", [][]string{{"samples", "[2, 10000]"}}},
		{"gps table --seeds 0", [][]string{{"--seeds is 0, need 1 to 10000"}}},
		{"gps table --seeds 0 --set seed=4", [][]string{{"--seeds is 0"}, {"seed=4", "--first-seed"}}},
		{"gps table --seeds 2 --first-seed 9223372036854775807", [][]string{{"--first-seed", "at most 9223372036854775806"}}},
		{"gps table --seeds 1 --first-seed 9223372036854775808", [][]string{{"--first-seed", "at most 9223372036854775807"}}},
	} {
		words := strings.Fields(c.args)
		args := append([]string{"--ros-args", "--params-file", planarArm(t)}, words[1:]...)
		if words[0] == "gps" {
			args = append([]string{words[1], planarArm(t)}, words[2:]...)
		}
		p := runToEnd(t, ddsDomain(t), words[0], args...)
		p.finish(2)
		for _, want := range c.want {
			wantLine(t, p, want...)
		}
		if strings.Contains(p.stderr.String(), "nil") {
			t.Errorf("%s: %s", c.args, p.stderr.String())
		}
	}
}

func indented(text string) string {
	return "    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n"
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "params.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// wanted returns what the lines of a node's section must be reported with.
func wanted(path, text, section string) (want [][]string) {
	within := ""
	for i, line := range strings.Split(text, "\n") {
		if line != "" && line[0] != ' ' {
			within = line
		}
		if _, list, ok := strings.Cut(line, "#! "); ok && within == section {
			want = append(want, append([]string{fmt.Sprintf("%s:%d:", path, i+1)}, strings.Split(list, " | ")...))
		}
	}
	return want
}

func checkRefusal(t *testing.T, path, program string, want [][]string) {
	t.Helper()
	words := strings.Fields(program)
	args := []string{"--ros-args", "--params-file", path}
	if len(words) > 1 {
		args = []string{words[1], path}
	}
	p := runToEnd(t, ddsDomain(t), words[0], args...)
	if status := p.wait(); status != 2 {
		t.Errorf("%s: exit status %d, want 2", program, status)
	}
	for _, w := range want {
		wantLine(t, p, w...)
	}
	if out := p.stdout.String(); out != "" {
		t.Errorf("%s: standard output: %s", program, out)
	}
	entries, err := os.ReadDir(p.cmd.Dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("%s left %v behind (%v)", program, entries, err)
	}
}

// wantLine wants one line of standard error with all the texts.
func wantLine(t *testing.T, p *process, texts ...string) {
	t.Helper()
line:
	for _, line := range strings.Split(p.stderr.String(), "\n") {
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue line
			}
		}
		return
	}
	t.Errorf("%s: no line has all of %q:\n%s", strings.Join(p.cmd.Args, " "), texts, p.stderr.String())
}

// wantError wants all the texts in standard error.
func wantError(t *testing.T, p *process, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.stderr.String(), text) {
			t.Errorf("%s: standard error does not have %q:\n%s", p, text, p.stderr.String())
		}
	}
}

// TestNoParameters: a node that was not told what arm it moves does not start, and asking
// for help starts nothing.
func TestNoParameters(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--ros-args"}, {"--ros-args", "-p", "robot.joints:=[a, b]"}, {"params.yaml"}} {
		p := runToEnd(t, ddsDomain(t), "gps_node", args...)
		p.finish(2)
		if len(args) == 1 && args[0] == "params.yaml" {
			wantLine(t, p, `unexpected argument "params.yaml"`, "--params-file")
		} else {
			wantLine(t, p, "was not given", "--params-file")
		}
	}
	for _, name := range []string{"gps_node", "sim_robot", "gps"} {
		p := runToEnd(t, ddsDomain(t), name, "--help")
		p.finish(0)
		if name != "gps" && !strings.Contains(p.stdout.String(), "gps params") {
			t.Errorf("%s --help does not say where its parameters are listed: %q", name, p.stdout.String())
		}
		if !strings.Contains(p.stdout.String(), "Usage") {
			t.Errorf("%s --help says %q", name, p.stdout.String())
		}
	}
}
