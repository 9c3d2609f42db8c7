package learner

import (
	"errors"
	"math"
	"strings"
	"testing"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/params"
)

func TestNewProblemBlamesTheKey(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*Config, *robot.Config)
		key  string
		says string
	}{
		{"no conditions", func(c *Config, _ *robot.Config) { c.Conditions.Position = nil }, "conditions.initial_position", "a position of 2 joints"},
		{"half a condition", func(c *Config, _ *robot.Config) { c.Conditions.Position = []float64{1, 2, 3} }, "conditions.initial_position", "3 entries"},
		{"gains", func(c *Config, _ *robot.Config) { c.Initial.Gains = []float64{1} }, "initial_controller.gains", "need 2"},
		{"acceleration", func(c *Config, _ *robot.Config) { c.Initial.Acceleration = nil }, "initial_controller.acceleration", "need 2"},
		{"initial type", func(c *Config, _ *robot.Config) { c.Initial.Type = "hold" }, "initial_controller.type", "need lqr"},
		{"variances of lqr", func(c *Config, _ *robot.Config) { c.Initial.JointVariance = []float64{1, 1} }, "initial_controller.joint_variance", "lqr"},
		{"variances", func(c *Config, _ *robot.Config) {
			c.Initial.Type, c.Initial.JointVariance = "pd", []float64{1}
		}, "initial_controller.joint_variance", "need 2"},
		{"PD stiffness", func(c *Config, _ *robot.Config) { c.Initial.Type, c.Initial.PD.Stiffness = "pd", nil }, "initial_controller.pd.stiffness", "need 2"},
		{"PD damping", func(c *Config, _ *robot.Config) { c.Initial.Type, c.Initial.PD.Damping = "pd", nil }, "initial_controller.pd.damping", "need 2"},
		{"torque", func(c *Config, _ *robot.Config) { c.Initial.Type, c.Initial.Constant.Torque = "constant", nil }, "initial_controller.constant.torque", "need 2"},
		{"variance", func(c *Config, _ *robot.Config) { c.Initial.Variance = 0 }, "initial_controller", "variance"},
		{"NaN position", func(c *Config, _ *robot.Config) { c.Conditions.Position[0] = math.NaN() }, "initial_controller", "NaN"},
		{"no cost", func(c *Config, _ *robot.Config) { c.Cost.Torque.Weight, c.Cost.Position.Weight = 0, 0 }, "cost", "weight 0"},
		{"target", func(c *Config, _ *robot.Config) { c.Cost.Position.Target = []float64{1} }, "cost.joint_position.target", "need 2"},
		{"penalty", func(c *Config, _ *robot.Config) { c.Cost.Position.Log, c.Cost.Position.Alpha = 1, -1 }, "cost.joint_position", ""},
		{"no end effector", func(c *Config, _ *robot.Config) { c.Cost.EndEffector.Weight = 1 }, "cost.end_effector.weight", "kinematics.type"},
		{"target of the end effector", func(c *Config, r *robot.Config) {
			r.Kinematics = robot.DefaultConfig().Kinematics
			c.Cost.EndEffector.Weight, c.Cost.EndEffector.Target = 1, []float64{1, 0}
		}, "cost.end_effector.target", "need 3"},
		{"expression", func(c *Config, _ *robot.Config) { c.Cost.Expression.Text = "(1-cos(q0))^2 + dq2^2" }, "cost.expression.text", "dq2"},
		{"smoothness", func(c *Config, _ *robot.Config) { c.Cost.Smoothness.Weight = math.Inf(1) }, "cost", "weight"},
		{"KL step", func(c *Config, _ *robot.Config) { c.Algorithm.KLStep = 0 }, "algorithm", "KL step"},
		{"step multipliers", func(c *Config, _ *robot.Config) { c.Algorithm.MinStep = 2 }, "algorithm", "min"},
		{"eta", func(c *Config, _ *robot.Config) { c.Algorithm.MinEta = -1 }, "algorithm", ""},
		{"workers", func(c *Config, _ *robot.Config) { c.Algorithm.Workers = -1 }, "algorithm", "workers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, rc := taskConfig()
			c.edit(&cfg, &rc)
			_, err := NewProblem(cfg, mustRobot(t, rc))
			var field params.FieldError
			if !errors.As(err, &field) {
				t.Fatalf("error %v, want a FieldError", err)
			}
			if field.Key != c.key || !strings.Contains(field.Problem, c.says) || field.Problem == "" {
				t.Errorf("key %q, problem %q; want key %q and %q", field.Key, field.Problem, c.key, c.says)
			}
		})
	}
}

func TestDefaultConfigIsATask(t *testing.T) {
	p, err := NewProblem(DefaultConfig(), mustRobot(t, robot.DefaultConfig()))
	if err != nil {
		t.Fatal(err)
	}
	// The target position (0, 0) stretches the arm along x.
	if d, ok := p.endEffectorError([]float64{math.Pi, 0}); !ok || math.Abs(d-2) > 1e-12 {
		t.Errorf("error %v, %v, want 2 m", d, ok)
	}
	if err := p.initial[0].Validate(); err != nil {
		t.Error(err)
	}
}

// TestEndEffectorCost: with a target of its own the error is the distance from that.
func TestEndEffectorCost(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Cost.EndEffector.Weight, cfg.Cost.EndEffector.Target = 1, []float64{0, 1, 0}
	p, err := NewProblem(cfg, mustRobot(t, robot.DefaultConfig()))
	if err != nil {
		t.Fatal(err)
	}
	if d, ok := p.endEffectorError([]float64{math.Pi / 2, 0}); !ok || d > 1e-12 {
		t.Errorf("error %v, %v, want 0", d, ok)
	}
	if d, ok := taskProblem(t).endEffectorError([]float64{0, 0}); ok || !math.IsNaN(d) {
		t.Errorf("without kinematics: error %v, %v", d, ok)
	}
}
