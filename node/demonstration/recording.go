package demonstration

import (
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/hardware/trajectory"
)

// Stretch is a motion whose stamps go on: where a clock was set back, or a trial that a run recorded
// begins, another one does.
type Stretch struct {
	*trajectory.Trajectory
	// Stamp is that of the first row in ns.
	Stamp int64
	// From and To are the messages of the topic of joint states that the stretch is made of, counted
	// from 0 in the order of the files, without To; 0 for CSV files.
	From, To int
	// CommandAge holds, per row, how long ago its effort was commanded, in multiples of the usual time
	// between two commands, or of that between two joint states if that is longer: 0 for a command that
	// answers the row, +Inf where none was given yet, whose effort is 0. It is nil where efforts are
	// not commands.
	CommandAge []float64
}

// Uncommanded returns how many of the stretch's rows come before its first command.
func (s *Stretch) Uncommanded() int {
	n := 0
	for n < len(s.CommandAge) && math.IsInf(s.CommandAge[n], 1) {
		n++
	}
	return n
}

// rounding, in s, is what stamps are taken for equal within.
const rounding = 1e-9

// Begin returns the rows of a motion from a time on, on the motion's own clock (s), which is at or
// after the first row and before the last: between two rows the first one is what the cubic through them
// is there, with the effort that held. Errors wrap initial.ErrDemonstration.
func Begin(m *trajectory.Trajectory, begin float64) (*initial.Demonstration, error) {
	n := len(m.Position) / len(m.Time)
	from := func(row int) *initial.Demonstration {
		d := &initial.Demonstration{DQ: n, Time: m.Time[row:], Position: m.Position[row*n:]}
		if m.Velocity != nil {
			d.Velocity = m.Velocity[row*n:]
		}
		if m.Effort != nil {
			d.DU, d.Effort = n, m.Effort[row*n:]
		}
		return d
	}
	last := 0
	for last+1 < len(m.Time) && m.Time[last+1] <= begin+rounding {
		last++
	}
	before := from(last)
	if begin-m.Time[last] <= rounding || last+1 == len(m.Time) {
		return before, before.Validate()
	}
	// One step from the row before to the beginning is where the motion is then.
	at, err := before.Resample(1, begin-m.Time[last])
	if err != nil {
		return nil, fmt.Errorf("at %.6g s: %w", begin, err)
	}
	d := from(last + 1)
	d.Time, d.Position = slices.Concat([]float64{begin}, d.Time), slices.Concat(at.Position[n:], d.Position)
	if d.Velocity != nil {
		d.Velocity = slices.Concat(at.Velocity[n:], d.Velocity)
	}
	if d.Effort != nil {
		d.Effort = m.Effort[last*n:]
	}
	return d, nil
}

// Reception puts the times at which the messages of a bag were received in one order, where the
// clock of the machine that recorded them was set back: those after it go on from those before. Its
// zero value is ready.
type Reception struct {
	began        bool
	shift, most  int64
	latest       [2]int64
	has          [2]bool
	back         int
	byCommand    bool // the commands went back, and no joint state was there since
	outOfOrder   bool
	latestStates int64
}

// Place returns when a message was received, in ns: of the joint states (topic 0) or commands (topic 1).
// Messages are given in the order in which the files have them.
func (r *Reception) Place(topic int, received int64) int64 {
	const apart = 1e9 // ns; messages of the two topics may be a little out of order
	if topic == 0 && r.byCommand {
		// A clock that is set back is so for both topics.
		r.byCommand, r.outOfOrder = false, r.outOfOrder || received >= r.latestStates
	}
	if r.has[topic] && received < r.latest[topic] {
		r.shift = r.most + apart - received
		r.has = [2]bool{}
		r.back++
		r.byCommand = topic == 1
	}
	r.latest[topic], r.has[topic] = received, true
	if topic == 0 {
		r.latestStates = received
	}
	placed := received + r.shift
	if !r.began || placed > r.most {
		r.most, r.began = placed, true
	}
	return placed
}

// SetBack returns how often the clock was set back.
func (r *Reception) SetBack() int { return r.back }

// OutOfOrder tells that commands were received before those that are before them in the files, and
// joint states were not.
func (r *Reception) OutOfOrder() bool { return r.outOfOrder || r.byCommand }
