package cost

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/autodiff"
	"guidedpolicysearch/gps/rollout"
)

// The size that expansions are measured at: a 7-joint arm with two end-effector points.
// State: 7 angles, 7 velocities, 6 coordinates, 6 velocities of them.
const (
	largeT, largeDX, largeDU = 100, 26, 7
	largeJoints              = 7
)

// links are the lengths of a serial arm with joint axes z, y, z, y, ...
var links = [largeJoints]float64{0.1, 0.2, 0.2, 0.2, 0.15, 0.1, 0.05}

// tipOffsets are the two points in the last link's frame.
var tipOffsets = [2][3]float64{{0.05, 0, 0.1}, {-0.05, 0, 0.1}}

// serialArm is the Kinematics of the arm.
type serialArm struct{}

func (serialArm) Dims() (joints, coordinates int) { return largeJoints, 6 }

// forward returns the joints' places and axes, and the two points.
func forward(q []float64) (origins, axes [largeJoints][3]float64, points [2][3]float64) {
	// The columns of the rotation to the frame at hand, whose origin is o.
	frame, o := [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, [3]float64{}
	for i := range largeJoints {
		// Axis z leaves column 2 and turns x to y, axis y leaves column 1 and turns z to x.
		axis, a, b := 2, 0, 1
		if i%2 == 1 {
			axis, a, b = 1, 2, 0
		}
		origins[i], axes[i] = o, frame[axis]
		sin, cos := math.Sincos(q[i])
		for k := range 3 {
			va, vb := frame[a][k], frame[b][k]
			frame[a][k], frame[b][k] = cos*va+sin*vb, cos*vb-sin*va
			o[k] += links[i] * frame[2][k]
		}
	}
	for p, offset := range tipOffsets {
		for k := range 3 {
			points[p][k] = o[k] + offset[0]*frame[0][k] + offset[1]*frame[1][k] + offset[2]*frame[2][k]
		}
	}
	return origins, axes, points
}

func (serialArm) Points(dst, q []float64) {
	_, _, points := forward(q)
	copy(dst, points[0][:])
	copy(dst[3:], points[1][:])
}

func (serialArm) Jacobian(dst, q []float64) {
	origins, axes, points := forward(q)
	for p, point := range points {
		for j, w := range axes {
			x, y, z := point[0]-origins[j][0], point[1]-origins[j][1], point[2]-origins[j][2]
			column := dst[3*p*largeJoints+j:]
			column[0], column[largeJoints], column[2*largeJoints] = w[1]*z-w[2]*y, w[2]*x-w[0]*z, w[0]*y-w[1]*x
		}
	}
}

// armPoints are Points as generic code.
func armPoints[S autodiff.Scalar[S]](q []S) (points [6]S) {
	for k, offset := range tipOffsets {
		for a, v := range offset {
			points[3*k+a] = q[0].Const(v)
		}
	}
	for i := largeJoints - 1; i >= 0; i-- {
		s, c := q[i].Sin(), q[i].Cos()
		cs, sc := []S{c, s}, []S{s.Neg(), c}
		for p := points[:]; len(p) > 0; p = p[3:] {
			p[2] = p[2].AddConst(links[i])
			if i%2 == 0 {
				xy := []S{p[1], p[0]}
				p[0], p[1] = autodiff.Dot(sc, xy), autodiff.Dot(cs, xy)
			} else {
				xz := []S{p[0], p[2]}
				p[0], p[2] = autodiff.Dot(cs, xz), autodiff.Dot(sc, xz)
			}
		}
	}
	return points
}

var reach = [6]float64{0.3, 0.2, 0.6, 0.2, 0.25, 0.6}

// quadraticCode is 1/2 sum of squares of all states and actions.
func quadraticCode[S autodiff.Scalar[S]](x, u []S, t, T int) S {
	return autodiff.SquaredNorm(x).Add(autodiff.SquaredNorm(u).Scale(1e-3)).Scale(0.5)
}

// roundedCode has the smooth norms: rounded |x|, log cosh, norms of the two points in the
// state, squares of the actions.
func roundedCode[S autodiff.Scalar[S]](x, u []S, t, T int) S {
	l := autodiff.SquaredNorm(u).Scale(5e-4)
	for _, v := range x[:7] {
		l = l.Add(autodiff.SmoothAbs(v, 0.01))
	}
	for _, v := range x[7:14] {
		l = l.Add(v.LogCosh())
	}
	l = l.Add(autodiff.SmoothNorm(x[14:17], 1e-5)).Add(autodiff.SmoothNorm(x[17:20], 1e-5))
	return l.Add(autodiff.SquaredNorm(x[20:]).Scale(0.1))
}

// reachCode is the classic sum as code, with the exact Hessian of the arm's kinematics.
func reachCode[S autodiff.Scalar[S]](x, u []S, t, T int) S {
	points := armPoints(x[:largeJoints])
	s := x[0].Const(0)
	for i, p := range points {
		s = s.Add(p.AddConst(-reach[i]).Square())
	}
	l := s.Scale(5).Add(s.AddConst(1e-5).Sqrt().Scale(0.1))
	return l.Add(autodiff.SquaredNorm(u).Scale(5e-4)).Add(autodiff.SquaredNorm(x[7:14]).Scale(0.5))
}

func sumOf(term string, from, to int) string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, strings.ReplaceAll(term, "#", fmt.Sprint(i)))
	}
	return strings.Join(all, " + ")
}

// roundedText is roundedCode, quadraticText is quadraticCode.
var (
	roundedText = "5e-4*(" + sumOf("u[#]^2", 0, 7) + ") + " + sumOf("smooth_abs(x[#], 0.01)", 0, 7) + " + " + sumOf("log_cosh(x[#])", 7, 14) +
		" + sqrt(1e-5 + " + sumOf("x[#]^2", 14, 17) + ") + sqrt(1e-5 + " + sumOf("x[#]^2", 17, 20) + ") + 0.1*(" + sumOf("x[#]^2", 20, 26) + ")"
	quadraticText = "0.5*(" + sumOf("x[#]^2", 0, 26) + " + 1e-3*(" + sumOf("u[#]^2", 0, 7) + "))"
)

// largeTerms are the costs that are measured.
func largeTerms(t testing.TB) map[string]Term {
	points := DefaultPointsConfig(reach[:])
	weights := make([]float64, largeDU)
	for i := range weights {
		weights[i] = 1e-3
	}
	sum := must[*Sum](t)(NewSum(
		Weighted{1, must[*Action](t)(NewAction(weights))},
		Weighted{1, must[*Points](t)(NewPoints(points, serialArm{}))},
		Weighted{1, must[*State](t)(NewState(DefaultStateConfig(7, make([]float64, 7))))}))
	code := func(f Func) Term {
		return must[*Function](t)(NewFunction(DefaultFunctionConfig(largeDX, largeDU), f))
	}
	text := func(s string) Term {
		return must[*Expression](t)(NewExpression(DefaultExpressionConfig(s, make([]string, largeDX), make([]string, largeDU))))
	}
	return map[string]Term{
		"terms/reach":          sum,
		"terms/reach/convex":   must[*Convex](t)(NewConvex(sum)),
		"code/quadratic":       code(quadraticCode[autodiff.Var]),
		"code/rounded":         code(roundedCode[autodiff.Var]),
		"code/reach":           code(reachCode[autodiff.Var]),
		"expression/quadratic": text(quadraticText),
		"expression/rounded":   text(roundedText),
	}
}

func largeRollout() *rollout.Rollout {
	rng := rand.New(rand.NewPCG(1, 2))
	r := rollout.New(largeT, largeDX, largeDU)
	copy(r.X, random(rng, len(r.X)))
	copy(r.U, random(rng, len(r.U)))
	return r
}

// BenchmarkExpand expands one trajectory of T=100, dX=26, dU=7.
func BenchmarkExpand(b *testing.B) {
	r, e := largeRollout(), NewExpansion(largeT, largeDX, largeDU)
	for name, term := range largeTerms(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := Expand(e, term, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkNewExpression parses, differentiates and compiles a text.
func BenchmarkNewExpression(b *testing.B) {
	for b.Loop() {
		if _, err := NewExpression(DefaultExpressionConfig(roundedText, make([]string, largeDX), make([]string, largeDU))); err != nil {
			b.Fatal(err)
		}
	}
}

// TestLargeTerms: what is measured is right (terms and code agree where they are the same
// cost), and allocates nothing.
func TestLargeTerms(t *testing.T) {
	r := largeRollout()
	all := largeTerms(t)
	expand := func(name string) *Expansion {
		e := NewExpansion(largeT, largeDX, largeDU)
		if err := Expand(e, all[name], r); err != nil {
			t.Fatal(err)
		}
		if a := testing.AllocsPerRun(5, func() {
			if err := Expand(e, all[name], r); err != nil {
				t.Fatal(err)
			}
		}); a != 0 {
			t.Errorf("%s: %v allocations, want 0", name, a)
		}
		return e
	}
	near := func(name string, a, b []float64) {
		t.Helper()
		for i := range a {
			if diff := math.Abs(a[i] - b[i]); !(diff <= 1e-10*(1+math.Abs(b[i]))) {
				t.Fatalf("%s: element %d is %v, want %v", name, i, a[i], b[i])
			}
		}
	}
	sum, code := expand("terms/reach"), expand("code/reach")
	near("value", code.L, sum.L)
	near("gradient", code.Ly, sum.Ly)
	for _, name := range []string{"quadratic", "rounded"} {
		code, text := expand("code/"+name), expand("expression/"+name)
		near(name, text.L, code.L)
		near(name+"'s gradient", text.Ly, code.Ly)
		near(name+"'s Hessian", text.Lyy, code.Lyy)
	}
	expand("terms/reach/convex")
}
