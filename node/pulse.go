package node

import (
	"sync/atomic"
	"time"
)

// pulse is the progress of a control loop, as its sentinel is told of it. What moves it is the
// loop's own work, the ticks of its timer or, where joint states drive it, those and the watch over
// them: another goroutine that runs says nothing about the torque that is in force.
type pulse struct {
	patience int64         // for how long the loop may stand still, ns; 0 for any time
	turned   int64         // when it last moved, steady ns, 0 for never; under the loop's lock
	turns    atomic.Uint64 // how often it has moved
	over     atomic.Bool   // the torque is zero for good
	counted  uint64        // turns when alive was last called; of its goroutine
}

// turn notes that the loop has moved, when its torque is out.
func (p *pulse) turn(now int64) {
	p.turned = now
	p.turns.Add(1)
}

// stood returns for how long the loop has stood still, if that is longer than it may.
func (p *pulse) stood(now int64) (time.Duration, bool) {
	still := now - p.turned
	return time.Duration(still), p.patience > 0 && p.turned != 0 && still > p.patience
}

// alive tells whether the loop has moved since the last call, or no torque waits for it: it has not
// begun, or has ended. It does not wait for the loop's lock, which a loop that hangs may have.
func (p *pulse) alive() bool {
	turns := p.turns.Load()
	moved := turns != p.counted || turns == 0
	p.counted = turns
	return moved || p.over.Load()
}

// every returns how often the loop is to move where nothing else drives it, for each sign of life to
// find that it has; at most every.
func (p *pulse) every(most time.Duration) time.Duration {
	if p.patience == 0 {
		return most
	}
	return min(most, time.Duration(p.patience)/(2*sentinelBeats))
}

// awake latches a fault, under the lock, if the loop has stood still for too long, before it answers
// anything: the sentinel has zeroed the torque meanwhile, and what the loop knew is old.
func (l *loop) awake(now int64) {
	if _, long := l.pulse.stood(now); long {
		l.stand(now)
	}
}

// stalled latches the same fault on the sentinel's word: it may have missed the signs of life of a
// loop that did not stand still.
func (l *loop) stalled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.zeroOnPanic()
	l.stand(l.clock.Steady())
}

// stand latches the fault of a loop that stood still, and answers it.
func (l *loop) stand(now int64) {
	still, _ := l.pulse.stood(now)
	l.pulse.turned = now // told of once
	before := l.machine.Phase()
	l.publish(l.machine.Stalled(max(still, time.Duration(l.pulse.patience)), time.Duration(l.pulse.patience), now))
	l.swap(before)
}
