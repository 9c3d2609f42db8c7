package rollout_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"guidedpolicysearch/gps/rollout"
)

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*rollout.Rollout)
		is     error
		says   string
	}{
		"as made":      {func(*rollout.Rollout) {}, nil, ""},
		"NaN":          {func(r *rollout.Rollout) { r.State(2)[1] = math.NaN() }, rollout.ErrNotFinite, "state 1 at time step 2 is NaN"},
		"infinity":     {func(r *rollout.Rollout) { r.Action(1)[0] = math.Inf(-1) }, rollout.ErrNotFinite, "action 0 at time step 1 is -Inf"},
		"few states":   {func(r *rollout.Rollout) { r.X = r.X[:5] }, rollout.ErrShape, "5 state numbers and 3 action numbers, need 4 x 2 and 3 x 1"},
		"no last":      {func(r *rollout.Rollout) { r.X = r.X[:6] }, rollout.ErrShape, "6 state numbers"},
		"many actions": {func(r *rollout.Rollout) { r.U = make([]float64, 4) }, rollout.ErrShape, "4 action numbers"},
		"empty":        {func(r *rollout.Rollout) { *r = rollout.Rollout{} }, rollout.ErrShape, "T=0 dX=0 dU=0"},
		"negative":     {func(r *rollout.Rollout) { r.T = -1 }, rollout.ErrShape, "T=-1"},
		"product":      {func(r *rollout.Rollout) { r.T, r.DX = 1<<62, 4 }, rollout.ErrShape, "need 4611686018427387905 x 4"},
	} {
		r := rollout.New(3, 2, 1)
		c.change(r)
		if err := r.Validate(); !errors.Is(err, c.is) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %v with %q", name, err, c.is, c.says)
		}
	}
	var none *rollout.Rollout
	if err := none.Validate(); !errors.Is(err, rollout.ErrShape) {
		t.Errorf("nil: %v", err)
	}
}

// Pools and transitions take no rollout of another shape than it says, nor a nil one.
func TestShapesThatLie(t *testing.T) {
	short := rollout.New(3, 2, 1)
	short.X = short.X[:5]
	for name, r := range map[string]*rollout.Rollout{"nil": nil, "short": short} {
		pool := rollout.NewPool(9, 2, 1)
		if err := pool.Add(rollout.New(1, 2, 1), r); !errors.Is(err, rollout.ErrShape) || pool.Len() != 0 || !strings.Contains(err.Error(), "rollout 1") {
			t.Errorf("%s: error %v, %d transitions kept", name, err, pool.Len())
		}
		if got := panicOf(func() { rollout.Transitions([]*rollout.Rollout{r}) }); !strings.Contains(got, "rollout 0: rollout: wrong shape") {
			t.Errorf("%s: transitions panic with %q", name, got)
		}
	}
	for want, f := range map[string]func(){
		"T=1099511627776 dX=1 dU=1": func() { rollout.New(1<<40, 1, 1) },
		"T=1 dX=1 dU=-1":            func() { rollout.New(1, 1, -1) },
		"at most 268435456":         func() { rollout.New(1, 1, math.MaxInt) },
	} {
		if got := panicOf(f); !strings.Contains(got, want) {
			t.Errorf("panic %q, want %q", got, want)
		}
	}
}

func panicOf(f func()) (message string) {
	defer func() { message = fmt.Sprint(recover()) }()
	f()
	return ""
}
