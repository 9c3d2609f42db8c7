package learner

import (
	"math"
	"os"
	"path/filepath"
	"testing"
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
			cfg.Initial.Type, cfg.Initial.Variance, cfg.Initial.Demonstration.RowsPerStep = c.kind, 0.25, 0
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
