package node_test

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/record"
)

// Starts of the planar arm.
const (
	twoStarts   = "conditions.initial_position=[2.3, 1.5, 2.4, 1.4]"
	threeStarts = "conditions.initial_position=[2.3, 1.5, 2.4, 1.4, 2.2, 1.6]"
)

// A run of two conditions goes on with three: what it learned stays, the new one is trained beside the
// others, and all of it is the same for the same seed.
func TestTrainGoesOnWithMoreConditions(t *testing.T) {
	for _, kind := range []string{"trajopt", "mdgps"} {
		set := func(more ...string) []string {
			return append([]string{"algorithm.type=" + kind, "policy.hidden=[8]", "policy.train.epochs=2"}, more...)
		}
		grow := func() (string, [][]float64) {
			folder := filepath.Join(t.TempDir(), "run")
			if _, _, err := train(t, t.Context(), folder, set(twoStarts)...); err != nil {
				t.Fatal(err)
			}
			before := read(t, folder, record.CheckpointsDir, checkpoint.Name(2))
			// Nothing would be trained with the iterations that there were.
			left := contents(t, folder)
			_, _, err := train(t, t.Context(), folder, set(threeStarts)...)
			if want := "iterations: is 2, and the run in " + folder + " has done 2: set it higher"; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", kind, err)
			}
			if !reflect.DeepEqual(contents(t, folder), left) {
				t.Errorf("%s: the folder changed", kind)
			}
			res, out, err := train(t, t.Context(), folder, set(threeStarts, "iterations=4")...)
			if err != nil || !strings.Contains(out, "from condition 2 on they are new") {
				t.Fatalf("%s: %v: %s", kind, err, out)
			}
			if read(t, folder, record.CheckpointsDir, checkpoint.Name(2)) != before {
				t.Errorf("%s: the checkpoint of before is another one", kind)
			}
			if !strings.Contains(read(t, folder, record.LogFile), "parameter conditions.initial_position was [2.3, 1.5, 2.4, 1.4] (see params.1.yaml), is [2.3, 1.5, 2.4, 1.4, 2.2, 1.6] from here on") {
				t.Errorf("%s: the log does not say so", kind)
			}
			if !strings.Contains(read(t, folder, "params.1.yaml"), "initial_position: [2.3, 1.5, 2.4, 1.4]\n") {
				t.Errorf("%s: params.1.yaml is not the earlier file", kind)
			}
			return folder, costs(res)
		}
		folder, first := grow()
		if len(first) != 4 || len(first[1]) != 4 || len(first[2]) != 6 || len(first[3]) != 6 {
			t.Fatalf("%s: costs %v", kind, first)
		}
		c, err := checkpoint.Load(filepath.Join(folder, record.CheckpointsDir, checkpoint.Name(4)))
		if err != nil || len(c.State.Conditions) != 3 || c.State.Conditions[2].Previous == nil {
			t.Errorf("%s: the last checkpoint: %v", kind, err)
		}
		if _, second := grow(); !reflect.DeepEqual(first, second) {
			t.Errorf("%s: costs %v, and again %v", kind, first, second)
		}
		before := contents(t, folder)
		for _, wrong := range []string{twoStarts, "conditions.initial_position=[2.4, 1.4, 2.3, 1.5, 2.2, 1.6]"} {
			if _, _, err := train(t, t.Context(), folder, set(wrong, "iterations=6")...); !errors.Is(err, learner.ErrOtherRun) || !strings.Contains(err.Error(), "conditions") {
				t.Errorf("%s: %s: %v", kind, wrong, err)
			}
		}
		if !reflect.DeepEqual(contents(t, folder), before) {
			t.Errorf("%s: the folder changed", kind)
		}
	}
}
