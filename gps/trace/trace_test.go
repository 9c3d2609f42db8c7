package trace_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"guidedpolicysearch/gps/trace"
)

func newRecorder(t testing.TB, limit int, patterns ...string) *trace.Recorder {
	t.Helper()
	r, err := trace.NewRecorder(trace.Config{Select: patterns, Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestConfig(t *testing.T) {
	if err := trace.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	for want, c := range map[string]trace.Config{"limit": {Limit: 0}, "select[1]": {Limit: 1, Select: []string{"*", ""}}} {
		if _, err := trace.NewRecorder(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one that names %s", c, err, want)
		}
	}
}

// inner is a function that records, called within a context and without.
func inner(ctx context.Context, a, b float64) float64 {
	c := a + b
	trace.Log(ctx, "c", c)
	return c * c
}

func TestNestedContexts(t *testing.T) {
	r := newRecorder(t, 1<<20, "*")
	ctx := r.Into(context.Background())
	trace.Log(ctx, "a", 1)
	trace.Log(ctx, "b", 2)
	d := inner(trace.With(ctx, "inner_fun"), 1, 2)
	trace.Log(ctx, "d", d)
	inner(ctx, 1, 2)
	for i := range 2 {
		loop := trace.WithIndex(trace.With(ctx, "search"), "pass", i+9)
		trace.Log(loop, "kl", float64(i))
	}
	trace.From(ctx).In("search").At("pass", 3).Log("kl", 7)
	inner(trace.Off(ctx), 5, 5)
	want := map[string]float64{"a": 1, "b": 2, "inner_fun/c": 3, "d": 9, "c": 3, "search/pass_09/kl": 0, "search/pass_10/kl": 1, "search/pass_03/kl": 7}
	if names := r.Names(); len(names) != len(want) || !slices.IsSorted(names) {
		t.Errorf("names %q, want those of %v in order", names, want)
	}
	for name, v := range want {
		if data, shape := r.Array(name); len(data) != 1 || data[0] != v || len(shape) != 0 {
			t.Errorf("%s is %v of shape %v, want the number %v", name, data, shape, v)
		}
	}
}

func TestRepeatedNames(t *testing.T) {
	r := newRecorder(t, 1<<20, "*")
	s := r.Scope()
	for i := range 12 {
		s.Log("eta", float64(i))
	}
	for i, name := range map[int]string{0: "eta", 1: "eta_01", 11: "eta_11"} {
		if data, _ := r.Array(name); len(data) != 1 || data[0] != float64(i) {
			t.Errorf("%s is %v, want %d", name, data, i)
		}
	}
}

func TestCopiesWhatItIsGiven(t *testing.T) {
	r := newRecorder(t, 1<<20, "*")
	data := []float64{1, 2, 3, 4, 5, 6}
	r.Scope().Array("m", data, 2, 3)
	r.Scope().Array("list", data)
	place := r.Scope().Space("place", 1, 2)
	clear(data)
	place[0], place[1] = 8, 9
	for name, want := range map[string][]float64{"m": {1, 2, 3, 4, 5, 6}, "list": {1, 2, 3, 4, 5, 6}, "place": {8, 9}} {
		if got, _ := r.Array(name); !slices.Equal(got, want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if _, shape := r.Array("m"); !slices.Equal(shape, []int{2, 3}) {
		t.Errorf("shape %v, want [2 3]", shape)
	}
	if _, shape := r.Array("list"); !slices.Equal(shape, []int{6}) {
		t.Errorf("shape %v, want [6]", shape)
	}
}

// TestLater computes what is left for later once, when it is asked for.
func TestLater(t *testing.T) {
	r := newRecorder(t, 1000, "*")
	s, calls, data := r.Scope(), 0, []float64{1, 2}
	place := s.Later("later", func(dst []float64) { calls++; dst[1] = 2 * dst[0] }, 2)
	place[0] = 4
	s.Steady("steady", data, 1, 2)
	if got := s.Later("dropped", func([]float64) { t.Error("what is dropped is computed") }, 1000); got != nil {
		t.Error("what is dropped has a place")
	}
	data[0] = 3 // too early, and so told by the copy
	var first, second bytes.Buffer
	if err := errors.Join(r.WriteNPZ(&first), r.WriteNPZ(&second)); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("error %v, or two files that differ", err)
	}
	data[0] = 5
	later, _ := r.Array("later")
	steady, shape := r.Array("steady")
	if calls != 1 || !slices.Equal(later, []float64{4, 8}) || !slices.Equal(steady, []float64{3, 2}) || !slices.Equal(shape, []int{1, 2}) {
		t.Errorf("%d calls, %v and %v of shape %v, want 1, [4 8] and [3 2] of shape [1 2]", calls, later, steady, shape)
	}
	var off *trace.Scope
	if n := testing.AllocsPerRun(10, func() { off.Steady("steady", data, 1, 2) }); n != 0 {
		t.Errorf("%v allocations where nothing is recorded, want 0", n)
	}
}

func TestShapesThatDoNotFitPanic(t *testing.T) {
	s := newRecorder(t, 1<<20, "*").Scope()
	for name, f := range map[string]func(){
		"6 elements, want those of its shape [2 2]": func() { s.Array("m", make([]float64, 6), 2, 2) },
		"1 elements, want those of its shape [2]":   func() { s.Ints("m", []int{1}, 2) },
		"need sizes >= 0":                           func() { s.Space("m", 3, -1) },
		"at most":                                   func() { s.Space("m", math.MaxInt32, 2) },
	} {
		func() {
			defer func() {
				if v := fmt.Sprint(recover()); !strings.Contains(v, name) {
					t.Errorf("panic %q, want %q in it", v, name)
				}
			}()
			f()
		}()
	}
}

func TestSelection(t *testing.T) {
	names := []string{"eta", "search/pass_00/kl", "search/pass_01/kl", "search/pass_01/eta", "dynamics/f"}
	for _, c := range []struct {
		patterns []string
		want     []int
	}{
		{[]string{"*"}, []int{0, 1, 2, 3, 4}},
		{nil, nil},
		{[]string{"**"}, []int{0, 1, 2, 3, 4}},
		{[]string{"*eta"}, []int{0, 3}},
		{[]string{"search/*"}, []int{1, 2, 3}},
		{[]string{"search/pass_0?/kl", "dyn*"}, []int{1, 2, 4}},
		{[]string{"search/pass_00"}, nil},
		{[]string{"*s*s*k*"}, []int{1, 2}},
		{[]string{"search/pass_01/kl*", "?"}, []int{2}},
		{[]string{"dynamics/f?", "dynamics"}, nil},
	} {
		r := newRecorder(t, 1<<20, c.patterns...)
		for _, name := range names {
			r.Scope().Log(name, 1)
			if got := r.Scope().Wants(name); got != slices.Contains(r.Names(), name) {
				t.Errorf("%q: Wants(%q) is %v", c.patterns, name, got)
			}
		}
		var want []string
		for _, i := range c.want {
			want = append(want, names[i])
		}
		slices.Sort(want)
		if got := r.Names(); !slices.Equal(got, want) {
			t.Errorf("%q records %q, want %q", c.patterns, got, want)
		}
	}
	// Patterns that a search with a stack would take exponential time for.
	r := newRecorder(t, 1<<20, strings.Repeat("*a", 50)+"b")
	r.Scope().Log(strings.Repeat("a", 10_000), 1)
	if n := len(r.Names()); n != 0 {
		t.Errorf("%d names recorded, want 0", n)
	}
}

// TestLimit drops the largest arrays, whatever order they come in.
func TestLimit(t *testing.T) {
	sizes := []int{500, 10, 300, 40, 300, 5, 1000, 120, 80, 0}
	order := make([]int, len(sizes))
	for i := range order {
		order[i] = i
	}
	var want []string
	for turn := range 50 {
		r := newRecorder(t, 8000, "*")
		for _, i := range order {
			r.Scope().Array(fmt.Sprintf("array_%d", i), make([]float64, sizes[i]))
		}
		names := r.Names()
		if turn == 0 {
			want = names
			// 10 + 40 + 5 + 120 + 80 + 300 numbers of 8 bytes are 4440, with what they take besides.
			if expected := []string{"array_1", "array_2", "array_3", "array_5", "array_7", "array_8", "array_9"}; !slices.Equal(names, expected) {
				t.Fatalf("kept %q, want %q", names, expected)
			}
		}
		if !slices.Equal(names, want) {
			t.Fatalf("order %v keeps %q, want %q", order, names, want)
		}
		if arrays, bytes := r.Dropped(); arrays != 3 || bytes < 8*1800 || bytes > 8*1800+1000 {
			t.Errorf("dropped %d arrays of %d bytes, want 3 of about %d", arrays, bytes, 8*1800)
		}
		for i := range order { // another permutation
			j := (i*7 + turn) % len(order)
			order[i], order[j] = order[j], order[i]
		}
		r.Reset()
		if arrays, bytes := r.Dropped(); arrays != 0 || bytes != 0 || len(r.Names()) != 0 {
			t.Error("Reset leaves something")
		}
		r.Scope().Array("big", make([]float64, 900))
		if len(r.Names()) != 1 {
			t.Error("after a Reset there is no room")
		}
	}
	r := newRecorder(t, 100, "*")
	if r.Scope().Space("whole", 1); len(r.Names()) != 0 {
		t.Error("kept an array that alone is beyond the limit")
	}
	if got := r.Scope().Space("whole", 1); got != nil {
		t.Error("an array that is dropped has a place")
	}
}

// TestWorkers compares what goroutines record with what one records in turn, byte by byte.
func TestWorkers(t *testing.T) {
	record := func(r *trace.Recorder, workers int) []byte {
		ctx := r.Into(context.Background())
		var group sync.WaitGroup
		blocks := make(chan int)
		for range workers {
			group.Add(1)
			go func() {
				defer group.Done()
				for m := range blocks {
					s := trace.From(trace.WithIndex(ctx, "condition", m))
					for i := range 20 {
						s.At("pass", i).Log("eta", float64(m+i))
						s.At("pass", i).Ints("t", []int{m, i})
						s.At("pass", i).Texts("text", []string{fmt.Sprint(m), "é"})
						s.Array("kl", make([]float64, 10*(m+i)))
					}
				}
			}()
		}
		for m := range 20 {
			blocks <- m
		}
		close(blocks)
		group.Wait()
		var b bytes.Buffer
		if err := r.WriteNPZ(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for _, limit := range []int{1 << 24, 400_000} {
		want := record(newRecorder(t, limit, "*"), 1)
		again := newRecorder(t, limit, "*")
		for workers := 1; workers < 9; workers++ {
			again.Reset() // memory that is used again
			if got := record(again, workers); !bytes.Equal(got, want) {
				t.Fatalf("limit %d: %d workers write other bytes than one", limit, workers)
			}
		}
		if arrays, _ := again.Dropped(); (arrays > 0) != (limit == 400_000) {
			t.Errorf("limit %d: %d arrays dropped", limit, arrays)
		}
	}
}

// TestOffCostsNothing counts allocations where nothing is recorded.
func TestOffCostsNothing(t *testing.T) {
	ctx, data, texts := context.Background(), make([]float64, 6), []string{"a"}
	for name, f := range map[string]func(){
		"context": func() {
			trace.Log(trace.WithIndex(trace.With(ctx, "search"), "pass", 3), "eta", 1)
			trace.Phase(ctx, "prior")()
			_ = trace.Off(ctx)
		},
		"scope": func() {
			s := trace.From(ctx)
			s.Log("eta", 1)
			s.Array("m", data, 2, 3)
			s.Int("n", 3)
			s.Ints("list", nil)
			s.Bool("ok", true)
			s.Texts("texts", texts)
			if s.In("a").At("b", 1) != nil || s.Space("m", 2, 3) != nil || s.Wants("m") {
				t.Error("nothing is recorded, and something is wanted")
			}
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func BenchmarkOff(b *testing.B) {
	var s *trace.Scope
	data := make([]float64, 6)
	for b.Loop() {
		s.Array("m", data, 2, 3)
	}
}
