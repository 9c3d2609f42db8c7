package learner

import (
	"errors"
	"math"
	"strings"
	"testing"

	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/params"
)

func TestSuccessRate(t *testing.T) {
	// Four rollouts of two conditions, whose joints end at (0, 10), (1, 10), (2, 10), (3, 10)
	// with the action (-1, -2), and are elsewhere before.
	var samples [][]*rollout.Rollout
	for m := range 2 {
		samples = append(samples, nil)
		for n := range 2 {
			r := rollout.New(6, 4, 2)
			for i := range r.X {
				r.X[i] = -100
			}
			copy(r.State(6), []float64{float64(2*m + n), 10, 0, 0})
			copy(r.Action(5), []float64{-1, -2})
			samples[m] = append(samples[m], r)
		}
	}
	for _, c := range []struct {
		text string
		want float64
	}{
		{"q0 < 2.5", 0.75},
		{"q0 > 0.5 && q1 == 10", 0.75},
		{"1.5 - q0", 0.5}, // above 0
		{"q0", 0.75},      // 0 is no success
		{"q0 >= 0", 1},
		{"q0 < 0", 0},
		{"sqrt(q0 - 1.5) >= 0", 0.5},
		{"log(q0 - 100) < 0 ? 1 : log(-1 - q0)", 0}, // no number
		{"u0 == -1 && u1 == -2", 1},
		{"t == T && T == 6", 1},
	} {
		p := taskProblem(t, func(cfg *Config) { cfg.Success.Text = c.text })
		got := p.successRate(samples)
		if got == nil || *got != c.want {
			t.Errorf("success %q: rate %v, want %v", c.text, (&Report{SuccessRate: got}).Success(), c.want)
		}
	}
	if rate := taskProblem(t).successRate(samples); rate != nil {
		t.Errorf("a rate of %v where nothing says what success is", *rate)
	}
}

// Reports, and the messages made of them, have the rate.
func TestSuccessReported(t *testing.T) {
	for _, c := range []struct {
		text string
		want float64
	}{{"", math.NaN()}, {"q0 < 1e6", 1}, {"q0 > 1e6", 0}} {
		problem := taskProblem(t, func(cfg *Config) { cfg.Success.Text = c.text })
		for _, r := range newPlant(t).learn(problem, never) {
			message := r.Message(5)
			for _, got := range []float64{r.Success(), message.SuccessRate, readReport(message).Success()} {
				if got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
					t.Errorf("success %q: rate %v in iteration %d, want %v", c.text, got, r.Iteration, c.want)
				}
			}
		}
	}
}

func TestSuccessTextWrong(t *testing.T) {
	cfg, rc := taskConfig()
	cfg.Success.Text = "q0 <"
	_, err := NewProblem(cfg, mustRobot(t, rc))
	var field params.FieldError
	if !errors.As(err, &field) || field.Key != "success.text" || !strings.Contains(field.Problem, "line 1") {
		t.Errorf("error %v, want success.text and the place in it", err)
	}
	// The names are those of the robot: this one has no end effector.
	cfg.Success.Text = "pz0 < 0.14"
	if _, err := NewProblem(cfg, mustRobot(t, robot.Config{Joints: rc.Joints, EffortLimit: rc.EffortLimit, State: rc.State, Kinematics: rc.Kinematics})); err == nil {
		t.Error("success by an end effector that the robot does not have was taken")
	}
}
