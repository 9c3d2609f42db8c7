//go:build cgo && !nomujoco

package mujoco

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// TestMutatedModels loads and steps models whose attributes and elements were changed at
// random: each loads or gives an error, and no step gives what is not finite.
func TestMutatedModels(t *testing.T) {
	attribute := regexp.MustCompile(`"[^"]*"`)
	element := regexp.MustCompile(`<[a-z]+[^<>]*/>`)
	values := []string{"", "0", "-1", "1e300", "-1e300", "nan", "inf", "1e-300", "0 0 0", "1 2 3 4 5 6 7 8 9", "true", "false", "x", "2147483648", "1e10 1e10 1e10", "none", "hinge", "mesh", "&#0;", strings.Repeat("9 ", 500)}
	random := rand.New(rand.NewPCG(3, 1))
	loaded, stepped := 0, 0
	for range 400 {
		mjcf := scene
		if random.IntN(2) == 0 {
			mjcf = chain(1+random.IntN(4), 9.81, 0.1, `timestep="0.001" solver="Newton" cone="elliptic" integrator="Euler" iterations="10"`)
		}
		for range 1 + random.IntN(2) {
			at := attribute
			by := values[random.IntN(len(values))]
			if random.IntN(4) == 0 {
				at = element
				others := element.FindAllString(mjcf, -1)
				by = others[random.IntN(len(others))]
				if random.IntN(2) == 0 {
					by += by
				}
			} else {
				by = `"` + by + `"`
			}
			all := at.FindAllStringIndex(mjcf, -1)
			i := all[random.IntN(len(all))]
			mjcf = mjcf[:i[0]] + by + mjcf[i[1]:]
		}
		s, err := Load(fstest.MapFS{"model.xml": {Data: []byte(mjcf)}}, "model.xml", Config{})
		if err != nil {
			continue
		}
		loaded++
		u := make([]float64, len(s.JointNames()))
		for range 5 {
			if s.Step(u) != nil {
				break
			}
			stepped++
			for _, v := range append(s.Positions(), s.Velocities()...) {
				if !finite(v) {
					t.Errorf("a step gives %v and no error for %s", v, mjcf)
				}
			}
		}
		s.Close()
	}
	if loaded < 20 || stepped < 100 {
		t.Errorf("%d models load and make %d steps: this test shows little", loaded, stepped)
	}
}
