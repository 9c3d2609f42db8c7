package expression

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/autodiff"
	"guidedpolicysearch/internal/vectors"
)

var scope = Scope{States: []string{"q0", "q1", "dq0", ""}, Actions: []string{"u0", "tau"}}

const dims = 6

// compiled fails the test unless the text compiles.
func compiled(t testing.TB, text string) *autodiff.Program {
	t.Helper()
	p, err := Compile(text, scope)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

// at returns value, gradient and Hessian at y, time step 3 of 10.
func at(p *autodiff.Program, y []float64) (v float64, g, h []float64) {
	g, h = make([]float64, dims), make([]float64, dims*dims)
	copy(p.Inputs(), y)
	p.Parameters()[TimeStep], p.Parameters()[Steps] = 3, 10
	v = p.Run()
	p.AddHessian(1, g, h)
	return v, g, h
}

func TestValues(t *testing.T) {
	y := []float64{0.3, -0.7, 1.5, 2.5, -0.4, 0.9}
	q0, q1, dq0, tau := y[0], y[1], y[2], y[5]
	for text, want := range map[string]float64{
		"(1-cos(q0))^2 + 0.1*dq0^2":              math.Pow(1-math.Cos(q0), 2) + 0.1*dq0*dq0,
		"1/2":                                    0.5,
		"7/2*2":                                  7,
		"-q0^2":                                  -q0 * q0,
		"-2^2":                                   -4,
		"2^-1":                                   0.5,
		"2^3^2":                                  512,
		"2**3**2":                                512,
		"2*q0^3":                                 2 * q0 * q0 * q0,
		"q0-q1-dq0":                              q0 - q1 - dq0,
		"q0-(q1-dq0)":                            q0 - (q1 - dq0),
		"q0/q1/dq0":                              q0 / q1 / dq0,
		"q0/q1*dq0":                              q0 / q1 * dq0,
		"--q0":                                   q0,
		"+q0":                                    q0,
		"- q0 * q1":                              -q0 * q1,
		"q0 * -q1":                               -q0 * q1,
		"1e-3 + .5 + 2.":                         2.501,
		"1_000":                                  1000,
		"x[3]*u[1]":                              y[3] * tau,
		"x[0] - q0 + u[0] - u0":                  0,
		"t/T":                                    0.3,
		"t == T-7 ? 5 : 6":                       5,
		"t < T-7 ? 5 : 6":                        6,
		"t != 3 ? 5 : t >= 3 ? 7 : 8":            7,
		"(q0 > 0)*2 + (q0 <= 0)*3":               2,
		"!(q0 > 0)":                              0,
		"not (q0 > 0)":                           0,
		"q0 > 0 && q1 < 0":                       1,
		"q0 < 0 || q1 > 0":                       0,
		"q0 > 0 and q1 > 0 or true":              1,
		"-1 < q0 < 1":                            1,
		"false":                                  0,
		"pi":                                     math.Pi,
		"sqrt(4) + exp(0) + log(exp(2))":         5,
		"sin(q0) + cos(q0) + tan(q0)":            math.Sin(q0) + math.Cos(q0) + math.Tan(q0),
		"asin(q0) + acos(q0) + atan(q0)":         math.Asin(q0) + math.Acos(q0) + math.Atan(q0),
		"atan2(q0, q1)":                          math.Atan2(q0, q1),
		"sinh(q0) + cosh(q0) + tanh(q0)":         math.Sinh(q0) + math.Cosh(q0) + math.Tanh(q0),
		"log_cosh(q0)":                           math.Log(math.Cosh(q0)),
		"abs(q1) + min(q0, q1) + max(q0, q1)":    -q1 + q1 + q0,
		"min(3, q0, q1, 9) + max(q0, dq0, 1, 2)": q1 + 2,
		"pow(q0, 3)":                             math.Pow(q0, 3),
		"pow(q0, dq0)":                           math.Pow(q0, dq0),
		"smooth_abs(q1, 0.01)":                   math.Sqrt(0.01 + q1*q1),
		"let s = sin(q0); s^2 + s":               math.Pow(math.Sin(q0), 2) + math.Sin(q0),
		"let a = q0; let b = a*2; a*b":           2 * q0 * q0,
		"(\n  q0 +\n  tau\n)":                    q0 + tau,
	} {
		v, _, _ := at(compiled(t, text), y)
		vectors.Close(t, text, []float64{v}, []float64{want}, 1e-14)
	}
}

// TestDerivatives compares programs with central differences of their values and
// gradients.
func TestDerivatives(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, text := range []string{
		"(1-cos(q0))^2 + 0.1*dq0^2",
		"exp(q0*u0/2) + u0^4 + log(q0^2 + q1^2 + 0.1) + (1-cos(dq0))*(1+q0^2)",
		"let s = sin(q0+q1); smooth_abs(s*dq0, 0.01) + 3*log_cosh(s - tau) + x[3]/(1+q0^2)",
		"q0 > 0 ? q0^3*u0 : q1^2*tau",
		"max(q0^2, q1*tau) - min(sin(q0), u0) + abs(q0*tau)",
		"atan2(q0+3, q1) * tanh(dq0) + pow(q0^2+1, u0) + sqrt(1 + x[3]^2)",
		"(q0^2 + q1^2 + dq0^2 + x[3]^2 + u0^2 + tau^2)^1.5 / (t + 1)",
	} {
		p := compiled(t, text)
		y := make([]float64, dims)
		for range 5 {
			for i := range y {
				y[i] = rng.NormFloat64()
			}
			_, g, h := at(p, y)
			for i := range y {
				const step = 1e-5
				old := y[i]
				y[i] = old + step
				hv, hg, _ := at(p, y)
				y[i] = old - step
				lv, lg, _ := at(p, y)
				y[i] = old
				vectors.Close(t, fmt.Sprintf("%s: gradient[%d]", text, i), []float64{g[i]}, []float64{(hv - lv) / (2 * step)}, 1e-7)
				for j := range y {
					vectors.Close(t, fmt.Sprintf("%s: Hessian[%d][%d]", text, i, j), []float64{h[i*dims+j]}, []float64{(hg[j] - lg[j]) / (2 * step)}, 1e-7)
				}
			}
		}
	}
}

// TestFolding: constants cost nothing at run time, and equal parts are one.
func TestFolding(t *testing.T) {
	p, q := compiled(t, "2*pi/4 + sqrt(9) - 1"), compiled(t, "sin(q0)*sin(q0)")
	if v, _, _ := at(p, make([]float64, dims)); math.Abs(v-(math.Pi/2+2)) > 1e-15 {
		t.Errorf("constant is %v", v)
	}
	if n := p.Operations(); n != 0 {
		t.Errorf("a constant takes %d operations, want 0", n)
	}
	if n := q.Operations(); n != 2 {
		t.Errorf("the square of a sine takes %d operations, want 2", n)
	}
}

// manyNodes is of legal length, and of more parts than a text may have.
var manyNodes = strings.Repeat("t+", 6000) + "t"

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "text is empty",
		"  \n":                     "text is empty",
		"q0 + dq9":                 `line 1, column 6 of "q0 + dq9": unknown name "dq9", want a name such as "dq0"`,
		"q0 +\n  ta^2":             `line 2, column 3`,
		"taau":                     `nearest, or x[i]`,
		"cs(q0)":                   `column 1 of "cs(q0)": unknown function "cs", want a function such as "cos"`,
		"q0 +":                     "unexpected token EOF",
		"(q0":                      "unexpected token EOF",
		"q0)":                      `column 3`,
		"q0 q1":                    `column 4`,
		"2 q0":                     `column 3`,
		"q0 ^^ 2":                  `column 5`,
		"q0 # 2":                   `column 4`,
		"sin":                      "sin is a function, want its arguments in brackets",
		"sin()":                    "sin has 0 arguments, want 1",
		"atan2(q0)":                "atan2 has 1 arguments, want 2",
		"min(q0)":                  "min has 1 arguments, want 2 or more",
		"smooth_abs(q0)":           "smooth_abs has 1 arguments, want 2",
		"x":                        "x stands for all elements, want one of them",
		"x[4]":                     "x[4] is out of range, want an index from 0 to 3",
		"u[2]":                     "want an index from 0 to 1",
		"x[-1]":                    "want x[i] or u[i] with a whole number i",
		"x[1.5]":                   "want x[i] or u[i]",
		"x[q0]":                    "want x[i] or u[i]",
		"x.q0":                     "want x[i] or u[i]",
		"y[0]":                     "want x[i] or u[i]",
		"q0 % 2":                   `operator "%" has no meaning in a cost, want one of`,
		"q0 ?? 2":                  `operator "??" has no meaning`,
		"q0 in [1, 2]":             `operator "in" has no meaning`,
		"[q0]":                     "this has no meaning in a cost",
		`"text"`:                   "this has no meaning in a cost",
		"{a: 1}":                   "this has no meaning in a cost",
		"nil":                      "this has no meaning in a cost",
		"q0; q1":                   `2 expressions with ; between them, want one`,
		"q0 + (q1; q0; 3)":         "3 expressions with ; between them, want one",
		"e^2":                      `unknown name "e", want exp(1), and exp(x) for e^x`,
		"π/2":                      `column 1 of "π/2": unknown name "π", want pi`,
		"E":                        `unknown name "E", want exp(1)`,
		"q0 < inf":                 `unknown name "inf", which no cost may be`,
		"-Infinity":                "want a large number such as 1e6",
		"NaN":                      `unknown name "NaN", which is no number`,
		"2*Pi":                     `want a name such as "pi"`,
		"Q0":                       `want a name such as "q0"`,
		"qo":                       `want a name such as "q0"`,
		"velocity":                 `unknown name "velocity", want one of T, dq0, pi, q0, q1, t, tau, u0, x[i] or u[i]`,
		"z":                        `unknown name "z", want one of T,`,
		"ln(q0)":                   `unknown function "ln", want one of abs, acos,`,
		"absolute(q0)":             `unknown function "absolute", want one of abs`,
		"Sin(q0)":                  `want a function such as "sin"`,
		"arctan(q0)":               `want a function such as "atan"`,
		manyNodes:                  "too many numbers, names and operators, want at most 10000 of them in all",
		"sum([q0, q1])":            `unknown function "sum"`,
		"1/0":                      `column 2 of "1/0": the constant here is +Inf`,
		"q0 + log(-1)":             `column 6 of "q0 + log(-1)": the constant here is NaN`,
		"1e999":                    "column",
		"let q0 = 1; q0":           `"q0" cannot be defined`,
		"let a = 1; let a = 2; a":  `"a" cannot be defined`,
		"let sin = 1; sin":         `"sin" cannot be defined`,
		"(let a = 1; a) + a":       `unknown name "a"`,
		"let a = b; a":             `unknown name "b"`,
		strings.Repeat("1+", 9000): "want at most 16384",
	} {
		_, err := Compile(text, scope)
		if !errors.Is(err, ErrInvalid) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%.60q: error is %v, want %q", text, err, want)
		}
	}
	names := func(states, actions []string) error {
		_, err := Compile("1", Scope{States: states, Actions: actions})
		return err
	}
	for want, err := range map[string]error{
		"want at least 1 of each":                        names(nil, []string{"u"}),
		`states[1] is named "arm/j 1", want a letter`:    names([]string{"", "arm/j 1"}, []string{"u"}),
		`states[0] is named "1a"`:                        names([]string{"1a"}, []string{"u"}),
		`actions[0] is named "T", which has a meaning`:   names([]string{"x"}, []string{"T"}),
		`actions[0] is named "exp"`:                      names([]string{"x"}, []string{"exp"}),
		`actions[0] is named "q" as an element before`:   names([]string{"q"}, []string{"q"}),
		`states[0] is named "smooth_abs", which has`:     names([]string{"smooth_abs"}, []string{"u"}),
		`states[0] is named "q\u00e4", want a letter or`: names([]string{"q\u00e4"}, []string{"u"}),
	} {
		if !errors.Is(err, ErrInvalid) || !strings.Contains(fmt.Sprint(err), strings.ReplaceAll(want, `\u00e4`, "\u00e4")) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

// TestNamesOfVectors: x and u may be names of elements as well.
func TestNamesOfVectors(t *testing.T) {
	p, err := Compile("x*2 + x[1] + u[0]*u", Scope{States: []string{"x", "theta"}, Actions: []string{"u"}})
	if err != nil {
		t.Fatal(err)
	}
	copy(p.Inputs(), []float64{1, 10, 3})
	if v := p.Run(); v != 21 {
		t.Errorf("value is %v, want 21", v)
	}
}

// TestInteractions: a text of legal length whose derivatives explode is refused.
func TestInteractions(t *testing.T) {
	const n = 900
	text := "exp("
	for i := range n {
		text += fmt.Sprintf("(sin(%d*q0)+", i)
	}
	text += "0" + strings.Repeat(")", n+1)
	if _, err := Compile(text, scope); !errors.Is(err, ErrInvalid) || !errors.Is(err, autodiff.ErrTooLarge) {
		t.Errorf("error is %v, want ErrTooLarge", err)
	}
}

// FuzzCompile: any text gives an error or a program that runs.
func FuzzCompile(f *testing.F) {
	for _, text := range []string{"(1-cos(q0))^2 + 0.1*dq0^2", "let a = q0; a ? tau : -a**.5", "min(q0, 1, u[0])", "x[", "((((((((", "1 < q0 < 2 ? t : T",
		"q0 | abs()", "if q0 > 1 { 2 } else { u0 }", "a?.b", "x[0:1]", "'a' matches 'b'", "$env", "map(x, # + 1)", "::sin(q0)", "\xff", "0x", "1..2", "not not q0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Compile(text, scope)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("error %v does not wrap ErrInvalid", err)
			}
			return
		}
		at(p, []float64{0.1, -0.2, 0.3, 1, 2, -3})
	})
}
