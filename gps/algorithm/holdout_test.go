package algorithm

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"guidedpolicysearch/gps/rollout"
)

// groupOf returns n short samples of random numbers.
func groupOf(rng *rand.Rand, n int) []*rollout.Rollout {
	group := make([]*rollout.Rollout, n)
	for i := range group {
		group[i] = rollout.New(3, 2, 1)
		for j := range group[i].X {
			group[i].X[j] = rng.NormFloat64()
		}
	}
	return group
}

// A sample that is held out once is held out as long as it is kept, beside whatever else there is.
func TestHeldOutStays(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	first, second, third := [2][]*rollout.Rollout{groupOf(rng, 5), groupOf(rng, 5)}, [2][]*rollout.Rollout{groupOf(rng, 5), groupOf(rng, 5)}, [2][]*rollout.Rollout{groupOf(rng, 4), groupOf(rng, 6)}
	// of returns the held-out samples themselves, of iterations whose latest comes last.
	of := func(seed uint64, part float64, iterations ...[2][]*rollout.Rollout) map[*rollout.Rollout]bool {
		var lessons []lesson
		var all []*rollout.Rollout
		for m := range 2 {
			for i, samples := range iterations {
				lessons = append(lessons, lesson{samples: samples[m], age: len(iterations) - 1 - i})
				all = append(all, samples[m]...)
			}
		}
		held := map[*rollout.Rollout]bool{}
		for _, n := range heldOut(lessons, part, seed) {
			held[all[n]] = true
		}
		return held
	}
	one, two, three := of(1, 0.3, first), of(1, 0.3, first, second), of(1, 0.3, second, third)
	if len(one) != 3 || len(two) != 6 || len(three) != 6 {
		t.Fatalf("%d, %d and %d samples are held out, want 3, 6 and 6", len(one), len(two), len(three))
	}
	for m := range 2 {
		for _, s := range first[m] {
			if one[s] != two[s] {
				t.Error("a sample of the first iteration changed sides in the second")
			}
		}
		for _, s := range second[m] {
			if two[s] != three[s] {
				t.Error("a sample of the second iteration changed sides in the third")
			}
		}
	}
	seeds := map[string]bool{}
	for seed := range uint64(20) {
		var key []byte
		held := of(seed, 0.3, first)
		for _, s := range slices.Concat(first[0], first[1]) {
			if held[s] {
				key = append(key, '1')
			} else {
				key = append(key, '0')
			}
		}
		seeds[string(key)] = true
	}
	if len(seeds) < 10 {
		t.Errorf("20 seeds choose in %d ways", len(seeds))
	}
	if !reflect.DeepEqual(one, of(1, 0.3, first)) {
		t.Error("the same call chooses otherwise")
	}
	if n := len(of(1, 0.01, first)); n != 1 {
		t.Errorf("of a small part %d are held out, want 1", n)
	}
	if n := len(of(1, 0.9, first)); n != 9 {
		t.Errorf("of a large part %d are held out, want 9", n)
	}
	if heldOut([]lesson{{samples: first[0][:1]}}, 0.5, 1) != nil {
		t.Error("the only sample is held out")
	}
}
