package trajopt

import (
	"math"
	"testing"
)

// find runs a bracket on v, which is NaN where it is undefined, and counts the points.
func find(v func(x float64) float64, start float64) (x float64, points int, ok bool) {
	b := newBracket(-18, 37)
	x = b.clamp(start)
	for more := true; more; {
		points++
		switch y := v(x); {
		case math.IsNaN(y):
			b.tooLow(x, y)
		case math.Abs(y) < 1e-10:
			return x, points, true
		case y > 0:
			b.tooLow(x, y)
		case x <= b.min:
			return x, points, true
		default:
			b.feasible(x, y)
		}
		x, more = b.next()
	}
	return x, points, b.hi.seen
}

func TestBracketFindsRoots(t *testing.T) {
	for _, f := range []struct {
		name string
		v    func(x float64) float64
		root float64
	}{
		{"straight", func(x float64) float64 { return -2 * (x - 3) }, 3},
		{"flat to the left", func(x float64) float64 { return 4 - 2*math.Log1p(math.Exp(x)) }, math.Log(math.Expm1(2))},
		{"undefined to the left", func(x float64) float64 {
			if x <= 5 {
				return math.NaN()
			}
			return -math.Log(x - 5)
		}, 6},
		{"steep", func(x float64) float64 { return -math.Sinh(20 * (x - 1)) }, 1},
		{"zero at the right end", func(x float64) float64 {
			if x > 30 {
				return math.Inf(-1)
			}
			return 10 - x
		}, 10},
	} {
		for start := -20.0; start <= 40; start += 2.5 {
			x, points, ok := find(f.v, start)
			if !ok || math.Abs(x-f.root) > 1e-6 {
				t.Errorf("%s from %g: root %v after %d points, want %g", f.name, start, x, points, f.root)
			}
			if points > 60 {
				t.Errorf("%s from %g: %d points", f.name, start, points)
			}
		}
	}
}

// Below everywhere: the lower end, soon. Above everywhere, or undefined: none, soon.
func TestBracketWithoutRoot(t *testing.T) {
	if x, points, ok := find(func(float64) float64 { return -3 }, 10); !ok || x != -18 || points > 12 {
		t.Errorf("below everywhere: %v after %d points", x, points)
	}
	for name, v := range map[string]func(float64) float64{"above": func(float64) float64 { return 3 }, "undefined": func(float64) float64 { return math.NaN() }} {
		if x, points, ok := find(v, 10); ok || points > 12 {
			t.Errorf("%s everywhere: %v after %d points", name, x, points)
		}
	}
}
