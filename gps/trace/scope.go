package trace

import (
	"context"
	"fmt"
	"slices"
	"strconv"
)

// Scope records under names that begin with its own. The nil Scope records nothing.
type Scope struct {
	recorder *Recorder
	prefix   string // with the '/' behind it; "" at the top
}

// Scope returns the scope without a name; nil for a nil Recorder.
func (r *Recorder) Scope() *Scope {
	if r == nil {
		return nil
	}
	return &Scope{recorder: r}
}

// In returns the scope of a name within s.
func (s *Scope) In(name string) *Scope {
	if s == nil {
		return nil
	}
	return &Scope{recorder: s.recorder, prefix: s.prefix + name + "/"}
}

// At returns the scope of the i-th turn of a loop, from 0: name_07.
func (s *Scope) At(name string, i int) *Scope {
	if s == nil {
		return nil
	}
	return s.In(indexed(name, i))
}

// indexed returns name_07 for 7.
func indexed(name string, i int) string {
	if i < 10 {
		return name + "_0" + strconv.Itoa(i)
	}
	return name + "_" + strconv.Itoa(i)
}

// Log records a number. A name that was recorded before gets an index, as for all methods: eta,
// eta_01, eta_02.
func (s *Scope) Log(name string, v float64) {
	if s == nil {
		return
	}
	if dst := s.space(name, nil); dst != nil {
		dst[0] = v
	}
}

// Int records an integer.
func (s *Scope) Int(name string, v int) {
	if s == nil {
		return
	}
	s.ints(name, []int{v}, nil)
}

// Bool records 1 for true and 0 for false.
func (s *Scope) Bool(name string, v bool) {
	if s == nil {
		return
	}
	number := 0
	if v {
		number = 1
	}
	s.ints(name, []int{number}, nil)
}

// Array records a copy of data, row-major, of the given shape; without one, as a list. Another number of
// elements than the shape's panics.
func (s *Scope) Array(name string, data []float64, shape ...int) {
	if s == nil {
		return
	}
	if len(shape) == 0 {
		shape = []int{len(data)}
	}
	mustHold(name, shape, len(data))
	copy(s.space(name, shape), data)
}

// Ints is Array for integers.
func (s *Scope) Ints(name string, data []int, shape ...int) {
	if s == nil {
		return
	}
	if len(shape) == 0 {
		shape = []int{len(data)}
	}
	mustHold(name, shape, len(data))
	s.ints(name, data, shape)
}

// Texts records a list of texts.
func (s *Scope) Texts(name string, list []string) {
	if s == nil || !s.wants(name) {
		return
	}
	size := overhead + len(s.prefix) + len(name)
	for _, v := range list {
		size += 16 + len(v)
	}
	s.recorder.put(&entry{name: s.prefix + name, shape: []int{len(list)}, texts: append([]string{}, list...), size: size})
}

// Space records an array of the given shape and returns the place for its numbers, row-major, which
// the caller fills before the Recorder is written; nil where it is not recorded. What it
// holds at first is undefined.
func (s *Scope) Space(name string, shape ...int) []float64 {
	if s == nil {
		return nil
	}
	return s.space(name, shape)
}

// Later is Space for numbers that are left to compute until the Recorder is written or read: fill is called
// then, once, with the place as it was left. What it reads must not change until then. fill is for what
// takes longer than the place to hold it: an update does not wait for it.
func (s *Scope) Later(name string, fill func(dst []float64), shape ...int) []float64 {
	if s == nil || !s.wants(name) {
		return nil
	}
	return s.recorder.floats(s.prefix+name, shape, fill)
}

// Steady is Array for numbers that nothing changes any more: they are copied later.
func (s *Scope) Steady(name string, data []float64, shape ...int) {
	if s == nil {
		return
	}
	mustHold(name, shape, len(data))
	s.Later(name, func(dst []float64) { copy(dst, data) }, shape...)
}

func (s *Scope) space(name string, shape []int) []float64 {
	if !s.wants(name) {
		return nil
	}
	return s.recorder.floats(s.prefix+name, shape, nil)
}

func (s *Scope) ints(name string, data, shape []int) {
	if !s.wants(name) {
		return
	}
	e := &entry{name: s.prefix + name, shape: slices.Clone(shape), ints: make([]int64, len(data)), size: overhead + len(s.prefix) + len(name) + 8*len(data)}
	for i, v := range data {
		e.ints[i] = int64(v)
	}
	s.recorder.put(e)
}

// wants tells whether a name within s is recorded.
func (s *Scope) wants(name string) bool { return s.recorder.all || s.recorder.wants(s.prefix+name) }

// Wants tells whether anything is recorded under a name within s: what takes time to compute is left out
// where it is not.
func (s *Scope) Wants(name string) bool { return s != nil && s.wants(name) }

func mustHold(name string, shape []int, n int) {
	if elements(name, shape) != n {
		panic(fmt.Sprintf("trace: %s has %d elements, want those of its shape %v", name, n, slices.Clone(shape)))
	}
}

// scopeKey is the context's key of a *Scope.
type scopeKey struct{}

// Into returns a context whose code records in r; nil ends the recording there.
func (r *Recorder) Into(ctx context.Context) context.Context {
	return context.WithValue(ctx, scopeKey{}, r.Scope())
}

// Off returns a context in which nothing is recorded.
func Off(ctx context.Context) context.Context {
	if From(ctx) == nil {
		return ctx
	}
	return (*Recorder)(nil).Into(ctx)
}

// From returns the scope of a context, nil where nothing is recorded.
func From(ctx context.Context) *Scope {
	s, _ := ctx.Value(scopeKey{}).(*Scope)
	return s
}

// With returns a context with the scope of a name within that of ctx.
func With(ctx context.Context, name string) context.Context {
	s := From(ctx)
	if s == nil {
		return ctx
	}
	return context.WithValue(ctx, scopeKey{}, s.In(name))
}

// WithIndex is With for the i-th turn of a loop, from 0, or the i-th of several equal things: name_07.
func WithIndex(ctx context.Context, name string, i int) context.Context {
	s := From(ctx)
	if s == nil {
		return ctx
	}
	return context.WithValue(ctx, scopeKey{}, s.At(name, i))
}

// Log records a number in the scope of a context.
func Log(ctx context.Context, name string, v float64) { From(ctx).Log(name, v) }
