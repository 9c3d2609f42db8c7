package learner

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guidedpolicysearch/node/params"
)

// TestInitialControllers checks the action of each kind at the first step, away from the
// initial position of each of two conditions.
func TestInitialControllers(t *testing.T) {
	motion := writeMotion(t, "time,b.position,a.position,a.effort,b.effort\n0,0.5,1,7,8\n1,0.5,1,7,8\n")
	other := writeMotion(t, "time,a.position,b.position,a.effort,b.effort\n0,-0.5,0.25,-7,-8\n1,-0.5,0.25,-7,-8\n")
	gains := func(c *Config) { c.Initial.PD = PDConfig{Stiffness: []float64{10, 20}, Damping: []float64{1, 2}} }
	for _, c := range []struct {
		kind string
		edit func(c *Config)
		want [][]float64 // mean action of each condition at x = [q0 + (0.1, 0.2), (0.3, 0.4)]
		std  []float64
	}{
		{"pd", gains, [][]float64{{-1.3, -4.8}, {-1.3, -4.8}}, []float64{0.5, 0.5}},
		{"constant", func(c *Config) {
			c.Initial.Constant.Torque, c.Initial.JointVariance = []float64{3, -4}, []float64{4, 9}
		}, [][]float64{{3, -4}, {3, -4}}, []float64{2, 3}},
		{"demonstration", func(c *Config) { gains(c); c.Initial.Demonstration.Files = []string{motion, other} }, [][]float64{{5.7, 3.2}, {-8.3, -12.8}}, []float64{0.5, 0.5}},
		{"demonstration", func(c *Config) {
			gains(c)
			c.Initial.Demonstration.Files, c.Initial.Demonstration.StartTolerance = []string{motion}, 2
		}, [][]float64{{5.7, 3.2}, {5.7 + 15, 3.2 + 5}}, []float64{0.5, 0.5}},
	} {
		p := taskProblem(t, func(cfg *Config) {
			cfg.Initial.Type, cfg.Initial.Variance = c.kind, 0.25
			c.edit(cfg)
		})
		for m, controller := range p.initial {
			q, u := p.InitialPosition(m), make([]float64, 2)
			controller.Act(u, []float64{q[0] + 0.1, q[1] + 0.2, 0.3, 0.4}, 0, nil)
			for j := range u {
				if math.Abs(u[j]-c.want[m][j]) > 1e-9 || math.Abs(controller.CholAt(0)[3*j]-c.std[j]) > 1e-12 {
					t.Errorf("%s, condition %d, joint %d: action %v, deviation %v, want %v, %v", c.kind, m, j, u[j], controller.CholAt(0)[3*j], c.want[m][j], c.std[j])
				}
			}
		}
	}
}

func writeMotion(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "motion.csv")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDemonstrationRefused(t *testing.T) {
	good := "time,a.position,b.position\n0,1,0.5\n1,1,0.5\n"
	for _, c := range []struct {
		name, text string
		edit       func(d *DemonstrationConfig)
		key, want  string
	}{
		{"no files", good, func(d *DemonstrationConfig) { d.Files = nil }, "type", "demonstration.files to name a CSV file"},
		{"three files", good, func(d *DemonstrationConfig) { d.Files = append(d.Files, d.Files[0], d.Files[0]) }, "demonstration.files", "has 3 entries"},
		{"no such file", good, func(d *DemonstrationConfig) { d.Files = []string{"/no/such/file.csv"} }, "demonstration.files", "/no/such/file.csv"},
		{"a folder", good, func(d *DemonstrationConfig) { d.Files = []string{t.TempDir()} }, "demonstration.files", "no regular file"},
		{"bad row", "time,a.position,b.position\n0,1,0.5\n1,1,fast\n", nil, "demonstration.files", "motion.csv: trajectory: invalid file: line 3 column 5"},
		{"starts elsewhere", good, nil, "demonstration.files", "condition 2 begins 1.5 rad away"},
		{"no efforts", good, func(d *DemonstrationConfig) { d.StartTolerance, d.FeedForward = 3, "recorded" }, "demonstration.files", "motion.csv has no columns JOINT.effort"},
		{"no inverse dynamics", good, func(d *DemonstrationConfig) {
			d.StartTolerance, d.FeedForward = 3, "inverse_dynamics"
			d.Model.Type, d.Model.Lengths = "cart_pole", []float64{1}
		}, "demonstration.model.type", "cart_pole"},
		{"no model", good, func(d *DemonstrationConfig) {
			d.StartTolerance, d.FeedForward, d.Model.Masses = 3, "inverse_dynamics", []float64{1}
		}, "demonstration.model.masses", "initial_controller.demonstration.model.type planar_arm needs 2"},
		{"model of one joint", good, func(d *DemonstrationConfig) {
			d.StartTolerance, d.FeedForward = 3, "inverse_dynamics"
			d.Model.Type, d.Model.Lengths, d.Model.Masses, d.Model.Damping = "pendulum", []float64{1}, []float64{1}, []float64{0}
		}, "demonstration.model.type", "joints has 2 entries"},
	} {
		cfg, rc := taskConfig()
		cfg.Initial.Type = "demonstration"
		cfg.Initial.Demonstration.Files = []string{writeMotion(t, c.text)}
		if c.edit != nil {
			c.edit(&cfg.Initial.Demonstration)
		}
		_, err := NewProblem(cfg, mustRobot(t, rc))
		var field params.FieldError
		if !errors.As(err, &field) || field.Key != strings.TrimSuffix("initial_controller."+c.key, ".") || !strings.Contains(field.Problem, c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
