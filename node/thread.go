package node

import (
	"slices"
	"sync"

	"guidedpolicysearch/node/realtime"
)

// thread is the real-time thread that a control loop runs on: that of its timer, or the one that
// receives joint states.
type thread struct {
	cfg realtime.Config

	mu      sync.Mutex // the supervisor raises companions meanwhile
	adopted *realtime.Thread
}

// adopt makes the calling goroutine's thread the loop's. What the system does not allow it is
// told once, and noted in the loop.
func (n *node) adopt(l *loop) {
	t := l.thread
	t.mu.Lock()
	adopted, notes := realtime.Adopt(t.cfg)
	t.adopted = adopted
	t.mu.Unlock()
	l.mu.Lock()
	l.notes = notes
	l.mu.Unlock()
	n.posting.Lock()
	defer n.posting.Unlock()
	for _, text := range notes {
		if !slices.Contains(n.noted, text) {
			n.noted = append(n.noted, text)
			n.tell(text)
		}
	}
}

// receiveFor makes the thread that receives joint states the real-time thread of a loop that is
// driven by them outside lock step, nil for none, as long as that is there. It runs on the goroutine
// of messages: what it was for an earlier loop ends with the next message.
func (n *node) receiveFor(l *loop) {
	var wanted *thread
	if l != nil && !l.timer {
		wanted = l.thread
	}
	if wanted == n.receiving {
		return
	}
	if n.receiving != nil {
		n.receiving.release()
	}
	if n.receiving = wanted; wanted != nil {
		n.adopt(l)
	}
}

// companions raises the threads that the process has started since, before an arm moves.
func (t *thread) companions() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.adopted != nil {
		t.adopted.Companions() // what it cannot do was told when the thread was adopted
	}
}

// release undoes adopt, on the same goroutine; it does nothing for a thread that is nobody's.
func (t *thread) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.adopted != nil {
		t.adopted.Release()
		t.adopted = nil
	}
}
