package record

// Log holds serialized messages of one topic. Its memory is allocated at once, so that
// a control tick appends without allocating.
type Log struct {
	data    []byte
	entries []entry
	dropped int
	clock   *clock
	budget  *Budget // nil for one whose memory does not grow
}

// Budget bounds the messages of several logs together. One goroutine at a time.
type Budget struct {
	Max  int // bytes
	used int
}

// NewGrowingLog returns a log that allocates as it grows, within a budget. It is not for a control
// tick.
func NewGrowingLog(b *Budget) *Log { return &Log{clock: &clock{}, budget: b} }

// fits tells whether there is room for a payload, and takes it from the budget.
func (l *Log) fits(payload []byte) bool {
	if l.budget == nil {
		return len(l.entries) < cap(l.entries) && len(payload) <= cap(l.data)-len(l.data)
	}
	const overhead = 64 // of a message in memory
	if need := len(payload) + overhead; need <= l.budget.Max-l.budget.used {
		l.budget.used += need
		return true
	}
	return false
}

// entry is where a message ends in data, and its times in ns.
type entry struct {
	end           int
	receive, send int64
}

// clock turns receive times into times that never go back. Logs of one trial share it, so that
// their messages stay in step when the machine's clock is set back.
type clock struct {
	offset  int64 // ns to add to receive times
	latest  int64 // of the times that were given out
	setBack int   // how often the machine's clock was set back
}

// NewLog returns a log for at most the given number of messages and of bytes in all.
func NewLog(messages, bytes int) *Log {
	return &Log{data: make([]byte, 0, bytes), entries: make([]entry, 0, messages), clock: &clock{}}
}

// Append copies a payload. receive and send are its times in ns since the epoch. If
// there is no room it counts the message as dropped and returns false. Receive times that
// go back, because the machine's clock was set, go on from the one before instead.
func (l *Log) Append(payload []byte, receive, send int64) bool {
	if !l.fits(payload) {
		l.dropped++
		return false
	}
	receive += l.clock.offset
	if n := len(l.entries); n > 0 && receive < l.entries[n-1].receive {
		forward := l.clock.latest + 1 - receive
		receive += forward
		l.clock.offset += forward
		l.clock.setBack++
	}
	l.clock.latest = max(l.clock.latest, receive)
	l.data = append(l.data, payload...)
	l.entries = append(l.entries, entry{len(l.data), receive, send})
	return true
}

// Reset empties the log and keeps its memory.
func (l *Log) Reset() {
	l.data, l.entries, l.dropped = l.data[:0], l.entries[:0], 0
	*l.clock = clock{}
}

// Len returns the number of messages.
func (l *Log) Len() int { return len(l.entries) }

// Bytes returns the size of the messages.
func (l *Log) Bytes() int { return len(l.data) }

// Dropped returns how many messages found no room since the last Reset.
func (l *Log) Dropped() int { return l.dropped }

// SetBack returns how often the machine's clock went back between two messages since the last
// Reset, and by how much in all, in ns.
func (l *Log) SetBack() (times int, ns int64) { return l.clock.setBack, l.clock.offset }

// At returns message i, as a view that holds until Reset, and its times in ns.
func (l *Log) At(i int) (payload []byte, receive, send int64) {
	start := 0
	if i > 0 {
		start = l.entries[i-1].end
	}
	e := l.entries[i]
	return l.data[start:e.end:e.end], e.receive, e.send
}
