package realtime

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// A histogram has 16 buckets to each doubling of the time, from 1 ns to 68 s: each is at most a
// sixteenth of its time wide.
const (
	perOctave = 16
	subBits   = 4
	maxBits   = 36
	buckets   = (maxBits-subBits)*perOctave + perOctave
)

// Histogram counts times in buckets of a fixed share of the time, so that quantiles are right to
// 6.25 % however long it counts. Its zero value is empty. Add, Merge and Reset are for one
// goroutine at a time; the others may be called meanwhile, from any, and may or may not see
// what is being added.
type Histogram struct {
	counts [buckets]atomic.Uint64
	most   atomic.Int64
}

// bucket returns the index for a time.
func bucket(ns int64) int {
	if ns <= 0 {
		return 0
	}
	v := uint64(ns)
	shift := bits.Len64(v) - 1 - subBits
	if shift <= 0 {
		return int(v) // below 32 ns a bucket is a nanosecond
	}
	return min(shift<<subBits+int(v>>shift), buckets-1)
}

// top returns the longest time that a bucket counts.
func top(i int) int64 {
	if i < 2*perOctave {
		return int64(i)
	}
	shift := i>>subBits - 1
	return (int64(i&(perOctave-1)+perOctave)+1)<<shift - 1
}

// Add counts a time. What is below 0 counts as 0. It does not allocate.
func (h *Histogram) Add(d time.Duration) {
	c := &h.counts[bucket(int64(d))]
	c.Store(c.Load() + 1) // one goroutine adds: no other store comes between
	if int64(d) > h.most.Load() {
		h.most.Store(int64(d))
	}
}

// Count returns how many times were added.
func (h *Histogram) Count() uint64 {
	var n uint64
	for i := range h.counts {
		n += h.counts[i].Load()
	}
	return n
}

// Max returns the longest time, exactly; 0 if there is none.
func (h *Histogram) Max() time.Duration { return time.Duration(h.most.Load()) }

// Quantile returns the time that a share q of all does not exceed, 0 < q <= 1: the upper end of
// its bucket, and at most Max. It is 0 for an empty histogram.
func (h *Histogram) Quantile(q float64) time.Duration {
	n := h.Count()
	if n == 0 {
		return 0
	}
	rank := uint64(math.Ceil(min(max(q, 0), 1) * float64(n)))
	rank = min(max(rank, 1), n)
	most := h.most.Load()
	var seen uint64
	for i := range h.counts {
		if seen += h.counts[i].Load(); seen >= rank && i < buckets-1 {
			return time.Duration(min(top(i), most))
		}
	}
	return time.Duration(most)
}

// Buckets calls visit for each bucket that has counted something, with the longest time that it
// counts.
func (h *Histogram) Buckets(visit func(top time.Duration, count uint64)) {
	for i := range h.counts {
		if n := h.counts[i].Load(); n > 0 {
			visit(time.Duration(top(i)), n)
		}
	}
}

// Merge adds the times that another histogram counted.
func (h *Histogram) Merge(o *Histogram) {
	for i := range h.counts {
		if n := o.counts[i].Load(); n > 0 {
			h.counts[i].Store(h.counts[i].Load() + n)
		}
	}
	h.most.Store(max(h.most.Load(), o.most.Load()))
}

// Reset empties the histogram.
func (h *Histogram) Reset() {
	for i := range h.counts {
		h.counts[i].Store(0)
	}
	h.most.Store(0)
}

// Snapshot makes dst, which belongs to the caller, a copy. It does not allocate.
func (h *Histogram) Snapshot(dst *Histogram) {
	dst.Reset()
	dst.Merge(h)
}
