package node_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/rcl"
)

func TestCheckParameters(t *testing.T) {
	for _, c := range []struct {
		name, text string
		// places are line:column of each mistake, with its parameter; says is in one of them.
		places []string
		says   []string
		partly bool
	}{
		{"right", "/**/guided_policy_search:\n  ros__parameters:\n    seed: 3\n", nil, nil, false},
		{"robot alone", "/**/sim_robot:\n  ros__parameters:\n    substeps: 3\n", nil, nil, false},
		{"all at once", "/**/guided_policy_search:\n  ros__parameters:\n    seed: -1\n    algorithm:\n      klstep: 0.1\n      kl_step: high\n/**/sim_robot:\n  ros__parameters:\n    substep: 3\n",
			[]string{"3:11 seed", "5:15 algorithm.klstep", "6:16 algorithm.kl_step", "9:14 substep"}, []string{"the nearest is algorithm.kl_step", "the nearest is substeps", "expected double in (0, inf)"}, true},
		{"unknown names hide no value that does not go with others", "/**/guided_policy_search:\n  ros__parameters:\n    klstep: 1\n    cost:\n      joint_position:\n        target: [0.0, 0.0, 0.0]\n",
			[]string{"3:13 klstep", "6:17 cost.joint_position.target"}, []string{"need 2, one per joint", "the nearest is algorithm.kl_step"}, false},
		{"what does not wait for the robot's description", "/**/guided_policy_search:\n  ros__parameters:\n    sentinel_timeout: 0.001\n    robot:\n      description_topic: robot_description\n      gravity_compensation: true\n      kinematics: {type: urdf, link: tip}\n    safety:\n      filter: always\n      workspace_lower: [0.0, 0.0, 0.0]\n      position_upper: [1.0, 1.0]\n    conditions:\n      initial_position: [2.0, 0.0]\n    reset:\n      stiffness: [1.0]\n    algorithm:\n      max_eta: 1.0e-20\n",
			[]string{"15:18 reset.stiffness", "13:25 conditions.initial_position", "3:23 sentinel_timeout", "17:16 algorithm.max_eta"}, []string{"has 1 entries, need 2", "its limits are -Inf and 1"}, true},
		{"a second per time step", "/**/guided_policy_search:\n  ros__parameters:\n    dt: 1.0\n", nil, nil, false},
		{"more than that is no control", "/**/guided_policy_search:\n  ros__parameters:\n    dt: 1.5\n", []string{"3:9 dt"}, []string{"expected double in (0, 1] (unit s)"}, true},
		{"node", "/**/guided_policy_serch:\n  ros__parameters:\n    seed: 3\n", []string{"2:3 "}, []string{"the nearest is"}, false},
		{"nobody's", "/talker:\n  ros__parameters:\n    rate: 3\n", []string{"0:0 "}, []string{"it holds no parameters of guided_policy_search, sim_robot, trajectory_optimizer"}, false},
		{"YAML", "a: [1\n b: 2\n", []string{"1:0 "}, []string{"not valid YAML"}, false},
		{"two nodes that do not go together", "/**/guided_policy_search:\n  ros__parameters:\n    lock_step: true\n    dt: 0.07\n/**/sim_robot:\n  ros__parameters:\n    time_step: 0.05\n",
			[]string{"4:9 dt"}, []string{"whole multiple"}, false},
	} {
		file := filepath.Join(t.TempDir(), "x.yaml")
		if err := os.WriteFile(file, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		check, err := node.CheckParameters(file)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var places []string
		all := ""
		for _, m := range check.Mistakes {
			places = append(places, fmt.Sprintf("%d:%d %s", m.Line, m.Column, m.Parameter))
			all += m.Text + "\n"
			if m.File != file || m.Problem == "" {
				t.Errorf("%s: %+v", c.name, m)
			}
		}
		if !slices.Equal(places, c.places) || check.Partly != c.partly {
			t.Errorf("%s: mistakes at %q (partly %t), want %q (%t):\n%s", c.name, places, check.Partly, c.places, c.partly, all)
		}
		for _, s := range c.says {
			if !strings.Contains(all, s) {
				t.Errorf("%s: %q is not in\n%s", c.name, s, all)
			}
		}
	}
	if _, err := node.CheckParameters(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// Every shipped parameter file is right.
func TestShippedParametersAreRight(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../params/*.yaml", "../params/*/*.yaml"} {
		list, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, list...)
	}
	if len(files) < 15 {
		t.Errorf("%d files", len(files))
	}
	for _, f := range files {
		c, err := node.CheckParameters(f)
		if err != nil || len(c.Mistakes) > 0 {
			t.Errorf("%s: %v, %+v", f, err, c)
		}
	}
}

// What is listed for other programs is what a parameter file says.
func TestDescribeParameters(t *testing.T) {
	list, err := node.DescribeParameters(node.Names()...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(list); err != nil {
		t.Error(err)
	}
	var file, markdown bytes.Buffer
	if err := errors.Join(node.WriteDefaults(&file, node.Names()...), node.WriteMarkdown(&markdown, node.Names()...)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "all.yaml")
	if err := os.WriteFile(path, file.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	nodes, err := rcl.ReadParamsFile(path)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for _, n := range nodes {
		for _, o := range n.Overrides {
			values[n.Key+" "+o.Name] = o.Value.String()
		}
	}
	table := markdown.String()
	for _, p := range list {
		if p.Description == "" || p.Type == "" || p.Takes == "" {
			t.Errorf("%+v", p)
		}
		text, ok := values["/"+p.Node+" "+p.Name]
		if empty, isList := p.Default.([]any); isList && len(empty) == 0 {
			continue // which has no form in a file
		}
		if !ok || !strings.Contains(table, "| `"+p.Name+"` | "+p.Type+" |") {
			t.Errorf("%s of %s is listed, but in no file or table", p.Name, p.Node)
		}
		if v, isText := p.Default.(string); isText && text != fmt.Sprintf("%q", v) || !isText && p.Type != "double" && p.Type != "double_array" && p.Type != "string_array" && strings.Join(strings.Fields(fmt.Sprint(p.Default)), ", ") != text {
			t.Errorf("default of %s is %v, in a file %s", p.Name, p.Default, text)
		}
	}
	if len(list) < 200 {
		t.Errorf("%d parameters", len(list))
	}
	for _, want := range []string{"| `algorithm.type` | string |  | trajopt, mdgps, badmm, constrained, lagrangian | `\"trajopt\"` | when the node is configured |", "| `algorithm.kl_step` | double | nat | (0, inf) | `0.2` | at the next trial |"} {
		if !strings.Contains(table, want) {
			t.Errorf("%q is not in the table", want)
		}
	}
}
