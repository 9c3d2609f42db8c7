package learner

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/node/params"
)

// A run goes on with a third condition: its first trials are driven by its initial controller, the
// others as before; then it is trained as they are. A learner that is killed on the way comes to the
// same bits.
func TestConditionsAreAdded(t *testing.T) {
	for _, kind := range []string{trajOpt, mdgps, badmm} {
		setup := func(c *Config) {
			c.Algorithm.Type, c.Policy.Hidden, c.Policy.Train.Epochs = kind, []int{4}, 2
		}
		first := taskProblem(t, setup)
		more := taskProblem(t, setup, func(c *Config) {
			c.Conditions.Position = append(c.Conditions.Position, 0.3, 0.6)
			c.Iterations = 4
		})
		grow := func(restart func(int) bool) *plant {
			p := newPlant(t)
			p.learn(first, never)
			core, notes := p.core(more)
			if len(notes) != 1 || !strings.Contains(notes[0], "from condition 2 on they are new") {
				t.Errorf("%s: notes %q", kind, notes)
			}
			if recorded, total := core.Trials(); recorded != 0 || total != 9 || core.Iteration() != 3 {
				t.Fatalf("%s: %d of %d trials of iteration %d", kind, recorded, total, core.Iteration())
			}
			for n := range 18 {
				if restart(n) {
					core, _ = p.core(more)
				}
				c := core.Next()
				wanted := kind != trajOpt && (c.Condition < 2 || c.Iteration == 4)
				if _, byPolicy := c.Controller.(*policy.Network); byPolicy != wanted {
					t.Errorf("%s: iteration %d, condition %d is driven by a %T", kind, c.Iteration, c.Condition, c.Controller)
				}
				if own, is := c.Controller.(*lqg.Controller); is && c.Condition == 2 && c.Iteration == 3 && !slices.Equal(own.Bias, more.initial[2].Bias) {
					t.Errorf("%s: the new condition does not begin with its initial controller", kind)
				}
				report, err := core.Recorded(t.Context(), p.record(c))
				if err != nil {
					t.Fatalf("%s: %v", kind, err)
				}
				if want := n%9 == 8; (report != nil) != want || want && len(report.SampleCosts) != 9 {
					t.Fatalf("%s: trial %d: report %+v", kind, n, report)
				}
			}
			if core.Next() != nil {
				t.Errorf("%s: more than 4 iterations", kind)
			}
			return p
		}
		whole := grow(never)
		grow(func(n int) bool { return n%4 == 1 || n == 9 }).wantSame(whole, 4)
		if _, _, err := NewCore(first, &whole.run.Folder); !errors.Is(err, ErrOtherRun) || !strings.Contains(err.Error(), "it has 3 conditions, conditions.initial_position and conditions.random have 2") {
			t.Errorf("%s: a condition was taken away: %v", kind, err)
		}
	}
}

// The earlier conditions come first, wherever they are from.
func TestAdded(t *testing.T) {
	box := func(count int, position ...float64) ConditionsConfig {
		return ConditionsConfig{Position: position, Random: RandomConfig{Count: count, Lower: []float64{-1, -1}, Upper: []float64{1, 1}}}
	}
	wider := box(2, 1, 2)
	wider.Random.Upper = []float64{2, 1}
	for name, c := range map[string]struct {
		was, is ConditionsConfig
		added   int
		wrong   string
	}{
		"the same":        {box(0, 1, 2), box(0, 1, 2), 0, ""},
		"one more":        {box(0, 1, 2), box(0, 1, 2, 3, 4), 1, ""},
		"drawn after":     {box(0, 1, 2), box(3, 1, 2), 3, ""},
		"more are drawn":  {box(2, 1, 2), box(5, 1, 2), 3, ""},
		"unused box":      {box(0, 1, 2), ConditionsConfig{Position: []float64{1, 2, 0, 0}}, 1, ""},
		"one less":        {box(0, 1, 2, 3, 4), box(0, 1, 2), 0, "gives, with conditions.random, 1 conditions, the run has 2"},
		"put first":       {box(0, 1, 2), box(0, 3, 4, 1, 2), 0, "condition 0 begin at [3 4], in the run it begins at [1 2]"},
		"given and drawn": {box(1, 1, 2), box(1, 1, 2, 3, 4), 0, "condition 1 begin at [3 4]"},
		"another box":     {box(2, 1, 2), wider, 0, "condition 1 begin at"},
		"half a position": {box(0, 1, 2), box(0, 1, 2, 3), 0, "need a multiple of 2"},
	} {
		added, err := c.is.Added(&c.was, 7, 2)
		var field params.FieldError
		if added != c.added || (err != nil) != (c.wrong != "") || err != nil && (!errors.As(err, &field) || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s: %d conditions, %v; want %d, %q", name, added, err, c.added, c.wrong)
		}
	}
}
