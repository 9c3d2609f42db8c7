package efficiency_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/efficiency"
)

func load(t *testing.T, file string, set ...string) *efficiency.Task {
	t.Helper()
	cfg, _, simulated, err := node.LoadFile(filepath.Join("../../params", file), set)
	if err != nil {
		t.Fatal(err)
	}
	return &efficiency.Task{Name: file, Learning: cfg.Learning, Noise: cfg.Noise.Exploration(), Robot: cfg.Robot, Simulated: *simulated}
}

var reach = efficiency.Criterion{Distance: 0.03, Hold: 10, MaxTrials: 300}

// The prior's gain, as other implementations of it show: a factor of about 2 on two links
// and about 6 on seven. The numbers of samples are the best ones of each.
func TestPriorSavesTrials(t *testing.T) {
	tasks := []struct {
		file  string
		plain []int
		least float64
	}{
		{"reach_2_link.yaml", []int{8, 10, 15}, 1.8},
		{"reach_7_link.yaml", []int{28, 30}, 4},
	}
	if testing.Short() {
		tasks = tasks[:1] // the same code, in a fraction of the time, for the race detector
	}
	for _, task := range tasks {
		t.Run(task.file, func(t *testing.T) {
			variants := []efficiency.Variant{{Prior: true, Samples: 3}}
			for _, n := range task.plain {
				variants = append(variants, efficiency.Variant{Samples: n})
			}
			table, err := efficiency.Make(context.Background(), load(t, task.file), variants, reach, []uint64{1, 2, 3}, func() {})
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			if err := table.Write(&text); err != nil {
				t.Fatal(err)
			}
			t.Log(text.String())
			if table.Ratio == nil {
				t.Fatal("plain regression or the prior did not learn")
			}
			if *table.Ratio < task.least {
				t.Errorf("plain regression needs %.3g times the trials, want at least %g", *table.Ratio, task.least)
			}
		})
	}
}

// The result is the same whatever the number of workers, and every seed counts once.
func TestWorkersChangeNothing(t *testing.T) {
	task := load(t, "reach_2_link.yaml")
	make := func(workers int) *efficiency.Table {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
		calls := 0
		table, err := efficiency.Make(context.Background(), task, []efficiency.Variant{{Prior: true, Samples: 5}, {Samples: 15}}, reach, []uint64{4, 5}, func() { calls++ })
		if err != nil {
			t.Fatal(err)
		}
		if calls != 4 {
			t.Errorf("progress was told %d times, want 4", calls)
		}
		return table
	}
	if one, four := make(1), make(4); !reflect.DeepEqual(one, four) {
		t.Errorf("one worker: %+v, four: %+v", one, four)
	}
}

func TestTableRefuses(t *testing.T) {
	two := []efficiency.Variant{{Samples: 2}}
	for name, bad := range map[string]func() error{
		"distance":    func() error { return efficiency.Criterion{Hold: 1, MaxTrials: 10}.Validate(two) },
		"hold":        func() error { return efficiency.Criterion{Distance: 1, MaxTrials: 10}.Validate(two) },
		"one sample":  func() error { return reach.Validate([]efficiency.Variant{{Samples: 1}}) },
		"more trials": func() error { return reach.Validate([]efficiency.Variant{{Samples: 301}}) },
	} {
		if bad() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := reach.Validate(two); err != nil {
		t.Error(err)
	}
	task := load(t, "reach_2_link.yaml", "cost.end_effector.weight=0.0", "robot.kinematics.type=none", "robot.state=[joint_positions,joint_velocities]", "cost.joint_position.weight=1.0")
	if _, err := efficiency.Trials(context.Background(), task, efficiency.Variant{Samples: 5}, reach, 1); err == nil || !strings.Contains(err.Error(), "target") {
		t.Errorf("a task without an end effector: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := efficiency.Make(ctx, load(t, "reach_2_link.yaml"), two, reach, []uint64{1}, func() {}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
