package policy_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"guidedpolicysearch/gps/policy"
)

// TestVersion1 runs policies from files that an earlier program wrote, and wants what that program's
// policies did: the actions of trial in version_1.json.
func TestVersion1(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "version_1.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]float64
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"linear", "network", "nearest", "mixture"} {
		f, err := policy.Load(filepath.Join("testdata", "version_1_"+name+".gps"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := trial(f.Policy, 5)
		if len(got) != len(want[name]) {
			t.Fatalf("%s: %d actions, want %d", name, len(got), len(want[name]))
		}
		for i, v := range got {
			// A machine with fused multiplications rounds otherwise.
			if w := want[name][i]; math.Abs(v-w) > 1e-12*(1+math.Abs(w)) {
				t.Errorf("%s: action %d is %v, want %v", name, i, v, w)
				break
			}
		}
		if f.Training.Rollouts != 40 || f.Training.Seed != math.MaxUint64 || f.Step != 0.05 || len(f.StateNames) != states {
			t.Errorf("%s: %+v", name, f.Training)
		}
	}
}
