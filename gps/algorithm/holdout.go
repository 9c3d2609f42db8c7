package algorithm

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"

	"guidedpolicysearch/gps/rollout"
)

// heldOut returns which of the lessons' samples, numbered in their order, are kept from training: a
// part of those of each iteration. Training goes on from the network before, so a sample that was held
// out stays so for as long as it is kept: what is chosen depends on the samples themselves, and on
// seed, and those of an iteration come and go together. It is nil where there are fewer than two.
func heldOut(lessons []lesson, part float64, seed uint64) []int {
	type sample struct {
		number int
		key    uint64
	}
	ages, count := map[int][]sample{}, 0
	for _, l := range lessons {
		for _, s := range l.samples {
			ages[l.age] = append(ages[l.age], sample{number: count, key: fingerprint(s, seed)})
			count++
		}
	}
	if count < 2 {
		return nil
	}
	var held []int
	for _, group := range ages {
		slices.SortFunc(group, func(a, b sample) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.number, b.number)) })
		n := int(math.Round(part * float64(len(group))))
		for _, s := range group[:min(max(n, 1), len(group)-1)] {
			held = append(held, s.number)
		}
	}
	slices.Sort(held)
	return held // nil if each iteration has one sample: then they are drawn
}

// fingerprint tells rollouts apart by their numbers.
func fingerprint(s *rollout.Rollout, seed uint64) uint64 {
	h := fnv.New64a()
	var b [8]byte
	write := func(v uint64) {
		binary.LittleEndian.PutUint64(b[:], v)
		h.Write(b[:])
	}
	write(seed)
	for _, numbers := range [][]float64{s.X, s.U} {
		for _, v := range numbers {
			write(math.Float64bits(v))
		}
	}
	return h.Sum64()
}
