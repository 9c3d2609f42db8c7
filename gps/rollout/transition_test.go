package rollout_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/rollout/rollouttest"
	"guidedpolicysearch/internal/vectors"
)

// read returns the rollouts of a donk case.
func read(c vectors.Case) []*rollout.Rollout {
	return rollouttest.Rollouts(c.Inputs.Get("X"), c.Inputs.Get("U"))
}

// has says if a case of the mixed file holds all of the keys.
func has(c vectors.Case, keys ...string) bool {
	return !slices.ContainsFunc(keys, func(key string) bool { return !c.Inputs.Has(key) })
}

func TestVectorsDonkTransitions(t *testing.T) {
	found := 0
	for _, c := range vectors.Donk(t, "misc") {
		switch {
		case has(c, "XUX"):
			t.Run(c.Name, func(t *testing.T) {
				vectors.Close(t, "XUX", rollout.Transitions(read(c)), c.Outputs.Get("XUX").Floats(), 0)
			})
		case has(c, "adds", "capacity"):
			t.Run(c.Name, func(t *testing.T) {
				all := read(c)
				pool := rollout.NewPool(c.Inputs.Get("capacity").Int(), all[0].DX, all[0].DU)
				adds := c.Inputs.Get("adds")
				for i := range adds.Len() {
					var batch []*rollout.Rollout
					for _, n := range adds.At(i).Ints() {
						batch = append(batch, all[n])
					}
					if err := pool.Add(batch...); err != nil {
						t.Fatal(err)
					}
				}
				vectors.Close(t, "all", pool.All(), c.Outputs.Get("all").Floats(), 0)
				newest := 0
				for _, key := range c.Outputs.Keys() {
					if n, ok := number(key, "newest_"); ok {
						newest++
						vectors.Close(t, key, pool.Newest(n), c.Outputs.Get(key).Floats(), 0)
					}
				}
				if newest == 0 {
					t.Error("the case has no newest_<n>")
				}
			})
		default:
			continue
		}
		found++
	}
	if found < 2 {
		t.Errorf("%d cases of transitions and pools, want both", found)
	}
}

// number reads the whole number after a prefix.
func number(key, prefix string) (n int, ok bool) {
	if len(key) <= len(prefix) || key[:len(prefix)] != prefix {
		return 0, false
	}
	for _, r := range key[len(prefix):] {
		if r < '0' || r > '9' {
			return 0, false
		}
		n = 10*n + int(r-'0')
	}
	return n, true
}

// numbered returns a rollout whose states and actions count on from first.
func numbered(T, dX, dU int, first float64) *rollout.Rollout {
	r := rollout.New(T, dX, dU)
	for _, part := range [][]float64{r.X, r.U} {
		for i := range part {
			part[i] = first
			first++
		}
	}
	return r
}

// Whatever the capacity, the pool holds the end of all transitions ever added.
func TestPoolKeepsTheNewest(t *testing.T) {
	for capacity := 1; capacity <= 12; capacity++ {
		pool := rollout.NewPool(capacity, 2, 1)
		if len(pool.All()) != 0 || len(pool.Newest(3)) != 0 {
			t.Fatalf("capacity %d: an empty pool gives %v", capacity, pool.All())
		}
		var added []*rollout.Rollout
		for i := range 5 {
			batch := []*rollout.Rollout{numbered(1+i%3, 2, 1, float64(100*i)), numbered(2, 2, 1, float64(100*i+50))}
			added = append(added, batch...)
			if err := pool.Add(batch...); err != nil {
				t.Fatal(err)
			}
			all := rollout.Transitions(added)
			want := all[max(0, len(all)-capacity*5):]
			if got := pool.All(); !slices.Equal(got, want) || pool.Len()*5 != len(want) || pool.Len() > pool.Cap() {
				t.Fatalf("capacity %d after %d batches: %d transitions %v, want %v", capacity, i+1, pool.Len(), got, want)
			}
			for n := range pool.Len() + 2 {
				if got, want := pool.Newest(n), want[max(0, len(want)-n*5):]; !slices.Equal(got, want) {
					t.Fatalf("capacity %d: newest %d are %v, want %v", capacity, n, got, want)
				}
			}
			if got := pool.Newest(-1); len(got) != 0 {
				t.Fatalf("newest -1 are %v", got)
			}
		}
	}
}

func TestPoolRefusesNaN(t *testing.T) {
	pool := rollout.NewPool(10, 2, 1)
	bad := numbered(3, 2, 1, 0)
	bad.Action(1)[0] = math.NaN()
	if err := pool.Add(numbered(3, 2, 1, 0), bad); !errors.Is(err, rollout.ErrNotFinite) || pool.Len() != 0 {
		t.Errorf("error %v, %d transitions kept", err, pool.Len())
	}
	if got := rollout.Transitions(nil); len(got) != 0 {
		t.Errorf("no rollouts have transitions %v", got)
	}
}

func TestPoolPanicsWithBothShapes(t *testing.T) {
	for name, f := range map[string]func(){
		"pool":        func() { rollout.NewPool(0, 2, 1) },
		"add":         func() { _ = rollout.NewPool(3, 2, 1).Add(rollout.New(1, 3, 1)) },
		"transitions": func() { rollout.Transitions([]*rollout.Rollout{rollout.New(1, 3, 1), rollout.New(1, 3, 2)}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// FuzzPool: any capacity, sizes and numbers leave a pool of finite rows within its
// capacity.
func FuzzPool(f *testing.F) {
	f.Add(uint16(3), uint8(2), uint8(1), []byte{4, 200, 1, 0, 255, 7, 9})
	f.Add(uint16(65535), uint8(1), uint8(1), []byte{0})
	f.Fuzz(func(t *testing.T, capacity uint16, dX, dU uint8, data []byte) {
		nx, nu := 1+int(dX%8), 1+int(dU%8)
		pool := rollout.NewPool(1+int(capacity), nx, nu)
		for len(data) > 0 {
			r := rollout.New(1+int(data[0]%16), nx, nu)
			data = data[1:]
			for _, part := range [][]float64{r.X, r.U} {
				for i := range part {
					if len(data) > 0 {
						part[i] = math.Tan(float64(data[0]) * math.Pi / 510)
						if data[0] == 255 {
							part[i] = math.Inf(1)
						}
						data = data[1:]
					}
				}
			}
			before := pool.Len()
			if err := pool.Add(r); (err != nil) != (r.Validate() != nil) {
				t.Fatalf("error %v for a rollout that is %v", err, r.Validate())
			} else if want := min(pool.Cap(), before+r.T); err == nil && pool.Len() != want {
				t.Fatalf("%d transitions, want %d", pool.Len(), want)
			}
		}
		for _, v := range pool.All() {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("the pool holds %v", v)
			}
		}
	})
}
