package safety

import "time"

// maxMissed bounds Config.MissedPerSecond, and with it the memory of Deadlines.
const maxMissed = 10_000

// Deadlines counts the deadlines that the control loop missed. One goroutine at a time.
type Deadlines struct {
	most, row int
	times     []int64 // of the latest that were missed, a ring; as many as are a fault
	next      int
	filled    int // how many of the ring
	missed    uint64
}

// NewDeadlines returns the counter with the limits of valid settings.
func NewDeadlines(c Config) *Deadlines {
	return &Deadlines{most: c.MissedInARow, times: make([]int64, c.MissedPerSecond)}
}

// Tick notes a tick before which some were missed altogether, at a time of a steady clock in ns, and
// returns a fault when too many were, in a row or within a second. It does not allocate.
func (d *Deadlines) Tick(missed int, now int64) Fault {
	if missed <= 0 {
		d.row = 0
		return Fault{}
	}
	// More are as many as are a fault.
	for range min(missed, max(d.most, len(d.times))) - 1 {
		d.miss(now)
	}
	return d.miss(now)
}

// miss notes one.
func (d *Deadlines) miss(now int64) Fault {
	d.missed++
	d.row++
	fault := Fault{}
	if n := len(d.times); n > 0 {
		d.times[d.next] = now
		d.next = (d.next + 1) % n
		d.filled = min(d.filled+1, n)
		// In a full ring the oldest is where the next will be.
		if d.filled == n && now-d.times[d.next] < int64(time.Second) {
			fault = Fault{Kind: MissedDeadlines, Value: float64(n), Bound: float64(n), Limit: time.Second}
		}
	}
	if d.most > 0 && d.row >= d.most {
		fault = Fault{Kind: MissedDeadlines, Value: float64(d.row), Bound: float64(d.most)}
	}
	return fault
}

// Missed returns how many deadlines were missed since the start.
func (d *Deadlines) Missed() uint64 { return d.missed }

// Reset forgets what counts towards a fault: after one ended, or a pause.
func (d *Deadlines) Reset() {
	d.row, d.next, d.filled = 0, 0, 0
}
