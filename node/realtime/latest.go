package realtime

import "sync/atomic"

// Latest passes the latest value from one goroutine to another without locks, and so that
// neither waits for the other: of three values one is being written, one is being read, and one
// changes hands (triple buffering). Values that are not taken in time are overwritten.
type Latest[T any] struct {
	values  [3]T
	back    uint32 // being written
	front   uint32 // being read
	between atomic.Uint32
}

// fresh marks the value in between as one that has not been taken.
const fresh = 4

// NewLatest returns a slot of three values that create makes, so that those which have slices
// have memory for them.
func NewLatest[T any](create func() T) *Latest[T] {
	l := &Latest[T]{back: 0, front: 1}
	for i := range l.values {
		l.values[i] = create()
	}
	l.between.Store(2)
	return l
}

// Back returns the value to write, which has the content of an earlier one. It belongs to the
// writing goroutine until Publish.
func (l *Latest[T]) Back() *T { return &l.values[l.back] }

// Publish hands the value of Back over, and says if the one before it was taken.
func (l *Latest[T]) Publish() (taken bool) {
	was := l.between.Swap(l.back | fresh)
	l.back = was &^ fresh
	return was&fresh == 0
}

// Take returns the latest value, and whether it was not returned before. It belongs to the
// reading goroutine until the next Take.
func (l *Latest[T]) Take() (value *T, isNew bool) {
	if l.between.Load()&fresh != 0 {
		l.front = l.between.Swap(l.front) &^ fresh
		isNew = true
	}
	return &l.values[l.front], isNew
}
