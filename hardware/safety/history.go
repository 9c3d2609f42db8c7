package safety

import (
	"math"
	"time"
)

// history holds the torques that may still come to act, or act now, when a reading is taken: a
// torque may act from the reading that it was computed from, and does at most the delay after it,
// unless a later torque does so first. Torques of readings close to one another share a span, so
// that the size is bounded whatever the rate. It does not allocate once it is made.
type history struct {
	delay int64  // ns, 0: nothing is late
	spans []span // the oldest first; there is one at least
	size  int
	stamp int64   // of the latest reading, ns
	seen  bool    // there was one
	gap   float64 // s, from the reading before it
	// times says for how many s after the latest reading each of the spans is the oldest that may act.
	times []float64
}

// span bounds the torques of some ticks in a row.
type span struct {
	begin     int64     // stamp of the first one's reading, ns
	low, high []float64 // n
	wide      bool      // they may differ
}

// Spans are begun at this part of the delay after one another, and more than there are then
// cannot be needed.
const (
	spanPart = 8
	maxSpans = spanPart + 4
)

func newHistory(n int, delay time.Duration) *history {
	h := &history{delay: int64(delay), spans: make([]span, maxSpans), size: 1, times: make([]float64, maxSpans)}
	for i := range h.spans {
		h.spans[i] = span{low: make([]float64, n), high: make([]float64, n)}
	}
	return h
}

// seconds returns the delay in s.
func (h *history) seconds() float64 { return float64(h.delay) * 1e-9 }

// read takes the stamp of a reading, in ns, for what is asked next. A clock that went back makes
// all torques as old as the reading.
func (h *history) read(stamp int64) {
	if gap := stamp - h.stamp; gap > 0 && h.seen {
		h.gap = min(float64(gap)*1e-9, longestTick)
	}
	h.stamp, h.seen = stamp, true
	drop := 0
	for i := range h.size {
		s := &h.spans[i]
		s.begin = min(s.begin, stamp)
		if i > 0 && stamp-s.begin >= h.delay {
			drop = i // it acts for certain, so that those before it do not
		}
	}
	for ; drop > 0; drop-- {
		first := h.spans[0]
		copy(h.spans, h.spans[1:h.size])
		h.spans[h.size-1] = first
		h.size--
	}
	from := int64(0)
	for i := range h.size {
		to := h.delay
		if i+1 < h.size {
			to = min(max(from, h.delay-(stamp-h.spans[i+1].begin)), h.delay)
		}
		h.times[i] = float64(to-from) * 1e-9
		from = to
	}
}

// push adds the torque that answers the latest reading.
func (h *history) push(torque []float64) {
	if last := h.spans[h.size-1].begin; h.size == maxSpans || h.stamp-last < h.delay/spanPart {
		h.widen(torque)
		return
	}
	s := &h.spans[h.size]
	s.begin = h.stamp
	copy(s.low, torque)
	copy(s.high, torque)
	s.wide = false
	h.size++
}

// widen adds a torque that answers no reading: it acts instead of the last one, or does not.
func (h *history) widen(torque []float64) {
	s := &h.spans[h.size-1]
	s.wide = true
	for i, v := range torque {
		s.low[i], s.high[i] = min(s.low[i], v), max(s.high[i], v)
	}
}

// worst writes to up and down, each as long as times of the history, the largest accelerations
// row tau + drift and -(row tau + drift) of the torques that may act in each of the times: of the
// span and those after it.
func (h *history) worst(up, down, row []float64, drift float64) {
	mostUp, mostDown := math.Inf(-1), math.Inf(-1)
	for i := h.size - 1; i >= 0; i-- {
		s := &h.spans[i]
		low, least := s.low[:len(row)], drift
		for j, v := range row {
			least += v * low[j]
		}
		most := least
		if s.wide {
			high := s.high[:len(row)]
			least, most = drift, drift
			for j, v := range row {
				least += min(v*low[j], v*high[j])
				most += max(v*low[j], v*high[j])
			}
		}
		mostUp, mostDown = max(mostUp, most), max(mostDown, -least)
		up[i], down[i] = mostUp, mostDown
	}
}
