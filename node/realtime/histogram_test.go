package realtime_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"guidedpolicysearch/node/realtime"
)

// exact is the smallest of sorted times that a share q of them does not exceed.
func exact(sorted []int64, q float64) int64 {
	return sorted[max(int(math.Ceil(q*float64(len(sorted))))-1, 0)]
}

func TestQuantilesAreThoseOfSortedTimes(t *testing.T) {
	draws := map[string]func(*rand.Rand) int64{
		"few nanoseconds": func(r *rand.Rand) int64 { return r.Int64N(40) },
		"even":            func(r *rand.Rand) int64 { return r.Int64N(1_000_000) },
		"lateness":        func(r *rand.Rand) int64 { return int64(20_000 * math.Exp(r.NormFloat64())) },
		"long tail":       func(r *rand.Rand) int64 { return int64(1000 * math.Pow(r.Float64(), -1.5)) },
		"one value":       func(*rand.Rand) int64 { return 123_456_789 },
	}
	for name, draw := range draws {
		for _, n := range []int{1, 2, 10, 1000, 50_000} {
			t.Run(fmt.Sprint(name, " ", n), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(uint64(n), 9))
				var h realtime.Histogram
				all := make([]int64, n)
				for i := range all {
					all[i] = draw(rng)
					h.Add(time.Duration(all[i]))
				}
				slices.Sort(all)
				for _, q := range []float64{1e-9, 0.1, 0.5, 0.9, 0.99, 0.999, 1} {
					got, want := int64(h.Quantile(q)), exact(all, q)
					if got < want || float64(got) > float64(want)*(1+1.0/16) {
						t.Errorf("quantile %v is %d, want %d or up to a sixteenth more", q, got, want)
					}
				}
				if h.Max() != time.Duration(all[n-1]) || h.Quantile(1) != h.Max() || h.Count() != uint64(n) {
					t.Errorf("maximum %d, last quantile %d of %d times, want %d of %d", h.Max(), h.Quantile(1), h.Count(), all[n-1], n)
				}
			})
		}
	}
}

// Every time is counted in a bucket that ends at or above it, by at most a sixteenth of it.
func TestBucketsHoldEveryTime(t *testing.T) {
	for shift := range 62 {
		for _, off := range []int64{-1, 0, 1} {
			d := int64(1)<<shift + off
			got := upTo(d)
			if d >= 31<<31 {
				if got != math.MaxInt64 {
					t.Errorf("%d ns, in the last bucket, are given as %d, want the maximum", d, got)
				}
			} else if got < d || float64(got) > float64(d)*(1+1.0/16) {
				t.Errorf("%d ns are counted as up to %d", d, got)
			} else if again, next := upTo(got), upTo(got+1); again != got || next <= got {
				t.Errorf("%d ns are counted as up to %d, but those as up to %d, and one more as up to %d", d, got, again, next)
			}
		}
	}
}

// upTo is the end of the bucket of a time.
func upTo(d int64) int64 {
	var h realtime.Histogram
	h.Add(time.Duration(d))
	h.Add(math.MaxInt64) // so that the maximum does not help
	return int64(h.Quantile(0.5))
}

func TestHistogramOfNothing(t *testing.T) {
	var h realtime.Histogram
	if h.Count() != 0 || h.Max() != 0 || h.Quantile(0.99) != 0 {
		t.Errorf("count %d, maximum %v, quantile %v", h.Count(), h.Max(), h.Quantile(0.99))
	}
	h.Add(-time.Second)
	if h.Count() != 1 || h.Max() != 0 || h.Quantile(1) != 0 {
		t.Errorf("a time below 0: count %d, maximum %v, quantile %v", h.Count(), h.Max(), h.Quantile(1))
	}
}

func TestMergeResetSnapshot(t *testing.T) {
	var a, b, both, copied realtime.Histogram
	for i := range 1000 {
		d := time.Duration(i * i)
		both.Add(d)
		if i%3 == 0 {
			a.Add(d)
		} else {
			b.Add(d)
		}
	}
	copied.Add(time.Hour)
	both.Snapshot(&copied)
	a.Merge(&b)
	for _, q := range []float64{0.01, 0.5, 0.99, 1} {
		if a.Quantile(q) != both.Quantile(q) || copied.Quantile(q) != both.Quantile(q) {
			t.Errorf("quantile %v: merged %v, copied %v, want %v", q, a.Quantile(q), copied.Quantile(q), both.Quantile(q))
		}
	}
	if a.Count() != 1000 || copied.Count() != 1000 || copied.Max() != both.Max() {
		t.Errorf("counts %d and %d, maximum %v", a.Count(), copied.Count(), copied.Max())
	}
	both.Reset()
	if both.Count() != 0 || both.Max() != 0 || copied.Count() != 1000 {
		t.Errorf("after a reset: count %d, maximum %v, the copy's count %d", both.Count(), both.Max(), copied.Count())
	}
}

// Others may read while one adds: for the race detector, and no count goes back.
func TestHistogramIsReadMeanwhile(t *testing.T) {
	var h realtime.Histogram
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 20_000 {
			h.Add(time.Duration(i))
		}
	}()
	var copied realtime.Histogram
	for last := uint64(0); ; {
		h.Snapshot(&copied)
		n := copied.Count()
		if n < last {
			t.Fatalf("%d times, before there were %d", n, last)
		}
		last = n
		select {
		case <-done:
			if h.Count() != 20_000 {
				t.Errorf("%d times, want 20000", h.Count())
			}
			return
		default:
		}
	}
}

func TestHistogramAllocatesNothing(t *testing.T) {
	h, o := new(realtime.Histogram), new(realtime.Histogram)
	if n := testing.AllocsPerRun(100, func() { h.Add(12345); h.Snapshot(o); _ = o.Quantile(0.5) }); n != 0 {
		t.Errorf("allocates %v times", n)
	}
}

func BenchmarkHistogramAdd(b *testing.B) {
	var h realtime.Histogram
	for i := 0; b.Loop(); i++ {
		h.Add(time.Duration(i & 0xfffff))
	}
}
