package learner

import (
	"errors"
	"strings"
	"testing"

	"guidedpolicysearch/node/params"
)

// Exploration beyond what the robot or the model bears is noted, with what to set.
func TestExplorationIsNoted(t *testing.T) {
	for name, c := range map[string]struct {
		entropy, torque, most float64
		update                string
		notes                 []string
	}{
		"no entropy":          {0, 1e-5, 100, "pilqr", nil},
		"little":              {1e-5, 1e-5, 10, "lqr", nil}, // 1 N m of 10
		"wide":                {0.1, 1e-5, 10, "lqr", []string{`exploration of joint "a" grow to a standard deviation of 100 N m, its effort limit is 10: `, "max_entropy 6.25e-05 keeps"}},
		"no cost of torques":  {0.1, 0, 10, "lqr", nil},
		"long steps":          {1e-5, 1e-5, 100, "pilqr", []string{"may grow to 1000 times algorithm.kl_step", "set algorithm.max_step_multiplier to 10"}},
		"long steps of LQR":   {1e-5, 1e-5, 100, "lqr", nil},
		"steps as by default": {1e-5, 1e-5, 10, "pilqr", nil},
	} {
		p := taskProblem(t, func(cfg *Config) {
			cfg.Algorithm.MaxEntropy, cfg.Cost.Torque.Weight, cfg.Algorithm.MaxStep, cfg.Algorithm.Update = c.entropy, c.torque, c.most, c.update
		})
		said := strings.Join(p.notes, "\n")
		if (said == "") != (c.notes == nil) || len(p.notes) > 1 {
			t.Errorf("%s: notes %q", name, p.notes)
		}
		for _, want := range c.notes {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q is not in %q", name, want, said)
			}
		}
	}
}

// Path integral updates are refused where the policy pulls at controllers, with what is possible.
func TestUpdatesThatAlgorithmsHave(t *testing.T) {
	_, rc := taskConfig()
	for _, kind := range []string{trajOpt, mdgps, badmm, constrained, lagrangian} {
		for _, update := range []string{"lqr", "pi2", "pilqr"} {
			cfg, _ := taskConfig()
			cfg.Algorithm.Type, cfg.Algorithm.Update = kind, update
			_, err := NewProblem(cfg, mustRobot(t, rc))
			if kind == trajOpt || kind == mdgps || update == "lqr" {
				if err != nil {
					t.Errorf("%s with %s: %v", kind, update, err)
				}
				continue
			}
			var field params.FieldError
			if !errors.As(err, &field) || field.Key != "algorithm.update" {
				t.Errorf("%s with %s: %v", kind, update, err)
				continue
			}
			for _, want := range []string{"is " + update, "algorithm.type " + kind + " has lqr only", "choose lqr, or algorithm.type mdgps or trajopt"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s with %s: %q is not in %v", kind, update, want, err)
				}
			}
		}
	}
}
