package vectors

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// recorder stands in for a test that is expected to fail.
type recorder struct {
	testing.TB
	fatal, errs []string
}

func (r *recorder) Helper() {}
func (r *recorder) Fatalf(format string, a ...any) {
	r.fatal = append(r.fatal, fmt.Sprintf(format, a...))
	runtime.Goexit()
}
func (r *recorder) Errorf(format string, a ...any) {
	r.errs = append(r.errs, fmt.Sprintf(format, a...))
}
func (r *recorder) Logf(string, ...any) {}

// failure runs f with a recorder and returns what it died of.
func failure(t *testing.T, f func(testing.TB)) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	return strings.Join(r.fatal, "\n")
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const caseText = `{"case":"a","kind":"k","note":"n","tolerance":1e-9,"reference_defect":"d",
"inputs":{"m":[[1,2,3],[4,5,6]],"r":[[1],[2,3]],"s":{"$file":"shared_x.json"},"i":3,"null":null,"b":true,"t":"text"},
"outputs":{"y":1.5}}`

func TestFolder(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"", "gps", "relative"} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, sub), "a.json", caseText)
		write(t, filepath.Join(dir, sub), "shared_x.json", `{"about":"","data":{"deep":[7,8]}}`)
		if sub == "relative" { // to the module, not to the package
			if dir, err = filepath.Rel(root, filepath.Join(dir, sub)); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("GPS_VECTORS_DIR", dir)
		if kinds := Kinds(t); len(kinds) != 1 || kinds[0] != "k" {
			t.Fatalf("kinds are %v, want [k]", kinds)
		}
		c := GPS(t, "k")[0]
		if c.Name != "a" || c.Note != "n" || c.Defect != "d" || c.Tolerance != 1e-9 {
			t.Errorf("case is %+v", c)
		}
		in := c.Inputs
		if got := fmt.Sprint(in.Get("m").Floats(2, -1), in.Get("m").Shape(), in.Get("s", "deep").At(1).Int(), in.Get("i").Float(),
			in.Get("b").Bool(), in.Get("t").String(), in.Get("m").Len(), in.Get("s", "deep").Ints(), c.Outputs.Get("y").Float()); got !=
			"[1 2 3 4 5 6] [2 3] 8 3 truetext2 [7 8] 1.5" {
			t.Errorf("values are %s", got)
		}
		if in.Has("null") || in.Has("none") || !in.Has("s", "deep") || in.Has("m", "x") {
			t.Error("Has is wrong")
		}
		for want, f := range map[string]func(Node){
			"a: inputs.s.none: no such key":                 func(n Node) { n.Get("s", "none") },
			"a: inputs.m: index 2 of 2":                     func(n Node) { n.Get("m").At(2) },
			"a: inputs.t: want a number":                    func(n Node) { n.Get("t").Float() },
			"a: inputs.r: ragged list: element 1":           func(n Node) { n.Get("r").Floats() },
			"a: inputs.m: shape is [2 3], want [3 2]":       func(n Node) { n.Get("m").Floats(3, 2) },
			"a: inputs.m[0]: want an object, got []":        func(n Node) { n.Get("m").At(0).Get("x") },
			"a: inputs.null: want numbers, got <nil>":       func(n Node) { n.Get("null").Floats() },
			"a: outputs.y: want a whole number, got 1.5":    func(n Node) { c.Outputs.with(n.t).Get("y").Int() },
			`vectors: gps kind "no_such_kind": vectors: no`: func(n Node) { GPS(n.t, "no_such_kind") },
		} {
			if got := failure(t, func(tb testing.TB) { f(in.with(tb)) }); !strings.Contains(got, want) {
				t.Errorf("failure is %q, want %q", got, want)
			}
		}
		// What the folder lacks comes from the next source.
		if len(Donk(t, "niw_posterior")) != 2 {
			t.Error("niw_posterior: want 2 cases")
		}
	}
}

// with returns the node for another test.
func (n Node) with(t testing.TB) Node { n.t = t; return n }

func TestWrongFolder(t *testing.T) {
	t.Setenv("GPS_VECTORS_DIR", t.TempDir())
	if got := failure(t, func(tb testing.TB) { GPS(tb, "ramps") }); !strings.Contains(got, "want a folder with gps/ and donk/") {
		t.Errorf("failure is %q", got)
	}
}

func TestCompressedCopy(t *testing.T) {
	s, err := unpack(packed)
	if err != nil {
		t.Fatal(err)
	}
	if len(packed) > 3_000_000 {
		t.Errorf("the copy takes %d bytes, want at most 3 MB", len(packed))
	}
	for _, kind := range Kinds(t) {
		if cases, err := s.kind(t, kind); err != nil {
			t.Errorf("kind %s: %v", kind, err)
		} else {
			for _, c := range cases {
				c.Inputs.Keys()
				c.Outputs.Keys()
			}
		}
	}
	if cases, err := s.set(t, "fit_lr"); err != nil || cases[0].Inputs.Get("F").Shape()[0] != 5 {
		t.Errorf("fit_lr: %v", err)
	}
}

func TestClose(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		got, want []float64
		tol       float64
		ok        bool
	}{
		{[]float64{1, 2}, []float64{1, 2}, 0, true},
		{[]float64{1, 2.29}, []float64{1, 2}, 0.1, true},
		{[]float64{1, 2.31}, []float64{1, 2}, 0.1, false},
		{[]float64{1}, []float64{1, 2}, 1, false},
		{[]float64{nan}, []float64{1}, 1e300, false},
		{[]float64{1}, []float64{nan}, 1e300, false},
		{[]float64{nan}, []float64{nan}, 1, false},
		{[]float64{inf}, []float64{1}, 1e300, false},
		{[]float64{inf}, []float64{inf}, 0, true},
		{[]float64{-inf}, []float64{inf}, 1e300, false},
	} {
		r := &recorder{TB: t}
		if ok := Close(r, "x", c.got, c.want, c.tol); ok != c.ok || (len(r.errs) == 0) != c.ok {
			t.Errorf("Close(%v, %v, %v) = %v, want %v: %v", c.got, c.want, c.tol, ok, c.ok, r.errs)
		}
	}
}
